/* Viewers of a guest's console. A viewer has no memory of its own but its place in the scrollback: who is so slow that its
 * place is overwritten is closed if it is a connection, which attaches again and sees how much it has missed; the pty,
 * which nobody need read, goes on with the oldest that is kept. */
#include "dom0/consoled/viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/consoled/guest.h"
#include "dom0/lib/mem.h"

static bool is_tty(const struct viewer *v)
{
	return v == &v->guest->tty;
}

static void disconnect(struct viewer *v)
{
	struct viewer **at = &v->guest->viewers;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	loop_remove(v->guest->loop, &v->source);
	close(v->source.fd);
	free(v);
}

/* Write what is new. -EAGAIN: not all; -ENOBUFS: some is lost already; another: nobody reads. */
static int output(struct viewer *v)
{
	const struct scrollback *s = &v->guest->scrollback;
	const char *piece;
	size_t len;

	if (!scrollback_has(s, v->at)) {
		v->at = scrollback_start(s);
		if (!is_tty(v))
			return -ENOBUFS;
	}
	while (piece = scrollback_piece(s, v->at, &len), len > 0) {
		ssize_t n = write(v->source.fd, piece, len);

		if (n <= 0)
			return n < 0 ? -errno : -EAGAIN;
		v->at += (uint32_t)n;
	}
	return 0;
}

/* False: the viewer is no more. */
static bool serve(struct viewer *v)
{
	struct guest *g = v->guest;
	int err = output(v);

	if (err && err != -EAGAIN && !is_tty(v)) {
		disconnect(v);
		return false;
	}
	loop_want(g->loop, &v->source, (guest_has_room(g) ? (uint32_t)EPOLLIN : 0u) |
		  (err ? (uint32_t)EPOLLOUT : 0u));
	return true;
}

static void ready(struct loop_source *src, uint32_t events)
{
	struct viewer *v = CONTAINER_OF(src, struct viewer, source);
	ssize_t n = -EAGAIN;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		n = guest_type(v->guest, src->fd);
	/* Who has left does not wait for room: what the guest has not taken of its words is lost. */
	if (!is_tty(v) && (n == 0 || (n < 0 && (n != -EAGAIN || events & (EPOLLHUP | EPOLLERR)))))
		disconnect(v);
	else
		(void)serve(v);
}

int viewer_open(struct viewer *v, struct guest *g, int fd)
{
	v->guest = g;
	v->at = scrollback_start(&g->scrollback);
	v->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = ready };
	return loop_add(g->loop, &v->source);
}

static int welcome(struct viewer *v, const uint32_t *from, uint32_t others)
{
	const struct scrollback *s = &v->guest->scrollback;
	struct console_welcome w = { .magic = CONSOLE_MAGIC, .others = others };

	if (from && scrollback_has(s, *from))
		v->at = *from;
	w.from = v->at;
	w.replay = s->end - v->at;
	return send(v->source.fd, &w, sizeof w, MSG_NOSIGNAL) == (ssize_t)sizeof w ? 0 : -EPIPE;
}

int viewer_connect(struct guest *g, int fd, const uint32_t *from)
{
	struct viewer *v;
	uint32_t others = 0;
	int err;

	for (v = g->viewers; v; v = v->next)
		others++;
	if (others >= VIEWERS_MAX)
		return -EBUSY;
	v = mem_alloc(sizeof *v);
	err = viewer_open(v, g, fd);
	if (err) {
		free(v);
		return err;
	}
	err = welcome(v, from, others);
	if (err) {
		loop_remove(g->loop, &v->source);
		free(v);
		return err;
	}
	v->next = g->viewers;
	g->viewers = v;
	(void)serve(v);
	return 0;
}

void viewers_serve(struct guest *g)
{
	(void)serve(&g->tty);
	for (struct viewer *v = g->viewers, *next; v; v = next) {
		next = v->next;
		(void)serve(v);
	}
}

void viewers_close(struct guest *g)
{
	while (g->viewers)
		disconnect(g->viewers);
}
