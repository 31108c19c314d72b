/* What may be a disk, where no loop device is asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check_main.h"
#include "toolstack/device/loop_device.h"

static char path[64];

static void setup(void)
{
	int fd;

	strcpy(path, "/tmp/bothy-disk-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
}

START_TEST(files_are_opened_as_they_are)
{
	struct why why = {0};
	struct block_handle b;

	for (int writable = 0; writable < 2; writable++) {
		ck_assert_int_eq(block_open(&b, path, writable, false, &why), 0);
		ck_assert(b.file && b.major == 0 && b.minor == 0);
		ck_assert_int_eq(write(b.fd, "x", 1), writable ? 1 : -1);
		block_close(&b);
		ck_assert_int_eq(b.fd, -1);
	}
}
END_TEST

static void assert_refused(const char *target, bool writable, int code)
{
	struct block_handle b = {.fd = -1};
	struct why why = {0};
	char where[96];

	ck_assert_int_eq(block_open(&b, target, writable, false, &why), code);
	ck_assert_int_eq(b.fd, -1);
	snprintf(where, sizeof(where), "disk %s", target);
	ck_assert_str_eq(why.where, where);
}

/* A pipe without anybody at its other end, too: nobody waits for one. */
START_TEST(all_else_is_refused)
{
	assert_refused("/nonexistent/img", true, -ENOENT);
	assert_refused("/", true, -EISDIR);
	assert_refused("/", false, -ENOTBLK);
	assert_refused("/dev/null", true, -ENOTBLK);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	assert_refused(path, false, -ENOTBLK);
	assert_refused(path, true, -ENOTBLK);
}
END_TEST

CHECK_MAIN("loop_device", setup, teardown, files_are_opened_as_they_are, all_else_is_refused)
