/* Disks opened as their entries say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/check_main.h"
#include "toolstack/device/disk_open.h"

static struct disk_spec disk;

static void setup(void)
{
	int fd;

	disk = (struct disk_spec){.target = "/tmp/bothy-disk-XXXXXX", .vdev = "xvda"};
	fd = mkstemp(disk.target);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(disk.target);
}

START_TEST(sectors)
{
	static const struct {
		off_t bytes;
		uint32_t sector_bytes;
		const char *what;
	} all[] = {
		{1 << 20, 4096, ""},
		{1 << 20, 512, ""},
		{(1 << 20) + 512, 512, ""},
		{(1 << 20) + 512, 4096, "its 1049088 bytes are no multiple of sector-size=4096"},
		{(1 << 20) - 1, 512, "its 1048575 bytes are no multiple of sector-size=512"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct block_handle b;
		struct why why = {0};

		ck_assert_int_eq(truncate(disk.target, all[i].bytes), 0);
		disk.sector_bytes = all[i].sector_bytes;
		ck_assert_int_eq(disk_open(&b, &disk, &why), all[i].what[0] ? -EINVAL : 0);
		ck_assert_str_eq(why.what, all[i].what);
		block_close(&b);
	}
}
END_TEST

/* An NBD server is not asked here. */
START_TEST(exports)
{
	struct block_handle b = {.fd = 7};
	struct why why = {0};

	unlink(disk.target);
	strcpy(disk.target, "nbd://192.0.2.1/e");
	disk.sector_bytes = 4096;
	ck_assert_int_eq(disk_open(&b, &disk, &why), 0);
	ck_assert_int_eq(b.fd, -1);
	ck_assert(b.file);
}
END_TEST

START_TEST(not_there)
{
	struct block_handle b = {.fd = -1};
	struct why why = {0};

	unlink(disk.target);
	ck_assert_int_eq(disk_open(&b, &disk, &why), -ENOENT);
	ck_assert_int_eq(b.fd, -1);
}
END_TEST

CHECK_MAIN("disk_open", setup, teardown, sectors, exports, not_there)
