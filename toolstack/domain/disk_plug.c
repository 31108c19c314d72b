/* The contract is in disk_plug.h.
 *
 * A disk is taken from a guest as Xen's convention has it: its back end is told that it is offline and closing, the
 * front end sees that, and closes when nobody has the disk open any more. Neighbours: create.c makes whole guests,
 * dom0/lib/reap.c removes devices.
 */
#include "toolstack/domain/disk_plug.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dom0/lib/backends.h"
#include "dom0/lib/reap.h"
#include "toolstack/device/device_wait.h"
#include "toolstack/device/disk_open.h"
#include "toolstack/domain/conflicts.h"
#include "toolstack/domain/guest_tree.h"
#include "toolstack/wait.h"

enum { STATE_CLOSED = 6 };

/* ---- in ---- */

static int tell_failed(struct why *why, int rc, const struct disk_spec *d)
{
	why_set(why, rc, "%s", rc == -EEXIST ? "the guest has a disk of that name" : strerror(-rc));
	why_where(why, "disk %s", d->vdev);
	return rc;
}

static int plug(struct host *h, const struct places *p, uint16_t domid, const struct disk_spec *d,
	const struct block_handle *b, struct why *why)
{
	const struct disk_device device = {b->major, b->minor};
	const struct device_wait w = {.store = h->store, .domid = domid, .sysfs = p->sysfs,
		.timeout_ms = p->backend_timeout_ms, .why = why};
	int rc = guest_tree_add_disk(h->store, domid, d, &device);

	if (rc < 0)
		return tell_failed(why, rc, d);
	rc = disk_wait(&w, d);
	if (rc < 0 && device_reap(h->store, domid, disk_backend_kind(d), "vbd", d->vdev_nr) < 0)
		why_hint(why, "it could not be removed again: bothy block-detach %u %s", domid, d->vdev);
	return rc;
}

int disk_plug(struct host *h, const struct places *p, uint16_t domid, const struct disk_spec *d, struct why *why)
{
	struct block_handle b = {.fd = -1};
	int rc = disk_open(&b, d, why);

	if (rc == 0)
		rc = disk_check_shared(h->store, d, &b, why);
	if (rc == 0)
		rc = plug(h, p, domid, d, &b, why);
	block_close(&b);
	return rc;
}

/* ---- out ---- */

struct leaving {
	struct store *store;
	char back[STORE_PATH_SIZE], front[STORE_PATH_SIZE];
};

/* In one transaction: not one that goes meanwhile, which would be there anew. */
static int ask(struct store *s, uint32_t tx, void *arg)
{
	const struct leaving *l = arg;
	char path[STORE_PATH_SIZE + 16], value[16];
	int rc;

	snprintf(path, sizeof(path), "%s/online", l->back);
	rc = store_read_buf(s, tx, path, value, sizeof(value));
	if (rc == 0)
		rc = store_write(s, tx, path, "0");
	snprintf(path, sizeof(path), "%s/state", l->back);
	return rc < 0 ? rc : store_write(s, tx, path, "5");
}

/* Whether an end says Closed, or has gone. */
static int is_closed(struct store *s, const char *dir)
{
	char path[STORE_PATH_SIZE + 16];
	uint64_t state;
	int rc;

	snprintf(path, sizeof(path), "%s/state", dir);
	rc = store_read_u64(s, STORE_NO_TX, path, &state);
	if (rc == -ENOENT)
		return 1;
	/* A front end's may be anything. */
	return rc < 0 && rc != -EINVAL ? rc : rc == 0 && state == STATE_CLOSED;
}

static int has_let_go(void *arg)
{
	struct leaving *l = arg;
	int rc = is_closed(l->store, l->back);

	return rc ? rc : is_closed(l->store, l->front);
}

/* Which kind of back end serves it; NULL: none. */
static const char *kind_of(struct host *h, struct leaving *l, uint16_t domid, uint32_t vdev_nr)
{
	static const char *const kinds[] = {BACKENDS_USER, BACKENDS_KERNEL};
	char value[8];

	snprintf(l->front, sizeof(l->front), "/local/domain/%u/device/vbd/%u", domid, vdev_nr);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		backend_path(l->back, kinds[i], "vbd", domid, vdev_nr);
		if (store_read_buf(h->store, STORE_NO_TX, l->back, value, sizeof(value)) != -ENOENT)
			return kinds[i];
	}
	return NULL;
}

static int ask_guest(struct leaving *l, unsigned int timeout_ms, struct why *why)
{
	int rc = store_transact(l->store, ask, l);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = wait_until(has_let_go, l, timeout_ms);
	if (rc == -ETIMEDOUT) {
		why_set(why, rc, "the guest still uses it; it goes when it does not any more");
		why_hint(why, "--force takes it away at once");
	} else if (rc < 0) {
		why_set(why, rc, "%s", rc == -EINTR ? "interrupted" : strerror(-rc));
	}
	return rc;
}

int disk_unplug(struct host *h, const struct places *p, uint16_t domid, uint32_t vdev_nr, bool force, struct why *why)
{
	struct leaving l = {.store = h->store};
	const char *kind = kind_of(h, &l, domid, vdev_nr);
	int rc;

	if (!kind)
		return why_set(why, -ENOENT, "domain %u has no disk %u", domid, vdev_nr);
	rc = force ? 0 : ask_guest(&l, p->detach_timeout_ms, why);
	if (rc < 0)
		return rc;
	rc = device_reap(h->store, domid, kind, "vbd", vdev_nr);
	if (rc < 0)
		why_set(why, rc, "%s", rc == -EBUSY ? "the back end does not let go of it" : strerror(-rc));
	return rc;
}
