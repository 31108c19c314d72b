/* xenstored: the store daemon.
 *
 *   xenstored [--run-dir DIR] [--log FILE]          under the hypervisor, in dom0
 *   xenstored --socket PATH [--state FILE]          on any host: the socket only
 *
 * Opens what it will ever hold, enters its sandbox, takes over a predecessor's state, serves.
 * Its state file is current after every round of the loop, so SIGTERM just ends it, and a daemon
 * that was killed has a successor as well. Start reading at conn.c (how requests arrive)
 * and node_ops.c (what they do). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/lib/daemon.h"
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/sandbox.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/host_xen.h"
#include "dom0/xenstored/sock.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

#define TICK_NS 5000000000u
#define LOG_DIR "/var/log/bothy"

static struct daemon {
	const char *run_dir, *socket, *state, *log;
	struct loop loop;
	struct store *store;
	struct host_xen host;
	struct sock_listener listener;
	struct loop_source events;
	struct loop_timer tick;
} xd = { .run_dir = "/run/xenstored" };

static void usage(void)
{
	fputs("usage: xenstored [--run-dir DIR] [--log FILE]\n"
	      "       xenstored --socket PATH [--state FILE] [--log FILE]\n", stderr);
	exit(2);
}

static void options_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ "socket", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'S' },
		{ "log", required_argument, NULL, 'l' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'r': xd.run_dir = optarg; break;
		case 's': xd.socket = optarg; break;
		case 'S': xd.state = optarg; break;
		case 'l': xd.log = optarg; break;
		default: usage();
		}
	if (optind != argc)
		usage();
}

/* ---- events ---- */

static void events_ready(struct loop_source *src, uint32_t ready)
{
	uint32_t port;
	int err;

	(void)src;
	(void)ready;
	while ((err = doors_event(&xd.host.doors, &port)) == 0)
		if (port == xd.host.virq_port)
			domains_check(xd.store);
		else
			domain_event(xd.store, port);
	if (err == -EFBIG) {	/* some were lost: look at everything */
		domains_check(xd.store);
		domains_start(xd.store);
	}
}

static void tick(struct loop_timer *t)
{
	xd.store->now_ns = loop_now_ns();
	tx_age(xd.store);
	loop_timer_arm(&xd.loop, t, TICK_NS);
}

static bool prepare(struct loop *l, void *arg)
{
	(void)l;
	(void)arg;
	bool more = conns_run(xd.store);

	journal_commit(xd.store);
	return more;
}

static void loop_start(void)
{
	daemon_loop_open(&xd.loop);
	xd.loop.prepare = prepare;
	xd.tick.expired = tick;
	loop_timer_arm(&xd.loop, &xd.tick, TICK_NS);
	xd.store->now_ns = loop_now_ns();
}

/* ---- the two ways to run ---- */

static void listen_at(const char *path)
{
	int err = sock_listen(&xd.listener, &xd.loop, xd.store, path);

	if (err)
		daemon_fail(path, err);
}

static void plain_start(void)
{
	struct sandbox box = { .calls = "accept4 recvfrom sendto openat open rename unlink" };

	listen_at(xd.socket);
	sandbox_enter(&box);
}

static void run_dir_make(void)
{
	daemon_directory_make(xd.run_dir, 0750);
	if (chown(xd.run_dir, XENSTORED_UID, BOTHY_GID) < 0 || chmod(xd.run_dir, 0750) < 0)
		daemon_fail(xd.run_dir, -errno);
}

static void dom0_start(void)
{
	struct sandbox box = {
		.uid = XENSTORED_UID, .root = xd.run_dir,
		.calls = "accept4 recvfrom sendto openat open rename unlink ioctl",
	};
	char *path = mem_printf("%s/socket", xd.run_dir);
	const char *what;
	int err;

	if (!xd.log)
		daemon_log_to(LOG_DIR, "xenstored");
	run_dir_make();
	err = store_host_open(&xd.host, &what);
	if (err)
		daemon_fail(what, err);
	domains_open(xd.store, &xd.host.doors.host, store_host_life);
	daemon_source_add(&xd.loop, &xd.events, xd.host.doors.events.fd, events_ready);
	listen_at(path);
	if (chown(path, XENSTORED_UID, BOTHY_GID) < 0)
		daemon_fail(path, -errno);
	free(path);
	xd.state = "/state";
	sandbox_enter(&box);
}

static void state_take_over(void)
{
	int err = xd.state ? state_load(xd.store, xd.state) : -ENOENT;

	if (err == 0)
		log_info("took over the state of a predecessor");
	else if (err != -ENOENT)
		log_error("%s: %s: starting empty", xd.state, strerror(-err));
	if (xd.state) {
		err = journal_open(xd.store, xd.state);
		if (err)
			daemon_fail(xd.state, err);
	}
}

static void domains_first(void)
{
	int err;

	if (!xd.store->domains)
		return;
	if (!domain_find(xd.store, 0)) {
		err = domain_introduce(xd.store, 0, xd.host.kernel_port);
		if (err)
			daemon_fail("domain 0's ring", err);
	}
	domains_start(xd.store);
	domains_check(xd.store);
}

int main(int argc, char **argv)
{
	int err;

	log_open("xenstored");
	options_read(argc, argv);
	if (xd.log) {
		err = log_to_file(xd.log);
		if (err)
			daemon_fail(xd.log, err);
	}
	xd.store = store_new();
	loop_start();
	if (xd.socket)
		plain_start();
	else
		dom0_start();
	state_take_over();
	domains_first();
	daemon_serve(&xd.loop);
	journal_commit(xd.store);
	log_info("the successor finds everything in its state file");
	return 0;
}
