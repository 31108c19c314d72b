/* Devices from their directory in the store to its end, on a real store. This program is also what is started as their
 * process: it notes what it was given, and lives until it is told a number, with which it exits. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/backendd/image.h"
#include "dom0/backendd/roster.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/sandbox.h"
#include "dom0/lib/store_loop.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/backendd/fake_doors.h"
#include "tests/unit/dom0/store_daemon.h"

#define VBD	DEVICES_DIR "/vbd/1/51"
#define ERROR	"/local/domain/0/error/user-backend/vbd/1/51/error"
#define MARK	((uint64_t)1 << 32 | 51)

static struct store_daemon server;
static struct store *toolstack;
static struct store_loop followed;
static struct loop loop;
static struct roster roster;
static char dir[32], image[48], report[48], run_dir[48], records[64], self[256];

/* ---- the process ---- */

/* Append a line to the report. */
static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void say(const char *fmt, ...)
{
	int fd = open(getenv("REPORT"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	va_list ap;

	va_start(ap, fmt);
	vdprintf(fd, fmt, ap);
	va_end(ap);
	close(fd);
}

/* Its descriptors, one bit each; the highest stands for all from there on. */
static unsigned long descriptors(void)
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

static int as_process(void)
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
	say("fds %lx blocked %d path %s sectors %llu of %u rings %u uid %u read-only %u disk %lld access %d nr %u\n",
	    descriptors(), sigismember(&blocked, SIGTERM), m.start.path, (unsigned long long)m.start.sectors,
	    m.start.sector_bytes, m.start.rings, m.start.uid, m.start.read_only, (long long)st.st_size,
	    fcntl(LINK_FD_DISK, F_GETFL) & O_ACCMODE, deaths);
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

static void store_ready(struct loop_source *src, uint32_t ready)
{
	(void)src;
	(void)ready;
	roster_look(&roster);
}

static bool prepare(struct loop *l, void *arg)
{
	bool more = roster_look(&roster);

	(void)arg;
	store_loop_follow(&followed, l, roster.host.store, store_ready);
	return more;
}

static void image_make(off_t bytes)
{
	int fd = open(image, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	close(fd);
}

static void setup(void)
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
	roster.host = (struct device_host){ .loop = &loop, .run_dir = run_dir, .blkback = self };
	ck_assert_int_eq(store_open(&roster.host.store, server.path, 10000), 0);
	ck_assert_int_eq(roster_start(&roster), 0);
}

static void teardown(void)
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

static void put(const char *path, const char *value)
{
	ck_assert_int_eq(store_write(toolstack, STORE_NO_TX, path, value), 0);
}

static bool is_there(const char *path)
{
	char value[8];

	return store_read_buf(toolstack, STORE_NO_TX, path, value, sizeof value) == 0;
}

static void device_make(const char *mode)
{
	put(VBD "/online", "1");
	put(VBD "/params", image);
	put(VBD "/mode", mode);
	put(VBD "/frontend-id", "1");
	put(VBD "/frontend", "/local/domain/1/device/vbd/51");
}

/* The last line of the report, of at least @lines; "": there are not so many. */
static const char *said(unsigned int lines)
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
static void settle(void)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_round(&loop, 1), 0);
}

static void process_exit(uint32_t status)
{
	struct link_message m = { .type = LINK_CHANGED, .flags = status };

	ck_assert_int_eq(link_send(roster.devices->socket, &m, 0), 0);
}

/* Make a device, and wait for its process. */
static struct device *served(void)
{
	device_make("w");
	UNTIL(said(1)[0]);
	return roster.devices;
}

/* ---- */

START_TEST(process_has_what_it_needs)
{
	bool writable = _i;
	char line[1024];

	device_make(writable ? "w" : "r");
	UNTIL(said(1)[0]);
	snprintf(line, sizeof line, "fds ff blocked 0 path " VBD " sectors 2048 of 512 rings 4 uid %u read-only %d "
		 "disk 1048576 access %d nr 1\n", DEVICES_UID, !writable, writable ? O_RDWR : O_RDONLY);
	ck_assert_str_eq(said(1), line);
	ck_assert_uint_eq(fake_doors.domid, 1);
	ck_assert_ptr_null(roster.devices->next);
	settle();
	ck_assert_str_eq(said(2), "");
}
END_TEST

START_TEST(half_made)
{
	put(VBD "/params", image);
	settle();
	ck_assert_ptr_null(roster.devices);
	served();
}
END_TEST

START_TEST(names_that_are_no_devices)
{
	put(DEVICES_DIR "/vbd/32752/51/frontend", "/local/domain/32752/device/vbd/51");
	put(DEVICES_DIR "/vbd/1/4294967296/frontend", "/local/domain/1/device/vbd/4294967296");
	put(DEVICES_DIR "/vif/1/0/frontend", "/local/domain/1/device/vif/0");
	settle();
	ck_assert_ptr_null(roster.devices);
}
END_TEST

START_TEST(the_end)
{
	served();
	ck_assert_int_eq(access(records, F_OK), 0);
	put(VBD "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
	ck_assert(access(records, F_OK) < 0);
	settle();
	/* The number can be used again, with new records. */
	device_make("w");
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), " nr 1\n"));
}
END_TEST

/* Who waits for the directory to go may then do with the image what he likes. */
START_TEST(the_end_waits_for_io)
{
	struct image i;

	served();
	put(VBD "/online", "0");
	process_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)roster.devices->pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(image_open(&i, image, true, MARK), 0);
	ck_assert(!i.busy);
	settle();
	ck_assert(is_there(VBD));
	ck_assert_int_eq(roster.devices->pid, 0);
	close(i.fd);
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
}
END_TEST

/* The directory was removed and made again: the process saw the first go, and the second is another device's. */
START_TEST(made_again)
{
	served();
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, VBD), 0);
	device_make("r");
	process_exit(0);
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), "read-only 1"));
	ck_assert(is_there(VBD));
}
END_TEST

START_TEST(successors)
{
	pid_t first = served()->pid;

	kill(first, SIGKILL);
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), " nr 2\n"));
	ck_assert_int_ne(roster.devices->pid, first);
	process_exit(1);
	UNTIL(said(3)[0]);
	ck_assert_ptr_nonnull(strstr(said(3), "fds ff "));
	ck_assert_ptr_nonnull(strstr(said(3), " nr 3\n"));
	ck_assert(is_there(VBD "/params"));
}
END_TEST

/* backendd itself begins anew: the records are still there. */
START_TEST(records_outlive_backendd)
{
	int fd = open(records, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, "\5", 1), 1);
	close(fd);
	served();
	ck_assert_ptr_nonnull(strstr(said(1), " nr 6\n"));
}
END_TEST

START_TEST(io_of_a_dead_process_is_waited_for)
{
	struct image i;

	ck_assert_int_eq(image_open(&i, image, true, MARK), 0);
	device_make("w");
	UNTIL(roster.devices && roster.devices->retry.armed);
	settle();
	ck_assert_int_eq(roster.devices->pid, 0);
	ck_assert(!roster.devices->refused);
	close(i.fd);
	UNTIL(said(1)[0]);
}
END_TEST

/* The process of @d has died, so long after its start that this was soon, or not; the device hears of it. */
static void died(struct device *d, bool soon)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOWAIT), 0);
	d->started_ns = soon ? loop_now_ns() : 0;
	d->ends.ready(&d->ends, EPOLLIN);
	ck_assert_int_eq(d->pid, 0);
	ck_assert(d->retry.armed);
}

START_TEST(deaths_at_once_slow_the_next_start)
{
	uint64_t delay_ns = 2000000;
	struct device *d;

	setenv("ROLE", "die", 1);
	device_make("w");
	UNTIL(roster.devices && roster.devices->pid);
	d = roster.devices;
	for (uint32_t deaths = 1; deaths <= 12; deaths++) {
		delay_ns *= deaths < 10 ? 2 : 1;
		died(d, true);
		ck_assert_uint_ge(d->retry.deadline_ns, d->started_ns + delay_ns);
		loop_timer_arm(&loop, &d->retry, 0);
		UNTIL(d->pid);
	}
	/* One that lived is followed at once. */
	died(d, false);
	ck_assert_uint_le(d->retry.deadline_ns, loop_now_ns());
	setenv("ROLE", "serve", 1);
	UNTIL(said(1)[0]);
}
END_TEST

START_TEST(a_process_that_asks_for_more)
{
	char params[64];
	pid_t first;

	setenv("ROLE", "hostile", 1);
	device_make("w");
	UNTIL(roster.devices && roster.devices->pid);
	first = roster.devices->pid;
	setenv("ROLE", "serve", 1);
	UNTIL(said(2)[0]);
	ck_assert_int_ne(roster.devices->pid, first);
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, VBD "/params", params, sizeof params), 0);
	ck_assert_str_eq(params, image);
}
END_TEST

/* ---- devices that cannot be served ---- */

/* A device that is made now is refused with @error, and forgotten when it is offline. */
static void refused(const char *error)
{
	char text[512];

	if (!is_there(VBD "/frontend"))
		device_make("w");
	UNTIL(is_there(ERROR));
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, ERROR, text, sizeof text), 0);
	ck_assert_str_eq(text, error);
	ck_assert_int_eq(roster.devices->pid, 0);
	settle();
	put(VBD "/online", "0");
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
	ck_assert(access(records, F_OK) < 0);
	ck_assert_str_eq(said(1), "");
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, ERROR), 0);
}

START_TEST(refusals)
{
	char *error = mem_printf("%s: is empty", image), params[600];

	image_make(0);
	refused(error);
	free(error);
	image_make(511);
	error = mem_printf("%s: is empty", image);
	refused(error);
	free(error);
	unlink(image);
	error = mem_printf("%s: No such file or directory", image);
	refused(error);
	free(error);
	ck_assert_int_eq(mkfifo(image, 0600), 0);
	error = mem_printf("%s: is neither a file nor a block device", image);
	refused(error);
	free(error);
	unlink(image);
	put(VBD "/frontend", "/local/domain/1/device/vbd/51");
	refused("params or mode: No such file or directory");
	/* A name is not cut to that of another file. */
	image_make(1 << 20);
	memset(params, '/', sizeof params - 1);
	params[sizeof params - 1] = '\0';
	memcpy(params + 511 - strlen(image), image, strlen(image));
	device_make("w");
	put(VBD "/params", params);
	params[256] = '\0';
	error = mem_printf("%s: Not a directory", params);
	refused(error);
	free(error);
}
END_TEST

START_TEST(no_doors)
{
	int before = dup(0), after;

	close(before);
	fake_doors.no_gntdev = true;
	char *error = mem_printf("%s: No such file or directory", self);

	refused(error);
	fake_doors = (struct fake_doors){ .no_evtchn = true };
	refused(error);
	free(error);
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

/* The directory goes while nobody serves the device: no event comes afterwards. */
START_TEST(gone_without_a_process)
{
	struct image i;

	ck_assert_int_eq(image_open(&i, image, true, MARK), 0);
	device_make("w");
	UNTIL(roster.devices && roster.devices->retry.armed);
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, VBD), 0);
	UNTIL(!roster.devices);
	ck_assert(!is_there(ERROR));
	ck_assert(access(records, F_OK) < 0);
	close(i.fd);
	served();
}
END_TEST

START_TEST(offline_without_a_process)
{
	struct image i;

	ck_assert_int_eq(image_open(&i, image, true, MARK), 0);
	device_make("w");
	UNTIL(roster.devices && roster.devices->retry.armed);
	put(VBD "/online", "0");
	settle();
	ck_assert_ptr_nonnull(roster.devices);	/* who comes next tells the guest */
	unlink(image);
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
	close(i.fd);
}
END_TEST

START_TEST(each_has_an_id_of_its_own)
{
	served();
	put(DEVICES_DIR "/vbd/1/52/params", image);
	put(DEVICES_DIR "/vbd/1/52/mode", "r");
	put(DEVICES_DIR "/vbd/1/52/frontend", "/local/domain/1/device/vbd/52");
	UNTIL(said(2)[0]);
	ck_assert_uint_eq(roster.devices->number, 52);
	ck_assert_uint_eq(roster.devices->uid, DEVICES_UID + 1);
	ck_assert_uint_eq(roster.devices->next->uid, DEVICES_UID);
}
END_TEST

int main(void)
{
	TCase *c;

	if (getenv("ROLE"))
		_exit(as_process());
	c = CHECK_CASE(setup, teardown, half_made, names_that_are_no_devices, the_end,
		       the_end_waits_for_io, made_again, successors,
		       records_outlive_backendd, io_of_a_dead_process_is_waited_for, deaths_at_once_slow_the_next_start,
		       a_process_that_asks_for_more, refusals, no_doors, gone_without_a_process,
		       offline_without_a_process, each_has_an_id_of_its_own);
	tcase_add_loop_test(c, process_has_what_it_needs, 0, 2);
	return check_run("roster", c);
}
