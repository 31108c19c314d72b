/* The contract is in image.h. */
#include "dom0/backendd/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKS (1ull << 62)	/* beyond the end of any disk */

/* Past the page cache, if the file system can: the guest has one, and what is answered shall be on its way. */
static int open_direct(const char *path, int access)
{
	int fd = open(path, access | O_DIRECT | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EINVAL)
		fd = open(path, access | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int measure(struct image *i)
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
	i->sector_bytes = (uint32_t)sector;
	i->sectors = (uint64_t)bytes / (uint64_t)sector * (i->sector_bytes / 512);
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

int image_open(struct image *i, const char *path, bool read_only, uint64_t mark)
{
	int err;

	*i = (struct image){ .fd = open_direct(path, read_only ? O_RDONLY : O_RDWR) };
	if (i->fd < 0)
		return i->fd;
	err = measure(i);
	if (!err)
		err = mark_set(i, mark);
	if (err)
		close(i->fd);
	return err;
}
