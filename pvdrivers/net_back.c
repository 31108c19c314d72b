/* The network back end: a device with its queues, and whose turn it is.
 *
 * Neighbours: net_tx.c and net_rx.c have the rings of either direction, net_request.c judges, net_mark.c keeps
 * what is being answered for a successor. */
#include "pvdrivers/net_back.h"

#include <string.h>
#include "pvdrivers/net_rx.h"
#include "pvdrivers/net_tx.h"

/* Packets of the guest's in one run: every queue has a turn. */
#define RUN_PACKETS	(NET_QUEUES_MAX * NET_TX_BATCH)

int net_back_open(struct net_back *b, const struct net_config *config)
{
	*b = (struct net_back){ .config = *config };
	b->packet = config->os->alloc(config->os, NET_TX_BYTES);
	return b->packet ? 0 : -XEN_ENOMEM;
}

int net_back_add_queue(struct net_back *b, void *tx, uint32_t tx_port, void *rx, uint32_t rx_port, bool successor)
{
	struct pv_os *os = b->config.os;
	struct net_queue *q;
	int err;

	if (b->queues == NET_QUEUES_MAX)
		return -XEN_ENOSPC;
	q = os->alloc(os, sizeof *q);
	if (!q)
		return -XEN_ENOMEM;
	err = net_tx_open(&q->tx, tx, tx_port, successor);
	if (!err)
		err = net_rx_open(&q->rx, rx, rx_port, successor);
	if (err) {
		os->free(os, q, sizeof *q);
		return err;
	}
	q->tx.queue = b->queues;
	b->queue[b->queues++] = q;
	/* What the guest has added to its list is lost with a predecessor: it gets more than it asked for. */
	b->filter.on = b->config.guest.multicast_control && !successor;
	if (successor) {
		os->event_notify(os, tx_port);
		os->event_notify(os, rx_port);
	}
	return 0;
}

static void queue_notify(struct net_back *b, struct net_queue *q)
{
	struct pv_os *os = b->config.os;
	bool tx = ring_back_notify(&q->tx.ring), rx = ring_back_notify(&q->rx.ring);

	if (tx)
		os->event_notify(os, q->tx.port);
	if (rx && !(tx && q->rx.port == q->tx.port))
		os->event_notify(os, q->rx.port);
}

void net_back_push(struct net_back *b)
{
	for (uint32_t i = 0; i < b->queues && !b->stopped; i++)
		queue_notify(b, b->queue[i]);
}

/* One turn of @q: 1: a packet was sent, or there may be another; 0; -EBADMSG. */
static int queue_turn(struct net_back *b, struct net_queue *q, uint32_t *budget)
{
	int got = net_rx_run(b, &q->rx);
	uint32_t done = 0;

	if (!got)
		got = net_tx_run(b, &q->tx, *budget, &done);
	*budget -= done;
	queue_notify(b, q);
	return got;
}

/* A turn of every queue. */
static int round_of_turns(struct net_back *b, uint32_t *budget)
{
	int did = 0;

	for (uint32_t i = 0; i < b->queues; i++) {
		int got = queue_turn(b, b->queue[i], budget);

		if (got < 0)
			return got;
		did |= got;
	}
	return did;
}

int net_back_run(struct net_back *b)
{
	uint32_t budget = RUN_PACKETS;
	int did = 1;

	while (did > 0 && budget && !b->stopped)
		did = round_of_turns(b, &budget);
	b->stopped |= did < 0;
	return b->stopped ? -XEN_EBADMSG : did;
}

/* Bytes of @p, and its first ones to @address; 0: no packet for this guest. */
static uint32_t packet_judge(const struct net_back *b, const struct net_packet *p, uint8_t address[6])
{
	const struct net_guest *g = &b->config.guest;
	uint32_t bytes = 0;

	if (p->pieces > NET_SLOTS_MAX || (p->offload.gso == NET_GSO_TCPV4 && !g->gso_tcpv4) ||
	    (p->offload.gso == NET_GSO_TCPV6 && !g->gso_tcpv6))
		return 0;
	for (uint32_t i = 0; i < p->pieces; i++) {
		const struct net_piece *piece = &p->piece[i];

		if (piece->bytes > NET_PACKET_MAX - bytes)
			return 0;
		for (size_t k = 0; k < piece->bytes && bytes + k < 6; k++)
			address[bytes + k] = ((uint8_t *)piece->addr)[k];
		bytes += (uint32_t)piece->bytes;
	}
	return bytes < NET_PACKET_MIN || (bytes > PV_PAGE && !g->sg) ? 0 : bytes;
}

int net_back_offer(struct net_back *b, uint32_t at, const struct net_packet *p)
{
	uint8_t address[6];
	uint32_t bytes = packet_judge(b, p, address);
	int err = 0;

	if (b->stopped)
		return -XEN_EBADMSG;
	if (!bytes || !net_filter_passes(&b->filter, address))
		b->counts.dropped++;
	else
		err = net_rx_offer(b, &b->queue[at]->rx, p, bytes);
	b->stopped |= err < 0;
	return err;
}

bool net_back_room(const struct net_back *b, uint32_t at)
{
	return !b->stopped && !b->queue[at]->rx.first;
}

void net_back_close(struct net_back *b)
{
	struct pv_os *os = b->config.os;

	b->stopped = true;
	for (; b->queues > 0; b->queues--) {
		struct net_queue *q = b->queue[b->queues - 1];

		net_rx_close(b, &q->rx);
		os->free(os, q, sizeof *q);
	}
	os->free(os, b->packet, NET_TX_BYTES);
	b->packet = NULL;
}
