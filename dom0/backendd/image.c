/* The contract is in image.h. */
#include "dom0/backendd/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKS (1ull << 62)	/* beyond the end of any disk */

static int measure(struct image *i, uint32_t sector_bytes)
{
	struct stat st;
	int sector = 512;
	off_t bytes;

	if (fstat(i->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return -ENOTBLK;
	bytes = lseek(i->fd, 0, SEEK_END);
	if (bytes < 0 || (S_ISBLK(st.st_mode) && ioctl(i->fd, BLKSSZGET, &sector) < 0))
		return -errno;
	i->sector_bytes = (uint32_t)sector > sector_bytes ? (uint32_t)sector : sector_bytes;
	i->sectors = (uint64_t)bytes / i->sector_bytes * (i->sector_bytes / 512);
	/* It was for the opening only, which must not wait for the other end of a pipe. */
	if (fcntl(i->fd, F_SETFL, fcntl(i->fd, F_GETFL) & ~O_NONBLOCK) < 0)
		return -errno;
	return i->sectors ? 0 : -ENODATA;
}

static int mark_set(struct image *i, uint64_t mark)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(MARKS + mark), .l_len = 1 };

	if (fcntl(i->fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	i->busy = lock.l_type != F_UNLCK;
	if (i->busy)
		return 0;
	lock.l_type = F_RDLCK;
	return fcntl(i->fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

int image_open(struct image *i, const char *path, bool read_only, uint32_t sector_bytes, uint64_t mark)
{
	int err;

	*i = (struct image){ .fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK) };
	if (i->fd < 0)
		return -errno;
	err = measure(i, sector_bytes);
	if (!err)
		err = mark_set(i, mark);
	if (err)
		close(i->fd);
	return err;
}
