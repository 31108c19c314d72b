/* What a network device's front end sends: chains of slots, and the judgement of one chain's copy. Pure: no
 * state, no memory but the caller's. Everything in a slot is hostile.
 * Spec: io/netif.h; what Linux's netfront sends and expects. */
#pragma once
#include "pvdrivers/net_packet.h"

/* One packet's slots, as copied from the ring: the first, its extra info, the rest of its data. All zero at
 * first. */
struct net_chain {
	uint32_t slots;			/* that were added */
	uint32_t extras;		/* of them, from the second on */
	bool extra_next, data_next;	/* what the last one says of the next */
	union netif_tx_sring_entry slot[NET_RING_SLOTS];
};

/* What a front end was told that it may send. */
struct net_limits {
	bool gso_tcpv4, gso_tcpv6, multicast;
};

enum net_multicast {
	NET_MULTICAST_NONE,
	NET_MULTICAST_ADD,
	NET_MULTICAST_DEL,
};

struct net_part {
	grant_ref_t ref;
	uint16_t offset, bytes;		/* in its page; >= 1 byte */
};

struct net_request {
	enum net_multicast multicast;	/* if not NONE, no packet, but a change of what the guest wants to receive */
	uint8_t address[6];		/* of it */
	struct net_offload offload;
	uint32_t bytes;			/* of all parts: NET_PACKET_MIN to NET_PACKET_MAX */
	uint32_t parts;
	struct net_part part[NET_SLOTS_MAX];
};

/* Count in the slot that was copied to c->slot[c->slots]. True: the chain is whole. */
bool net_chain_add(struct net_chain *c) PV_MUST_CHECK;
/* Judge a whole chain: NETIF_RSP_OKAY and *r; NETIF_RSP_ERROR: refused. */
int net_request_judge(struct net_request *r, const struct net_chain *c,
		      const struct net_limits *limits) PV_MUST_CHECK;
