/* The contract is in device.h. */
#include "dom0/backendd/device.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/lib/backends.h"
#include "dom0/lib/evtchn.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/sandbox.h"
#include "protocol/io/xenbus.h"

#define RETRY_NS	2000000u	/* how often to look whether a dead process's I/O has ended */
#define SOON_NS		1000000000u	/* a death so soon after the start delays the next start */
#define DELAY_MAX	9u		/* 2 ms << this: about a second */

const struct device_kind *const device_kinds[] = { [DEVICE_VBD] = &vbd_kind, [DEVICE_VIF] = &vif_kind };

/* Where the store says why @d is not served, which who makes the guest looks at: the directory of that. */
static char *error_path(const struct device *d)
{
	return mem_printf("/local/domain/0/error/" BACKENDS_USER "/%s/%u/%u", d->kind->name, d->domid, d->number);
}

/* Say there, and in the log, why @d is not served. */
static void refuse_for(struct device *d, const char *text)
{
	char *dir = error_path(d), *path = mem_printf("%s/error", dir);

	log_error("%s: %s", d->path, text);
	(void)!store_write(d->host->store, STORE_NO_TX, path, text);
	free(path);
	free(dir);
	d->refused = true;
}

/* What was refused is served now, or has gone: the next one of its number must not be taken for it. */
static void error_remove(const struct device *d)
{
	char *dir = error_path(d);
	int err = store_rm(d->host->store, STORE_NO_TX, dir);

	if (err)
		log_warn("%s: cannot be removed: %s", dir, strerror(-err));
	free(dir);
}

static void refuse(struct device *d, const char *what, int err)
{
	char *text = mem_printf("%.256s: %s", what, err == -ENODATA ? "is empty" :
				err == -ENOTBLK ? "is neither a file nor a block device" : strerror(-err));

	refuse_for(d, text);
	free(text);
}

bool device_is_offered(const struct device *d)
{
	char path[DEVICE_PATH + 16];
	uint64_t state;

	snprintf(path, sizeof path, "%s/state", d->path);
	return store_read_u64(d->host->store, STORE_NO_TX, path, &state) == 0 && state != XenbusStateInitialising;
}

void device_refuse(struct device *d, const char *why)
{
	char *text = mem_printf("%.256s", why);

	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (!device_is_offered(d))
		refuse_for(d, text);
	free(text);
}

/* ---- the file ---- */

static char *file_path(const struct device *d)
{
	return mem_printf("%s/%s-%u-%u", d->host->run_dir, d->kind->name, d->domid, d->number);
}

static int file_open(struct device *d)
{
	char *path = file_path(d);

	d->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (d->file < 0 || (d->kind->file_bytes && ftruncate(d->file, (off_t)d->kind->file_bytes) < 0))
		return -errno;
	return 0;
}

static void file_remove(struct device *d)
{
	char *path = file_path(d);

	if (d->file >= 0)
		close(d->file);
	unlink(path);
	free(path);
}

/* ---- the process ---- */

static int events_open(uint16_t domid)
{
	struct evtchn e;
	int err = evtchn_open(&e);

	if (err)
		return err;
	err = evtchn_restrict(&e, domid);
	if (!err)
		return e.fd;
	evtchn_close(&e);
	return err;
}

/* Become the program, with nothing of ours but the @count descriptors @fd, from LINK_FD_SOCKET on. */
static NORETURN void become(const char *program, const int fd[], int count)
{
	int high[LINK_FD_COUNT - LINK_FD_SOCKET];
	sigset_t none;

	for (int i = 0; i < count; i++)
		high[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, LINK_FD_COUNT);
	for (int i = 0; i < count; i++)
		if (high[i] < 0 || dup2(high[i], LINK_FD_SOCKET + i) < 0)
			_exit(126);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl(program, program, (char *)NULL);
	_exit(127);
}

static void asks_ready(struct loop_source *src, uint32_t ready)
{
	struct device *d = CONTAINER_OF(src, struct device, asks);

	(void)ready;
	if (!broker_serve(d)) {
		loop_remove(d->host->loop, &d->asks);
		kill(d->pid, SIGKILL);
	}
}

static void process_forget(struct device *d)
{
	loop_remove(d->host->loop, &d->ends);
	loop_remove(d->host->loop, &d->asks);
	close(d->ends.fd);
	close(d->socket);
	gntdev_close(&d->grants);
	broker_end(d);
	d->pages = 0;
	d->pid = 0;
}

static void ends_ready(struct loop_source *src, uint32_t ready)
{
	struct device *d = CONTAINER_OF(src, struct device, ends);
	bool soon = loop_now_ns() - d->started_ns < SOON_NS;
	int status = 0;

	(void)ready;
	if (waitpid(d->pid, &status, WNOHANG) != d->pid)
		return;
	/* The last that it said may be why. */
	(void)!broker_serve(d);
	process_forget(d);
	if (d->refused) {
		d->host->ended(d);
		return;
	}
	d->ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (WIFSIGNALED(status))
		log_warn("%s: %s died of signal %d, and is started again", d->path, d->kind->program, WTERMSIG(status));
	else if (!d->ended)
		log_warn("%s: %s failed with status %d, and is started again", d->path, d->kind->program,
			 WEXITSTATUS(status));
	d->hurry = soon ? d->hurry + (d->hurry < DELAY_MAX) : 0;
	loop_timer_arm(d->host->loop, &d->retry, soon ? RETRY_NS << d->hurry : 0);
}

static int process_watch(struct device *d)
{
	struct loop *l = d->host->loop;
	int err, pidfd = (int)syscall(SYS_pidfd_open, d->pid, 0);

	d->ends = (struct loop_source){ .fd = pidfd, .events = EPOLLIN, .ready = ends_ready };
	d->asks = (struct loop_source){ .fd = d->socket, .events = EPOLLIN, .ready = asks_ready };
	if (pidfd < 0)
		return -errno;
	err = loop_add(l, &d->ends);
	return err ? err : loop_add(l, &d->asks);
}

static void process_kill(struct device *d)
{
	kill(d->pid, SIGKILL);
	(void)!waitpid(d->pid, NULL, 0);
	process_forget(d);
}

/* Tell the process, which has just begun, who it is. */
static int process_tell(const struct device *d, const struct device_gift *g)
{
	struct link_message m = { .type = LINK_START, .start = g->start };

	m.start.uid = d->uid;
	memcpy(m.start.path, d->path, sizeof d->path);
	return link_send(d->socket, &m, sizeof m.start);
}

static int process_fork(struct device *d, const struct device_gift *g, int socket, int events)
{
	int fd[LINK_FD_COUNT - LINK_FD_SOCKET] = { socket, d->grants.fd, events };

	memcpy(fd + LINK_FD_OWN - LINK_FD_SOCKET, g->fd, g->fds * sizeof g->fd[0]);
	d->pid = fork();
	if (d->pid == 0)
		become(d->host->program[d->kind->type], fd, LINK_FD_OWN - LINK_FD_SOCKET + (int)g->fds);
	return d->pid < 0 ? -errno : 0;
}

/* Start the process with @g. */
static int process_start(struct device *d, const struct device_gift *g)
{
	int pair[2], events = events_open(d->domid), err = 0;

	if (events < 0)
		return events;
	if (gntdev_open(&d->grants) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		err = -errno;
		gntdev_close(&d->grants);
		close(events);
		return err;
	}
	err = process_fork(d, g, pair[1], events);
	close(pair[1]);
	close(events);
	d->socket = pair[0];
	/* A process that does not listen must not stop us. */
	(void)fcntl(d->socket, F_SETFL, O_NONBLOCK);
	d->started_ns = loop_now_ns();
	if (err) {
		d->pid = 0;
		close(d->socket);
		gntdev_close(&d->grants);
		return err;
	}
	err = process_watch(d);
	if (!err)
		err = process_tell(d, g);
	if (err)
		process_kill(d);
	return err;
}

int device_read(const struct device *d, const char *node, char *value, size_t size)
{
	char path[DEVICE_PATH + 32];

	snprintf(path, sizeof path, "%s/%s", d->path, node);
	return store_read_buf(d->host->store, STORE_NO_TX, path, value, size);
}

/* Start a process, now or as soon as the last one's operations have ended. */
static void start(struct device *d)
{
	struct device_gift g = { .fds = 0 };
	int err = d->kind->open(d, &g);

	if (err == -EAGAIN) {
		loop_timer_arm(d->host->loop, &d->retry, g.later_ns ? g.later_ns : RETRY_NS);
		return;
	}
	if (err) {
		refuse(d, g.what, err);
		return;
	}
	err = process_start(d, &g);
	for (uint32_t i = g.fds - g.spares; i < g.fds; i++)
		close(g.fd[i]);
	if (err)
		refuse(d, d->host->program[d->kind->type], err);
	else
		error_remove(d);
}

bool device_offline(const struct device *d)
{
	char path[DEVICE_PATH + 16];
	uint64_t online;

	snprintf(path, sizeof path, "%s/online", d->path);
	return store_read_u64(d->host->store, STORE_NO_TX, path, &online) || online == 0;
}

/* Its directory has gone, or is to go and the process has seen that. A process that says so of another directory is not
 * believed: the one that it knew may have been removed and made anew. */
static bool over(const struct device *d)
{
	char front[DEVICE_PATH];

	return device_read(d, "frontend", front, sizeof front) == -ENOENT || (d->ended && device_offline(d));
}

/* The store may have changed while there was no process to see it; no event will come any more. */
static void retry_expired(struct loop_timer *t)
{
	struct device *d = CONTAINER_OF(t, struct device, retry);
	bool is_over = over(d);

	/* Who waits for the directory to go does so to have what was served for himself. */
	if (is_over && d->kind->busy && d->kind->busy(d)) {
		loop_timer_arm(d->host->loop, &d->retry, RETRY_NS);
		return;
	}
	if (!is_over)
		start(d);
	if (is_over || d->refused)
		d->host->ended(d);
}

int device_open(struct device **out, const struct device_host *host, const struct device_kind *kind, uint16_t domid,
		uint32_t number, const char *path, uid_t uid)
{
	struct device *d = mem_alloc(sizeof *d);
	int err;

	*d = (struct device){ .host = host, .kind = kind, .domid = domid, .number = number, .uid = uid, .file = -1, .nbd.socket = -1,
			      .retry = { .expired = retry_expired } };
	snprintf(d->path, sizeof d->path, "%s", path);
	err = device_read(d, "frontend", d->front, sizeof d->front);
	if (err) {
		free(d);
		return err;
	}
	err = file_open(d);
	if (err)
		refuse(d, host->run_dir, err);
	else
		start(d);
	*out = d;
	return 0;
}

void device_free(struct device *d)
{
	loop_timer_cancel(d->host->loop, &d->retry);
	if (d->pid)
		process_kill(d);
	if (d->kind->remove)
		d->kind->remove(d);
	file_remove(d);
	error_remove(d);
	free(d);
}

void device_clear(const struct device_host *host, const struct device_kind *kind, uint16_t domid, uint32_t number)
{
	struct device d = { .host = host, .kind = kind, .domid = domid, .number = number, .file = -1, .nbd.socket = -1 };

	if (file_open(&d) == 0 && d.kind->remove)
		d.kind->remove(&d);
	file_remove(&d);
	error_remove(&d);
}
