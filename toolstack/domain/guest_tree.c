/* The store tree of a guest.
 *
 * A node takes its parent's permissions when it is created, so each directory gets its own before what
 * lies in it is written. Three kinds: the guest reads (n0 rD), the guest owns (nD), dom0 alone (n0).
 * Rules: what the guest must not decide (ring addresses, names, back-end halves) is never the guest's;
 * everything is in one transaction, so that no watcher sees half a device (the kernels look once).
 * Neighbours: guest_build.c made the rings, create.c calls us, dom0/domaind reads /bothy.
 */
#include "toolstack/domain/guest_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "dom0/lib/backends.h"

enum { CONSOLE_LIMIT = 1 << 20 };

struct writer {
	struct store *store;
	uint32_t tx;
	const struct guest_tree *tree;
	int error; /* of the first failure; nothing is written after it */
	char dir[STORE_PATH_SIZE];
	char guest_reads[24], guest_owns[24];
};

/* Set the directory that the next put() calls write in. */
static __attribute__((format(printf, 2, 3))) void enter(struct writer *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(w->dir, sizeof(w->dir), fmt, args);
	va_end(args);
}

static __attribute__((format(printf, 3, 4))) void put(
	struct writer *w, const char *name, const char *fmt, ...)
{
	char path[STORE_PATH_SIZE + 64], value[1536];
	va_list args;

	if (w->error)
		return;
	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s%s%s", w->dir, name[0] ? "/" : "", name);
	w->error = store_write(w->store, w->tx, path, value);
}

static void perms(struct writer *w, const char *name, const char *value)
{
	char path[STORE_PATH_SIZE + 64];

	if (w->error)
		return;
	snprintf(path, sizeof(path), "%s%s%s", w->dir, name[0] ? "/" : "", name);
	w->error = store_set_perms(w->store, w->tx, path, value);
}

/* An empty directory with permissions of its own. */
static void make(struct writer *w, const char *name, const char *value)
{
	put(w, name, "%s", "");
	perms(w, name, value);
}

static void write_identity(struct writer *w)
{
	const struct guest_tree *t = w->tree;
	char uuid[UUID_TEXT];

	uuid_format(t->guest->uuid, uuid);
	enter(w, "/local/domain/%u", t->domid);
	make(w, "", w->guest_reads);
	put(w, "name", "%s", t->guest->name);
	put(w, "domid", "%u", t->domid);
	put(w, "vm", "/vm/%s", uuid);
	enter(w, "/vm/%s", uuid);
	make(w, "", w->guest_reads);
	put(w, "name", "%s", t->guest->name);
	put(w, "uuid", "%s", uuid);
	put(w, "start_time", "%llu", (unsigned long long)t->start_time);
}

static void write_resources(struct writer *w)
{
	const struct guest_cfg *g = w->tree->guest;

	enter(w, "/local/domain/%u", w->tree->domid);
	put(w, "memory/target", "%llu", (unsigned long long)g->memory_mib * 1024);
	put(w, "memory/static-max", "%llu", (unsigned long long)g->maxmem_mib * 1024);
	put(w, "memory/videoram", "-1");
	for (unsigned int v = 0; v < g->maxvcpus; v++) {
		char name[32];

		snprintf(name, sizeof(name), "cpu/%u/availability", v);
		put(w, name, "%s", v < g->vcpus ? "online" : "offline");
	}
}

static void write_rings(struct writer *w)
{
	const struct guest_rings *r = w->tree->rings;

	put(w, "store/ring-ref", "%llu", (unsigned long long)r->store_mfn);
	put(w, "store/port", "%u", r->store_port);
	put(w, "console/ring-ref", "%llu", (unsigned long long)r->console_mfn);
	put(w, "console/port", "%u", r->console_port);
	put(w, "console/limit", "%d", CONSOLE_LIMIT);
	put(w, "console/type", "xenconsoled");
	put(w, "console/output", "pty");
	put(w, "console/tty", "%s", "");
}

/* Where guest and tools talk to each other. */
static void write_control(struct writer *w)
{
	static const char *const owned[] = {
		"shutdown", "sysrq", "feature-poweroff", "feature-reboot", "feature-suspend"};
	static const char *const guest_dirs[] = {"data", "drivers", "attr", "error", "feature"};
	char name[64];

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
		snprintf(name, sizeof(name), "control/%s", owned[i]);
		make(w, name, w->guest_owns);
	}
	put(w, "control/platform-feature-multiprocessor-suspend", "1");
	put(w, "control/platform-feature-xs_reset_watches", "1");
	make(w, "device", w->guest_reads);
	make(w, "device/suspend/event-channel", w->guest_owns);
	for (size_t i = 0; i < sizeof(guest_dirs) / sizeof(guest_dirs[0]); i++)
		make(w, guest_dirs[i], w->guest_owns);
}

void backend_path(
	char out[STORE_PATH_SIZE], const char *kind, const char *type, uint16_t domid, uint32_t device)
{
	snprintf(out, STORE_PATH_SIZE, "/local/domain/0/%s/%s/%u/%u", kind, type, domid, device);
}

const char *disk_backend_kind(const struct disk_spec *d)
{
	return d->kernel_backend ? BACKENDS_KERNEL : BACKENDS_USER;
}

const char *vif_backend_kind(const struct vif_spec *v)
{
	return v->kernel_backend ? BACKENDS_KERNEL : BACKENDS_USER;
}

/* The halves every device has in common; leaves the writer in the back end's directory. */
static void write_device(struct writer *w, const char *kind, const char *type, uint32_t device)
{
	uint16_t domid = w->tree->domid;
	char front_perms[24], back[STORE_PATH_SIZE];

	snprintf(front_perms, sizeof(front_perms), "n%u r0", domid);
	backend_path(back, kind, type, domid, device);
	enter(w, "/local/domain/%u/device/%s/%u", domid, type, device);
	make(w, "", front_perms);
	put(w, "backend", "%s", back);
	put(w, "backend-id", "0");
	put(w, "state", "1");
	enter(w, "%s", back);
	make(w, "", w->guest_reads);
	put(w, "frontend", "/local/domain/%u/device/%s/%u", domid, type, device);
	put(w, "frontend-id", "%u", domid);
	put(w, "online", "1");
	put(w, "state", "1");
}

/* What only Linux's driver asks for. */
static void write_kernel_disk(struct writer *w, const struct disk_device *device)
{
	put(w, "type", "phy");
	put(w, "bootable", "1");
	put(w, "discard-enable", "1");
	put(w, "physical-device", "%x:%x", device->major, device->minor);
	put(w, "hotplug-status", "connected");
}

/* What only a process of dom0's asks for, through backendd. */
static void write_user_disk(struct writer *w, const struct disk_spec *d)
{
	if (d->sector_bytes)
		put(w, "wanted-sector-size", "%u", d->sector_bytes);
	if (d->secure_discard)
		put(w, "secure-discard", "1");
	if (d->bytes_per_second)
		put(w, "bytes-per-second", "%llu", (unsigned long long)d->bytes_per_second);
	if (d->operations_per_second)
		put(w, "operations-per-second", "%llu", (unsigned long long)d->operations_per_second);
	if (d->burst_ms)
		put(w, "burst-ms", "%u", d->burst_ms);
}

static void write_disk(
	struct writer *w, const struct disk_spec *d, const struct disk_device *device)
{
	const char *kind = d->cdrom ? "cdrom" : "disk";

	write_device(w, disk_backend_kind(d), "vbd", d->vdev_nr);
	put(w, "params", "%s", d->target);
	put(w, "mode", "%s", d->writable ? "w" : "r");
	put(w, "device-type", "%s", kind);
	put(w, "dev", "%s", d->vdev);
	put(w, "removable", "%d", d->cdrom);
	if (d->kernel_backend)
		write_kernel_disk(w, device);
	else
		write_user_disk(w, d);
	enter(w, "/local/domain/%u/device/vbd/%u", w->tree->domid, d->vdev_nr);
	put(w, "virtual-device", "%u", d->vdev_nr);
	put(w, "device-type", "%s", kind);
}

/* What only one of both back ends asks for. */
static void write_vif_backend(struct writer *w, const struct vif_spec *v)
{
	if (v->kernel_backend) {
		put(w, "script", "%s", v->script);
		put(w, "type", "vif");
	} else {
		put(w, "mode", "%s", vif_mode_name(v->mode));
		put(w, "queues", "%u", w->tree->guest->maxvcpus);
	}
}

static void write_vif(struct writer *w, const struct vif_spec *v, uint32_t index)
{
	char mac[MAC_TEXT];

	mac_format(v->mac, mac);
	write_device(w, vif_backend_kind(v), "vif", index);
	put(w, "handle", "%u", index);
	put(w, "mac", "%s", mac);
	write_vif_backend(w, v);
	if (v->bridge[0])
		put(w, "bridge", "%s", v->bridge);
	if (v->ip[0])
		put(w, "ip", "%s", v->ip);
	if (v->rate_bytes)
		put(w, "rate", "%llu,%u", (unsigned long long)vif_rate_part(v), v->rate_us);
	if (v->ifname[0])
		put(w, "vifname", "%s", v->ifname);
	enter(w, "/local/domain/%u/device/vif/%u", w->tree->domid, index);
	put(w, "handle", "%u", index);
	put(w, "mac", "%s", mac);
}

/* A console that consoled serves when the guest connects it. */
static void write_channel(struct writer *w, const struct channel_spec *c, uint32_t number)
{
	write_device(w, BACKENDS_USER, "console", number);
	put(w, "name", "%s", c->name);
	put(w, "connection", "pty");
	put(w, "tty", "%s", "");
	enter(w, "/local/domain/%u/device/console/%u", w->tree->domid, number);
	put(w, "name", "%s", c->name);
	put(w, "limit", "%d", CONSOLE_LIMIT);
	put(w, "type", "xenconsoled");
	put(w, "output", "pty");
}

/* For domaind: no guest may see or touch this. */
static void write_policy(struct writer *w)
{
	const struct guest_cfg *g = w->tree->guest;
	char uuid[UUID_TEXT];

	uuid_format(g->uuid, uuid);
	enter(w, "/bothy/domain/%u", w->tree->domid);
	make(w, "", "n0");
	put(w, "name", "%s", g->name);
	put(w, "uuid", "%s", uuid);
	put(w, "config", "%s", w->tree->config_path);
	put(w, "on_poweroff", "%s", guest_action_name(g->on_poweroff));
	put(w, "on_reboot", "%s", guest_action_name(g->on_reboot));
	put(w, "on_crash", "%s", guest_action_name(g->on_crash));
}

static void writer_init(struct writer *w, struct store *s, uint32_t tx, const struct guest_tree *t)
{
	*w = (struct writer){.store = s, .tx = tx, .tree = t};
	snprintf(w->guest_reads, sizeof(w->guest_reads), "n0 r%u", t->domid);
	snprintf(w->guest_owns, sizeof(w->guest_owns), "n%u", t->domid);
}

static int write_all(struct store *s, uint32_t tx, void *arg)
{
	struct writer w;
	const struct guest_tree *t = arg;
	const struct guest_cfg *g = t->guest;

	writer_init(&w, s, tx, t);
	write_identity(&w);
	write_resources(&w);
	write_rings(&w);
	write_control(&w);
	for (size_t i = 0; i < g->disk_count; i++)
		write_disk(&w, &g->disks[i], &w.tree->disks[i]);
	for (size_t i = 0; i < g->vif_count; i++)
		write_vif(&w, &g->vifs[i], (uint32_t)i);
	for (size_t i = 0; i < g->channel_count; i++)
		write_channel(&w, &g->channels[i], (uint32_t)i + 1);
	write_policy(&w);
	return w.error;
}

int guest_tree_write(struct store *s, const struct guest_tree *t)
{
	struct guest_tree tree = *t;

	return store_transact(s, write_all, &tree);
}

struct added {
	struct guest_tree tree;
	const struct disk_spec *disk;
	const struct disk_device *device;
};

/* Whether a back end of either kind has the number. */
static int is_taken(struct store *s, uint32_t tx, uint16_t domid, uint32_t number)
{
	static const char *const kinds[] = {BACKENDS_KERNEL, BACKENDS_USER};
	char path[STORE_PATH_SIZE], value[8];
	int rc = -ENOENT;

	for (size_t i = 0; rc == -ENOENT && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		backend_path(path, kinds[i], "vbd", domid, number);
		rc = store_read_buf(s, tx, path, value, sizeof(value));
	}
	return rc == -ENOENT ? 0 : rc < 0 && rc != -E2BIG ? rc : -EEXIST;
}

static int write_added(struct store *s, uint32_t tx, void *arg)
{
	const struct added *a = arg;
	char path[STORE_PATH_SIZE];
	struct writer w;
	int rc = is_taken(s, tx, a->tree.domid, a->disk->vdev_nr);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u", a->tree.domid, a->disk->vdev_nr);
	rc = store_rm(s, tx, path);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	writer_init(&w, s, tx, &a->tree);
	write_disk(&w, a->disk, a->device);
	return w.error;
}

int guest_tree_add_disk(
	struct store *s, uint16_t domid, const struct disk_spec *d, const struct disk_device *device)
{
	struct added a = {.tree = {.domid = domid}, .disk = d, .device = device};

	return store_transact(s, write_added, &a);
}
