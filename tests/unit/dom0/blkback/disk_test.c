/* Operations on a real file by the kernel's io_uring, and what the ring cannot be made to do. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/blkback/disk.h"
#include "tests/unit/check_main.h"

#define SECTORS	256u
#define ENTRIES	8u
#define BYTES	((size_t)SECTORS * BLK_SECTOR_BYTES)

static char path[] = "/tmp/bothy-disk-XXXXXX";
static struct disk disk;
static unsigned char expected[SECTORS * 512], data[SECTORS * 512];
static int file;		/* the test's own descriptor */

/* ---- in place of pvdrivers ---- */

static struct blk_io_request *ended[64];
static int result[64];
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
	int fd = open(what, flags | O_CLOEXEC), err;

	ck_assert_int_ge(fd, 0);
	err = disk_open(&disk, fd, ENTRIES);
	ck_assert_msg(err == 0, "this machine has no io_uring that can be restricted: %s", strerror(-err));
	close(fd);
}

static void setup(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	for (size_t i = 0; i < BYTES; i++)
		expected[i] = (unsigned char)(i * 7 + i / 512 + 1);
	ck_assert_int_eq(pwrite(file, expected, BYTES, 0), (ssize_t)BYTES);
	open_at(path, O_RDWR);
}

static void teardown(void)
{
	disk_close(&disk);
	close(file);
	unlink(path);
}

static void wait_for(unsigned int count)
{
	struct io_uring_cqe *cqe;
	unsigned int all = 0;

	disk_start(&disk);
	while (all < count) {
		ck_assert_int_eq(io_uring_wait_cqe(&disk.ring, &cqe), 0);
		all += disk_reap(&disk);
	}
	ck_assert_uint_eq(all, count);
	ck_assert_uint_eq(disk_reap(&disk), 0);
	ck_assert_uint_eq(ended_count, count);
	ended_count = 0;
}

/* Do one operation on @pieces; its error. */
static int done(enum blk_op op, uint64_t sector, uint64_t sectors, struct blk_piece *piece, uint32_t pieces)
{
	struct blk_io_request r = { .op = op, .sector = sector, .sectors = sectors, .piece = piece, .pieces = pieces };

	disk.io.submit(&disk.io, &r);
	wait_for(1);
	ck_assert_ptr_eq(ended[0], &r);
	return result[0];
}

static int done_plain(enum blk_op op, uint64_t sector, uint64_t sectors)
{
	struct blk_piece piece = { data, sectors * BLK_SECTOR_BYTES };

	return done(op, sector, sectors, &piece, 1);
}

static void file_is_as_expected(void)
{
	static unsigned char now[sizeof expected];

	ck_assert_int_eq(pread(file, now, BYTES, 0), (ssize_t)BYTES);
	ck_assert_mem_eq(now, expected, BYTES);
	ck_assert_int_eq(lseek(file, 0, SEEK_END), (off_t)BYTES);
}

START_TEST(reads_and_writes)
{
	ck_assert_int_eq(done_plain(BLK_READ, 0, SECTORS), 0);
	ck_assert_mem_eq(data, expected, BYTES);
	memset(data, 0x5a, sizeof data);
	ck_assert_int_eq(done_plain(BLK_READ, SECTORS - 1, 1), 0);
	ck_assert_mem_eq(data, expected + BYTES - 512, 512);
	ck_assert_uint_eq(data[512], 0x5a);
	ck_assert_int_eq(done_plain(BLK_WRITE, 7, 9), 0);
	memcpy(expected + 7 * 512, data, 9 * 512);
	file_is_as_expected();
	ck_assert_int_eq(done(BLK_FLUSH, 0, 0, NULL, 0), 0);
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
	ck_assert_int_eq(done(BLK_READ, 32, sectors, piece, ARRAY_LEN(piece)), 0);
	for (size_t i = 0, at = 32 * 512; i < ARRAY_LEN(piece); at += piece[i++].bytes)
		ck_assert_mem_eq(piece[i].addr, expected + at, piece[i].bytes);
	ck_assert_int_eq(done(BLK_WRITE, 0, sectors, piece, ARRAY_LEN(piece)), 0);
	memmove(expected, expected + 32 * 512, sectors * 512);
	file_is_as_expected();
}
END_TEST

START_TEST(discards)
{
	struct stat before, after;

	ck_assert_int_eq(fsync(file) | fstat(file, &before), 0);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 8, 64), 0);
	memset(expected + 8 * 512, 0, 64 * 512);
	file_is_as_expected();
	ck_assert_int_eq(fstat(file, &after), 0);
	ck_assert_int_lt(after.st_blocks, before.st_blocks);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 100, 1), 0);
	memset(expected + 100 * 512, 0, 512);
	file_is_as_expected();
	/* A file that knows no holes. */
	disk_close(&disk);
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
	ck_assert_int_eq(ftruncate(file, (off_t)BYTES - 1), 0);
	ck_assert_int_eq(done_plain(BLK_READ, SECTORS - 1, 1), -XEN_EIO);
	ck_assert_int_eq(done_plain(BLK_READ, 0, 1), 0);
	disk_close(&disk);
	open_at(path, O_RDONLY);
	ck_assert_int_eq(done_plain(BLK_READ, 0, 1), 0);
	ck_assert_int_eq(done_plain(BLK_WRITE, 0, 1), -EBADF);
	ck_assert_int_eq(done_plain(BLK_DISCARD, 0, 1), -EBADF);
	ck_assert_int_eq(done(BLK_FLUSH, 0, 0, NULL, 0), 0);
	disk_close(&disk);
	open_at("/dev/full", O_WRONLY);
	ck_assert_int_eq(done_plain(BLK_WRITE, 0, 1), -ENOSPC);
}
END_TEST

START_TEST(more_than_the_ring_has)
{
	struct blk_io_request r[ENTRIES * 5 + 3] = { 0 };
	struct blk_piece piece[ARRAY_LEN(r)];
	bool seen[ARRAY_LEN(r)] = { false };

	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		piece[i] = (struct blk_piece){ data + i * 512, 512 };
		r[i] = (struct blk_io_request){ .op = BLK_READ, .sector = i * 5, .sectors = 1, .piece = &piece[i],
						.pieces = 1 };
		disk.io.submit(&disk.io, &r[i]);
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
	disk_start(&disk);
	ck_assert_uint_eq(disk_reap(&disk), 0);
}
END_TEST

/* ---- what the ring is not for ---- */

/* What @sqe's operation, with @flags and the registered file, comes to. */
static int tried(void (*prepare)(struct io_uring_sqe *sqe), unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&disk.ring);
	struct io_uring_cqe *cqe;
	int res;

	prepare(sqe);
	io_uring_sqe_set_flags(sqe, flags);
	ck_assert_int_eq(io_uring_submit(&disk.ring), 1);
	ck_assert_int_eq(io_uring_wait_cqe(&disk.ring, &cqe), 0);
	res = cqe->res;
	io_uring_cqe_seen(&disk.ring, cqe);
	return res;
}

static struct iovec one = { data, 512 };

static void own_read(struct io_uring_sqe *sqe)
{
	io_uring_prep_readv(sqe, 0, &one, 1, 0);
}

static void any_open(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
}

START_TEST(only_the_file)
{
	static int other;

	ck_assert_int_eq(tried(own_read, IOSQE_FIXED_FILE), 512);
	/* A descriptor of the process, which 0 is. */
	ck_assert_int_eq(tried(own_read, 0), -EACCES);
	ck_assert_int_eq(tried(own_read, IOSQE_FIXED_FILE | IOSQE_IO_LINK), -EACCES);
	ck_assert_int_eq(tried(own_read, IOSQE_FIXED_FILE | IOSQE_IO_DRAIN), -EACCES);
	ck_assert_int_eq(tried(own_read, IOSQE_FIXED_FILE | IOSQE_ASYNC), -EACCES);
	ck_assert_int_eq(tried(any_open, 0), -EACCES);
	ck_assert_int_eq(tried(any_open, IOSQE_FIXED_FILE), -EACCES);
	/* There is one file, and there will be no other. */
	other = dup(file);
	ck_assert_int_eq(io_uring_register_files_update(&disk.ring, 0, &other, 1), -EACCES);
	ck_assert_int_eq(io_uring_unregister_files(&disk.ring), -EACCES);
	ck_assert_int_eq(io_uring_register_files(&disk.ring, &other, 1), -EACCES);
	ck_assert_int_lt(io_uring_register_personality(&disk.ring), 0);
	ck_assert_int_lt(io_uring_register_restrictions(&disk.ring, NULL, 0), 0);
	close(other);
}
END_TEST

static unsigned char opcode;

static void by_number(struct io_uring_sqe *sqe)
{
	memset(sqe, 0, sizeof *sqe);
	sqe->opcode = opcode;
}

/* By number, those included that this kernel does not know. */
START_TEST(only_four_operations)
{
	for (unsigned int op = 0; op <= UINT8_MAX; op++) {
		opcode = (unsigned char)op;
		if (op == IORING_OP_READV || op == IORING_OP_WRITEV || op == IORING_OP_FSYNC ||
		    op == IORING_OP_FALLOCATE)
			continue;
		int res = tried(by_number, IOSQE_FIXED_FILE);

		ck_assert_msg(res == -EACCES || (op >= IORING_OP_LAST && res == -EINVAL), "operation %u: %d", op, res);
	}
	ck_assert_int_eq(tried(own_read, IOSQE_FIXED_FILE), 512);
}
END_TEST

START_TEST(no_disk)
{
	struct disk other;

	ck_assert_int_lt(disk_open(&other, -2, ENTRIES), 0);
	ck_assert_int_lt(disk_open(&other, file, 0), 0);
}
END_TEST

CHECK_MAIN("disk", setup, teardown, reads_and_writes, many_pieces, discards, errors, more_than_the_ring_has,
	   nothing_to_do, only_the_file, only_four_operations, no_disk)
