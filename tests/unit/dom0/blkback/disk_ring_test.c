/* A disk by the kernel's io_uring, and what the ring cannot be made to do. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "dom0/blkback/disk_ring.h"
#include "tests/unit/dom0/blkback/disk_cases.h"

static struct disk_ring ring;
static unsigned char data[512];

static struct disk *by_ring(int fd)
{
	int err = disk_ring_open(&ring, fd, DISK_ENTRIES);

	ck_assert_msg(err == 0, "this machine has no io_uring that can be restricted: %s", strerror(-err));
	close(fd);
	return &ring.disk;
}

/* What @sqe's operation, with @flags and the registered file, comes to. */
static int tried(void (*prepare)(struct io_uring_sqe *sqe), unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring.ring);
	struct io_uring_cqe *cqe;
	int res;

	prepare(sqe);
	io_uring_sqe_set_flags(sqe, flags);
	ck_assert_int_eq(io_uring_submit(&ring.ring), 1);
	ck_assert_int_eq(io_uring_wait_cqe(&ring.ring, &cqe), 0);
	res = cqe->res;
	io_uring_cqe_seen(&ring.ring, cqe);
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
	other = dup(disk_file);
	ck_assert_int_eq(io_uring_register_files_update(&ring.ring, 0, &other, 1), -EACCES);
	ck_assert_int_eq(io_uring_unregister_files(&ring.ring), -EACCES);
	ck_assert_int_eq(io_uring_register_files(&ring.ring, &other, 1), -EACCES);
	ck_assert_int_lt(io_uring_register_personality(&ring.ring), 0);
	ck_assert_int_lt(io_uring_register_restrictions(&ring.ring, NULL, 0), 0);
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
START_TEST(only_six_operations)
{
	for (unsigned int op = 0; op <= UINT8_MAX; op++) {
		opcode = (unsigned char)op;
		if (op == IORING_OP_READV || op == IORING_OP_WRITEV || op == IORING_OP_READ_FIXED || op == IORING_OP_WRITE_FIXED ||
		    op == IORING_OP_FSYNC || op == IORING_OP_FALLOCATE)
			continue;
		int res = tried(by_number, IOSQE_FIXED_FILE);

		ck_assert_msg(res == -EACCES || (op >= IORING_OP_LAST && res == -EINVAL), "operation %u: %d", op, res);
	}
	ck_assert_int_eq(tried(own_read, IOSQE_FIXED_FILE), 512);
}
END_TEST

START_TEST(no_disk)
{
	struct disk_ring other;

	ck_assert_int_lt(disk_ring_open(&other, -2, DISK_ENTRIES), 0);
	ck_assert_int_lt(disk_ring_open(&other, disk_file, 0), 0);
}
END_TEST

int main(void)
{
	TCase *c = disk_cases(by_ring);

	disk_cases_of_file(c);
	tcase_add_test(c, only_the_file);
	tcase_add_test(c, only_six_operations);
	tcase_add_test(c, no_disk);
	return check_run("disk_ring", c);
}
