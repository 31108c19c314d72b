/* Connections: framing, fairness and back pressure.
 *
 * Rules: at most SERVE_MAX requests a round, then the others' turn; a request is served only while
 * fewer than store_limits.requests replies wait to be read; payload above 4096 ends the connection.
 * Output goes straight to the transport while its queue is empty. */
#include "dom0/xenstored/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/request.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"
#include "dom0/xenstored/watch.h"

#define SERVE_MAX 16
/* Unread events a connection may have: a guest's, and one of domain 0's daemons'. */
#define EVENT_BYTES_GUEST (64u << 10)
#define EVENT_BYTES_DOM0 (4u << 20)

struct conn *conn_new(struct store *s, struct subject who, const struct transport *t, void *port)
{
	struct conn *c = mem_alloc(sizeof *c);

	c->store = s;
	c->who = who;
	c->transport = t;
	c->port = port;
	c->out_last = &c->out_first;
	c->next = s->conns;
	c->prev = &s->conns;
	if (c->next)
		c->next->prev = &c->next;
	s->conns = c;
	return c;
}

/* The state file must learn of bytes in flight, and that there are none any more. */
static void streams_note(struct conn *c)
{
	bool any = c->in_at < c->in_len || c->out_first;

	if (!c->kept || c->closed || (!any && !c->streams_kept))
		return;
	c->streams_kept = any;
	c->store->streams_dirty += !c->streams_dirty;
	c->streams_dirty = true;
}

static void out_pop(struct conn *c)
{
	struct out_msg *m = c->out_first;

	c->out_first = m->next;
	if (!c->out_first)
		c->out_last = &c->out_first;
	streams_note(c);
	c->out_replies -= m->reply;
	c->out_bytes -= m->len;
	account_charge(&c->store->accounts, NULL, c->who.domid, 0, -(int64_t)m->len);
	free(m);
}

static void run_list_add(struct conn *c)
{
	struct store *s = c->store;

	if (c->running)
		return;
	c->running = true;
	c->run_next = NULL;
	*s->run_last = c;
	s->run_last = &c->run_next;
}

static void run_list_remove(struct conn *c)
{
	struct store *s = c->store;
	struct conn **at = &s->run_first;

	if (!c->running)
		return;
	while (*at != c)
		at = &(*at)->run_next;
	*at = c->run_next;
	if (!*at)
		s->run_last = at;
	c->running = false;
}

static void conn_free(struct conn *c)
{
	c->transport->close(c, c->why);
	free(c);
}

void conn_close(struct conn *c, int why)
{
	if (c->closed)
		return;
	c->closed = true;
	c->why = why;
	watch_remove_all(c->store, c);
	tx_end_all(c->store, c);
	while (c->out_first)
		out_pop(c);
	run_list_remove(c);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (!c->serving)
		conn_free(c);
}

/* ---- output ---- */

static void out_queue(struct conn *c, const uint8_t *bytes, size_t len, bool reply)
{
	struct out_msg *m = mem_alloc(sizeof *m + len);

	m->len = (uint32_t)len;
	m->reply = reply;
	memcpy(m->bytes, bytes, len);
	*c->out_last = m;
	c->out_last = &m->next;
	c->out_replies += reply;
	c->out_bytes += len;
	streams_note(c);
	account_charge(&c->store->accounts, NULL, c->who.domid, 0, (int64_t)len);
	c->transport->want(c, true, true);
}

/* Write a message past the empty queue, as far as there is room. Returns how much went. */
static size_t out_direct(struct conn *c, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;
	ssize_t n;

	/* An error is met again in the next round, where it can end the connection. */
	while (sent < len && (n = c->transport->write(c, bytes + sent, len - sent)) > 0)
		sent += (size_t)n;
	if (!c->serving)
		c->transport->flush(c);
	return sent;
}

static void out_send(struct conn *c, const struct xsd_sockmsg *h, const void *body, bool reply)
{
	uint8_t bytes[MSG_MAX];
	size_t len = sizeof *h + h->len;
	size_t sent;

	memcpy(bytes, h, sizeof *h);
	memcpy(bytes + sizeof *h, body, h->len);
	sent = c->out_first ? 0 : out_direct(c, bytes, len);
	if (sent == len)
		return;
	out_queue(c, bytes, len, reply);
	/* Only what found the queue empty may have been sent in part. */
	if (sent)
		c->out_first->sent = (uint32_t)sent;
}

/* Send what waits. 0; -EAGAIN: more waits for room; else the connection is broken. */
static int out_drain(struct conn *c)
{
	while (c->out_first) {
		struct out_msg *m = c->out_first;
		ssize_t n = c->transport->write(c, m->bytes + m->sent, m->len - m->sent);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EAGAIN;
		m->sent += (uint32_t)n;
		if (m->sent == m->len)
			out_pop(c);
	}
	return 0;
}

void conn_reply(struct conn *c, const struct xsd_sockmsg *request, uint32_t type, const void *body,
		size_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = request->req_id,
				 .tx_id = request->tx_id, .len = (uint32_t)len };

	if (!c->closed)
		out_send(c, &h, body, true);
}

static bool event_fits(const struct conn *c, size_t len)
{
	size_t most = c->who.domid == 0 ? EVENT_BYTES_DOM0 : EVENT_BYTES_GUEST;

	if (!c->out_first)
		return true;
	return c->out_bytes + len <= most &&
	       account_may(&c->store->accounts, NULL, c->who.domid, 0, (int64_t)len) == 0;
}

void conn_event(struct conn *c, struct watch *w, const char *path)
{
	const char *shown = path + (w->strip <= strlen(path) ? w->strip : 0);
	size_t token_len = strlen(w->token) + 1, path_len = strlen(shown) + 1;
	struct xsd_sockmsg h = { .type = XS_WATCH_EVENT };
	uint8_t body[XENSTORE_PAYLOAD_MAX];

	if (c->closed || w->lost)
		return;
	/* The watch's own path fits: it came in one message with its token. */
	if (path_len + token_len > sizeof body) {
		shown = w->path + w->strip;
		path_len = strlen(shown) + 1;
	}
	h.len = (uint32_t)(path_len + token_len);
	if (h.len > sizeof body)
		return;
	if (!event_fits(c, sizeof h + h.len)) {
		w->lost = true;
		c->lost++;
		return;
	}
	memcpy(body, shown, path_len);
	memcpy(body + path_len, w->token, token_len);
	out_send(c, &h, body, false);
}

/* The queue is empty again: fire the watches whose events were dropped. */
static void events_owed(struct conn *c)
{
	c->lost = 0;
	for (struct watch *w = c->watches; w; w = w->conn_next)
		if (w->lost)
			watch_announce(w);
}

void conn_restore(struct conn *c, const void *in, size_t in_len, const void *out, size_t out_len)
{
	while (c->out_first)
		out_pop(c);
	if (in_len)
		memcpy(c->in, in, in_len);
	c->in_at = 0;
	c->in_len = (uint32_t)in_len;
	if (out_len)
		out_queue(c, out, out_len, true);
	c->streams_kept = in_len || out_len;
}

/* ---- input ---- */

/* The next whole request. 0: *@h and its body at in[in_at]; -EAGAIN: not here yet; -EPROTO. */
static int request_next(struct conn *c, struct xsd_sockmsg *h)
{
	uint32_t have = c->in_len - c->in_at;

	if (have < sizeof *h)
		return -EAGAIN;
	memcpy(h, c->in + c->in_at, sizeof *h);
	if (h->len > XENSTORE_PAYLOAD_MAX)
		return -EPROTO;
	return have < sizeof *h + h->len ? -EAGAIN : 0;
}

/* 0: read some; 1: read all there was; -EAGAIN: nothing there. */
static int input_fill(struct conn *c)
{
	size_t room;
	ssize_t n;

	if (c->in_at > 0) {
		memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
		c->in_len -= c->in_at;
		c->in_at = 0;
	}
	room = CONN_IN_ROOM - c->in_len;
	n = c->transport->read(c, c->in + c->in_len, room);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -EAGAIN;
	c->in_len += (uint32_t)n;
	return (size_t)n < room;
}

/* Serve what is complete. 0: nothing more here; 1: stopped at a bound; -Exxx: broken. */
static int serve_some(struct conn *c)
{
	struct xsd_sockmsg h;
	bool emptied = false;

	for (int served = 0; served < SERVE_MAX && !c->closed;) {
		int err;

		if (c->out_replies >= store_limits.requests)
			return 0;	/* woken again when it reads */
		err = request_next(c, &h);
		if (err == -EAGAIN) {
			err = emptied ? -EAGAIN : input_fill(c);
			if (err < 0)
				return err == -EAGAIN ? 0 : err;
			emptied = err == 1 && c->transport->short_read_wakes;
			continue;
		}
		if (err)
			return err;
		c->in_at += (uint32_t)sizeof h + h.len;
		request_serve(c, &h, c->in + c->in_at - h.len);
		served++;
	}
	return 1;
}

void conn_serve(struct conn *c)
{
	int err;

	c->serving = true;
	err = out_drain(c);
	if (err == 0 && c->lost)
		events_owed(c);
	if (err == 0 || err == -EAGAIN)
		err = serve_some(c);
	c->serving = false;
	if (c->closed) {
		conn_free(c);
		return;
	}
	if (err < 0) {
		conn_close(c, err);
		return;
	}
	streams_note(c);
	c->transport->flush(c);
	if (err == 1)
		run_list_add(c);
	c->transport->want(c, c->out_replies < store_limits.requests, c->out_first || c->lost);
}

bool conns_run(struct store *s)
{
	uint32_t waiting = 0;

	/* One turn for each that waits now; who has more queues behind. */
	for (struct conn *c = s->run_first; c; c = c->run_next)
		waiting++;
	for (; waiting > 0 && s->run_first; waiting--) {
		struct conn *c = s->run_first;

		run_list_remove(c);
		conn_serve(c);
	}
	return s->run_first;
}
