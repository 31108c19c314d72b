/* One console: moving bytes between ring, log, scrollback and viewers.
 *
 * The ring is emptied whatever the viewers do: a guest spins while its ring is full, and nobody need be at the console.
 * What is read goes to the log before the ring is told, so that it is there if this process dies between; then its last
 * piece is logged twice. */
#include "dom0/consoled/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"

/* Pieces of the size of the ring that a guest may print before others have their turn. */
#define TURN 4
/* How long a guest waits that printed too much: it gets its share in few pieces. */
#define PAUSE_NS 50000000u
#define TYPE_BYTES 1024u
#define GUEST_FILE_NAME_MAX 46

void guest_file_name(const char *name, uint16_t domid, uint32_t number, char out[64])
{
	char which[12] = "";
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_.+-");

	if (number)
		snprintf(which, sizeof which, ":%u", number);
	if (len == 0 || len > GUEST_FILE_NAME_MAX || name[len] != '\0' || name[0] == '.')
		snprintf(out, 64, "guest-domain-%u%s", domid, which);
	else
		snprintf(out, 64, "guest-%.*s%s", GUEST_FILE_NAME_MAX, name, which);
}

/* ---- output ---- */

static void ring_push(struct guest *g)
{
	if (con_ring_push(&g->con.ring))
		g->host->port_notify(g->host->arg, g->port);
}

/* Whether a look at the ring found it broken. */
static bool ring_broken(struct guest *g)
{
	if (g->con.ring.broken && !g->told_broken)
		log_warn("domain %u broke the ring of its console %u: no longer read", g->domid, g->number);
	g->told_broken = g->con.ring.broken;
	return g->told_broken;
}

/* Read one piece: > 0; 0: there is none, or the ring is broken; -EAGAIN: the guest has to wait. */
static int piece_take(struct guest *g)
{
	char piece[CON_OUT_BYTES];
	int n = con_back_read(&g->con, loop_now_ns(), piece, sizeof piece);

	if (n > 0) {
		logfile_write(&g->log, piece, (size_t)n);
		ring_push(g);
		scrollback_put(&g->scrollback, piece, (size_t)n);
	}
	return ring_broken(g) ? 0 : n;
}

static void ring_drain(struct guest *g)
{
	int n = 1;

	for (int turn = 0; turn < TURN && n > 0; turn++)
		n = piece_take(g);
	if (n)
		loop_timer_arm(g->loop, &g->resume, n > 0 ? 0 : PAUSE_NS);
}

/* ---- input ---- */

bool guest_has_room(struct guest *g)
{
	int room = con_ring_room(&g->con.ring);

	return !ring_broken(g) && room > 0;
}

ssize_t guest_type(struct guest *g, int fd)
{
	int room = con_ring_room(&g->con.ring);
	char bytes[TYPE_BYTES];
	ssize_t n;

	if (ring_broken(g) || room == 0)
		return -EAGAIN;
	n = read(fd, bytes, (size_t)room < sizeof bytes ? (size_t)room : sizeof bytes);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	/* There is room for all, unless the guest takes back what it had said. */
	(void)!con_ring_write(&g->con.ring, bytes, (uint32_t)n);
	ring_push(g);
	return n;
}

/* ---- events ---- */

void guest_event(struct guest *g)
{
	ring_drain(g);
	viewers_serve(g);
}

static void resume_expired(struct loop_timer *t)
{
	guest_event(CONTAINER_OF(t, struct guest, resume));
}

/* ---- coming and going ---- */

static int ring_open(struct guest *g, const struct guest_ring *ring)
{
	struct con_limits limits = { RATE_BURST, RATE_BYTES };
	int err = g->host->ring_map(g->host->arg, g->domid, ring->ref, &g->page);

	if (err)
		return err;
	err = g->host->port_bind(g->host->arg, g->domid, ring->port, &g->port);
	if (err) {
		g->host->ring_unmap(g->host->arg, g->domid, g->page);
		return err;
	}
	con_back_open(&g->con, g->page, limits, loop_now_ns());
	ring_push(g);
	return 0;
}

static void ring_close(struct guest *g)
{
	g->host->port_unbind(g->host->arg, g->port);
	g->host->ring_unmap(g->host->arg, g->domid, g->page);
}

/* The ring's index says how much the guest has said so far; the newest of that is at the end of the log. */
static void scrollback_fill(struct guest *g)
{
	uint32_t said = g->con.ring.reads.at;
	char *tail = mem_alloc(SCROLLBACK_BYTES);
	size_t n = logfile_tail(&g->log, tail, said < SCROLLBACK_BYTES ? said : SCROLLBACK_BYTES);

	scrollback_open(&g->scrollback, said - (uint32_t)n);
	scrollback_put(&g->scrollback, tail, n);
	free(tail);
}

static int terminal_open(struct guest *g, int dev_dir)
{
	int err = pty_open(&g->pty, dev_dir);

	if (err)
		return err;
	err = viewer_open(&g->tty, g, g->pty.master);
	if (err)
		pty_close(&g->pty);
	return err;
}

int guest_attach(struct guest **out, struct loop *loop, const struct ring_host *host, const struct guest_ring *ring,
		 const char *name, int log_dir, int dev_dir)
{
	struct guest *g = mem_alloc(sizeof *g);
	char file[64];
	int err;

	g->loop = loop;
	g->host = host;
	g->domid = ring->domid;
	g->number = ring->number;
	g->resume.expired = resume_expired;
	guest_file_name(name, g->domid, g->number, file);
	err = logfile_open(&g->log, log_dir, file, LOG_BYTES);
	if (err)
		goto fail_log;
	err = ring_open(g, ring);
	if (err)
		goto fail_ring;
	scrollback_fill(g);
	err = terminal_open(g, dev_dir);
	if (err)
		goto fail_terminal;
	guest_event(g);
	*out = g;
	return 0;
fail_terminal:
	ring_close(g);
fail_ring:
	logfile_close(&g->log);
fail_log:
	free(g);
	return err;
}

void guest_detach(struct guest *g)
{
	con_back_end(&g->con);
	while (piece_take(g) > 0)
		;
	viewers_serve(g);
	viewers_close(g);
	loop_timer_cancel(g->loop, &g->resume);
	loop_remove(g->loop, &g->tty.source);
	ring_close(g);
	pty_close(&g->pty);
	logfile_close(&g->log);
	free(g);
}
