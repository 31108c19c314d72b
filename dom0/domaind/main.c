/* domaind: what happens when a domain ends.
 *
 *   domaind [--bothy PATH] [--run-dir DIR] [--log-dir DIR]
 *
 * Two processes: the parent keeps its privileges and only runs `bothy create` (executor.c); the
 * child, in a sandbox, watches for deaths, reaps and performs the on_* actions. It holds nothing a
 * restart loses: see deaths.h. Start reading at deaths.c. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/domaind/deaths.h"
#include "dom0/domaind/executor.h"
#include "dom0/domaind/service.h"
#include "dom0/lib/daemon.h"
#include "dom0/lib/log.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/reap.h"
#include "dom0/lib/sandbox.h"
#include "dom0/lib/store_loop.h"

#define STORE_WAIT_MS 30000u
/* A look at everything even if nobody tells us: an event could be lost with its sender. */
#define LOOK_NS 5000000000u

static struct daemon {
	const char *bothy, *run_dir, *log_dir;
	struct loop loop;
	struct privcmd hypercalls;
	struct deaths deaths;
	struct service service;
	struct store_loop store;
	struct loop_source children, executor;
	struct loop_timer look;
} dd = { .bothy = "/bin/bothy", .run_dir = "/run/bothy", .log_dir = "/var/log/bothy" };

static void options_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bothy", required_argument, NULL, 'b' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "log-dir", required_argument, NULL, 'l' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'b': dd.bothy = optarg; break;
		case 'r': dd.run_dir = optarg; break;
		case 'l': dd.log_dir = optarg; break;
		default:
			fputs("usage: domaind [--bothy PATH] [--run-dir DIR] [--log-dir DIR]\n",
			      stderr);
			exit(2);
		}
}

static void look(void)
{
	deaths_scan(&dd.deaths);
	service_update(&dd.service);
	loop_timer_arm(&dd.loop, &dd.look, dd.deaths.jobs ? RETRY_NS / 4 : LOOK_NS);
}

static void look_expired(struct loop_timer *t)
{
	(void)t;
	look();
}

/* Take store events; true if there were any. */
static bool store_drain(void)
{
	struct store_event ev;
	bool any = false;
	int err;

	while ((err = store_event(dd.deaths.store, 0, &ev)) == 0) {
		store_event_free(&ev);
		any = true;
	}
	if (err != -EAGAIN)
		daemon_fail("store", err);
	return any;
}

static void store_ready(struct loop_source *src, uint32_t ready)
{
	(void)src;
	(void)ready;
	if (store_drain())
		look();
}

/* Events may have come with a reply, and the connection may be a new one. */
static bool prepare(struct loop *l, void *arg)
{
	(void)arg;
	if (store_drain())
		look();
	store_loop_follow(&dd.store, l, dd.deaths.store, store_ready);
	return false;
}

static void children_ready(struct loop_source *src, uint32_t ready)
{
	int status;
	pid_t pid;

	(void)ready;
	while (loop_signal_read(src->fd)) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			deaths_child(&dd.deaths, pid, status);
		look();
	}
}

static void executor_ready(struct loop_source *src, uint32_t ready)
{
	struct executor_reply r;
	ssize_t n = recv(src->fd, &r, sizeof r, MSG_DONTWAIT);

	(void)ready;
	if (n == (ssize_t)sizeof r) {
		deaths_executed(&dd.deaths, (uint16_t)r.id, r.status);
		look();
	} else if (n >= 0 || errno != EAGAIN) {
		log_error("the executor is gone");
		exit(1);
	}
}

static void doors_open(int executor_fd)
{
	static const int child = SIGCHLD;
	char *socket_path = mem_printf("%s/domaind.sock", dd.run_dir);
	int err, fd;

	daemon_loop_open(&dd.loop);
	fd = loop_signal_fd(&child, 1);
	if (fd < 0)
		daemon_fail("signals", fd);
	daemon_source_add(&dd.loop, &dd.children, fd, children_ready);
	daemon_source_add(&dd.loop, &dd.executor, executor_fd, executor_ready);
	err = privcmd_open(&dd.hypercalls);
	if (err)
		daemon_fail("/dev/xen/privcmd", err);
	domain_reap_sysfs(open("/sys/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	dd.deaths = (struct deaths){ .loop = &dd.loop, .hypercalls = &dd.hypercalls,
				     .executor_fd = executor_fd };
	err = store_open(&dd.deaths.store, NULL, STORE_WAIT_MS);
	if (err)
		daemon_fail("store", err);
	store_set_path(dd.deaths.store, STORE_SOCKET_IN_DIR);
	daemon_directory_make(dd.run_dir, 0755);
	err = service_open(&dd.service, &dd.loop, &dd.deaths, socket_path);
	if (err)
		daemon_fail(socket_path, err);
	free(socket_path);
}

static NORETURN void watcher_run(int executor_fd)
{
	struct sandbox box = {
		.uid = DOMAIND_UID, .root = STORE_DIR,
		.calls = "ioctl accept4 getsockopt socket connect sendto recvfrom "
			 "fork vfork clone set_tid_address set_robust_list wait4 getrandom",
	};
	int err;

	doors_open(executor_fd);
	dd.loop.prepare = prepare;
	dd.look.expired = look_expired;
	sandbox_enter(&box);
	err = store_watch(dd.deaths.store, "@releaseDomain", "release");
	if (err)
		daemon_fail("@releaseDomain", err);
	daemon_serve(&dd.loop);
	exit(0);
}

int main(int argc, char **argv)
{
	int pair[2];
	pid_t pid;

	log_open("domaind");
	options_read(argc, argv);
	daemon_log_to(dd.log_dir, "domaind");
	signal(SIGPIPE, SIG_IGN);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		daemon_fail("socketpair", -errno);
	pid = fork();
	if (pid < 0)
		daemon_fail("fork", -errno);
	if (pid == 0) {
		close(pair[0]);
		watcher_run(pair[1]);
	}
	close(pair[1]);
	return executor_run(pair[0], dd.bothy);
}
