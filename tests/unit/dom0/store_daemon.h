/* The store daemon's core in a child process, on a socket and a state file of the test's own. */
#pragma once
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/lib/loop.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/sock.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"

struct store_daemon {
	char path[64], state[64];
	pid_t pid;
};

static inline bool store_daemon_prepare(struct loop *l, void *arg)
{
	bool more = conns_run(arg);

	(void)l;
	journal_commit(arg);
	return more;
}

static inline void store_daemon_start(struct store_daemon *d)
{
	struct sock_listener listener;
	struct store *store;
	struct loop loop;

	d->pid = fork();
	if (d->pid)
		return;
	store = store_new();
	if (loop_open(&loop) || sock_listen(&listener, &loop, store, d->path))
		_exit(1);
	(void)!state_load(store, d->state);
	if (journal_open(store, d->state))
		_exit(1);
	loop.prepare = store_daemon_prepare;
	loop.prepare_arg = store;
	_exit(loop_run(&loop) ? 1 : 0);
}

static inline void store_daemon_open(struct store_daemon *d)
{
	snprintf(d->path, sizeof d->path, "/tmp/bothy-store-%d", (int)getpid());
	snprintf(d->state, sizeof d->state, "/tmp/bothy-store-state-%d", (int)getpid());
	unlink(d->state);
	store_daemon_start(d);
}

static inline void store_daemon_kill(struct store_daemon *d)
{
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
}

static inline void store_daemon_close(struct store_daemon *d)
{
	store_daemon_kill(d);
	unlink(d->path);
	unlink(d->state);
}
