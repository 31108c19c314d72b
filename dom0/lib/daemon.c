/* The contract is in daemon.h. */
#include "dom0/lib/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"

void daemon_fail(const char *what, int err)
{
	log_error("%s: %s", what, strerror(-err));
	exit(1);
}

void daemon_directory_make(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		daemon_fail(path, -errno);
}

void daemon_log_to(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s.log", dir, name);

	daemon_directory_make(dir, 0770);
	if (log_to_file(path))
		log_warn("%s cannot be opened", path);
	free(path);
}

void daemon_source_add(struct loop *l, struct loop_source *src, int fd,
		       void (*ready)(struct loop_source *src, uint32_t events))
{
	int err;

	*src = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = ready, .arg = l };
	err = loop_add(l, src);
	if (err)
		daemon_fail("event loop", err);
}

static void signals_ready(struct loop_source *src, uint32_t events)
{
	(void)events;
	while (loop_signal_read(src->fd))
		loop_stop(src->arg);
}

void daemon_loop_open(struct loop *l)
{
	static const int ends[] = { SIGTERM, SIGINT };
	static struct loop_source signals;
	int err = loop_open(l), fd;

	if (err)
		daemon_fail("event loop", err);
	fd = loop_signal_fd(ends, ARRAY_LEN(ends));
	if (fd < 0)
		daemon_fail("signals", fd);
	daemon_source_add(l, &signals, fd, signals_ready);
	signal(SIGPIPE, SIG_IGN);
}

void daemon_serve(struct loop *l)
{
	int err;

	log_info("serving");
	err = loop_run(l);
	if (err)
		daemon_fail("event loop", err);
}
