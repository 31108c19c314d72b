/* One guest's console: moving bytes between ring, log and pty.
 *
 * The ring is emptied whatever the pty does: a guest spins while its ring is full, and nobody need
 * be at the console. The pty gets the backlog as it takes it. */
#include "dom0/consoled/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"

#define CHUNK 2048u
#define PAUSE_NS 50000000u

void guest_file_name(const char *name, uint16_t domid, char out[64])
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_.+-");

	if (len == 0 || len > 48 || name[len] != '\0' || name[0] == '.')
		snprintf(out, 64, "guest-domain-%u", domid);
	else
		snprintf(out, 64, "guest-%s", name);
}

/* ---- output ---- */

static void pty_push(struct guest *g)
{
	size_t len;
	const char *piece;

	while (piece = backlog_piece(&g->backlog, &len), len > 0) {
		ssize_t n = write(g->pty.master, piece, len);

		if (n <= 0)
			break;
		backlog_drop(&g->backlog, (size_t)n);
	}
}

static uint64_t allowance_now(struct guest *g)
{
	uint64_t now = loop_now_ns(), gained;

	gained = (now - g->allowed_ns) / 1000u * RATE_BYTES / 1000000u;
	if (gained > 0) {
		g->allowance = g->allowance + gained > RATE_BURST ? RATE_BURST
								  : g->allowance + gained;
		g->allowed_ns = now;
	}
	return g->allowance;
}

static void ring_broken(struct guest *g)
{
	g->broken = true;
	log_warn("domain %u broke its console ring: no longer read", g->domid);
}

/* Empty the ring, within the allowance or, at the end of the guest's life, once. */
static void ring_drain(struct guest *g, bool limited)
{
	char chunk[CHUNK];
	bool moved = false;

	for (int left = limited ? -1 : 2; !g->broken && left != 0; left--) {
		ssize_t n;

		if (limited && allowance_now(g) < CHUNK) {
			loop_timer_arm(g->loop, &g->resume, PAUSE_NS);
			break;
		}
		n = console_ring_read(&g->ring, chunk, sizeof chunk);
		if (n == -EPROTO)
			ring_broken(g);
		if (n <= 0)
			break;
		moved = true;
		g->allowance -= limited ? (uint64_t)n : 0;
		logfile_write(&g->log, chunk, (size_t)n);
		backlog_put(&g->backlog, chunk, (size_t)n);
	}
	if (moved)
		g->host->port_notify(g->host->arg, g->port);
}

/* ---- input ---- */

static void input_move(struct guest *g)
{
	ssize_t room = g->broken ? 0 : console_ring_room(&g->ring);
	char chunk[1024];
	ssize_t n;

	if (room == -EPROTO)
		ring_broken(g);
	if (room <= 0)
		return;
	n = read(g->pty.master, chunk, (size_t)room < sizeof chunk ? (size_t)room : sizeof chunk);
	if (n <= 0)
		return;
	n = console_ring_write(&g->ring, chunk, (size_t)n);
	if (n > 0)
		g->host->port_notify(g->host->arg, g->port);
	else if (n < 0)
		ring_broken(g);
}

static void wants_update(struct guest *g)
{
	ssize_t room = g->broken ? 0 : console_ring_room(&g->ring);

	loop_want(g->loop, &g->source, (room > 0 ? (uint32_t)EPOLLIN : 0u) |
		  (g->backlog.len ? (uint32_t)EPOLLOUT : 0u));
}

/* ---- events ---- */

void guest_event(struct guest *g)
{
	ring_drain(g, true);
	pty_push(g);
	wants_update(g);
}

static void pty_ready(struct loop_source *src, uint32_t events)
{
	struct guest *g = CONTAINER_OF(src, struct guest, source);

	if (events & EPOLLIN)
		input_move(g);
	pty_push(g);
	wants_update(g);
}

static void resume_expired(struct loop_timer *t)
{
	guest_event(CONTAINER_OF(t, struct guest, resume));
}

/* ---- coming and going ---- */

static int ring_open(struct guest *g)
{
	void *page;
	int err = g->host->ring_map(g->host->arg, g->domid, &page);

	if (err)
		return err;
	console_ring_attach(&g->ring, page);
	err = g->host->port_bind(g->host->arg, g->domid, g->remote_port, &g->port);
	if (err)
		g->host->ring_unmap(g->host->arg, g->domid, page);
	return err;
}

static void ring_close(struct guest *g)
{
	g->host->port_unbind(g->host->arg, g->port);
	g->host->ring_unmap(g->host->arg, g->domid, g->ring.page);
}

static int terminal_open(struct guest *g, int dev_dir)
{
	int err = pty_open(&g->pty, dev_dir);

	if (err)
		return err;
	g->source = (struct loop_source){ .fd = g->pty.master, .events = EPOLLIN,
					  .ready = pty_ready };
	err = loop_add(g->loop, &g->source);
	if (err)
		pty_close(&g->pty);
	return err;
}

int guest_attach(struct guest **out, struct loop *loop, const struct ring_host *host,
		 uint16_t domid, uint32_t remote_port, const char *name, int log_dir, int dev_dir)
{
	struct guest *g = mem_alloc(sizeof *g);
	char file[64];
	int err;

	g->loop = loop;
	g->host = host;
	g->domid = domid;
	g->remote_port = remote_port;
	g->allowance = RATE_BURST;
	g->allowed_ns = loop_now_ns();
	g->resume.expired = resume_expired;
	guest_file_name(name, domid, file);
	err = logfile_open(&g->log, log_dir, file, LOG_BYTES);
	if (err)
		goto fail_log;
	err = terminal_open(g, dev_dir);
	if (err)
		goto fail_terminal;
	err = ring_open(g);
	if (err)
		goto fail_ring;
	guest_event(g);
	*out = g;
	return 0;
fail_ring:
	loop_remove(loop, &g->source);
	pty_close(&g->pty);
fail_terminal:
	logfile_close(&g->log);
fail_log:
	free(g);
	return err;
}

void guest_detach(struct guest *g)
{
	ring_drain(g, false);
	pty_push(g);
	loop_timer_cancel(g->loop, &g->resume);
	loop_remove(g->loop, &g->source);
	ring_close(g);
	pty_close(&g->pty);
	logfile_close(&g->log);
	free(g);
}
