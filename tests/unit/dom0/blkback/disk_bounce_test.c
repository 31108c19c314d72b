/* A disk whose data goes by memory of ours, past the page cache where the file system of /tmp can that. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "dom0/blkback/disk_ring.h"
#include "tests/unit/dom0/blkback/disk_cases.h"

static struct disk_ring ring;
static struct bounce bounce;
static void (*ring_close)(struct disk *d);

static void close_both(struct disk *d)
{
	ck_assert_uint_eq(bounce.under_way, 0);
	bounce_close(&bounce);
	ring_close(d);
}

static struct disk *by_memory(int fd)
{
	bool can = disk_past_cache(fd, 512);

	ck_assert_int_eq(can, (fcntl(fd, F_GETFL) & O_DIRECT) != 0);
	ck_assert_int_eq(disk_ring_open(&ring, fd, DISK_ENTRIES), 0);
	close(fd);
	ck_assert_int_eq(bounce_open(&bounce), 0);
	ring.disk.bounce = &bounce;
	ring_close = ring.disk.close;
	ring.disk.close = close_both;
	return &ring.disk;
}

START_TEST(a_file_that_cannot)
{
	int fd = open("/proc/self/status", O_RDONLY);

	ck_assert(!disk_past_cache(fd, 512));
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_DIRECT, 0);
	close(fd);
}
END_TEST

/* The ring gets to have the memory that is used again and again, and to let go of it. */
START_TEST(fixed_buffers)
{
	static unsigned char data[512];
	struct blk_piece piece = { data, sizeof data };

	for (int round = 0; round < 2; round++) {
		for (unsigned char i = 0; i < 200; i++) {
			ck_assert_int_eq(op_done(BLK_READ, i, 1, &piece, 1), 0);
			ck_assert_uint_eq(data[1], (unsigned char)(i + 8));
		}
		ck_assert(ring.has[0] && !ring.has[1]);
		memset(data, 0xa5, sizeof data);
		ck_assert_int_eq(op_done(BLK_WRITE, 300, 1, &piece, 1), 0);
		ck_assert_int_eq(pread(disk_file, data, 512, 300 * 512), 512);
		ck_assert_uint_eq(data[511], 0xa5);
		disk_trim(disk);
		ck_assert(ring.has[0]);
		disk_trim(disk);
		ck_assert(!ring.has[0] && !bounce.touched);
	}
}
END_TEST

int main(void)
{
	TCase *c = disk_cases(by_memory);

	tcase_add_test(c, a_file_that_cannot);
	tcase_add_test(c, fixed_buffers);
	return check_run("disk_bounce", c);
}
