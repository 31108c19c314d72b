/* backendd's devices over a real store, in a process of the test's: the world of the tests of each type.
 *
 * A device's process is the test's own program again, in whose environment REPORT is a file and ROLE what it does: it
 * tells what it was given, and lives until it is told a number, with which it exits. */
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/backendd/roster.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/sandbox.h"
#include "dom0/lib/store_loop.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/backendd/fake_doors.h"
#include "tests/unit/dom0/store_daemon.h"

#define VBD	DEVICES_DIR "/vbd/1/51"

static struct store_daemon server;
static struct store *toolstack;
static struct store_loop followed;
static struct loop loop;
static struct roster roster;
static char dir[32], image[48], report[48], run_dir[48], records[64], self[256];

/* ---- the process ---- */

/* Append a line to the report. */
static inline void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static inline void say(const char *fmt, ...)
{
	int fd = open(getenv("REPORT"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	va_list ap;

	va_start(ap, fmt);
	vdprintf(fd, fmt, ap);
	va_end(ap);
	close(fd);
}

/* Its descriptors, one bit each; the highest stands for all from there on. */
static inline unsigned long descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned long bits = 0;
	struct dirent *e;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d))
			bits |= 1ul << (atoi(e->d_name) < 63 ? atoi(e->d_name) : 63);
	closedir(d);
	return bits;
}

static inline int as_process(void)
{
	static struct link_message m;
	unsigned char deaths = 0;
	size_t bytes;
	sigset_t blocked;
	struct stat st;

	if (strcmp(getenv("ROLE"), "die") == 0)
		return 1;
	if (link_receive(LINK_FD_SOCKET, &m, &bytes, 0) || m.type != LINK_START || bytes != sizeof m.start)
		return 99;
	(void)!pread(LINK_FD_RECORDS, &deaths, 1, 0);
	deaths++;
	(void)!pwrite(LINK_FD_RECORDS, &deaths, 1, 0);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	fstat(LINK_FD_DISK, &st);
	say("fds %lx blocked %d path %s sectors %llu of %u rings %u uid %u read-only %u disk %lld access %d "
	    "limits %llu %llu %u nr %u\n",
	    descriptors(), sigismember(&blocked, SIGTERM), m.start.path, (unsigned long long)m.start.sectors,
	    m.start.sector_bytes, m.start.rings, m.start.uid, m.start.read_only, (long long)st.st_size,
	    fcntl(LINK_FD_DISK, F_GETFL) & O_ACCMODE, (unsigned long long)m.start.bytes_per_second,
	    (unsigned long long)m.start.operations_per_second, m.start.burst_ms, deaths);
	if (m.start.nbd)
		say("export %s\n", m.start.export);
	if (strcmp(getenv("ROLE"), "refuse") == 0) {
		m.type = LINK_REFUSED;
		memcpy(m.text, "it is\nclosed", sizeof "it is\nclosed");
		(void)!link_send(LINK_FD_SOCKET, &m, sizeof "it is\nclosed");
		return 1;
	}
	if (strcmp(getenv("ROLE"), "hostile") == 0) {
		m.type = LINK_STORE_WRITE;
		memcpy(m.text, VBD "/params\0/dev/sda", sizeof VBD "/params\0/dev/sda");
		(void)!link_send(LINK_FD_SOCKET, &m, sizeof VBD "/params\0/dev/sda");
	}
	while (link_receive(LINK_FD_SOCKET, &m, &bytes, 0) == 0)
		if (m.type == LINK_CHANGED)
			return (int)m.flags;
	return 98;
}

/* ---- backendd ---- */

static inline void store_ready(struct loop_source *src, uint32_t ready)
{
	(void)src;
	(void)ready;
	roster_look(&roster);
}

static inline bool prepare(struct loop *l, void *arg)
{
	bool more = roster_look(&roster);

	(void)arg;
	store_loop_follow(&followed, l, roster.host.store, store_ready);
	return more;
}

static inline void image_make(off_t bytes)
{
	int fd = open(image, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	close(fd);
}

static inline void setup(void)
{
	sigset_t block;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	ck_assert_int_gt(n, 0);
	/* Nothing that was open before, here or where the tests are run from, goes to the process. */
	ck_assert_int_eq(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), 0);
	strcpy(dir, "/tmp/bothy-roster-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(image, sizeof image, "%s/image", dir);
	snprintf(report, sizeof report, "%s/report", dir);
	snprintf(run_dir, sizeof run_dir, "%s/run", dir);
	snprintf(records, sizeof records, "%s/vbd-1-51", run_dir);
	ck_assert_int_eq(mkdir(run_dir, 0700), 0);
	image_make(1 << 20);
	setenv("REPORT", report, 1);
	setenv("ROLE", "serve", 1);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	store_daemon_open(&server);
	ck_assert_int_eq(store_open(&toolstack, server.path, 10000), 0);
	ck_assert_int_eq(loop_open(&loop), 0);
	loop.prepare = prepare;
	roster.host = (struct device_host){ .loop = &loop, .run_dir = run_dir, .program = { self, self } };
	ck_assert_int_eq(store_open(&roster.host.store, server.path, 10000), 0);
	ck_assert_int_eq(roster_start(&roster), 0);
}

static inline void teardown(void)
{
	char *command = mem_printf("rm -r %s", dir);

	for (struct device *d = roster.devices, *next; d; d = next) {
		next = d->next;
		device_free(d);
	}
	store_close(roster.host.store);
	store_close(toolstack);
	loop_close(&loop);
	store_daemon_close(&server);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static inline void put(const char *path, const char *value)
{
	ck_assert_int_eq(store_write(toolstack, STORE_NO_TX, path, value), 0);
}

static inline bool is_there(const char *path)
{
	char value[8];

	return store_read_buf(toolstack, STORE_NO_TX, path, value, sizeof value) == 0;
}

static inline void device_make(const char *mode)
{
	put(VBD "/online", "1");
	put(VBD "/params", image);
	put(VBD "/mode", mode);
	put(VBD "/frontend-id", "1");
	put(VBD "/frontend", "/local/domain/1/device/vbd/51");
}

/* The last line of the report, of at least @lines; "": there are not so many. */
static inline const char *said(unsigned int lines)
{
	static char line[1024];
	FILE *f = fopen(report, "re");

	while (f && fgets(line, sizeof line, f))
		lines -= lines > 0;
	if (f)
		fclose(f);
	if (lines)
		line[0] = '\0';
	return line;
}

/* Run backendd until @condition holds. */
#define UNTIL(condition) do { \
	for (int rounds_ = 0; !(condition) && rounds_ < 3000; rounds_++) \
		ck_assert_int_eq(loop_round(&loop, 10), 0); \
	ck_assert_msg((condition), "never: " #condition); \
} while (0)

/* Have backendd see all that has happened, if it is nothing to it. */
static inline void settle(void)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_round(&loop, 1), 0);
}

static inline void process_exit(uint32_t status)
{
	struct link_message m = { .type = LINK_CHANGED, .flags = status };

	ck_assert_int_eq(link_send(roster.devices->socket, &m, 0), 0);
}

/* Make a device, and wait for its process. */
static inline struct device *served(void)
{
	device_make("w");
	UNTIL(said(1)[0]);
	return roster.devices;
}

/* Write @name in the folder of the devices' files. */
static inline void file_write(const char *name, const char *text, size_t bytes)
{
	char *path = mem_printf("%s/%s", run_dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, bytes), (ssize_t)bytes);
	close(fd);
	free(path);
}

/* The program: a device's process, or the tests. */
static inline int roster_main(const char *name, TCase *(*tests)(void))
{
	if (getenv("ROLE"))
		_exit(as_process());
	return check_run(name, tests());
}
