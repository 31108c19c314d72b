/* Waiting for back ends.
 *
 * The kernel's blkback opens the device when it sees physical-device, and shows it in sysfs; until then the loop
 * device is held by us alone. A process of dom0's has its disk open when it says InitWait, or its interface, which
 * backendd has put where it belongs. The kernel's netback makes its interface when it reaches InitWait, and stays
 * short of Connected until hotplug-status says so. Errors of all of them appear below /local/domain/0/error.
 * Neighbours: create.c; guest_tree.c wrote the nodes.
 */
#include "toolstack/device/device_wait.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dom0/lib/backends.h"
#include "toolstack/device/bridge.h"
#include "toolstack/domain/guest_tree.h"
#include "toolstack/wait.h"

enum { STATE_INIT_WAIT = 2, STATE_CLOSING = 5 };

struct backend {
	const struct device_wait *w;
	const char *name;           /* "disk xvda" */
	char path[STORE_PATH_SIZE]; /* of its store directory */
	char sign[128];             /* file whose existence says it is ready; empty: none */
};

/* The back end's own words, if it failed. */
static int backend_error(const struct backend *b)
{
	char path[STORE_PATH_SIZE + 64], text[256];

	snprintf(path, sizeof(path), "/local/domain/0/error%s/error",
		b->path + strlen("/local/domain/0"));
	if (store_read_buf(b->w->store, STORE_NO_TX, path, text, sizeof(text)) < 0 || !text[0])
		return 0;
	return why_set(b->w->why, -EIO, "%s: the back end says: %s", b->name, text);
}

static int backend_check(void *arg)
{
	const struct backend *b = arg;
	char path[STORE_PATH_SIZE + 16];
	uint64_t state = 0;
	struct stat st;
	int rc = backend_error(b);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/state", b->path);
	rc = store_read_u64(b->w->store, STORE_NO_TX, path, &state);
	if (rc < 0)
		return why_set(b->w->why, rc, "%s: %s", b->name, strerror(-rc));
	if (state >= STATE_CLOSING)
		return why_set(b->w->why, -EIO, "%s: the back end closed the device", b->name);
	return state >= STATE_INIT_WAIT && (!b->sign[0] || stat(b->sign, &st) == 0);
}

/* @hint: what to do when nobody answers. */
static int backend_wait(struct backend *b, const char *hint)
{
	int rc = wait_until(backend_check, b, b->w->timeout_ms);

	if (rc == -ETIMEDOUT) {
		why_set(b->w->why, rc, "%s: the back end did not answer in %u s", b->name,
			b->w->timeout_ms / 1000);
		why_hint(b->w->why, "%s", hint);
	} else if (rc == -EINTR) {
		why_set(b->w->why, rc, "interrupted");
	}
	return rc;
}

int disk_wait(const struct device_wait *w, const struct disk_spec *d)
{
	char name[32];
	struct backend b = {.w = w, .name = name};

	snprintf(name, sizeof(name), "disk %s", d->vdev);
	backend_path(b.path, disk_backend_kind(d), "vbd", w->domid, d->vdev_nr);
	if (!d->kernel_backend)
		return backend_wait(&b, "is backendd running?");
	snprintf(b.sign, sizeof(b.sign), "%.64s/bus/xen-backend/devices/vbd-%u-%u/physical_device",
		w->sysfs, w->domid, d->vdev_nr);
	return backend_wait(&b, "modprobe xen-blkback");
}

int vif_wait(const struct device_wait *w, const struct vif_spec *v, uint32_t index)
{
	char name[32], ifname[16], path[STORE_PATH_SIZE + 32];
	struct backend b = {.w = w, .name = name};
	int rc;

	snprintf(name, sizeof(name), "interface %u", index);
	snprintf(ifname, sizeof(ifname), "vif%u.%u", w->domid, index);
	backend_path(b.path, vif_backend_kind(v), "vif", w->domid, index);
	if (!v->kernel_backend)
		return backend_wait(&b, "is backendd running?");
	snprintf(b.sign, sizeof(b.sign), "%.64s/class/net/%s", w->sysfs, ifname);
	rc = backend_wait(&b, "modprobe xen-netback");
	if (rc == 0)
		rc = bridge_attach(v->bridge, ifname, v->ifname, w->why);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/hotplug-status", b.path);
	rc = store_write(w->store, STORE_NO_TX, path, "connected");
	return rc < 0 ? why_set(w->why, rc, "%s: %s", name, strerror(-rc)) : 0;
}
