/* Images: what can be one, its size, and the mark that tells whether a dead process's I/O is still under way. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/backendd/image.h"
#include "tests/unit/check_main.h"

#define MARK ((uint64_t)0x7fef << 32 | UINT32_MAX)	/* the largest that there is */

static char dir[] = "/tmp/bothy-image-XXXXXX", path[64];
static struct image image;

static void file_make(off_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	close(fd);
}

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/image", dir);
	file_make(1 << 20);
}

static void teardown(void)
{
	unlink(path);
	rmdir(path);
	rmdir(dir);
}

/* No image, and no descriptor left of it. */
static void refused(const char *what, bool read_only, int err)
{
	int before = dup(0), after;

	close(before);
	ck_assert_int_eq(image_open(&image, what, read_only, 0, MARK), err);
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}

START_TEST(sizes)
{
	static const struct {
		off_t bytes;
		uint64_t sectors;
	} size[] = { { 512, 1 }, { 1023, 1 }, { 1024, 2 }, { 1 << 20, 2048 }, { (off_t)1 << 40, 1ull << 31 } };

	for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
		file_make(size[i].bytes);
		ck_assert_int_eq(image_open(&image, path, false, 0, MARK), 0);
		ck_assert_uint_eq(image.sectors, size[i].sectors);
		ck_assert_uint_eq(image.sector_bytes, 512);
		ck_assert(!image.busy);
		ck_assert_int_eq(fcntl(image.fd, F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(fcntl(image.fd, F_GETFL) & O_NONBLOCK, 0);
		close(image.fd);
	}
	file_make(511);
	refused(path, false, -ENODATA);
	file_make(0);
	refused(path, true, -ENODATA);
}
END_TEST

/* Larger sectors than its own, or than a file's, which has none: whole ones count. */
START_TEST(sectors_that_are_wanted)
{
	file_make((1 << 20) + 4095);
	ck_assert_int_eq(image_open(&image, path, false, 4096, MARK), 0);
	ck_assert_uint_eq(image.sectors, 2048);
	ck_assert_uint_eq(image.sector_bytes, 4096);
	close(image.fd);
	ck_assert_int_eq(image_open(&image, path, false, 512, MARK), 0);
	ck_assert_uint_eq(image.sectors, 2055);
	ck_assert_uint_eq(image.sector_bytes, 512);
	close(image.fd);
	file_make(4095);
	ck_assert_int_eq(image_open(&image, path, false, 4096, MARK), -ENODATA);
}
END_TEST

START_TEST(no_images)
{
	refused(dir, true, -ENOTBLK);
	refused(dir, false, -EISDIR);
	refused("/dev/null", false, -ENOTBLK);
	refused("", true, -ENOENT);
	unlink(path);
	refused(path, true, -ENOENT);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused(path, true, -ENOTBLK);		/* nobody has its other end, nor ever will */
	refused(path, false, -ENOTBLK);
	unlink(path);
	ck_assert_int_eq(symlink(path, path), 0);
	refused(path, true, -ELOOP);
}
END_TEST

/* As another user, whom the file's mode means. */
START_TEST(a_file_that_may_only_be_read)
{
	pid_t pid;
	int status;

	ck_assert_int_eq(chmod(dir, 0755) | chmod(path, 0444), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(2);
		_exit(image_open(&image, path, false, 0, MARK) == -EACCES &&
		      image_open(&image, path, true, 0, MARK) == 0 &&
		      write(image.fd, "", 1) < 0 && errno == EBADF ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Whether a later opening with @mark finds this one. */
static bool busy(bool read_only, uint64_t mark)
{
	struct image other;

	ck_assert_int_eq(image_open(&other, path, read_only, 0, mark), 0);
	close(other.fd);
	return other.busy;
}

START_TEST(mark)
{
	bool read_only = _i & 1, later = _i & 2;
	int copy;

	ck_assert_int_eq(image_open(&image, path, read_only, 0, MARK), 0);
	ck_assert(!image.busy);
	ck_assert(busy(later, MARK));
	ck_assert(!busy(later, MARK - 1));
	ck_assert(!busy(later, 0));
	/* Another opening that comes and goes takes nothing with it. */
	ck_assert(busy(later, MARK));
	copy = dup(image.fd);
	close(image.fd);
	ck_assert(busy(later, MARK));
	close(copy);
	ck_assert(!busy(later, MARK));
	ck_assert(!busy(later, MARK));
}
END_TEST

/* Devices that share an image do not wait for each other. */
START_TEST(marks_side_by_side)
{
	struct image other;

	ck_assert_int_eq(image_open(&image, path, false, 0, 1), 0);
	ck_assert_int_eq(image_open(&other, path, false, 0, 2), 0);
	ck_assert(!image.busy && !other.busy);
	ck_assert(busy(true, 1) && busy(true, 2));
	close(image.fd);
	ck_assert(!busy(true, 1) && busy(true, 2));
	close(other.fd);
}
END_TEST

/* A process that holds it no more but in a ring, as blkback does, and dies. */
START_TEST(mark_of_a_ring)
{
	struct io_uring ring;
	int err;

	ck_assert_int_eq(image_open(&image, path, false, 0, MARK), 0);
	err = io_uring_queue_init(4, &ring, 0);
	ck_assert_msg(err == 0, "this machine has no io_uring: %s", strerror(-err));
	ck_assert_int_eq(io_uring_register_files(&ring, &image.fd, 1), 0);
	close(image.fd);
	ck_assert(busy(false, MARK));
	io_uring_queue_exit(&ring);
	/* The kernel lets go of a ring's files in its own time; the test's limit is that of every test. */
	while (busy(false, MARK))
		usleep(1000);
}
END_TEST

START_TEST(mark_of_a_process_that_was_killed)
{
	char byte;
	int ready[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (image_open(&image, path, true, 0, MARK) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert(busy(true, MARK));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!busy(true, MARK));
}
END_TEST

/* ---- threads that write when their process is killed ---- */

#define BIG (8u << 20)

static void *thread_writes(void *fd)
{
	static unsigned char buffer[BIG];

	memset(buffer, 0x5a, sizeof buffer);
	for (;;)
		(void)!pwrite((int)(intptr_t)fd, buffer, sizeof buffer, 0);
	return NULL;
}

static pid_t writers_begin(void)
{
	pthread_t t;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (image_open(&image, path, false, 0, MARK) || pthread_create(&t, NULL, thread_writes, (void *)(intptr_t)image.fd) ||
	    pthread_create(&t, NULL, thread_writes, (void *)(intptr_t)image.fd))
		_exit(1);
	for (;;)
		pause();
}

/* It is there while any thread writes, and goes with the last one; what is written then stays. */
START_TEST(mark_of_threads_that_write)
{
	static unsigned char zero[BIG], now[BIG];
	int fd = open(path, O_RDWR | O_CLOEXEC);

	for (int round = 0; round < 20; round++) {
		pid_t pid = writers_begin();

		do
			ck_assert_int_ge(pread(fd, now, 1, 4096), 0);
		while (now[0] != 0x5a);
		usleep((useconds_t)(round * 500));
		ck_assert(busy(false, MARK));
		kill(pid, SIGKILL);
		while (busy(false, MARK))
			;
		ck_assert_int_eq(pwrite(fd, zero, sizeof zero, 0), (ssize_t)sizeof zero);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		ck_assert_int_eq(pread(fd, now, sizeof now, 0), (ssize_t)sizeof now);
		ck_assert_mem_eq(now, zero, sizeof now);
	}
	close(fd);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, teardown, sizes, sectors_that_are_wanted, no_images, a_file_that_may_only_be_read, marks_side_by_side,
			      mark_of_a_ring, mark_of_a_process_that_was_killed, mark_of_threads_that_write);

	tcase_add_loop_test(c, mark, 0, 4);
	return check_run("image", c);
}
