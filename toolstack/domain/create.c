/* The transaction of creating a guest.
 *
 * A list of steps over one record of what is held. Whatever fails, the same undo runs: it releases what the
 * record holds, and has the domain reaped by the code that also reaps dead guests. So there is one way to
 * remove a domain, and a creation that was killed is removed by the very same (see marker.c).
 * Rules: everything that can be refused is refused before the domain exists; nobody waits for a guest that
 * is not complete, so it stays paused to the end; the mark goes before the guest runs.
 * Neighbours: guest_build.c (hypervisor), guest_tree.c (store), device/ (back ends), verb_create.c.
 */
#include "toolstack/domain/create.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/reap.h"
#include "dom0/lib/sysctl.h"
#include "toolstack/device/bridge.h"
#include "toolstack/device/device_wait.h"
#include "toolstack/device/disk_open.h"
#include "toolstack/device/loop_device.h"
#include "toolstack/domain/conflicts.h"
#include "toolstack/domain/guest_build.h"
#include "toolstack/domain/guest_tree.h"
#include "toolstack/domain/marker.h"
#include "toolstack/files.h"
#include "toolstack/wait.h"

enum { CONSOLE_TIMEOUT_MS = 5000, PAGES_PER_MIB = 256 };

struct creation {
	struct host *host;
	struct guest_cfg guest; /* ours: UUID and MACs are filled in */
	const struct create_options *options;
	struct guest_image image;
	struct block_handle blocks[GUEST_DISKS_MAX];
	struct guest_rings rings;
	char config_path[256];
	uint16_t domid; /* 0: no domain yet */
	bool marked, kept;
	const char *warning;
	struct why *why;
};

static int settle_identity(struct creation *c)
{
	int rc = 0;

	if (!c->guest.uuid_given)
		rc = uuid_draw(c->guest.uuid);
	if (rc < 0)
		return why_set(c->why, rc, "no random numbers: %s", strerror(-rc));
	c->guest.uuid_given = true;
	return 0;
}

static int settle_addresses(struct creation *c)
{
	return macs_settle(c->host->store, &c->guest, c->why);
}

static int open_image(struct creation *c)
{
	return guest_image_open(&c->image, &c->guest, c->options->places->kernel_cache, c->why);
}

static int open_disks(struct creation *c)
{
	for (size_t i = 0; i < c->guest.disk_count; i++) {
		const struct disk_spec *d = &c->guest.disks[i];
		int rc = disk_open(&c->blocks[i], d, c->why);

		if (rc == 0)
			rc = disk_check_own(&c->guest, i, c->why);
		if (rc == 0)
			rc = disk_check_shared(c->host->store, d, &c->blocks[i], c->why);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_bridges(struct creation *c)
{
	for (size_t i = 0; i < c->guest.vif_count; i++) {
		const struct vif_spec *v = &c->guest.vifs[i];
		int rc = v->mode == VIF_BRIDGED ? bridge_check(v->bridge, c->why) : 0;

		if (rc < 0) {
			why_where(c->why, "vif");
			return rc;
		}
	}
	return 0;
}

/* A guess, for others take memory too; but it saves making half a domain, and tells the numbers. */
static int check_memory(struct creation *c)
{
	struct xen_sysctl_physinfo host;
	unsigned long long wanted = c->guest.memory_mib, available;
	int rc = sysctl_physinfo(&c->host->hv, &host);

	if (rc < 0)
		return why_set(c->why, rc, "memory of the host: %s", strerror(-rc));
	available = host.free_pages / PAGES_PER_MIB;
	if (wanted <= available)
		return 0;
	why_set(c->why, -ENOMEM, "%llu MiB wanted, %llu MiB free", wanted, available);
	why_where(c->why, "memory");
	why_hint(c->why, "bothy list shows who has how much");
	return -ENOMEM;
}

static int set_mark(struct creation *c)
{
	int rc = marker_set(c->host, &c->guest, c->why);

	c->marked = rc == 0;
	return rc;
}

static int create_domain(struct creation *c)
{
	return guest_domain_create(&c->host->hv, &c->guest, &c->domid, c->why);
}

static int build_domain(struct creation *c)
{
	return guest_domain_build(&c->host->hv, c->domid, &c->guest, &c->image, &c->rings, c->why);
}

/* A restart must not depend on the file the user gave, nor draw a new UUID and new MACs. */
static int keep_config(struct creation *c)
{
	char *text = NULL, uuid[UUID_TEXT];
	int rc = guest_cfg_format(&c->guest, &text), lock = -1;

	uuid_format(c->guest.uuid, uuid);
	snprintf(c->config_path, sizeof(c->config_path), "%s/%s.cfg", c->options->places->kept,
		uuid);
	if (rc == 0)
		rc = directory_make(c->options->places->kept, 0700);
	if (rc == 0) /* while others sweep there they must not take ours for an old one */
		rc = lock = directory_lock(c->options->places->kept);
	if (rc >= 0) {
		c->kept = true;
		rc = file_write(c->config_path, text);
		close(lock);
	}
	free(text);
	if (rc < 0)
		why_set(c->why, rc, "keeping the configuration in %s: %s", c->config_path,
			strerror(-rc));
	return rc;
}

static int write_tree(struct creation *c)
{
	struct disk_device disks[GUEST_DISKS_MAX];
	struct guest_tree tree = {.domid = c->domid,
		.guest = &c->guest,
		.rings = &c->rings,
		.disks = disks,
		.config_path = c->config_path,
		.start_time = (uint64_t)time(NULL)};
	int rc;

	for (size_t i = 0; i < c->guest.disk_count; i++)
		disks[i] = (struct disk_device){c->blocks[i].major, c->blocks[i].minor};
	rc = guest_tree_write(c->host->store, &tree);
	return rc < 0 ? why_set(c->why, rc, "store: %s", strerror(-rc)) : 0;
}

static int introduce(struct creation *c)
{
	int rc = store_introduce(c->host->store, c->domid, c->rings.store_mfn, c->rings.store_port);

	return rc < 0 ? why_set(c->why, rc, "introducing the guest to the store: %s", strerror(-rc))
		      : 0;
}

static int await_devices(struct creation *c)
{
	const struct device_wait w = {.store = c->host->store,
		.domid = c->domid,
		.sysfs = c->options->places->sysfs,
		.timeout_ms = c->options->places->backend_timeout_ms,
		.why = c->why};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->guest.disk_count; i++) {
		rc = disk_wait(&w, &c->guest.disks[i]);
		if (rc == 0)
			block_close(&c->blocks[i]); /* the back end holds it now */
	}
	for (size_t i = 0; rc == 0 && i < c->guest.vif_count; i++)
		rc = vif_wait(&w, &c->guest.vifs[i], (uint32_t)i);
	return rc;
}

static int console_check(void *arg)
{
	struct creation *c = arg;
	char path[64], tty[128];

	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", c->domid);
	return store_read_buf(c->host->store, STORE_NO_TX, path, tty, sizeof(tty)) >= 0 && tty[0];
}

/* A guest whose console nobody reads stops when the ring is full, so give the daemon its time. */
static int await_console(struct creation *c)
{
	int rc = wait_until(console_check, c, CONSOLE_TIMEOUT_MS);

	if (rc == -ETIMEDOUT)
		c->warning = "nobody serves the guest's console (is consoled running?); "
			     "it will stop when its log fills the ring";
	else if (rc < 0)
		return why_set(c->why, rc, "interrupted");
	return 0;
}

static int clear_mark(struct creation *c)
{
	int rc = marker_clear(c->host, c->guest.uuid);

	if (rc < 0)
		return why_set(c->why, rc, "store: %s", strerror(-rc));
	c->marked = false;
	return 0;
}

static int start(struct creation *c)
{
	int rc = c->options->paused ? 0 : domctl_unpause(&c->host->hv, c->domid);

	return rc < 0 ? why_set(c->why, rc, "starting the guest: %s", strerror(-rc)) : 0;
}

static const struct {
	const char *name;
	int (*run)(struct creation *c);
} steps[] = {
	{"identity", settle_identity},
	{"mark", set_mark},
	{"addresses", settle_addresses},
	{"image", open_image},
	{"disks", open_disks},
	{"bridges", check_bridges},
	{"room", check_memory},
	{"domain", create_domain},
	{"memory", build_domain},
	{"configuration", keep_config},
	{"store", write_tree},
	{"introduction", introduce},
	{"devices", await_devices},
	{"console", await_console},
	{"unmark", clear_mark},
	{"start", start},
};

static int run_steps(struct creation *c)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (wait_is_cancelled())
			return why_set(c->why, -EINTR, "interrupted");
		if (c->options->progress)
			c->options->progress(c->options->progress_arg, steps[i].name);
		rc = steps[i].run(c);
	}
	return rc;
}

/* Let go of what only this process holds. */
static void release(struct creation *c)
{
	guest_image_close(&c->image);
	for (size_t i = 0; i < GUEST_DISKS_MAX; i++)
		block_close(&c->blocks[i]);
}

/* Remove what others can see. Failing here leaves the mark, and so a second chance. */
static void undo(struct creation *c)
{
	int rc = 0;

	if (c->domid)
		rc = domain_reap(&c->host->hv, c->host->store, c->domid);
	if (c->kept)
		unlink(c->config_path);
	if (rc == 0 && c->marked)
		rc = marker_clear(c->host, c->guest.uuid);
	if (rc < 0)
		why_hint(c->why,
			"removing the half-made domain %u failed as well (%s); the next bothy "
			"tries again",
			c->domid, strerror(-rc));
}

int guest_create(struct host *h, const struct guest_cfg *g, const struct create_options *options,
	uint16_t *domid, const char **warning, struct why *why)
{
	struct creation *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return why_set(why, -ENOMEM, "out of memory");
	*c = (struct creation){.host = h, .guest = *g, .options = options, .why = why};
	for (size_t i = 0; i < GUEST_DISKS_MAX; i++)
		c->blocks[i].fd = -1;
	rc = run_steps(c);
	release(c);
	if (rc < 0) {
		undo(c);
	} else {
		*domid = c->domid;
		*warning = c->warning;
	}
	free(c);
	return rc;
}
