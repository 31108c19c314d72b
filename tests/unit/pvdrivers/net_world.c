/* The world of the network tests. */
#include "tests/unit/pvdrivers/net_world.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/pvdrivers/holds.h"

struct net_world *net;

/* What the back end promises of a packet. */
static void transmit(struct net_port *port, uint32_t queue, const struct net_packet *p)
{
	HOLDS(port == &net->port && p->pieces == 1 && queue < net->back.queues);
	net->sent++;
	net->sent_offload = p->offload;
	HOLDS(p->offload.gso == NET_GSO_NONE || (p->offload.gso_bytes && p->offload.csum_blank));
	HOLDS(p->piece[0].bytes >= NET_PACKET_MIN && p->piece[0].bytes <= NET_PACKET_MAX);
	net->sent_bytes = (uint32_t)p->piece[0].bytes;
	memcpy(net->sent_data, p->piece[0].addr, net->sent_bytes);
	if (net->on_sent)
		net->on_sent();
}

static void back_event(void *arg)
{
	(void)arg;
	while (net->served && (net->status = net_back_run(&net->back)) == 1)
		;
}

static void count(void *arg)
{
	++*(uint32_t *)arg;
}

/* ---- the guest ---- */

static void line_open(struct line *l, bool split)
{
	struct pv_os *os = &net->guest.os;

	l->rings = os->alloc(os, 2 * PV_PAGE);
	l->pages = os->alloc(os, LINE_PAGES * PV_PAGE);
	ring_front_open(&l->tx, l->rings, PV_PAGE, sizeof(union netif_tx_sring_entry));
	ring_front_open(&l->rx, l->rings + PV_PAGE, PV_PAGE, sizeof(union netif_rx_sring_entry));
	for (uint32_t i = 0; i < LINE_PAGES; i++)
		ck_assert_int_eq(os->grant(os, 0, l->pages + (size_t)i * PV_PAGE, i == LINE_PAGES - 1, &l->ref[i]), 0);
	ck_assert_int_eq(os->event_open(os, 0, 0, count, &l->tx_events, &l->tx_port), 0);
	l->rx_port = l->tx_port;
	if (split)
		ck_assert_int_eq(os->event_open(os, 0, 0, count, &l->rx_events, &l->rx_port), 0);
}

void net_put(struct line *l, struct netif_tx_request req)
{
	HOLDS(ring_front_room(&l->tx));
	memcpy(ring_front_slot(&l->tx), &req, sizeof req);
	ring_front_push(&l->tx);
}

void net_put_extra(struct line *l, struct netif_extra_info extra)
{
	HOLDS(ring_front_room(&l->tx));
	memcpy(ring_front_slot(&l->tx), &extra, sizeof extra);
	ring_front_push(&l->tx);
}

void net_kick(struct line *l)
{
	struct pv_os *os = &net->guest.os;

	if (ring_front_notify(&l->tx))
		os->event_notify(os, l->tx_port);
	if (ring_front_notify(&l->rx))
		os->event_notify(os, l->rx_port);
}

void net_send(struct line *l, uint16_t id, uint16_t bytes)
{
	net_put(l, (struct netif_tx_request){ .gref = l->ref[0], .id = id, .size = bytes });
	net_kick(l);
}

void net_unanswered(struct line *l)
{
	struct netif_tx_response rsp;

	HOLDS(ring_front_take(&l->tx, &rsp, sizeof rsp) == 0);
}

void net_answered(struct line *l, uint16_t id, int16_t status)
{
	struct netif_tx_response rsp;

	HOLDS(ring_front_take(&l->tx, &rsp, sizeof rsp) == 1);
	ck_assert_int_eq(rsp.status, status);
	/* Such an answer is to a slot without an id. */
	if (status != NETIF_RSP_NULL)
		ck_assert_uint_eq(rsp.id, id);
}

void net_post(struct line *l, uint16_t page)
{
	struct netif_rx_request req = { .id = page, .gref = l->ref[page] };

	HOLDS(ring_front_room(&l->rx));
	memcpy(ring_front_slot(&l->rx), &req, sizeof req);
	ring_front_push(&l->rx);
}

void net_received(struct line *l, uint16_t id, uint16_t flags, int16_t status)
{
	struct netif_rx_response rsp;

	HOLDS(ring_front_take(&l->rx, &rsp, sizeof rsp) == 1);
	ck_assert_uint_eq(rsp.id, id);
	ck_assert_uint_eq(rsp.flags, flags);
	ck_assert_int_eq(rsp.status, status);
	ck_assert_uint_eq(rsp.offset, 0);
}

/* ---- the back end ---- */

void net_offer(uint32_t line, uint32_t bytes, uint8_t from, struct net_offload offload)
{
	static uint8_t data[NET_PACKET_MAX + 1];
	struct net_piece piece = { data, bytes };
	struct net_packet p = { &piece, 1, offload };

	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(from + i);
	net->status = net_back_offer(&net->back, line, &p);
	net_back_push(&net->back);
}

void net_start(void)
{
	struct pv_os *os = &net->dom0.os;

	net->config.os = os;
	net->config.peer = net->guest.id;
	net->config.port = &net->port;
	ck_assert_int_eq(net_back_open(&net->back, &net->config), 0);
	net->served = true;
	net->status = 0;
	for (uint32_t i = 0; i < net->lines && !net->status; i++) {
		struct line *l = &net->line[i];

		HOLDS(os->event_open(os, net->guest.id, l->tx_port, back_event, NULL, &l->back_tx_port) == 0);
		l->back_rx_port = l->back_tx_port;
		if (l->rx_port != l->tx_port)
			HOLDS(os->event_open(os, net->guest.id, l->rx_port, back_event, NULL, &l->back_rx_port) == 0);
		net->status = net_back_add_queue(&net->back, l->rings, l->back_tx_port, l->rings + PV_PAGE,
			l->back_rx_port, net->successor);
	}
	net->successor = true;
}

void net_kill(void)
{
	host_domain_die(&net->dom0);
	net->served = false;
}

void net_run(void)
{
	host_run(&net->machine);
}

void net_open(uint32_t lines)
{
	net = calloc(1, sizeof *net);
	host_domain_init(&net->dom0, &net->machine, 0);
	host_domain_init(&net->guest, &net->machine, 7);
	net->port.transmit = transmit;
	net->config = (struct net_config){
		.limits = { true, true, true },
		.guest = { .sg = true, .gso_tcpv4 = true, .gso_tcpv6 = true, .notifies = true },
		.waiting_packets = 8, .waiting_bytes = 4 * NET_PACKET_MAX,
	};
	for (; net->lines < lines; net->lines++)
		line_open(&net->line[net->lines], lines > 1);
}

void net_close(void)
{
	if (net->served)
		net_back_close(&net->back);
	for (uint32_t i = 1; i < HOST_PORTS; i++)
		if (net->machine.port[i].owner == &net->dom0)
			net->dom0.os.event_close(&net->dom0.os, i);
	ck_assert_uint_eq(host_domain_holds(&net->dom0), 0);
	/* Data was never mapped. */
	ck_assert_uint_eq(net->dom0.mapped, 0);
	host_domain_die(&net->guest);
	free(net);
	net = NULL;
}

void net_set_up(void)
{
	net_open(1);
	for (uint32_t i = 0; i < LINE_PAGES * PV_PAGE; i++)
		net->line[0].pages[i] = (uint8_t)(i % 251);
	net_start();
	net_run();
	ck_assert_int_eq(net->status, 0);
}

void net_chain(struct line *l, const uint16_t *size, uint32_t slots, uint16_t flags)
{
	for (uint32_t i = 0; i < slots; i++)
		net_put(l, (struct netif_tx_request){ l->ref[i], 0,
			(uint16_t)((i ? 0 : flags) | (i + 1 < slots ? NETTXF_more_data : 0)), (uint16_t)(i + 1), size[i] });
}
