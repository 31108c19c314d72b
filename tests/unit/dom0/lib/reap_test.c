/* Reaping against a real store, an invented hypervisor, and a child process as kernel and backendd, or without them: who is
 * waited for, in which order things go, and that nothing is left. (Failures and deaths on the way: the toolstack's
 * leftovers_test.c.) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "dom0/lib/domctl.h"
#include "dom0/lib/reap.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/store_daemon.h"

#define KERNEL	"/local/domain/0/backend/vbd"
#define USER	"/local/domain/0/user-backend/vbd"
#define ERRORS	"/local/domain/0/error"
#define FRONTS	"/local/domain/3/device/vbd"

static struct store_daemon server;
static struct store *s;
static struct privcmd hypercalls;
static char sysfs[32];
static int sysfs_fd, destroyed;

int domctl_destroy_wait(struct privcmd *p, uint16_t domid, unsigned int tries)
{
	(void)p, (void)tries;
	return destroyed++ || domid != 3 ? -ESRCH : 0;
}

static void begin(void)
{
	store_daemon_open(&server);
	ck_assert_int_eq(store_open(&s, server.path, 5000), 0);
	strcpy(sysfs, "/tmp/bothy-sysfs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(sysfs));
	sysfs_fd = open(sysfs, O_RDONLY | O_DIRECTORY);
	domain_reap_sysfs(sysfs_fd);
}

static void end(void)
{
	close(sysfs_fd);
	rmdir(sysfs);
	store_close(s);
	store_daemon_close(&server);
}

static void put(const char *path, const char *value)
{
	ck_assert_int_eq(store_write(s, STORE_NO_TX, path, value), 0);
}

static bool is_node(struct store *of, const char *path)
{
	char value[8];

	return store_read_buf(of, STORE_NO_TX, path, value, sizeof value) == 0;
}

static bool is_offline(struct store *of, const char *path)
{
	char value[8] = "";

	return store_read_buf(of, STORE_NO_TX, path, value, sizeof value) == 0 && strcmp(value, "0") == 0;
}

/* Domain 3 with a disk of each kind, beside another's that look alike. */
static void make_domain(void)
{
	put("/bothy/domain/3/name", "g");
	put(FRONTS "/51712/state", "4");
	put(FRONTS "/51728/state", "4");
	put(KERNEL "/3/51712/online", "1");
	put(USER "/3/51728/online", "1");
	put(ERRORS "/backend/vbd/3/51712/error", "28 writing");
	put(ERRORS "/user-backend/vbd/3/51728/error", "5 reading");
	put(KERNEL "/30/51712/online", "1");
	put(USER "/30/51712/online", "1");
	put(ERRORS "/user-backend/vbd/30/51712/error", "5 reading");
}

static void assert_reaped(void)
{
	static const char *const gone[] = { "/bothy/domain/3", "/local/domain/3", KERNEL "/3", USER "/3",
					    ERRORS "/backend/vbd/3", ERRORS "/user-backend/vbd/3" };

	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
		ck_assert_msg(!is_node(s, gone[i]), "%s", gone[i]);
	ck_assert(!is_offline(s, KERNEL "/30/51712/online") && is_node(s, KERNEL "/30/51712/online"));
	ck_assert(!is_offline(s, USER "/30/51712/online") && is_node(s, USER "/30/51712/online"));
	ck_assert(is_node(s, ERRORS "/user-backend/vbd/30/51712/error"));
}

static void wait_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
}

/* The others' side: they let go some time after the device was closed, and until then all is there but the front ends. */
static int let_go(void)
{
	struct store *own;

	if (store_open(&own, server.path, 5000))
		return 1;
	while (!is_offline(own, USER "/3/51728/online") || is_node(own, FRONTS "/51728"))
		wait_a_little();
	wait_a_little();
	if (!is_offline(own, KERNEL "/3/51712/online") || is_node(own, FRONTS "/51712") || !is_node(own, USER "/3/51728"))
		return 2;
	if (unlinkat(sysfs_fd, "vbd-3-51712", AT_REMOVEDIR))
		return 3;
	wait_a_little();
	if (!is_node(own, "/bothy/domain/3") || !is_node(own, KERNEL "/3/51712") || !is_node(own, USER "/3/51728"))
		return 4;
	return store_rm(own, STORE_NO_TX, USER "/3/51728") ? 5 : 0;
}

START_TEST(waits_for_both_kinds)
{
	int status;
	pid_t pid;

	make_domain();
	ck_assert_int_eq(mkdirat(sysfs_fd, "vbd-3-51712", 0700), 0);
	pid = fork();
	if (pid == 0)
		_exit(let_go());
	ck_assert_int_eq(domain_reap(&hypercalls, s, 3), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	assert_reaped();
}
END_TEST

/* Seconds later, but without them. */
START_TEST(nobody_is_waited_for_for_ever)
{
	make_domain();
	ck_assert_int_eq(domain_reap(&hypercalls, s, 3), 0);
	assert_reaped();
}
END_TEST

/* What one who died on the way has left: the devices are closed, or are gone but for an error. */
START_TEST(goes_on_with_what_is_left)
{
	make_domain();
	ck_assert_int_eq(store_rm(s, STORE_NO_TX, FRONTS), 0);
	ck_assert_int_eq(store_rm(s, STORE_NO_TX, USER "/3/51728"), 0);
	ck_assert_int_eq(domain_reap(&hypercalls, s, 3), 0);
	assert_reaped();
	put(ERRORS "/user-backend/vbd/3/51728/error", "5 reading");
	ck_assert_int_eq(domain_reap(&hypercalls, s, 3), 0);
	assert_reaped();
	ck_assert_int_eq(domain_reap(&hypercalls, s, 0), -EPERM);
}
END_TEST

/* One device: the others, and all else of the domain, stay. */
START_TEST(one_device)
{
	make_domain();
	ck_assert_int_eq(device_reap(s, 3, "backend", "vbd", 51712), 0);
	ck_assert(!is_node(s, KERNEL "/3/51712") && !is_node(s, FRONTS "/51712"));
	ck_assert(!is_node(s, ERRORS "/backend/vbd/3/51712"));
	ck_assert(is_node(s, USER "/3/51728") && !is_offline(s, USER "/3/51728/online") && is_node(s, FRONTS "/51728"));
	ck_assert(is_node(s, "/bothy/domain/3/name"));
	/* backendd does not let go. */
	ck_assert_int_eq(device_reap(s, 3, "user-backend", "vbd", 51728), -EBUSY);
	ck_assert(is_offline(s, USER "/3/51728/online") && !is_node(s, FRONTS "/51728"));
	ck_assert_int_eq(store_rm(s, STORE_NO_TX, USER "/3/51728"), 0);
	ck_assert_int_eq(device_reap(s, 3, "user-backend", "vbd", 51728), 0);
	ck_assert(!is_node(s, ERRORS "/user-backend/vbd/3/51728") && !is_node(s, USER "/3/51728"));
}
END_TEST

CHECK_MAIN("reap", begin, end, one_device, waits_for_both_kinds, nobody_is_waited_for_for_ever, goes_on_with_what_is_left)
