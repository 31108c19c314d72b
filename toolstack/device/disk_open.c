/* The contract is in disk_open.h. */
#include "toolstack/device/disk_open.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dom0/lib/nbd_uri.h"

static int check_sectors(const struct block_handle *b, uint32_t sector_bytes, struct why *why)
{
	off_t bytes = lseek(b->fd, 0, SEEK_END);
	int own = 1;

	if (bytes < 0 || (!b->file && ioctl(b->fd, BLKSSZGET, &own) < 0))
		return why_set(why, -errno, "%s", strerror(errno));
	if ((uint32_t)own > sector_bytes)
		return why_set(why, -EINVAL, "has sectors of %d bytes, sector-size=%u is less", own, sector_bytes);
	if (bytes % sector_bytes)
		return why_set(why, -EINVAL, "its %lld bytes are no multiple of sector-size=%u", (long long)bytes,
			sector_bytes);
	return 0;
}

int disk_open(struct block_handle *b, const struct disk_spec *d, struct why *why)
{
	int rc;

	if (nbd_uri_is(d->target)) {
		*b = (struct block_handle){.fd = -1, .file = true};
		return 0;
	}
	rc = block_open(b, d->target, d->writable, d->kernel_backend, why);
	if (rc < 0 || !d->sector_bytes)
		return rc;
	rc = check_sectors(b, d->sector_bytes, why);
	if (rc < 0) {
		why_where(why, "disk %s", d->target);
		block_close(b);
	}
	return rc;
}
