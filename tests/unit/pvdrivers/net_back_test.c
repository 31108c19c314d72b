/* net_back.c with net_tx.c and net_rx.c: what is sent and received, answers, notifications, what waits, hostile
 * rings. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/net_world.h"

static const struct net_offload plain;

/* ---- the guest sends ---- */

START_TEST(one_packet)
{
	struct line *l = &net->line[0];

	net_put(l, (struct netif_tx_request){ l->ref[3], 100, NETTXF_csum_blank | NETTXF_data_validated, 77, 1500 });
	net_kick(l);
	net_run();
	net_answered(l, 77, NETIF_RSP_OKAY);
	net_unanswered(l);
	ck_assert(net->sent == 1 && net->sent_bytes == 1500 && net->sent_offload.csum_blank);
	ck_assert_int_eq(memcmp(net->sent_data, l->pages + 3 * PV_PAGE + 100, 1500), 0);
	ck_assert(net->back.counts.sent == 1 && net->back.counts.refused == 0);
	ck_assert_uint_eq(l->tx_events, 1);
}
END_TEST

/* The largest there is, with segments: eighteen slots of data, and one of extra info, which is answered with
 * NULL. */
START_TEST(scattered)
{
	struct line *l = &net->line[0];
	uint16_t size[NET_SLOTS_MAX];
	uint32_t first = NET_PACKET_MAX;

	for (uint32_t i = 1; i < NET_SLOTS_MAX; i++)
		first -= size[i] = 3700;
	ck_assert_uint_eq(first, 2635);
	size[0] = NET_PACKET_MAX;
	net_put(l, (struct netif_tx_request){ l->ref[0], 0, NETTXF_more_data | NETTXF_extra_info | NETTXF_csum_blank, 1,
		size[0] });
	net_put_extra(l, (struct netif_extra_info){ XEN_NETIF_EXTRA_TYPE_GSO, 0, .u.gso = { 1448, NET_GSO_TCPV4, 0, 0 } });
	for (uint16_t i = 1; i < NET_SLOTS_MAX; i++)
		net_put(l, (struct netif_tx_request){ l->ref[i], 0, i + 1 < (int)NET_SLOTS_MAX ? NETTXF_more_data : 0,
			i + 1, size[i] });
	net_kick(l);
	net_run();
	net_answered(l, 1, NETIF_RSP_OKAY);
	net_answered(l, 0, NETIF_RSP_NULL);
	for (uint16_t i = 2; i <= NET_SLOTS_MAX; i++)
		net_answered(l, i, NETIF_RSP_OKAY);
	net_unanswered(l);
	ck_assert(net->sent == 1 && net->sent_bytes == NET_PACKET_MAX);
	ck_assert(net->sent_offload.gso == NET_GSO_TCPV4 && net->sent_offload.gso_bytes == 1448);
	ck_assert_int_eq(memcmp(net->sent_data, l->pages, first), 0);
	for (uint32_t i = 1; i < NET_SLOTS_MAX; i++)
		ck_assert_int_eq(memcmp(net->sent_data + first + (i - 1) * 3700, l->pages + (size_t)i * PV_PAGE, 3700), 0);
}
END_TEST

/* A packet that is refused is answered for each of its slots; the next one is served. */
START_TEST(refused)
{
	struct line *l = &net->line[0];
	const uint16_t bad[] = { 200, 100, 101 }, good[] = { 200, 100, 50 };

	net_chain(l, bad, 3, 0);
	net_chain(l, good, 3, 0);
	net_put(l, (struct netif_tx_request){ l->ref[0], 0, NETTXF_extra_info | NETTXF_more_data, 9, 100 });
	net_put_extra(l, (struct netif_extra_info){ .type = 200, .flags = XEN_NETIF_EXTRA_FLAG_MORE });
	net_put_extra(l, (struct netif_extra_info){ .type = 201 });
	net_put(l, (struct netif_tx_request){ .id = 10, .size = 50 });
	net_kick(l);
	net_run();
	for (int round = 0; round < 2; round++)
		for (uint16_t i = 1; i <= 3; i++)
			net_answered(l, i, round ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
	net_answered(l, 9, NETIF_RSP_ERROR);
	net_answered(l, 0, NETIF_RSP_NULL);
	net_answered(l, 0, NETIF_RSP_NULL);
	net_answered(l, 10, NETIF_RSP_ERROR);
	net_unanswered(l);
	ck_assert(net->sent == 1 && net->sent_bytes == 200 && net->back.counts.refused == 2);
}
END_TEST

START_TEST(references_that_are_none)
{
	struct line *l = &net->line[0];
	static const grant_ref_t bad[] = { 0, 4095, UINT32_MAX };

	for (uint16_t i = 0; i < 3; i++) {
		net_put(l, (struct netif_tx_request){ l->ref[0], 0, NETTXF_more_data, (uint16_t)(2 * i), 200 });
		net_put(l, (struct netif_tx_request){ bad[i], 0, 0, (uint16_t)(2 * i + 1), 100 });
	}
	/* One for reading only is enough. */
	net_put(l, (struct netif_tx_request){ l->ref[LINE_PAGES - 1], 0, 0, 6, 100 });
	net_kick(l);
	net_run();
	for (uint16_t i = 0; i < 7; i++)
		net_answered(l, i, i < 6 ? NETIF_RSP_ERROR : NETIF_RSP_OKAY);
	ck_assert(net->sent == 1 && net->back.counts.refused == 3);
}
END_TEST

/* A packet whose slots come one by one, each announced. */
START_TEST(slot_by_slot)
{
	struct line *l = &net->line[0];

	for (uint16_t i = 0; i < 5; i++) {
		net_unanswered(l);
		net_put(l, (struct netif_tx_request){ l->ref[i], 0, i < 4 ? NETTXF_more_data : 0, i, i ? 10 : 100 });
		net_kick(l);
		net_run();
	}
	for (uint16_t i = 0; i < 5; i++)
		net_answered(l, i, NETIF_RSP_OKAY);
	ck_assert(net->sent == 1 && net->sent_bytes == 100);
}
END_TEST

/* Too long by far, and still answered; one that fills the ring can never end. */
START_TEST(long_chains)
{
	struct line *l = &net->line[0];

	for (uint16_t i = 0; i < 255; i++)
		net_put(l, (struct netif_tx_request){ l->ref[0], 0, NETTXF_more_data, i, 100 });
	net_kick(l);
	net_run();
	net_unanswered(l);
	ck_assert_int_eq(net->status, 0);
	net_put(l, (struct netif_tx_request){ .id = 255 });
	net_kick(l);
	net_run();
	for (uint16_t i = 0; i < 256; i++)
		net_answered(l, i, NETIF_RSP_ERROR);
	for (uint16_t i = 0; i < 256; i++)
		net_put(l, (struct netif_tx_request){ l->ref[0], 0, NETTXF_more_data, i, 100 });
	net_kick(l);
	net_run();
	ck_assert_int_eq(net->status, -XEN_EBADMSG);
	net_unanswered(l);
}
END_TEST

/* Indices that nobody can have written stop all of this device, of either ring, and nothing crashes. */
START_TEST(impossible_indices)
{
	struct line *l = &net->line[0];

	for (int which = 0; which < 2; which++) {
		net_put(l, (struct netif_tx_request){ l->ref[0], 0, 0, 1, 100 });
		net_post(l, 0);
		(which ? l->rx : l->tx).ring.header->req_prod += 256;
		net->guest.os.event_notify(&net->guest.os, l->tx_port);
		net_run();
		if (which)
			net_offer(0, 100, 0, plain);
		ck_assert_int_eq(net->status, -XEN_EBADMSG);
		ck_assert_int_eq(net_back_run(&net->back), -XEN_EBADMSG);
		net_offer(0, 100, 0, plain);
		ck_assert_int_eq(net->status, -XEN_EBADMSG);
		ck_assert(net->sent == (uint32_t)which);
		net_close();
		net_set_up();
		l = &net->line[0];
	}
}
END_TEST

/* More than one run takes, and all queues have their turn. */
START_TEST(turns)
{
	net_close();
	net_open(3);
	net_start();
	net_run();
	for (uint32_t q = 0; q < 3; q++)
		for (uint16_t i = 0; i < 200; i++)
			net_send(&net->line[q], i, 60);
	ck_assert_int_eq(net_back_run(&net->back), 1);
	for (uint32_t q = 0; q < 3; q++)
		for (uint16_t i = 0; i < 80; i++)
			net_answered(&net->line[q], i, NETIF_RSP_OKAY);
	net_run();
	ck_assert_uint_eq(net->sent, 600);
	/* Split ports: what was sent is told by the one of that ring. */
	ck_assert(net->line[1].tx_events > 0 && net->line[1].rx_events == 0);
}
END_TEST

/* ---- the guest receives ---- */

START_TEST(received)
{
	struct line *l = &net->line[0];
	static const struct {
		struct net_offload o;
		uint16_t flags;
	} rows[] = {
		{ { 0 }, 0 }, { { .csum_valid = true }, NETRXF_data_validated },
		{ { .csum_blank = true, .csum_valid = true }, NETRXF_data_validated | NETRXF_csum_blank },
	};

	for (uint16_t i = 0; i < 3; i++) {
		net_post(l, i);
		net_offer(0, 1000 + i, (uint8_t)i, rows[i].o);
		net_received(l, i, rows[i].flags, (int16_t)(1000 + i));
		for (uint32_t k = 0; k < 1000u + i; k++)
			HOLDS(l->pages[i * PV_PAGE + k] == (uint8_t)(i + k));
		HOLDS(l->pages[i * PV_PAGE + 1000 + i] == (i * PV_PAGE + 1000 + i) % 251);
	}
	ck_assert(net->back.counts.received == 3 && net->back.counts.dropped == 0);
	net_run();
	ck_assert_uint_eq(l->tx_events, 1);
}
END_TEST

/* From many pieces to several pages, with extra info in the second slot. */
START_TEST(received_scattered)
{
	struct line *l = &net->line[0];
	uint8_t data[NET_SLOTS_MAX][3640];
	struct net_piece piece[NET_SLOTS_MAX];
	struct net_packet p = { piece, NET_SLOTS_MAX, { true, true, NET_GSO_TCPV6, 1400 } };
	struct netif_extra_info extra;
	const uint32_t bytes = NET_SLOTS_MAX * 3640, pages = 16;

	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		piece[i] = (struct net_piece){ data[i], sizeof data[i] };
		for (uint32_t k = 0; k < sizeof data[i]; k++)
			data[i][k] = (uint8_t)((i * sizeof data[i] + k) % 253);
	}
	ck_assert_uint_eq(bytes, 65520);
	for (uint16_t i = 0; i <= pages; i++)
		net_post(l, i);
	ck_assert_int_eq(net_back_offer(&net->back, 0, &p), 0);
	net_received(l, 0, NETRXF_csum_blank | NETRXF_data_validated | NETRXF_extra_info | NETRXF_more_data, PV_PAGE);
	ck_assert_int_eq(ring_front_take(&l->rx, &extra, sizeof extra), 1);
	ck_assert(extra.type == XEN_NETIF_EXTRA_TYPE_GSO && extra.flags == 0 && extra.u.gso.size == 1400 &&
		  extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6 && extra.u.gso.features == 0);
	for (uint16_t i = 2; i < pages; i++)
		net_received(l, i, NETRXF_more_data, PV_PAGE);
	net_received(l, pages, 0, (int16_t)(bytes - 15 * PV_PAGE));
	for (uint32_t at = 0; at < bytes; at++)
		HOLDS(l->pages[at + (at < PV_PAGE ? 0 : PV_PAGE)] == at % 253);
}
END_TEST

/* What has no buffers waits in order, up to the bounds; the newest is dropped. */
START_TEST(waiting)
{
	struct line *l = &net->line[0];

	for (uint32_t i = 0; i < 10; i++)
		net_offer(0, 5000, (uint8_t)i, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 2);
	/* Buffers for one and a half. */
	for (uint16_t i = 0; i < 3; i++)
		net_post(l, i);
	net_kick(l);
	net_run();
	net_received(l, 0, NETRXF_more_data, PV_PAGE);
	net_received(l, 1, 0, 5000 - PV_PAGE);
	ck_assert_uint_eq(l->pages[0], 0);
	/* One that would fit now may not overtake. */
	net_offer(0, 100, 99, plain);
	ck_assert_uint_eq(net->back.counts.received, 1);
	for (uint16_t i = 3; i < 17; i++) {
		net_post(l, i);
		net_kick(l);
		net_run();
	}
	for (uint8_t i = 1; i < 8; i++) {
		net_received(l, (uint16_t)(2 * i), NETRXF_more_data, PV_PAGE);
		net_received(l, (uint16_t)(2 * i + 1), 0, 5000 - PV_PAGE);
		ck_assert_uint_eq(l->pages[2 * i * PV_PAGE], i);
	}
	net_received(l, 16, 0, 100);
	ck_assert_uint_eq(l->pages[16 * PV_PAGE], 99);
	ck_assert(net->back.counts.received == 9 && net->back.counts.dropped == 2);
	ck_assert_uint_eq(net->back.queue[0]->rx.waiting_bytes, 0);
}
END_TEST

/* By bytes, by memory, and for a guest that does not tell of buffers. */
START_TEST(bounds_of_waiting)
{
	for (uint32_t i = 0; i < 6; i++)
		net_offer(0, NET_PACKET_MAX, 0, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 2);
	net_back_close(&net->back);
	net->config.guest.notifies = false;
	net_kill();
	net_start();
	net_offer(0, 100, 0, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 1);
	net_kill();
	net->config.guest.notifies = true;
	net_start();
	net->dom0.fail_alloc = 1;
	net_offer(0, 100, 0, plain);
	net_offer(0, 100, 0, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 1);
	ck_assert_uint_eq(net->back.queue[0]->rx.waiting_packets, 1);
}
END_TEST

/* Packets that this guest does not take, or nobody. */
START_TEST(not_for_this_guest)
{
	struct line *l = &net->line[0];
	const struct net_offload v4 = { true, true, NET_GSO_TCPV4, 1000 }, v6 = { true, true, NET_GSO_TCPV6, 1000 };
	struct net_piece piece[NET_SLOTS_MAX + 1];
	struct net_packet p = { piece, NET_SLOTS_MAX + 1, plain };

	net_kill();
	net->config.guest = (struct net_guest){ .notifies = true };
	net_start();
	for (uint16_t i = 0; i < 20; i++)
		net_post(l, i);
	net_offer(0, 13, 0, plain);
	net_offer(0, 4097, 0, plain);
	net_offer(0, 65536, 0, plain);
	net_offer(0, 100, 0, v4);
	net_offer(0, 100, 0, v6);
	for (uint32_t i = 0; i <= NET_SLOTS_MAX; i++)
		piece[i] = (struct net_piece){ l->pages, 10 };
	ck_assert_int_eq(net_back_offer(&net->back, 0, &p), 0);
	piece[0].bytes = piece[1].bytes = SIZE_MAX;
	p.pieces = 2;
	ck_assert_int_eq(net_back_offer(&net->back, 0, &p), 0);
	ck_assert(net->back.counts.dropped == 7 && net->back.counts.received == 0);
	net_offer(0, 4096, 0, plain);
	net_received(l, 0, 0, 4096);
}
END_TEST

/* A buffer that cannot be written costs the packet, and all of its slots come back. */
START_TEST(bad_buffers)
{
	struct line *l = &net->line[0];

	net_post(l, 0);
	net_post(l, LINE_PAGES - 1);
	net_post(l, 1);
	net_post(l, 2);
	net_offer(0, 5000, 0, plain);
	net_offer(0, 5000, 0, plain);
	net_received(l, 0, NETRXF_more_data, NETIF_RSP_ERROR);
	net_received(l, LINE_PAGES - 1, 0, NETIF_RSP_ERROR);
	net_received(l, 1, NETRXF_more_data, PV_PAGE);
	net_received(l, 2, 0, 5000 - PV_PAGE);
	ck_assert(net->back.counts.dropped == 1 && net->back.counts.received == 1);
	HOLDS(l->pages[(LINE_PAGES - 1) * PV_PAGE] == (LINE_PAGES - 1) * PV_PAGE % 251);
}
END_TEST

/* Buffers that were taken for a packet which was dropped then are the next one's. */
START_TEST(buffers_left_over)
{
	struct line *l = &net->line[0];

	net->back.config.waiting_packets = 0;
	for (uint16_t i = 0; i < 3; i++)
		net_post(l, i);
	net_offer(0, 20000, 0, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 1);
	for (uint16_t i = 0; i < 3; i++) {
		net_offer(0, 100, (uint8_t)(i + 7), plain);
		net_received(l, i, 0, 100);
		ck_assert_uint_eq(l->pages[i * PV_PAGE], i + 7u);
	}
}
END_TEST

static void group(uint8_t type, uint8_t last)
{
	struct line *l = &net->line[0];

	net_put(l, (struct netif_tx_request){ .flags = NETTXF_extra_info, .id = 5 });
	net_put_extra(l, (struct netif_extra_info){ type, 0, .u.mcast.addr = { 1, 2, 3, 4, 5, last } });
	net_kick(l);
	net_run();
	net_answered(l, 5, NETIF_RSP_OKAY);
	net_answered(l, 0, NETIF_RSP_NULL);
}

/* The filter; a successor does not know it, and lets all pass. */
START_TEST(groups)
{
	struct line *l = &net->line[0];

	net->successor = false;
	net_kill();
	net->config.guest.multicast_control = true;
	net_start();
	net_run();
	for (uint16_t i = 0; i < 5; i++)
		net_post(l, i);
	net_offer(0, 100, 1, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 1);
	group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 6);
	net_offer(0, 100, 1, plain);
	net_received(l, 0, 0, 100);
	group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL, 6);
	net_offer(0, 100, 1, plain);
	ck_assert_uint_eq(net->back.counts.dropped, 2);
	ck_assert_uint_eq(net->sent, 0);
	for (uint8_t i = 0; i < NET_FILTER_MAX; i++)
		group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 100 + i);
	net_put(l, (struct netif_tx_request){ .flags = NETTXF_extra_info, .id = 5 });
	net_put_extra(l, (struct netif_extra_info){ XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 0, .u.mcast.addr = { 1 } });
	net_kick(l);
	net_run();
	net_answered(l, 5, NETIF_RSP_ERROR);
	net_kill();
	net_start();
	net_offer(0, 100, 1, plain);
	net_received(l, 1, 0, 100);
}
END_TEST

static void echo(void)
{
	struct net_piece piece = { net->sent_data, net->sent_bytes };
	struct net_packet p = { &piece, 1, net->sent_offload };

	ck_assert_int_eq(net_back_offer(&net->back, 0, &p), 0);
}

/* A port that sends what it gets back to where it is from. */
START_TEST(offered_from_transmit)
{
	struct line *l = &net->line[0];

	net->on_sent = echo;
	net_post(l, 20);
	net->dom0.notified = 0;
	net_send(l, 3, 600);
	net_run();
	net_answered(l, 3, NETIF_RSP_OKAY);
	net_received(l, 20, 0, 600);
	ck_assert_int_eq(memcmp(l->pages, l->pages + 20 * PV_PAGE, 600), 0);
	/* One port for both rings is notified once. */
	ck_assert(l->tx_events == 1 && net->dom0.notified == 1);
}
END_TEST

static bool is_ready;

static bool ready(struct net_port *p, uint32_t bytes)
{
	(void)bytes;
	ck_assert_ptr_eq(p, &net->port);
	return is_ready;
}

/* What a port does not take waits in the guest's ring, and is not lost; packets for the guest go on. */
START_TEST(a_port_that_is_not_ready)
{
	struct line *l = &net->line[0];

	net->port.ready = ready;
	net_send(l, 1, 600);
	net_send(l, 2, 601);
	net_post(l, 20);
	net_kick(l);
	net_run();
	net_unanswered(l);
	ck_assert(net->status == 0 && net->sent == 0);
	net_offer(0, 100, 1, plain);
	net_received(l, 20, 0, 100);
	is_ready = true;
	ck_assert_int_eq(net_back_run(&net->back), 0);
	net_answered(l, 1, NETIF_RSP_OKAY);
	net_answered(l, 2, NETIF_RSP_OKAY);
	ck_assert(net->sent == 2 && net->sent_bytes == 601);
	net_send(l, 3, 602);
	net_run();
	net_answered(l, 3, NETIF_RSP_OKAY);
}
END_TEST

START_TEST(room)
{
	struct line *l = &net->line[0];

	ck_assert(net_back_room(&net->back, 0));
	net_offer(0, 100, 1, plain);
	ck_assert(!net_back_room(&net->back, 0));
	net_post(l, 20);
	net_kick(l);
	net_run();
	net_received(l, 20, 0, 100);
	ck_assert(net_back_room(&net->back, 0));
	/* There is none in a device that is served no more. */
	l->tx.ring.header->req_prod += 2 * NET_RING_SLOTS;
	ck_assert_int_eq(net_back_run(&net->back), -XEN_EBADMSG);
	ck_assert(!net_back_room(&net->back, 0));
}
END_TEST

START_TEST(memory)
{
	struct net_back b;

	for (uint32_t i = 1; i <= 2; i++) {
		net_kill();
		net->dom0.fail_alloc = i;
		if (i == 1)
			ck_assert_int_eq(net_back_open(&b, &net->config), -XEN_ENOMEM);
		else
			net_start();
		ck_assert_int_eq(net->status, i == 1 ? 0 : -XEN_ENOMEM);
	}
	for (uint32_t i = 0; i < NET_QUEUES_MAX; i++)
		ck_assert_int_eq(net_back_add_queue(&net->back, net->line[0].rings, net->line[0].back_tx_port,
			net->line[0].rings + PV_PAGE, net->line[0].back_rx_port, false), 0);
	ck_assert_int_eq(net_back_add_queue(&net->back, net->line[0].rings, 1, net->line[0].rings + PV_PAGE, 1, false),
		-XEN_ENOSPC);
}
END_TEST

CHECK_MAIN("net_back", net_set_up, net_close, one_packet, scattered, refused, references_that_are_none, slot_by_slot,
	long_chains, impossible_indices, turns, received, received_scattered, waiting, bounds_of_waiting,
	not_for_this_guest, bad_buffers, buffers_left_over, groups, offered_from_transmit,
	a_port_that_is_not_ready, room, memory)
