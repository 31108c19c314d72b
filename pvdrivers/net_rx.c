/* What a guest receives: packets to the buffers that it posted, in their order; what has no buffers waits.
 *
 * INVARIANT X3: as X1 and X2 (net_tx.c): a packet's slots are answered all at once, after its bytes are in the
 * buffers and the answer is committed. The mark has all of the answer but the ids, which responses leave as
 * they are.
 * INVARIANT X4: x->buffer has the references of the slots from rsp_prod to req_cons, as they were taken.
 * INVARIANT X5: waiting packets go before those that are offered. */
#include "pvdrivers/net_rx.h"

#include <string.h>
#include "pvdrivers/net_mark.h"

static uint32_t pages_of(uint32_t bytes)
{
	return (bytes + PV_PAGE - 1) / PV_PAGE;
}

/* ---- answers ---- */

/* The response for data slot @k, counted without extra info. */
static void data_answer(void *entry, const struct net_mark *m, uint32_t k)
{
	uint32_t left = m->bytes - k * PV_PAGE;
	struct netif_rx_response rsp;

	memcpy(&rsp.id, entry, sizeof rsp.id);
	rsp.offset = 0;
	rsp.flags = (uint16_t)((k == 0 ? m->flags : 0) | (left > PV_PAGE ? NETRXF_more_data : 0));
	rsp.status = m->status ? m->status : (int16_t)(left < PV_PAGE ? left : PV_PAGE);
	memcpy(entry, &rsp, sizeof rsp);
}

/* Give the answer that is committed. */
static void answer_commit(struct net_rx *x, const struct net_mark *m)
{
	struct netif_extra_info extra;

	memset(&extra, 0, sizeof extra);
	extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
	extra.u.gso.size = m->gso_bytes;
	extra.u.gso.type = (uint8_t)m->gso_type;
	for (uint32_t i = 0; i < m->slots; i++) {
		void *entry = ring_back_slot_at(&x->ring, i);

		if (i > 0 && i <= m->extras)
			memcpy(entry, &extra, sizeof extra);
		else
			data_answer(entry, m, i ? i - m->extras : 0);
	}
	ring_back_answer_many(&x->ring, m->slots);
}

/* What answers a packet of @bytes that comes well. */
static struct net_mark mark_of(const struct net_offload *o, uint32_t bytes)
{
	struct net_mark m = {
		.status = NETIF_RSP_OKAY, .bytes = (uint16_t)bytes, .extras = o->gso != NET_GSO_NONE,
		.gso_type = (uint16_t)o->gso, .gso_bytes = o->gso_bytes,
	};

	m.slots = (uint16_t)(pages_of(bytes) + m.extras);
	if (o->csum_blank)
		m.flags = NETRXF_csum_blank | NETRXF_data_validated;
	else if (o->csum_valid)
		m.flags = NETRXF_data_validated;
	if (m.extras)
		m.flags |= NETRXF_extra_info;
	return m;
}

/* ---- packets to buffers ---- */

/* Take buffers until there are @need. 1: they are there; 0: more will be notified of; -EBADMSG. */
static int buffers_take(struct net_rx *x, uint32_t need)
{
	uint32_t have = ring_distance(x->ring.rsp_prod, x->ring.req_cons);
	union netif_rx_sring_entry e;

	for (bool slept = false; have < need;) {
		int got = ring_back_take(&x->ring, &e);

		if (got < 0)
			return got;
		/* One that goes as it comes is no correct end's. */
		if (got == 0 && (slept || !ring_back_sleep(&x->ring)))
			return 0;
		slept = got == 0;
		if (got)
			x->buffer[have++] = e.req.gref;
	}
	return 1;
}

/* Copy @p to the buffers, page by page; the one of extra info is left out. */
static int packet_copy(struct net_back *b, const struct net_rx *x, const struct net_packet *p, uint32_t extras)
{
	struct pv_copy copy[2 * NET_SLOTS_MAX];
	uint32_t at = 0, n = 0;

	for (uint32_t i = 0; i < p->pieces; i++) {
		for (size_t done = 0; done < p->piece[i].bytes;) {
			uint32_t page = at / PV_PAGE, offset = at % PV_PAGE, bytes = PV_PAGE - offset;

			if (bytes > p->piece[i].bytes - done)
				bytes = (uint32_t)(p->piece[i].bytes - done);
			copy[n++] = (struct pv_copy){
				.ref = x->buffer[page ? page + extras : 0], .offset = (uint16_t)offset,
				.bytes = (uint16_t)bytes, .to_peer = true,
				.local = (uint8_t *)p->piece[i].addr + done,
			};
			done += bytes;
			at += bytes;
		}
	}
	b->config.os->copy(b->config.os, b->config.peer, copy, n);
	for (uint32_t i = 0; i < n; i++)
		if (copy[i].err)
			return NETIF_RSP_ERROR;
	return NETIF_RSP_OKAY;
}

/* Give @p to the guest. 1: done, or its buffers were bad; 0: it has not enough of them; -EBADMSG. */
static int packet_give(struct net_back *b, struct net_rx *x, const struct net_packet *p, uint32_t bytes)
{
	struct net_mark m = mark_of(&p->offload, bytes);
	int got = buffers_take(x, m.slots);

	if (got != 1)
		return got;
	m.status = (int16_t)packet_copy(b, x, p, m.extras);
	if (m.status)
		b->counts.dropped++;
	else
		b->counts.received++;
	net_mark_set(&x->ring, &m);
	answer_commit(x, &m);
	/* A packet that did not wait may have taken more. */
	memmove(x->buffer, x->buffer + m.slots, (NET_SLOTS_MAX - m.slots) * sizeof x->buffer[0]);
	return 1;
}

/* ---- waiting ---- */

static void packet_wait(struct net_back *b, struct net_rx *x, const struct net_packet *p, uint32_t bytes)
{
	const struct net_config *c = &b->config;
	struct net_waiting *w = NULL;

	if (c->guest.notifies && x->waiting_packets < c->waiting_packets &&
	    x->waiting_bytes + bytes <= c->waiting_bytes)
		w = c->os->alloc(c->os, sizeof *w + bytes);
	if (!w) {
		b->counts.dropped++;
		return;
	}
	w->offload = p->offload;
	for (uint32_t i = 0; i < p->pieces; i++) {
		memcpy(w->data + w->bytes, p->piece[i].addr, p->piece[i].bytes);
		w->bytes += (uint32_t)p->piece[i].bytes;
	}
	if (x->first)
		x->last->next = w;
	else
		x->first = w;
	x->last = w;
	x->waiting_packets++;
	x->waiting_bytes += bytes;
}

static void waiting_drop(struct net_back *b, struct net_rx *x)
{
	struct net_waiting *w = x->first;

	x->first = w->next;
	x->waiting_packets--;
	x->waiting_bytes -= w->bytes;
	b->config.os->free(b->config.os, w, sizeof *w + w->bytes);
}

int net_rx_offer(struct net_back *b, struct net_rx *x, const struct net_packet *p, uint32_t bytes)
{
	int got = x->first ? 0 : packet_give(b, x, p, bytes);

	if (got == 0)
		packet_wait(b, x, p, bytes);
	return got < 0 ? got : 0;
}

int net_rx_run(struct net_back *b, struct net_rx *x)
{
	while (x->first) {
		struct net_piece whole = { x->first->data, x->first->bytes };
		struct net_packet p = { &whole, 1, x->first->offload };
		int got = packet_give(b, x, &p, x->first->bytes);

		if (got != 1)
			return got;
		waiting_drop(b, x);
	}
	return 0;
}

/* ---- opening, closing ---- */

int net_rx_open(struct net_rx *x, void *ring, uint32_t port, bool successor)
{
	struct net_mark m;
	int got = ring_back_open(&x->ring, ring, PV_PAGE, sizeof(union netif_rx_sring_entry));

	x->port = port;
	if (!got && !successor)
		net_mark_clear(&x->ring);
	else if (!got)
		got = net_mark_get(&x->ring, &m);
	if (got == 1)
		answer_commit(x, &m);
	return got < 0 ? got : 0;
}

void net_rx_close(struct net_back *b, struct net_rx *x)
{
	while (x->first)
		waiting_drop(b, x);
}
