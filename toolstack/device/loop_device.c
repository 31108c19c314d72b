/* Loop devices with LO_FLAGS_AUTOCLEAR: we hold the device open until blkback does; when the last user
 * closes it, the kernel frees it. So neither a crash of ours nor one of domaind's leaks a device, and no
 * one ever has to decide whether a loop device is still "ours" when it may have been reused since.
 * Spec: Linux include/uapi/linux/loop.h.
 */
#include "toolstack/device/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { TRIES = 64 }; /* others take free devices at the same time */

static int path_error(struct why *why, const char *path, int code, const char *what)
{
	why_set(why, code, "%s", what);
	why_where(why, "disk %s", path);
	return code;
}

/* Open a free loop device; returns its descriptor. */
static int loop_open_free(int control, int flags)
{
	char name[32];
	int number = ioctl(control, LOOP_CTL_GET_FREE), fd;

	if (number < 0)
		return -errno;
	snprintf(name, sizeof(name), "/dev/loop%d", number);
	fd = open(name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int loop_configure(int fd, int file, const char *path, bool writable)
{
	struct loop_config config = {.fd = (uint32_t)file};

	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (writable ? 0u : LO_FLAGS_READ_ONLY);
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", path);
	return ioctl(fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

static int loop_attach(int file, const char *path, bool writable)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), rc = -EBUSY;

	if (control < 0)
		return -errno;
	for (int i = 0; i < TRIES && rc == -EBUSY; i++) {
		int fd = loop_open_free(control, writable ? O_RDWR : O_RDONLY);

		rc = fd < 0 ? fd : loop_configure(fd, file, path, writable);
		if (rc == 0)
			rc = fd;
		else if (fd >= 0)
			close(fd);
	}
	close(control);
	return rc;
}

static int open_loop(
	struct block_handle *b, int file, const char *path, bool writable, struct why *why)
{
	struct stat st;
	int fd = loop_attach(file, path, writable);

	if (fd >= 0 && fstat(fd, &st) < 0) {
		close(fd);
		fd = -EIO;
	}
	if (fd < 0) {
		why_set(why, fd, "loop device: %s", strerror(-fd));
		why_where(why, "disk %s", path);
		if (fd == -ENOENT || fd == -ENODEV)
			why_hint(why, "modprobe loop");
		return fd;
	}
	*b = (struct block_handle){
		.fd = fd, .major = major(st.st_rdev), .minor = minor(st.st_rdev), .file = true};
	return 0;
}

int block_open(struct block_handle *b, const char *path, bool writable, bool loop, struct why *why)
{
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK), rc;
	struct stat st;

	if (fd < 0)
		return path_error(why, path, -errno, strerror(errno));
	if (fstat(fd, &st) < 0) {
		rc = path_error(why, path, -errno, strerror(errno));
	} else if (S_ISBLK(st.st_mode)) {
		*b = (struct block_handle){
			.fd = fd, .major = major(st.st_rdev), .minor = minor(st.st_rdev)};
		return 0;
	} else if (S_ISREG(st.st_mode) && !loop) {
		*b = (struct block_handle){.fd = fd, .file = true};
		return 0;
	} else if (S_ISREG(st.st_mode)) {
		rc = open_loop(b, fd, path, writable, why);
	} else {
		rc = path_error(why, path, -ENOTBLK, "neither a block device nor a file");
	}
	close(fd);
	return rc;
}

void block_close(struct block_handle *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}
