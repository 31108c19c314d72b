/* XenStore client: synchronous requests, queued events, reconnection.
 *
 * The contract is in store_client.h. A connection that breaks is made again for up to RETRY_MS:
 * that is how long a daemon's successor may take. Neighbours: store_wire.c (messages),
 * store_ops.c (the typed requests). */
#include "dom0/lib/store_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "dom0/lib/mem.h"
#include "dom0/lib/store_request.h"
#include "dom0/lib/store_wire.h"

#define RETRY_MS 10000u

struct client_watch {
	struct client_watch *next;
	char *path, *token;
};

struct client_event {
	struct client_event *next;
	struct store_event event;
};

struct store {
	int fd;			/* -1: not connected */
	char *path;
	unsigned int connections;
	uint32_t last_req;
	struct client_watch *watches;
	struct client_event *event_first, **event_last;
	char body[XENSTORE_PAYLOAD_MAX + 1];
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Connect, trying until @end. */
static int client_connect(struct store *s, uint64_t end)
{
	for (;;) {
		int fd = store_wire_connect(s->path);

		if (fd >= 0) {
			s->fd = fd;
			s->connections++;
			return 0;
		}
		if (now_ms() >= end)
			return fd == -ENOENT || fd == -ECONNREFUSED ? -EPIPE : fd;
		sleep_ms(20);
	}
}

static void client_disconnect(struct store *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

int store_open(struct store **out, const char *path, unsigned int wait_ms)
{
	struct store *s = mem_alloc(sizeof *s);
	const char *env = getenv("XENSTORED_PATH");
	int err;

	if (!path)
		path = env && *env ? env : STORE_SOCKET;
	s->path = mem_dup(path, strlen(path));
	s->event_last = &s->event_first;
	err = client_connect(s, now_ms() + wait_ms);
	if (err) {
		free(s->path);
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void store_set_path(struct store *s, const char *path)
{
	free(s->path);
	s->path = mem_dup(path, strlen(path));
}

void store_close(struct store *s)
{
	struct store_event ev;

	if (!s)
		return;
	client_disconnect(s);
	while (s->event_first && store_event(s, 0, &ev) == 0)
		store_event_free(&ev);
	while (s->watches) {
		struct client_watch *w = s->watches;

		s->watches = w->next;
		free(w->path);
		free(w->token);
		free(w);
	}
	free(s->path);
	free(s);
}

/* ---- events ---- */

/* @body: path NUL token NUL. */
static void event_queue(struct store *s, const char *body, uint32_t len)
{
	size_t path_len = strnlen(body, len);
	struct client_event *e;

	if (path_len >= len)
		return;	/* malformed: not from our daemon */
	e = mem_alloc(sizeof *e);
	e->event.path = mem_dup(body, path_len);
	e->event.token = mem_dup(body + path_len + 1, strnlen(body + path_len + 1,
							       len - path_len - 1));
	*s->event_last = e;
	s->event_last = &e->next;
}

void store_event_free(struct store_event *ev)
{
	free(ev->path);
	free(ev->token);
	*ev = (struct store_event){ 0 };
}

/* ---- one request ---- */

static int exchange(struct store *s, uint32_t type, uint32_t tx, const struct store_piece *piece,
		    unsigned int count, uint32_t *len)
{
	uint32_t req = ++s->last_req;
	struct xsd_sockmsg h;
	int err = store_wire_send(s->fd, type, req, tx, piece, count);

	while (!err) {
		err = store_wire_receive(s->fd, &h, s->body);
		if (err)
			break;
		if (h.type == XS_WATCH_EVENT) {
			event_queue(s, s->body, h.len);
			continue;
		}
		if (h.req_id != req)
			return -EPROTO;
		if (h.type == XS_ERROR)
			return store_wire_error(s->body);
		*len = h.len;
		return 0;
	}
	return err;
}

static int watches_renew(struct store *s)
{
	for (struct client_watch *w = s->watches; w; w = w->next) {
		struct store_piece piece[] = { { w->path, strlen(w->path) + 1 },
					       { w->token, strlen(w->token) + 1 } };
		uint32_t len;
		int err = exchange(s, XS_WATCH, 0, piece, 2, &len);

		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

static bool is_broken(int err)
{
	return err == -EPIPE || err == -EPROTO;
}

/* A dying daemon may still take a connection and drop it: only one that answers counts. */
static int client_reconnect(struct store *s, uint64_t end)
{
	int err;

	do {
		client_disconnect(s);
		err = client_connect(s, end);
		if (!err)
			err = watches_renew(s);
	} while (is_broken(err) && now_ms() < end);
	return err;
}

int store_request(struct store *s, uint32_t type, uint32_t tx, const struct store_piece *piece,
		  unsigned int count, const char **body, uint32_t *len)
{
	int err = s->fd < 0 ? -EPIPE : exchange(s, type, tx, piece, count, len);
	uint64_t end = is_broken(err) ? now_ms() + RETRY_MS : 0;

	while (is_broken(err) && now_ms() < end) {
		err = client_reconnect(s, end);
		if (!err)
			err = tx ? -EAGAIN : exchange(s, type, tx, piece, count, len);
	}
	*body = s->body;
	return err;
}

/* ---- watches ---- */

int store_watch(struct store *s, const char *path, const char *token)
{
	struct store_piece piece[] = { { path, strlen(path) + 1 }, { token, strlen(token) + 1 } };
	struct client_watch *w;
	const char *body;
	uint32_t len;
	int err = store_request(s, XS_WATCH, 0, piece, 2, &body, &len);

	if (err)
		return err;
	w = mem_alloc(sizeof *w);
	w->path = mem_dup(path, strlen(path));
	w->token = mem_dup(token, strlen(token));
	w->next = s->watches;
	s->watches = w;
	return 0;
}

int store_unwatch(struct store *s, const char *path, const char *token)
{
	struct store_piece piece[] = { { path, strlen(path) + 1 }, { token, strlen(token) + 1 } };
	const char *body;
	uint32_t len;

	for (struct client_watch **at = &s->watches; *at; at = &(*at)->next) {
		struct client_watch *w = *at;

		if (strcmp(w->path, path) != 0 || strcmp(w->token, token) != 0)
			continue;
		*at = w->next;
		free(w->path);
		free(w->token);
		free(w);
		break;
	}
	return store_request(s, XS_UNWATCH, 0, piece, 2, &body, &len);
}

/* Read one event off the wire if it comes in time. */
static int event_receive(struct store *s, int wait_ms)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	struct xsd_sockmsg h;
	int n = s->fd < 0 ? 1 : poll(&p, 1, wait_ms), err;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -EAGAIN;
	err = s->fd < 0 ? -EPIPE : store_wire_receive(s->fd, &h, s->body);
	if (err)
		return client_reconnect(s, now_ms() + RETRY_MS);
	if (h.type == XS_WATCH_EVENT)
		event_queue(s, s->body, h.len);
	return 0;
}

int store_event(struct store *s, int wait_ms, struct store_event *ev)
{
	struct client_event *e;

	while (!s->event_first) {
		int err = event_receive(s, wait_ms);

		if (err)
			return err;
	}
	e = s->event_first;
	s->event_first = e->next;
	if (!s->event_first)
		s->event_last = &s->event_first;
	*ev = e->event;
	free(e);
	return 0;
}

int store_fd(const struct store *s)
{
	return s->fd;
}

unsigned int store_connections(const struct store *s)
{
	return s->connections;
}
