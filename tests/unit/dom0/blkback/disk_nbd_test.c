/* A disk on an NBD export: of nbdkit, and of servers that this test invents. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/blkback/disk_nbd.h"
#include "tests/unit/dom0/blkback/disk_cases.h"

#define OPERATIONS 64u

static struct disk_nbd nbd, other;
static pid_t server;		/* the last one */

/* A server on one end of a socket pair; the other end. */
static int serve(const char *const argv[])
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	server = fork();
	if (server == 0) {
		dup2(pair[1], 0);
		dup2(pair[1], 1);
		execvp(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	close(pair[1]);
	return pair[0];
}

/* In place of the disk that there is: the export @name of nbdkit with these arguments. */
#define NBDKIT(name, ...) \
	nbdkit(name, (const char *const[]){ "nbdkit", "-s", __VA_ARGS__, NULL })
static void nbdkit(const char *name, const char *const argv[])
{
	char *why = NULL;
	int err;

	disk->close(disk);
	err = disk_nbd_open(&nbd, serve(argv), name, OPERATIONS, &why);
	disk = &nbd.disk;
	ck_assert_msg(err == 0, "nbdkit: %s", why);
}

/* Of the file that @fd is. */
static struct disk *by_nbd(int fd)
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof target - 1);
	ck_assert_int_gt(n, 0);
	target[n] = '\0';
	close(fd);
	ck_assert_int_eq(disk_nbd_open(&nbd, serve((const char *const[]){ "nbdkit", "-s", "file", target, NULL }), "",
				       OPERATIONS, &(char *){ NULL }), 0);
	return &nbd.disk;
}

/* ---- what an export can do ---- */

START_TEST(what_it_is)
{
	NBDKIT("any name", "memory", "1M");
	ck_assert_uint_eq(nbd.sectors, 2048);
	ck_assert_uint_eq(nbd.sector_bytes, 512);
	ck_assert(!nbd.read_only && nbd.flush && nbd.discard);
	NBDKIT("", "-r", "memory", "1048577");
	ck_assert_uint_eq(nbd.sectors, 2048);
	ck_assert(nbd.read_only && !nbd.discard);
	NBDKIT("", "--filter=blocksize-policy", "memory", "1023k", "blocksize-minimum=4k");
	ck_assert_uint_eq(nbd.sectors, 2040);
	ck_assert_uint_eq(nbd.sector_bytes, 4096);
	NBDKIT("", "eval", "get_size=echo 1048576", "pread=head -c $3 /dev/zero");
	ck_assert(nbd.read_only && !nbd.flush && !nbd.discard);
}
END_TEST

START_TEST(errors)
{
	static char data[512];
	struct blk_piece piece = { data, sizeof data };

	NBDKIT("", "--filter=error", "memory", "1M", "error-pread=EIO", "error-pread-rate=100%", "error-pwrite=ENOSPC",
	       "error-pwrite-rate=100%");
	ck_assert_int_eq(op_done(BLK_READ, 0, 1, &piece, 1), -EIO);
	ck_assert_int_eq(op_done(BLK_WRITE, 0, 1, &piece, 1), -ENOSPC);
	ck_assert_int_eq(op_done(BLK_FLUSH, 0, 0, NULL, 0), 0);
	/* What the core would not ask. */
	ck_assert_int_eq(op_done(BLK_READ, 2048, 1, &piece, 1), -EIO);
}
END_TEST

/* More than the protocol's 32 bits of length, in several steps. */
START_TEST(a_large_discard)
{
	NBDKIT("", "memory", "9G");
	ck_assert_int_eq(op_done(BLK_DISCARD, 1, (9ull << 21) - 1, NULL, 0), 0);
	NBDKIT("", "--filter=error", "memory", "9G", "error-trim=EPERM", "error-trim-rate=100%");
	ck_assert_int_eq(op_done(BLK_DISCARD, 0, 9ull << 21, NULL, 0), -EPERM);
}
END_TEST

/* ---- servers that are none ---- */

/* Connect to what says these bytes, and then nothing more. */
static char *refused(const void *bytes, size_t count)
{
	int pair[2], err;
	char *why = NULL;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(send(pair[1], bytes, count, 0), (ssize_t)count);
	shutdown(pair[1], SHUT_WR);
	err = disk_nbd_open(&other, pair[0], "x", OPERATIONS, &why);
	ck_assert_int_eq(err, -EIO);
	ck_assert(why && why[0]);
	close(pair[1]);
	return why;
}

#define NEWSTYLE "NBDMAGICIHAVEOPT\0\3"

START_TEST(no_servers)
{
	static char noise[100000];

	free(refused("", 0));
	free(refused("HTTP/1.1 400 Bad Request\r\n\r\n", 28));
	free(refused(NEWSTYLE, 18));
	for (int i = 0; i < 200; i++) {
		srand((unsigned int)i);
		for (size_t k = 0; k < sizeof noise; k++)
			noise[k] = (char)rand();
		if (i & 1)
			memcpy(noise, NEWSTYLE, 18);
		free(refused(noise, sizeof noise));
	}
}
END_TEST

START_TEST(no_such_export)
{
	char *why = NULL;
	int fd = serve((const char *const[]){ "nbdkit", "-s", "--filter=exportname", "memory", "1M", "exportname=a",
					      "exportname-strict=true", NULL });

	ck_assert_int_eq(disk_nbd_open(&other, fd, "b", OPERATIONS, &why), -EIO);
	ck_assert_msg(strstr(why, "server"), "%s", why);
	free(why);
	fd = serve((const char *const[]){ "nbdkit", "-s", "memory", "511", NULL });
	ck_assert_int_eq(disk_nbd_open(&other, fd, "", OPERATIONS, &why), -EIO);
	ck_assert_str_eq(why, "the export is empty");
	free(why);
	fd = serve((const char *const[]){ "nbdkit", "-s", "--filter=blocksize-policy", "memory", "1M",
					  "blocksize-minimum=64k", "blocksize-preferred=64k", NULL });
	ck_assert_int_eq(disk_nbd_open(&other, fd, "", OPERATIONS, &why), -EIO);
	ck_assert_str_eq(why, "the export takes blocks of more than 4096 bytes only");
	free(why);
}
END_TEST

/* ---- connections that are lost ---- */

/* The process ends with 1, and no operation was told to have ended. */
START_TEST(lost)
{
	static char data[512];
	struct blk_piece piece = { data, sizeof data };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		NBDKIT("", "--filter=delay", "memory", "1M", "delay-read=3600");
		struct blk_io_request r = { .op = BLK_READ, .sectors = 1, .piece = &piece, .pieces = 1 };

		nbd.disk.io.submit(&nbd.disk.io, &r);
		nbd.disk.start(&nbd.disk);
		if (_i)
			kill(server, SIGKILL);
		else
			shutdown(nbd.disk.fd, SHUT_RDWR);
		for (;;) {
			struct pollfd p = { .fd = nbd.disk.fd, .events = nbd.disk.events };

			poll(&p, 1, -1);
			if (nbd.disk.reap(&nbd.disk))
				_exit(2);
		}
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
END_TEST

/* Its server closes its end, and that is waited for. */
START_TEST(leaving)
{
	char byte;

	NBDKIT("", "memory", "1M");
	disk_nbd_leave(&nbd);
	ck_assert_int_eq(recv(nbd.disk.fd, &byte, 1, MSG_DONTWAIT), 0);
}
END_TEST

int main(void)
{
	TCase *c = disk_cases(by_nbd);

	tcase_add_test(c, what_it_is);
	tcase_add_test(c, errors);
	tcase_add_test(c, a_large_discard);
	tcase_add_test(c, no_servers);
	tcase_add_test(c, no_such_export);
	tcase_add_test(c, leaving);
	tcase_add_loop_test(c, lost, 0, 2);
	return check_run("disk_nbd", c);
}
