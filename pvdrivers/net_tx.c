/* What a guest sends: slots to a chain, the chain to a packet, then answers.
 *
 * INVARIANT X1: rsp_prod is where a packet begins: a chain's slots are answered all at once. So a successor
 * takes no slot amid a packet for the first of one.
 * INVARIANT X2: an answer is committed (net_mark.h) after the packet was sent, and before the first slot is
 * written. A response fills the place of the request's reference alone: the ids, which a successor needs to
 * answer, stay. */
#include "pvdrivers/net_tx.h"

#include <string.h>
#include "pvdrivers/net_mark.h"

/* Give the answer that is committed. */
static void answer_commit(struct net_tx *t, const struct net_mark *m)
{
	for (uint32_t i = 0; i < m->slots; i++) {
		union netif_tx_sring_entry *e = ring_back_slot_at(&t->ring, i);
		struct netif_tx_response rsp = { e->req.id, m->status };

		/* Extra info has no id, whatever came of the packet. */
		if (i > 0 && i <= m->extras)
			rsp.status = NETIF_RSP_NULL;
		memcpy(&e->rsp, &rsp, sizeof rsp);
	}
	ring_back_answer_many(&t->ring, m->slots);
}

static void chain_answer(struct net_tx *t, int status)
{
	struct net_mark m = {
		.slots = (uint16_t)t->chain.slots, .extras = (uint16_t)t->chain.extras, .status = (int16_t)status,
	};

	net_mark_set(&t->ring, &m);
	answer_commit(t, &m);
	t->chain.slots = t->chain.extras = 0;
}

/* Copy all parts of @r to b->packet. */
static int packet_copy(struct net_back *b, const struct net_request *r)
{
	struct pv_copy copy[NET_SLOTS_MAX];
	uint8_t *to = b->packet;

	for (uint32_t i = 0; i < r->parts; i++) {
		copy[i] = (struct pv_copy){
			.ref = r->part[i].ref, .offset = r->part[i].offset, .bytes = r->part[i].bytes, .local = to,
		};
		to += r->part[i].bytes;
	}
	b->config.os->copy(b->config.os, b->config.peer, copy, r->parts);
	for (uint32_t i = 0; i < r->parts; i++)
		if (copy[i].err)
			return NETIF_RSP_ERROR;
	return NETIF_RSP_OKAY;
}

static int packet_send(struct net_back *b, uint32_t queue, const struct net_request *r)
{
	struct net_piece whole = { b->packet, r->bytes };
	struct net_packet p = { &whole, 1, r->offload };

	if (packet_copy(b, r))
		return NETIF_RSP_ERROR;
	b->config.port->transmit(b->config.port, queue, &p);
	b->counts.sent++;
	return NETIF_RSP_OKAY;
}

/* Do what a whole chain asks; return its status. */
static int request_serve(struct net_back *b, uint32_t queue, const struct net_chain *c)
{
	struct net_request r;

	if (net_request_judge(&r, c, &b->config.limits))
		return NETIF_RSP_ERROR;
	switch (r.multicast) {
	case NET_MULTICAST_ADD:
		return net_filter_add(&b->filter, r.address) ? NETIF_RSP_ERROR : NETIF_RSP_OKAY;
	case NET_MULTICAST_DEL:
		net_filter_delete(&b->filter, r.address);
		return NETIF_RSP_OKAY;
	default:
		return packet_send(b, queue, &r);
	}
}

int net_tx_step(struct net_back *b, struct net_tx *t)
{
	struct net_chain *c = &t->chain;
	bool whole = false;
	int status;

	if (b->config.port->ready && !b->config.port->ready(b->config.port))
		return 0;
	while (!whole) {
		int got = ring_back_take(&t->ring, &c->slot[c->slots % NET_RING_SLOTS]);

		if (got == 0)
			return c->slots == NET_RING_SLOTS ? -XEN_EBADMSG : ring_back_sleep(&t->ring);
		if (got < 0)
			return got;
		whole = net_chain_add(c);
	}
	status = request_serve(b, t->queue, c);
	b->counts.refused += status != NETIF_RSP_OKAY;
	chain_answer(t, status);
	return 1;
}

int net_tx_open(struct net_tx *t, void *ring, uint32_t port, bool successor)
{
	struct net_mark m;
	int got = ring_back_open(&t->ring, ring, PV_PAGE, sizeof(union netif_tx_sring_entry));

	t->port = port;
	if (!got && !successor)
		net_mark_clear(&t->ring);
	else if (!got)
		got = net_mark_get(&t->ring, &m);
	if (got == 1)
		answer_commit(t, &m);
	return got < 0 ? got : 0;
}
