/* The privileged part of domaind.
 *
 * It trusts the other part with the choice of a configuration that the toolstack kept, by path; the
 * path's directory belongs to root. Several creations may run at once. */
#include "dom0/domaind/executor.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/mem.h"

struct run {
	struct run *next;
	pid_t pid;
	uint32_t id;
};

static struct executor {
	struct loop loop;
	struct loop_source requests, signals;
	const char *bothy;
	struct run *runs;
} ex;

int executor_path_check(const char *config)
{
	size_t len = strlen(config);

	if (config[0] != '/' || strstr(config, "..") || len < 5 ||
	    strcmp(config + len - 4, ".cfg") != 0)
		return -EINVAL;
	for (const char *p = config; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return -EINVAL;
	return 0;
}

static void reply(uint32_t id, int32_t status)
{
	struct executor_reply r = { .id = id, .status = status };

	if (send(ex.requests.fd, &r, sizeof r, MSG_NOSIGNAL) < 0)
		log_debug("nobody waits for the end of a creation");
}

static int bothy_spawn(const char *config, pid_t *pid)
{
	char *const argv[] = { "bothy", "create", "-q", (char *)config, NULL };
	extern char **environ;
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	/* Our signals are blocked for the loop; the child must not inherit that. */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawn(pid, ex.bothy, NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return -err;
}

static void request_start(const struct executor_request *q)
{
	struct run *run;
	pid_t pid;
	int err = executor_path_check(q->config);

	if (!err)
		err = bothy_spawn(q->config, &pid);
	if (err) {
		log_error("bothy create %s: %s", q->config, strerror(-err));
		reply(q->id, err);
		return;
	}
	run = mem_alloc(sizeof *run);
	run->pid = pid;
	run->id = q->id;
	run->next = ex.runs;
	ex.runs = run;
}

static void requests_ready(struct loop_source *src, uint32_t events)
{
	struct executor_request q;
	ssize_t n = recv(src->fd, &q, sizeof q, MSG_DONTWAIT);

	(void)events;
	if (n == (ssize_t)sizeof q) {
		q.config[sizeof q.config - 1] = '\0';
		request_start(&q);
	} else if (n >= 0 || errno != EAGAIN) {
		loop_stop(&ex.loop);	/* the other part is gone: so are we */
	}
}

static void children_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct run **at = &ex.runs; *at; at = &(*at)->next) {
			struct run *run = *at;

			if (run->pid != pid)
				continue;
			reply(run->id, WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR);
			*at = run->next;
			free(run);
			break;
		}
}

static void signals_ready(struct loop_source *src, uint32_t events)
{
	int sig;

	(void)events;
	while ((sig = loop_signal_read(src->fd)) != 0) {
		if (sig == SIGCHLD)
			children_reap();
		else
			loop_stop(&ex.loop);
	}
}

int executor_run(int fd, const char *bothy)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT };
	int sig_fd = loop_signal_fd(signals, ARRAY_LEN(signals));
	int err = loop_open(&ex.loop);

	ex.bothy = bothy;
	if (err || sig_fd < 0)
		return 1;
	ex.requests = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = requests_ready };
	ex.signals = (struct loop_source){ .fd = sig_fd, .events = EPOLLIN,
					   .ready = signals_ready };
	if (loop_add(&ex.loop, &ex.requests) || loop_add(&ex.loop, &ex.signals))
		return 1;
	return loop_run(&ex.loop) ? 1 : 0;
}
