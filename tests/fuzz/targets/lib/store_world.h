/* A store with clients, for the fuzz targets: domain 0's sockets are buffers, a guest's ring is a
 * page. Everything a client receives is checked for its shape. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/store.h"

enum { CLIENTS = 2, GUESTS = 4, ACTORS = CLIENTS + GUESTS - 1 };	/* guest 0 is not played */

struct mailbox {		/* what an actor received, up to a whole message */
	size_t len;
	uint8_t bytes[MSG_MAX];
};

struct actor {
	uint16_t domid;
	bool wild;		/* its stream no longer means anything: only the store must survive */
	bool deaf;
	uint32_t sent, replies;	/* whole requests, and answers to them */
	struct xsd_sockmsg reply;	/* the newest */
	uint8_t body[XENSTORE_PAYLOAD_MAX];
	struct mailbox box;
	/* A client of domain 0's: NULL once closed. Bytes for the store wait in @in. */
	struct conn *conn;
	uint8_t in[2 * MSG_MAX];
	size_t in_at, in_len;
};

struct world {
	struct store *s;
	struct ring_host host;
	struct actor actor[ACTORS];
	_Alignas(4096) uint8_t page[GUESTS][4096];
	enum domain_life life[GUESTS];
	bool mapped[GUESTS], bound[GUESTS];
};

void world_open(struct world *w);
/* End everything; what the store took must be back. */
void world_close(struct world *w);
/* The store's own oracle, and bounds it does not know. */
void world_audit(struct world *w);

/* Serve until nothing is left to do. */
void world_rest(struct world *w);
/* Give the store up to @len bytes of @a's stream; returns how many it had room for. */
size_t actor_put(struct world *w, struct actor *a, const void *bytes, size_t len);
/* Let the store work for @a, and take what it answers. */
void actor_turn(struct world *w, struct actor *a);
/* One whole request and its answers. False: no reply came (deaf, wild, closed). */
bool actor_ask(struct world *w, struct actor *a, const struct xsd_sockmsg *h, const void *body);
/* Does the store still listen to @a? */
bool actor_is_served(struct world *w, const struct actor *a);
struct xenstore_domain_interface *actor_ring(struct world *w, struct actor *a);
/* A closed client of domain 0's comes back. */
void actor_reopen(struct world *w, struct actor *a);
