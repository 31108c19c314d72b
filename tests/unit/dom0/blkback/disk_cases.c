/* The contract is in disk_cases.h. */
#include "tests/unit/dom0/blkback/disk_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/check_main.h"

#define BYTES	((size_t)SECTORS * BLK_SECTOR_BYTES)

static char path[] = "/tmp/bothy-disk-XXXXXX";
struct disk *disk;
static struct disk *(*disk_way)(int fd);
static unsigned char expected[SECTORS * 512], data[SECTORS * 512];
int disk_file;

/* ---- in place of pvdrivers ---- */

static struct blk_io_request *ended[128];
static int result[128];
static unsigned int ended_count;

void blk_io_done(struct blk_io_request *r, int err)
{
	ck_assert_uint_lt(ended_count, ARRAY_LEN(ended));
	ended[ended_count] = r;
	result[ended_count++] = err;
}

/* ---- */

/* The disk of what @flags opens at @what. */
static void open_at(const char *what, int flags)
{
	int fd = open(what, flags | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	disk = disk_way(fd);
}

static void setup(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	disk_file = mkstemp(path);
	ck_assert_int_ge(disk_file, 0);
	for (size_t i = 0; i < BYTES; i++)
		expected[i] = (unsigned char)(i * 7 + i / 512 + 1);
	ck_assert_int_eq(pwrite(disk_file, expected, BYTES, 0), (ssize_t)BYTES);
	open_at(path, O_RDWR);
}

static void teardown(void)
{
	disk->close(disk);
	close(disk_file);
	unlink(path);
}

static void wait_for(unsigned int count)
{
	struct pollfd p = { .fd = disk->fd };
	unsigned int all = 0;

	disk->start(disk);
	while (all < count) {
		p.events = disk->events;
		ck_assert(disk->has_ended(disk) || poll(&p, 1, -1) == 1);
		all += disk->reap(disk);
		disk->start(disk);
	}
	ck_assert_uint_eq(all, count);
	ck_assert(!disk->has_ended(disk));
	ck_assert_uint_eq(disk->reap(disk), 0);
	p.events = disk->events;
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_uint_eq(ended_count, count);
	ended_count = 0;
}

int op_done(enum blk_op op, uint64_t sector, uint64_t sectors, struct blk_piece *piece, uint32_t pieces)
{
	struct blk_io_request r = { .op = op, .sector = sector, .sectors = sectors, .piece = piece, .pieces = pieces };

	disk->io.submit(&disk->io, &r);
	wait_for(1);
	ck_assert_ptr_eq(ended[0], &r);
	return result[0];
}

static int done_plain(enum blk_op op, uint64_t sector, uint64_t sectors)
{
	struct blk_piece piece = { data, sectors * BLK_SECTOR_BYTES };

	return op_done(op, sector, sectors, &piece, 1);
}

static void file_is_as_expected(void)
{
	static unsigned char now[sizeof expected];

	ck_assert_int_eq(pread(disk_file, now, BYTES, 0), (ssize_t)BYTES);
	ck_assert_mem_eq(now, expected, BYTES);
	ck_assert_int_eq(lseek(disk_file, 0, SEEK_END), (off_t)BYTES);
}

START_TEST(reads_and_writes)
{
	/* What one request asks at most. */
	for (uint64_t at = 0; at < SECTORS; at += 512) {
		ck_assert_int_eq(done_plain(BLK_READ, at, 512), 0);
		ck_assert_mem_eq(data, expected + at * 512, 512 * 512);
	}
	memset(data, 0x5a, sizeof data);
	ck_assert_int_eq(done_plain(BLK_READ, SECTORS - 1, 1), 0);
	ck_assert_mem_eq(data, expected + BYTES - 512, 512);
	ck_assert_uint_eq(data[512], 0x5a);
	ck_assert_int_eq(done_plain(BLK_WRITE, 7, 9), 0);
	memcpy(expected + 7 * 512, data, 9 * 512);
	file_is_as_expected();
	ck_assert_int_eq(op_done(BLK_FLUSH, 0, 0, NULL, 0), 0);
	file_is_as_expected();
}
END_TEST

/* In another order than on the disk, of all lengths. */
START_TEST(many_pieces)
{
	struct blk_piece piece[64];
	uint64_t sectors = 0;

	for (size_t i = 0; i < ARRAY_LEN(piece); i++) {
		size_t n = i % 4 + 1;

		piece[i] = (struct blk_piece){ data + (ARRAY_LEN(piece) - 1 - i) * 4 * 512, n * 512 };
		sectors += n;
	}
	ck_assert_uint_eq(sectors, 160);
	ck_assert_int_eq(op_done(BLK_READ, 32, sectors, piece, ARRAY_LEN(piece)), 0);
	for (size_t i = 0, at = 32 * 512; i < ARRAY_LEN(piece); at += piece[i++].bytes)
		ck_assert_mem_eq(piece[i].addr, expected + at, piece[i].bytes);
	ck_assert_int_eq(op_done(BLK_WRITE, 0, sectors, piece, ARRAY_LEN(piece)), 0);
	memmove(expected, expected + 32 * 512, sectors * 512);
	file_is_as_expected();
}
END_TEST

START_TEST(discards)
{
	struct stat before, after;

	ck_assert_int_eq(fsync(disk_file) | fstat(disk_file, &before), 0);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 8, 64), 0);
	memset(expected + 8 * 512, 0, 64 * 512);
	file_is_as_expected();
	ck_assert_int_eq(fstat(disk_file, &after), 0);
	ck_assert_int_lt(after.st_blocks, before.st_blocks);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 100, 1), 0);
	memset(expected + 100 * 512, 0, 512);
	file_is_as_expected();
}
END_TEST

/* A file that knows none. */
START_TEST(discards_without_holes)
{
	disk->close(disk);
	open_at("/proc/self/comm", O_RDWR);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 0, 1), -EOPNOTSUPP);
}
END_TEST

START_TEST(errors)
{
	ck_assert_int_eq(done_plain(BLK_READ, SECTORS, 1), -XEN_EIO);
	ck_assert_int_eq(done_plain(BLK_READ, SECTORS - 1, 2), -XEN_EIO);
	ck_assert_int_lt(done_plain(BLK_READ, UINT64_MAX / 512, 1), 0);
	/* The file ends amid a sector, which nobody should have told the guest of. */
	ck_assert_int_eq(ftruncate(disk_file, (off_t)BYTES - 1), 0);
	ck_assert_int_eq(done_plain(BLK_READ, SECTORS - 1, 1), -XEN_EIO);
	ck_assert_int_eq(done_plain(BLK_READ, 0, 1), 0);
	disk->close(disk);
	open_at(path, O_RDONLY);
	ck_assert_int_eq(done_plain(BLK_READ, 0, 1), 0);
	ck_assert_int_eq(done_plain(BLK_WRITE, 0, 1), -EBADF);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 0, 1), -EBADF);
	ck_assert_int_eq(op_done(BLK_FLUSH, 0, 0, NULL, 0), 0);
	disk->close(disk);
	open_at("/dev/full", O_WRONLY);
	ck_assert_int_eq(done_plain(BLK_WRITE, 0, 1), -ENOSPC);
}
END_TEST

/* More than a ring has room for, or memory for their data, or threads there are. */
START_TEST(many_at_once)
{
	struct blk_io_request r[DISK_ENTRIES * 10 + 3] = { 0 };
	struct blk_piece piece[ARRAY_LEN(r)];
	bool seen[ARRAY_LEN(r)] = { false };

	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		piece[i] = (struct blk_piece){ data + i * 512, 512 };
		r[i] = (struct blk_io_request){ .op = BLK_READ, .sector = i * 5, .sectors = 1, .piece = &piece[i],
						.pieces = 1 };
		disk->io.submit(&disk->io, &r[i]);
	}
	wait_for(ARRAY_LEN(r));
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		ck_assert_int_eq(result[i], 0);
		ck_assert(!seen[ended[i] - r]);
		seen[ended[i] - r] = true;
		ck_assert_mem_eq(data + i * 512, expected + i * 5 * 512, 512);
	}
}
END_TEST

START_TEST(nothing_to_do)
{
	disk->start(disk);
	ck_assert_uint_eq(disk->reap(disk), 0);
}
END_TEST

/* More than one write does, of three at once; the file has them all, as zeroes that are written. */
START_TEST(secure_discards)
{
	static const struct {
		uint64_t sector, sectors;
	} range[] = { { 1, 1500 }, { 1600, 1 }, { 1608, 440 } };
	struct blk_io_request r[ARRAY_LEN(range)];
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(range); i++) {
		r[i] = (struct blk_io_request){ .op = BLK_DISCARD, .secure = true, .sector = range[i].sector,
						.sectors = range[i].sectors };
		disk->io.submit(&disk->io, &r[i]);
		memset(expected + range[i].sector * 512, 0, range[i].sectors * 512);
	}
	while (ended_count < ARRAY_LEN(range)) {
		struct pollfd p = { .fd = disk->fd };

		disk->start(disk);
		p.events = disk->events;
		ck_assert(disk->has_ended(disk) || poll(&p, 1, -1) == 1);
		disk->reap(disk);
	}
	for (size_t i = 0; i < ARRAY_LEN(range); i++) {
		ck_assert_ptr_eq(ended[i], &r[i]);
		ck_assert_int_eq(result[i], 0);
	}
	file_is_as_expected();
	ck_assert_int_eq(fsync(disk_file) | fstat(disk_file, &st), 0);
	ck_assert_int_ge(st.st_blocks, SECTORS);
}
END_TEST

static int secure_discard_done(uint64_t sector, uint64_t sectors)
{
	struct blk_io_request r = { .op = BLK_DISCARD, .secure = true, .sector = sector, .sectors = sectors };

	ended_count = 0;
	disk->io.submit(&disk->io, &r);
	while (!ended_count) {
		disk->start(disk);
		ck_assert(disk->has_ended(disk) || poll(&(struct pollfd){ .fd = disk->fd, .events = disk->events }, 1, -1) == 1);
		disk->reap(disk);
	}
	return result[0];
}

START_TEST(secure_discards_that_fail)
{
	disk->close(disk);
	open_at(path, O_RDONLY);
	ck_assert_int_eq(secure_discard_done(0, 8), -EBADF);
	disk->close(disk);
	open_at("/dev/full", O_WRONLY);
	ck_assert_int_eq(secure_discard_done(0, 2000), -ENOSPC);
	ck_assert_int_eq(secure_discard_done(0, 1), -ENOSPC);
	ended_count = 0;
}
END_TEST

void disk_cases_of_file(TCase *c)
{
	tcase_add_test(c, errors);
	tcase_add_test(c, discards_without_holes);
	tcase_add_test(c, secure_discards_that_fail);
}

TCase *disk_cases(struct disk *(*way)(int fd))
{
	disk_way = way;
	return CHECK_CASE(setup, teardown, reads_and_writes, many_pieces, discards, secure_discards, many_at_once, nothing_to_do);
}
