/* Which packet's slots a network back end is answering: kept in the ring's own page, in bytes of its header
 * that the protocol leaves unused, so that it outlives a back end's death. A guest can write there; what it
 * gets is wrong answers to its own slots. */
#pragma once
#include "pvdrivers/ring.h"

struct net_mark {
	uint16_t slots;			/* of the packet, from the oldest that is not answered */
	uint16_t extras;		/* of them with extra info, from the second on */
	int16_t status;			/* NETIF_RSP_* */
	/* Of a packet for the guest. */
	uint16_t flags;			/* NETRXF_* of its first slot, but for more_data */
	uint16_t bytes;
	uint16_t gso_type, gso_bytes;	/* of the extra info */
};

/* Commit the answer @m to the oldest slots that have none. */
void net_mark_set(struct ring_back *r, const struct net_mark *m);
/* A ring that was just opened: 1 and *m: a predecessor had committed this and not published all of it; the
 * slots are counted as taken; 0: it had not; -EBADMSG: nobody can have. */
int net_mark_get(struct ring_back *r, struct net_mark *m) PV_MUST_CHECK;
/* Let nothing be committed. */
void net_mark_clear(struct ring_back *r);
