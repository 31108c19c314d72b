/* A log file of bounded size. Rotation is a rename, so whoever reads the old one keeps it. */
#include "dom0/consoled/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_open(struct logfile *l)
{
	struct stat st;

	l->fd = openat(l->dir_fd, l->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		       0640);
	if (l->fd < 0)
		return -errno;
	l->size = fstat(l->fd, &st) == 0 ? (size_t)st.st_size : 0;
	return 0;
}

int logfile_open(struct logfile *l, int dir_fd, const char *name, size_t most)
{
	l->dir_fd = dir_fd;
	l->most = most;
	if (snprintf(l->name, sizeof l->name, "%s.log", name) >= (int)sizeof l->name)
		return -ENAMETOOLONG;
	return file_open(l);
}

void logfile_close(struct logfile *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void old_name(const struct logfile *l, char old[sizeof l->name + 2])
{
	snprintf(old, sizeof l->name + 2, "%s.1", l->name);
}

static void rotate(struct logfile *l)
{
	char old[sizeof l->name + 2];

	old_name(l, old);
	close(l->fd);
	renameat(l->dir_fd, l->name, l->dir_fd, old);
	if (file_open(l))
		l->fd = -1;
}

void logfile_write(struct logfile *l, const char *bytes, size_t len)
{
	ssize_t n;

	if (l->fd >= 0 && l->size + len > l->most)
		rotate(l);
	if (l->fd < 0)
		return;
	n = write(l->fd, bytes, len);
	if (n > 0)
		l->size += (size_t)n;
}

/* Put the newest bytes of file @name in front of @end, at most @size; return how many. */
static size_t tail_take(int dir_fd, const char *name, char *end, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t n = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = (size_t)st.st_size < size ? (size_t)st.st_size : size;
	if (n > 0 && pread(fd, end - n, n, st.st_size - (off_t)n) != (ssize_t)n)
		n = 0;
	close(fd);
	return n;
}

size_t logfile_tail(const struct logfile *l, char *buf, size_t size)
{
	char old[sizeof l->name + 2];
	size_t n = tail_take(l->dir_fd, l->name, buf + size, size);

	old_name(l, old);
	if (n < size)
		n += tail_take(l->dir_fd, old, buf + size - n, size - n);
	memmove(buf, buf + size - n, n);
	return n;
}
