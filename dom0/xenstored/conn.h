/* Connections: a stream of requests in, replies and watch events out, over any transport.
 *
 * A client that does not read its replies is not served further requests; watch events it does not
 * read are bounded: past the bound they are dropped, and each watch concerned fires once with its
 * own path when there is room again (watches may fire spuriously, so nothing is missed). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/perms.h"
#include "protocol/io/xs_wire.h"

struct store;
struct tx;
struct watch;
struct conn;

#define MSG_MAX (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)
#define CONN_IN_ROOM (MSG_MAX * 2)

/* What carries the bytes. Errors are fatal for the connection. */
struct transport {
	/* Move what is there: bytes > 0; 0: none or no room now; -Exxx. We are woken after a 0. */
	ssize_t (*read)(struct conn *c, void *buf, size_t size);
	ssize_t (*write)(struct conn *c, const void *buf, size_t size);
	/* Tell the peer of what was read and written; called once per round. */
	void (*flush)(struct conn *c);
	/* @input: wake us for input; @output: for room. */
	void (*want)(struct conn *c, bool input, bool output);
	/* The connection ends: -Exxx says why, 0: orderly. */
	void (*close)(struct conn *c, int why);
	/* We are woken after a short read as well, without having seen the 0. */
	bool short_read_wakes;
};

struct out_msg {
	struct out_msg *next;
	uint32_t len, sent;
	bool reply;		/* else an event */
	uint8_t bytes[];
};

struct conn {
	struct conn *next, **prev;	/* of the store */
	struct conn *run_next;
	bool running;			/* in the store's run list */
	bool serving;			/* conn_serve() is on the stack: do not free */
	bool closed;
	bool kept;			/* a successor takes it over */
	bool streams_dirty;		/* in, out or what the state file says of them changed */
	bool streams_kept;		/* the state file has bytes of this connection */
	int why;			/* reason, once closed */
	struct store *store;
	struct subject who;
	const struct transport *transport;
	void *port;			/* the transport's own */
	struct watch *watches;
	struct tx *txs;
	uint32_t last_tx;
	uint32_t lost;			/* watches with an owed event */
	struct out_msg *out_first, **out_last;
	uint32_t out_replies;
	size_t out_bytes;
	uint32_t in_at, in_len;		/* unserved: in[in_at .. in_len) */
	uint8_t in[CONN_IN_ROOM];
};

struct conn *conn_new(struct store *s, struct subject who, const struct transport *t,
		      void *port) MUST_CHECK;
/* End the connection with its watches and transactions; frees it (at once, or when conn_serve()
 * returns). */
void conn_close(struct conn *c, int why);

/* Read, serve a bounded number of requests and write. Leaves the connection in the run list if
 * there is more to serve. The connection may be gone afterwards. */
void conn_serve(struct conn *c);
/* Serve every connection in the run list once. True: some have more to do. */
bool conns_run(struct store *s);

/* Queue a reply or error; @len <= XENSTORE_PAYLOAD_MAX. */
void conn_reply(struct conn *c, const struct xsd_sockmsg *request, uint32_t type, const void *body,
		size_t len);
/* Queue an event for @w about @path. */
void conn_event(struct conn *c, struct watch *w, const char *path);
/* Replace what is unserved and unsent by what a predecessor left (its first message may be cut).
 * @in_len <= CONN_IN_ROOM. */
void conn_restore(struct conn *c, const void *in, size_t in_len, const void *out, size_t out_len);
