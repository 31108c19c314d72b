/* Disks and bridges of the fake world, in the contracts of toolstack/device. A path "/dev/..." is a block
 * device, "/missing..." does not exist, all else is a file. */
#include <errno.h>
#include <string.h>

#include "tests/unit/toolstack/domain/fake_world.h"
#include "toolstack/device/bridge.h"
#include "dom0/lib/nbd_uri.h"
#include "toolstack/device/disk_open.h"

int block_open(struct block_handle *b, const char *path, bool writable, bool loop, struct why *why)
{
	int rc = fake_call("block_open");

	(void)writable;
	if (rc == 0 && strncmp(path, "/missing", 8) == 0)
		rc = -ENOENT;
	if (rc == 0 && strcmp(path, "/") == 0)
		rc = -ENOTBLK;
	if (rc < 0) {
		why_set(why, rc, "%s",
			rc == -ENOTBLK ? "neither a block device nor a file" : strerror(-rc));
		why_where(why, "disk %s", path);
		return rc;
	}
	world->disks_open++;
	*b = (struct block_handle){.fd = 1000, .file = strncmp(path, "/dev/", 5) != 0};
	if (!b->file) {
		b->major = 254;
		b->minor = 16;
	} else if (loop) {
		world->loops_made++;
		b->major = 7;
		b->minor = (uint32_t)world->disks_open;
	}
	return 0;
}

void block_close(struct block_handle *b)
{
	if (b->fd >= 0)
		world->disks_open--;
	b->fd = -1;
}

int disk_open(struct block_handle *b, const struct disk_spec *d, struct why *why)
{
	int rc;

	if (nbd_uri_is(d->target)) {
		*b = (struct block_handle){.fd = -1, .file = true};
		return 0;
	}
	rc = block_open(b, d->target, d->writable, d->kernel_backend, why);
	if (rc == 0 && d->sector_bytes && strcmp(d->target, "/odd") == 0) {
		block_close(b);
		rc = why_set(why, -EINVAL, "no multiple of %u", d->sector_bytes);
	}
	return rc;
}

int bridge_check(const char *bridge, struct why *why)
{
	int rc = fake_call("bridge_check");

	if (rc == 0 && strcmp(bridge, "none") == 0)
		rc = -ENODEV;
	return rc < 0 ? why_set(why, rc, "no bridge \"%s\" on this host", bridge) : 0;
}

int bridge_attach(const char *bridge, const char *ifname, const char *wanted, struct why *why)
{
	int rc = fake_call("bridge_attach");

	(void)bridge;
	(void)ifname;
	(void)wanted;
	if (rc < 0)
		return why_set(why, rc, "bridge");
	world->bridged++;
	return 0;
}
