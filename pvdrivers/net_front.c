/* The network front end: buffers to send by and to receive by, numbered by page, and the two rings.
 *
 * INVARIANT F1: a buffer to send by is idle, or one request with its number is in the ring without an answer.
 * INVARIANT F2: every buffer to receive by is posted; a slot's is f->posted, as extra info names none.
 * There are no more buffers than slots, so that whoever has one has a slot. */
#include "pvdrivers/net_front.h"
#include "pvdrivers/grants.h"

#include <string.h>

/* Slots taken in one run. */
#define RUN_SLOTS 512u

static uint8_t *page_at(const struct net_front *f, uint32_t page)
{
	return f->data + (size_t)page * PV_PAGE;
}

/* ---- sending ---- */

/* Bytes of @p; 0: none that can be sent. */
static uint32_t packet_bytes(const struct net_packet *p)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < p->pieces; i++) {
		if (p->piece[i].bytes > PV_PAGE - bytes)
			return 0;
		bytes += p->piece[i].bytes;
	}
	return bytes < NET_PACKET_MIN || p->offload.gso ? 0 : (uint32_t)bytes;
}

int net_front_send(struct net_front *f, const struct net_packet *p)
{
	struct netif_tx_request req = { .size = (uint16_t)packet_bytes(p) };
	uint8_t *to;

	if (f->broken)
		return -XEN_EBADMSG;
	if (!req.size)
		return -XEN_EINVAL;
	if (!f->idle_count)
		return -XEN_EAGAIN;
	req.id = f->idle[--f->idle_count];
	req.gref = f->ref[req.id];
	if (p->offload.csum_blank)
		req.flags = NETTXF_csum_blank | NETTXF_data_validated;
	else if (p->offload.csum_valid)
		req.flags = NETTXF_data_validated;
	f->sent[req.id] = true;
	to = page_at(f, req.id);
	for (uint32_t i = 0; i < p->pieces; to += p->piece[i++].bytes)
		memcpy(to, p->piece[i].addr, p->piece[i].bytes);
	memcpy(ring_front_slot(&f->tx), &req, sizeof req);
	ring_front_push(&f->tx);
	return 0;
}

void net_front_push(struct net_front *f)
{
	bool tx = ring_front_notify(&f->tx), rx = ring_front_notify(&f->rx);

	if (!f->broken && (tx || rx))
		f->config.os->event_notify(f->config.os, f->port);
}

uint32_t net_front_unanswered(const struct net_front *f)
{
	return f->config.tx_buffers - f->idle_count;
}

/* Take one answer. 1; 0; -EBADMSG. */
static int answer_take(struct net_front *f)
{
	struct netif_tx_response rsp;
	int got = ring_front_take(&f->tx, &rsp, sizeof rsp);

	if (got == 0)
		return ring_front_sleep(&f->tx);
	if (got < 0)
		return got;
	/* What came of a packet interests nobody: it may be lost anywhere. */
	if (rsp.id >= f->config.tx_buffers || !f->sent[rsp.id])
		return -XEN_EBADMSG;
	f->sent[rsp.id] = false;
	f->idle[f->idle_count++] = rsp.id;
	return 1;
}

/* ---- receiving ---- */

static void buffer_post(struct net_front *f, uint16_t buffer)
{
	struct netif_rx_request req = { .id = buffer, .gref = f->ref[f->config.tx_buffers + buffer] };

	f->posted[f->rx.req_prod % NET_RING_SLOTS] = buffer;
	memcpy(ring_front_slot(&f->rx), &req, sizeof req);
	ring_front_push(&f->rx);
}

/* A slot with data in @buffer. -EBADMSG. */
static int data_come(struct net_front *f, const struct netif_rx_response *rsp, uint16_t buffer)
{
	struct net_incoming *in = &f->incoming;
	uint32_t bytes = rsp->status > 0 ? (uint32_t)rsp->status : 0;

	if (rsp->id != buffer || rsp->offset + bytes > PV_PAGE)
		return -XEN_EBADMSG;
	if (in->slots++ == 0) {
		in->extra_next = rsp->flags & NETRXF_extra_info;
		in->offload.csum_blank = rsp->flags & NETRXF_csum_blank;
		in->offload.csum_valid = rsp->flags & (NETRXF_csum_blank | NETRXF_data_validated);
	}
	in->data_next = rsp->flags & NETRXF_more_data;
	in->bad |= bytes == 0 || in->slots > NET_SLOTS_MAX || bytes > NET_PACKET_MAX - in->bytes ||
		   (rsp->flags & NETRXF_gso_prefix);
	if (in->bad)
		return 0;
	memcpy(f->packet + in->bytes, page_at(f, f->config.tx_buffers + buffer) + rsp->offset, bytes);
	in->bytes += bytes;
	return 0;
}

/* A slot with extra info, which was not asked for: we could not take the packet as it is meant. */
static void extra_come(struct net_front *f, const void *slot)
{
	struct netif_extra_info extra;

	memcpy(&extra, slot, sizeof extra);
	f->incoming.extra_next = extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
	f->incoming.bad = true;
}

static void packet_end(struct net_front *f)
{
	struct net_incoming in = f->incoming;
	struct net_piece whole = { f->packet, in.bytes };
	struct net_packet p = { &whole, 1, in.offload };

	f->incoming = (struct net_incoming){ .slots = 0 };
	if (in.bad || in.bytes < NET_PACKET_MIN)
		f->dropped++;
	else
		f->config.received(f, &p);
}

/* Take one slot. 1; 0; -EBADMSG. */
static int slot_take(struct net_front *f)
{
	uint16_t buffer = f->posted[f->rx.rsp_cons % NET_RING_SLOTS];
	struct netif_rx_response rsp;
	int got = ring_front_take(&f->rx, &rsp, sizeof rsp), err = 0;

	if (got == 0)
		return ring_front_sleep(&f->rx);
	if (got < 0)
		return got;
	if (f->incoming.extra_next)
		extra_come(f, &rsp);
	else
		err = data_come(f, &rsp, buffer);
	if (err)
		return err;
	buffer_post(f, buffer);
	if (!f->incoming.extra_next && !f->incoming.data_next)
		packet_end(f);
	return 1;
}

int net_front_run(struct net_front *f)
{
	int tx = 1, rx = 1;

	for (uint32_t n = 0; n < RUN_SLOTS && (tx || rx) && !f->broken; n++) {
		tx = answer_take(f);
		rx = slot_take(f);
		f->broken = tx < 0 || rx < 0;
	}
	net_front_push(f);
	return f->broken ? -XEN_EBADMSG : tx || rx;
}

/* ---- opening, closing ---- */

static int grants_make(struct net_front *f)
{
	const struct net_front_config *c = &f->config;
	int err = c->os->grant(c->os, c->peer, f->rings, false, &f->tx_ref);

	if (!err)
		err = c->os->grant(c->os, c->peer, f->rings + PV_PAGE, false, &f->rx_ref);
	for (uint32_t i = 0; i < c->tx_buffers + c->rx_buffers && !err; i++)
		err = c->os->grant(c->os, c->peer, page_at(f, i), i < c->tx_buffers, &f->ref[i]);
	return err;
}

static void buffers_init(struct net_front *f)
{
	while (f->idle_count < f->config.tx_buffers) {
		f->idle[f->idle_count] = (uint16_t)f->idle_count;
		f->idle_count++;
	}
	for (uint32_t i = 0; i < f->config.rx_buffers; i++)
		buffer_post(f, (uint16_t)i);
}

int net_front_open(struct net_front *f, const struct net_front_config *c, pv_callback *event, void *arg)
{
	size_t pages = c->tx_buffers + c->rx_buffers;
	struct pv_os *os = c->os;
	int err = -XEN_ENOMEM;

	*f = (struct net_front){ .config = *c };
	f->rings = os->alloc(os, 2 * PV_PAGE);
	f->data = os->alloc(os, pages * PV_PAGE);
	f->ref = os->alloc(os, pages * sizeof *f->ref);
	f->packet = os->alloc(os, NET_PACKET_MAX);
	if (f->rings && f->data && f->ref && f->packet) {
		ring_front_open(&f->tx, f->rings, PV_PAGE, sizeof(union netif_tx_sring_entry));
		ring_front_open(&f->rx, f->rings + PV_PAGE, PV_PAGE, sizeof(union netif_rx_sring_entry));
		err = grants_make(f);
	}
	if (!err)
		err = os->event_open(os, c->peer, 0, event, arg, &f->port);
	/* Nobody knows of the grants yet, so that they can be ended. */
	if (err)
		(void)!net_front_close(f);
	else
		buffers_init(f);
	return err;
}

int net_front_close(struct net_front *f)
{
	const struct net_front_config *c = &f->config;
	size_t pages = c->tx_buffers + c->rx_buffers;
	struct pv_os *os = c->os;

	f->broken = true;
	if (f->port)
		os->event_close(os, f->port);
	f->port = 0;
	if (f->ref && (pv_grants_end(f->config.os, &f->tx_ref, 1) | pv_grants_end(f->config.os, &f->rx_ref, 1) |
		       pv_grants_end(f->config.os, f->ref, (uint32_t)pages)))
		return -XEN_EBUSY;
	os->free(os, f->rings, 2 * PV_PAGE);
	os->free(os, f->data, pages * PV_PAGE);
	os->free(os, f->ref, pages * sizeof *f->ref);
	os->free(os, f->packet, NET_PACKET_MAX);
	return 0;
}
