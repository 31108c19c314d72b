/* Deaths against a real store and an invented hypervisor: what is started, what is owed, and what
 * a successor finds when domaind was killed in between. The worker notes what it was told and does
 * the least of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include "dom0/domaind/deaths.h"
#include "dom0/domaind/executor.h"
#include "dom0/domaind/worker.h"
#include "dom0/lib/domctl.h"
#include "dom0/lib/sysctl.h"
#include "protocol/sched.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/store_daemon.h"

static struct store_daemon server;
static struct store *s;
static struct xen_domctl_getdomaininfo living[4];
static uint32_t living_count;
static uint64_t age_ns;
static struct deaths deaths;
static struct privcmd hypercalls;
static int executor[2], done[2], worker_status;

/* ---- in place of the hypervisor and the worker ---- */

int sysctl_domain_list(struct privcmd *p, struct xen_domctl_getdomaininfo **list, uint32_t *count)
{
	(void)p;
	*list = malloc(sizeof living);
	memcpy(*list, living, sizeof living);
	*count = living_count;
	return 0;
}

int domctl_info(struct privcmd *p, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	(void)p;
	for (uint32_t i = 0; i < living_count; i++)
		if (living[i].domain == domid) {
			*info = living[i];
			return 0;
		}
	return -ESRCH;
}

int domctl_age(struct privcmd *p, uint16_t domid, uint64_t *age)
{
	(void)p, (void)domid;
	*age = age_ns;
	return 0;
}

int worker_run(struct privcmd *p, uint16_t domid, enum domain_action action)
{
	char text[32], path[64];
	int n = snprintf(text, sizeof text, "%u %s\n", domid, action_name(action));
	struct store *own;

	(void)p;
	if (write(done[1], text, (size_t)n) != n || store_open(&own, server.path, 5000))
		return 1;
	if (worker_status)
		return worker_status;
	if (action == DOMAIN_PRESERVE) {
		snprintf(path, sizeof path, "/bothy/domain/%u/preserved", domid);
		return store_write(own, STORE_NO_TX, path, "1") ? 1 : 0;
	}
	snprintf(path, sizeof path, "/bothy/domain/%u", domid);
	return store_rm(own, STORE_NO_TX, path) ? 1 : 0;
}

/* ---- */

static void begin(void)
{
	store_daemon_open(&server);
	ck_assert_int_eq(store_open(&s, server.path, 5000), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, executor), 0);
	ck_assert_int_eq(pipe2(done, O_NONBLOCK), 0);
	deaths = (struct deaths){ .store = s, .hypercalls = &hypercalls,
				  .executor_fd = executor[0] };
	living_count = 0;
	age_ns = YOUNG_NS;
	worker_status = 0;
}

static void end(void)
{
	store_close(s);
	store_daemon_close(&server);
}

static void record(uint16_t domid, const char *on_poweroff, const char *on_crash)
{
	char path[64];

	snprintf(path, sizeof path, "/bothy/domain/%u/name", domid);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, path, "one"), 0);
	snprintf(path, sizeof path, "/bothy/domain/%u/on_poweroff", domid);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, path, on_poweroff), 0);
	snprintf(path, sizeof path, "/bothy/domain/%u/on_crash", domid);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, path, on_crash), 0);
}

static void lives(uint16_t domid, uint32_t flags)
{
	living[living_count++] = (struct xen_domctl_getdomaininfo){ .domain = domid,
								    .flags = flags };
}

/* Wait for the workers and return what they were told. */
static const char *told(void)
{
	static char text[256];
	int status;
	ssize_t n;
	pid_t pid;

	while (deaths.workers > 0 && (pid = waitpid(-1, &status, 0)) > 0)
		if (pid != server.pid)
			deaths_child(&deaths, pid, status);
	n = read(done[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *asked(void)
{
	static struct executor_request q;

	return recv(executor[1], &q, sizeof q, 0) == (ssize_t)sizeof q ? q.config : "";
}

START_TEST(living_are_left)
{
	begin();
	record(3, "destroy", "destroy");
	lives(0, XEN_DOMINF_running);
	lives(3, XEN_DOMINF_blocked);
	lives(4, XEN_DOMINF_shutdown);	/* not ours: no record */
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "");
	ck_assert(deaths_pending(&deaths, 3));
	end();
}
END_TEST

START_TEST(each_reason)
{
	begin();
	record(3, "destroy", "preserve");
	lives(3, XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift);
	deaths_scan(&deaths);
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "3 preserve\n");
	end();
}
END_TEST

/* Restarted however often it crashes, but not when it crashed as soon as it was created. */
START_TEST(crash_at_once)
{
	begin();
	record(3, "restart", "restart");
	lives(3, XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift);
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "3 restart\n");
	record(3, "restart", "restart");
	age_ns = YOUNG_NS - 1;
	deaths_scan(&deaths);
	ck_assert_str_eq(deaths.jobs->ending, "crash at once, so no restart");
	ck_assert_str_eq(told(), "3 destroy\n");
	ck_assert_str_eq(asked(), "");
	end();
}
END_TEST

START_TEST(preserved_once)
{
	begin();
	record(3, "destroy", "preserve");
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/bothy/domain/3/preserved", "1"), 0);
	lives(3, XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift);
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "");
	living[0].flags |= XEN_DOMINF_dying;
	deaths_scan(&deaths);
	ck_assert_msg(strcmp(told(), "3 destroy\n") == 0, "destroyed by hand: reap");
	end();
}
END_TEST

/* Whoever was killed: a record without a domain is reaped, at the latest now. */
START_TEST(death_while_away)
{
	begin();
	record(3, "destroy", "destroy");
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "3 destroy\n");
	ck_assert(!deaths_pending(&deaths, 3));
	end();
}
END_TEST

START_TEST(failure_is_retried)
{
	begin();
	record(3, "destroy", "destroy");
	worker_status = 1;
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "3 destroy\n");
	ck_assert_msg(deaths.jobs && deaths.jobs->failures == 1, "it stays on the list");
	deaths_scan(&deaths);
	ck_assert_msg(deaths.workers == 0, "not at once");
	deaths.jobs->retry_ns = 0;
	worker_status = 0;
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "3 destroy\n");
	ck_assert_ptr_null(deaths.jobs);
	end();
}
END_TEST

/* A restart is owed from before the end until the creation was tried. */
START_TEST(restart_owed)
{
	begin();
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/bothy/restart/3", "/run/x.cfg"), 0);
	record(3, "restart", "restart");
	deaths_scan(&deaths);
	ck_assert_msg(!*asked(), "first the end of the old one");
	ck_assert_str_eq(told(), "3 destroy\n");
	ck_assert_str_eq(asked(), "/run/x.cfg");
	deaths_scan(&deaths);
	ck_assert_msg(!*asked(), "once");
	ck_assert(deaths_pending(&deaths, 3));
	deaths_executed(&deaths, 3, 0);
	deaths_scan(&deaths);
	ck_assert_str_eq(asked(), "");
	ck_assert(!deaths_pending(&deaths, 3));
	end();
}
END_TEST

/* The host goes down: neither a restart, nor one owed, nor anything kept. */
START_TEST(none_while_the_host_stops)
{
	begin();
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/bothy/stopping", "1"), 0);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/bothy/restart/2", "/run/x.cfg"), 0);
	record(3, "restart", "preserve");
	lives(3, XEN_DOMINF_shutdown | SHUTDOWN_poweroff << XEN_DOMINF_shutdownshift);
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "3 destroy\n");
	record(4, "destroy", "preserve");
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/bothy/domain/4/preserved", "1"), 0);
	lives(4, XEN_DOMINF_shutdown | SHUTDOWN_crash << XEN_DOMINF_shutdownshift);
	record(5, "destroy", "destroy");
	lives(5, XEN_DOMINF_running);
	deaths_scan(&deaths);
	ck_assert_str_eq(told(), "4 destroy\n");
	ck_assert_str_eq(asked(), "");
	end();
}
END_TEST

CHECK_MAIN("deaths", NULL, NULL, living_are_left, each_reason, crash_at_once, preserved_once, death_while_away,
	   failure_is_retried, restart_owed, none_while_the_host_stops)
