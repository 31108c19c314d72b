/* What a guest sends: slots to a chain, a few chains to packets by one request for copies, then answers, one by one.
 *
 * INVARIANT X1: rsp_prod is where a packet begins: a chain's slots are answered all at once. So a successor
 * takes no slot amid a packet for the first of one.
 * INVARIANT X2: an answer is committed (net_mark.h) after the packet was sent, and before the first slot is
 * written. A response fills the place of the request's reference alone: the ids, which a successor needs to
 * answer, stay. */
#include "pvdrivers/net_tx.h"

#include <string.h>
#include "pvdrivers/net_mark.h"

#define COPIES	64u	/* of one request to the operating system */

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

/* ---- a few packets at once ---- */

/* A packet's chain, judged. */
struct job {
	struct net_request request;
	struct net_mark mark;
	uint8_t *data;			/* its copy; NULL: it has none */
	uint32_t first;			/* its parts are copies from this one on */
};

struct batch {
	struct job job[NET_TX_BATCH];
	struct pv_copy copy[COPIES];
	uint32_t jobs, copies;
	uint32_t bytes;			/* of the packets */
	uint32_t end;			/* of where they lie */
};

/* Take what is there of the next packet's chain. 1: it is whole; 0: there is no more; -EBADMSG. */
static int chain_take(struct net_tx *t)
{
	struct net_chain *c = &t->chain;

	for (bool whole = false; !whole; whole = net_chain_add(c)) {
		int got = ring_back_take(&t->ring, &c->slot[c->slots % NET_RING_SLOTS]);

		if (got != 1)
			return got == 0 && c->slots == NET_RING_SLOTS ? -XEN_EBADMSG : got;
	}
	return 1;
}

static uint32_t page_up(uint32_t at)
{
	return (at + PV_PAGE - 1) / PV_PAGE * PV_PAGE;
}

/* Where the data of @r goes, not before @at: as few of its parts as can be cross a page of ours, since an operating system looks
 * up each page, and makes two copies of such a part. Large packets are of whole pages, behind a header and what is left
 * of the page that the data begins in. */
static uint32_t place_of(uint32_t at, const struct net_request *r)
{
	uint32_t i = 0, before = 0;

	for (; i < r->parts && r->part[i].bytes < PV_PAGE; i++)
		before += r->part[i].bytes;
	if (i < r->parts)
		return page_up(at + before) - before;
	return at + before <= page_up(at) ? at : page_up(at);
}

/* Where a packet's parts go. */
static void copies_add(struct net_back *b, struct batch *a, struct job *j)
{
	const struct net_request *r = &j->request;

	a->end = place_of(a->end, r);
	a->bytes += r->bytes;
	j->data = b->packet + a->end;
	j->first = a->copies;
	for (uint32_t i = 0; i < r->parts; i++) {
		a->copy[a->copies++] = (struct pv_copy){
			.ref = r->part[i].ref, .offset = r->part[i].offset, .bytes = r->part[i].bytes,
			.local = b->packet + a->end,
		};
		a->end += r->part[i].bytes;
	}
}

static void job_add(struct net_back *b, struct net_tx *t, struct batch *a)
{
	struct job *j = &a->job[a->jobs++];

	j->mark = (struct net_mark){
		.slots = (uint16_t)t->chain.slots, .extras = (uint16_t)t->chain.extras,
		.status = (int16_t)net_request_judge(&j->request, &t->chain, &b->config.limits),
	};
	j->data = NULL;
	if (!j->mark.status && !j->request.multicast)
		copies_add(b, a, j);
	t->chain.slots = t->chain.extras = 0;
}

/* Take at most @most packets, while one more has room for certain. 1; 0: there was none; -EBADMSG, after some. */
static int batch_take(struct net_back *b, struct net_tx *t, struct batch *a, uint32_t most)
{
	struct net_port *port = b->config.port;
	int got = 1;

	while (got == 1 && a->jobs < most && a->copies <= COPIES - NET_SLOTS_MAX && a->end <= NET_TX_BYTES - NET_PACKET_MAX - PV_PAGE) {
		if (port->ready && !port->ready(port, a->bytes))
			return a->jobs > 0;
		got = chain_take(t);
		if (got == 1)
			job_add(b, t, a);
	}
	return got < 0 ? got : a->jobs > 0;
}

/* Do what it asks, and answer it. */
static void job_finish(struct net_back *b, struct net_tx *t, const struct batch *a, struct job *j)
{
	const struct net_request *r = &j->request;
	struct net_piece whole = { j->data, r->bytes };
	struct net_packet p = { &whole, 1, r->offload };

	for (uint32_t i = 0; j->data && i < r->parts; i++)
		if (a->copy[j->first + i].err)
			j->mark.status = NETIF_RSP_ERROR;
	if (!j->mark.status && r->multicast == NET_MULTICAST_ADD && net_filter_add(&b->filter, r->address))
		j->mark.status = NETIF_RSP_ERROR;
	if (!j->mark.status && r->multicast == NET_MULTICAST_DEL)
		net_filter_delete(&b->filter, r->address);
	if (!j->mark.status && j->data) {
		b->config.port->transmit(b->config.port, t->queue, &p);
		b->counts.sent++;
	}
	b->counts.refused += j->mark.status != NETIF_RSP_OKAY;
	net_mark_set(&t->ring, &j->mark);
	answer_commit(t, &j->mark);
}

int net_tx_run(struct net_back *b, struct net_tx *t, uint32_t most, uint32_t *done)
{
	struct batch a;
	int got;

	a.jobs = a.copies = a.bytes = a.end = 0;
	got = batch_take(b, t, &a, most < NET_TX_BATCH ? most : NET_TX_BATCH);
	if (a.copies)
		b->config.os->copy(b->config.os, b->config.peer, a.copy, a.copies);
	for (uint32_t i = 0; i < a.jobs; i++)
		job_finish(b, t, &a, &a.job[i]);
	*done = a.jobs;
	if (got || (b->config.port->ready && !b->config.port->ready(b->config.port, 0)))
		return got;
	return ring_back_sleep(&t->ring);
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
