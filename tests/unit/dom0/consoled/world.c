/* The world of consoled's tests. */
#include "tests/unit/dom0/consoled/world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/check_main.h"

static struct console_world the_world;
struct console_world *cw = &the_world;

static int ring_map(void *arg, uint16_t domid, uint32_t ref, void **out)
{
	ck_assert(arg == cw && domid == 3 && ref == 0);
	cw->mapped++;
	*out = cw->page;
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, void *p)
{
	ck_assert(arg == cw && domid == 3 && p == cw->page);
	cw->mapped--;
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	ck_assert(arg == cw && domid == 3);
	*port = remote;
	cw->bound++;
	return 0;
}

static void port_unbind(void *arg, uint32_t port)
{
	ck_assert(arg == cw && port == 7);
	cw->bound--;
}

static void port_notify(void *arg, uint32_t port)
{
	ck_assert(arg == cw && port == 7);
	cw->notified++;
}

struct xencons_interface *world_ring(void)
{
	return (void *)cw->page;
}

void world_attach(void)
{
	static const struct ring_host host = {
		.ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
		.port_unbind = port_unbind, .port_notify = port_notify, .arg = &the_world,
	};

	static const struct guest_ring ring = { .domid = 3, .port = 7 };

	ck_assert_int_eq(guest_attach(&cw->g, &cw->loop, &host, &ring, "one", cw->log_dir, cw->dev_dir), 0);
}

void world_begin(void)
{
	memset(cw, 0, sizeof *cw);
	signal(SIGPIPE, SIG_IGN);	/* as daemon_loop_open() has it */
	strcpy(cw->dir, "/tmp/bothy-console-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(cw->dir));
	cw->log_dir = open(cw->dir, O_RDONLY | O_DIRECTORY);
	cw->dev_dir = open("/dev", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(loop_open(&cw->loop), 0);
	world_attach();
}

void world_end(void)
{
	guest_detach(cw->g);
	ck_assert_int_eq(cw->mapped, 0);
	ck_assert_int_eq(cw->bound, 0);
	ck_assert_ptr_null(cw->loop.timers);
	loop_close(&cw->loop);
	unlinkat(cw->log_dir, "guest-one.log", 0);
	unlinkat(cw->log_dir, "guest-one.log.1", 0);
	close(cw->log_dir);
	close(cw->dev_dir);
	ck_assert_int_eq(rmdir(cw->dir), 0);
}

void world_print(const char *text)
{
	struct xencons_interface *r = world_ring();

	while (*text)
		r->out[r->out_prod++ & 2047] = *text++;
	guest_event(cw->g);
}

const char *world_log(void)
{
	static char text[1 << 16];
	int fd = openat(cw->log_dir, "guest-one.log", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

void world_run(void)
{
	struct epoll_event ev;

	do
		ck_assert_int_eq(loop_round(&cw->loop, 0), 0);
	while (epoll_wait(cw->loop.epoll_fd, &ev, 1, 0) > 0);
}

void world_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 10000), 1);
}

void world_read(int fd, char *to, size_t bytes)
{
	for (ssize_t n; bytes; to += n, bytes -= (size_t)n) {
		world_wait(fd);
		n = read(fd, to, bytes);
		ck_assert_int_gt(n, 0);
	}
}

int world_tty(void)
{
	int tty = open(cw->g->pty.name, O_RDWR | O_NOCTTY | O_NONBLOCK);

	ck_assert_int_ge(tty, 0);
	return tty;
}
