/* Disks and bridges of the fake world, in the contracts of toolstack/device. A path "/dev/..." is a block
 * device, "/missing..." does not exist, all else is a file. */
#include <errno.h>
#include <string.h>

#include "tests/unit/toolstack/domain/fake_world.h"
#include "toolstack/device/bridge.h"
#include "toolstack/device/loop_device.h"

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

int block_check_sectors(const struct block_handle *b, const char *path, uint32_t sector_bytes, struct why *why)
{
	(void)b;
	if (strcmp(path, "/odd") != 0)
		return 0;
	why_set(why, -EINVAL, "no multiple of %u", sector_bytes);
	why_where(why, "disk %s", path);
	return -EINVAL;
}

void block_close(struct block_handle *b)
{
	if (b->fd >= 0)
		world->disks_open--;
	b->fd = -1;
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
