/* The network back end dies, and a successor goes on: before every store to the rings, around every packet that
 * the port is given, between an answer and its notification, and at random again and again. The guest sees each
 * slot answered once, in order and with what its packet comes to, whoever answers; whole packets in its
 * buffers, none twice; the port sees a packet again only if it was not answered. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/cut.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/net_world.h"

#define KINDS		6u
#define BUFFERS_FROM	40u		/* pages to receive by; those before to send by */
#define NOBODYS		(LINE_PAGES - 1)	/* the page that cannot be written */

static struct line *l;

/* ---- the guest sends ---- */

struct expected {
	uint16_t id;
	int16_t status;
};
static struct expected expected[NET_RING_SLOTS];	/* by index modulo slots */
static RING_IDX begins[NET_RING_SLOTS];			/* by number of the packet: its first slot */
static uint32_t packets, times_sent[NET_RING_SLOTS], deaths, again;

static void put(uint16_t page, uint16_t flags, uint16_t size, int16_t status)
{
	uint16_t id = (uint16_t)(l->tx.req_prod % 1000);

	expected[l->tx.req_prod % NET_RING_SLOTS] = (struct expected){ id, status };
	net_put(l, (struct netif_tx_request){ page ? l->ref[page] : 0, 0, flags, id, size });
}

static void put_extra(uint8_t type, uint8_t gso)
{
	expected[l->tx.req_prod % NET_RING_SLOTS] = (struct expected){ 0, NETIF_RSP_NULL };
	net_put_extra(l, (struct netif_extra_info){ .type = type, .u.gso = { 100, gso, 0, 0 } });
}

/* One packet, of the kind that is next: three good ones, a refused one of two slots, one with a bad reference.
 * A good one's first bytes are its number. */
static void send_one(void)
{
	uint32_t n = packets++;
	uint16_t page = (uint16_t)(1 + n % 30);

	begins[n % NET_RING_SLOTS] = l->tx.req_prod;
	times_sent[n % NET_RING_SLOTS] = 0;
	memcpy(l->pages + page * PV_PAGE, &n, sizeof n);
	switch (n % KINDS) {
	case 0:
		put(page, 0, 60, NETIF_RSP_OKAY);
		break;
	case 1:
		put(page, NETTXF_more_data, 300, NETIF_RSP_OKAY);
		put(31, NETTXF_more_data, 100, NETIF_RSP_OKAY);
		put(32, 0, 50, NETIF_RSP_OKAY);
		break;
	case 2:
		put(page, NETTXF_csum_blank | NETTXF_extra_info | NETTXF_more_data, 200, NETIF_RSP_OKAY);
		put_extra(XEN_NETIF_EXTRA_TYPE_GSO, NET_GSO_TCPV6);
		put(33, 0, 80, NETIF_RSP_OKAY);
		break;
	case 3:
		put(page, NETTXF_extra_info | NETTXF_more_data, 100, NETIF_RSP_ERROR);
		put_extra(XEN_NETIF_EXTRA_TYPE_HASH, 0);
		put(31, 0, 200, NETIF_RSP_ERROR);
		break;
	case 4:
		put(page, NETTXF_more_data, 100, NETIF_RSP_ERROR);
		put(0, 0, 20, NETIF_RSP_ERROR);
		break;
	default:
		put(page, NETTXF_extra_info, 0, NETIF_RSP_OKAY);
		net_put_extra(l, (struct netif_extra_info){ XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 0, .u.mcast.addr = { 1 } });
		expected[(l->tx.req_prod - 1) % NET_RING_SLOTS] = (struct expected){ 0, NETIF_RSP_NULL };
	}
}

/* What the port is given is a good packet that has no answer, and the first such. */
static void judge_sent(void)
{
	static const uint32_t bytes[KINDS] = { 60, 300, 200 };
	uint32_t n;

	cut_point();
	memcpy(&n, net->sent_data, sizeof n);
	HOLDS(n < packets && packets - n <= NET_RING_SLOTS);
	HOLDS(net->sent_bytes == bytes[n % KINDS]);
	HOLDS(net->sent_offload.gso == (n % KINDS == 2 ? NET_GSO_TCPV6 : NET_GSO_NONE));
	HOLDS(l->tx.ring.header->rsp_prod == begins[n % NET_RING_SLOTS]);
	again += times_sent[n % NET_RING_SLOTS]++ > 0;
	cut_point();
}

static void answers_take(void)
{
	struct netif_tx_response rsp;
	RING_IDX at = l->tx.rsp_cons;

	for (; ring_front_take(&l->tx, &rsp, sizeof rsp) == 1; at++) {
		const struct expected *e = &expected[at % NET_RING_SLOTS];

		HOLDS(rsp.status == e->status && (rsp.status == NETIF_RSP_NULL || rsp.id == e->id));
	}
	(void)ring_front_sleep(&l->tx);
}

/* ---- the guest receives ---- */

static uint16_t posted[NET_RING_SLOTS];			/* by index modulo slots */
static const uint32_t offer_bytes[] = { 100, 5000, 9000, 4096 };	/* by number modulo four */
static uint32_t offered, last_received, packets_received;

static void post(uint16_t page)
{
	posted[l->rx.req_prod % NET_RING_SLOTS] = page;
	net_post(l, page);
}

/* The first bytes are the packet's number, counted from 1, which says how long it is and how it is to be cut. */
static void offer_one(void)
{
	static uint8_t data[9000];
	struct net_piece piece[2] = { { data, 50 }, { data + 50, 0 } };
	struct net_packet p = { piece, 2, { 0 } };
	uint32_t n = ++offered, bytes = offer_bytes[n % 4];

	piece[1].bytes = bytes - 50;
	if (n % 4 == 2)
		p.offload = (struct net_offload){ true, true, NET_GSO_TCPV4, 1000 };
	for (uint32_t i = 4; i < bytes; i++)
		data[i] = (uint8_t)(n + i);
	memcpy(data, &n, sizeof n);
	HOLDS(net_back_offer(&net->back, 0, &p) == 0);
}

/* A packet's slots from index @at, all of which are there; return how many. */
static uint32_t packet_take(RING_IDX at)
{
	uint32_t n = 0, bytes = 0, slots = 0;
	bool more = true, extra = false, bad = false;

	for (; more || extra; slots++) {
		uint16_t page = posted[(at + slots) % NET_RING_SLOTS];
		struct netif_rx_response rsp;

		HOLDS(ring_front_take(&l->rx, &rsp, sizeof rsp) == 1);
		if (extra) {
			struct netif_extra_info e;

			memcpy(&e, &rsp, sizeof e);
			HOLDS(slots == 1 && e.type == XEN_NETIF_EXTRA_TYPE_GSO && e.flags == 0 && e.u.gso.size == 1000);
			extra = false;
			continue;
		}
		HOLDS(rsp.id == page && rsp.offset == 0 && (rsp.status > 0 || rsp.status == NETIF_RSP_ERROR));
		bad |= rsp.status < 0;
		more = rsp.flags & NETRXF_more_data;
		extra = rsp.flags & NETRXF_extra_info;
		if (bad)
			continue;
		if (bytes == 0)
			memcpy(&n, l->pages + page * PV_PAGE, sizeof n);
		for (uint32_t i = bytes ? 0 : 4; i < (uint32_t)rsp.status; i++)
			HOLDS(l->pages[page * PV_PAGE + i] == (uint8_t)(n + bytes + i));
		bytes += (uint16_t)rsp.status;
	}
	if (!bad) {
		HOLDS(n > last_received && n <= offered && bytes == offer_bytes[n % 4]);
		last_received = n;
		packets_received++;
	}
	return slots;
}

static void packets_take(void)
{
	RING_IDX from = l->rx.rsp_cons, at = from;

	while (ring_distance(at, l->rx.ring.header->rsp_prod))
		at += packet_take(at);
	for (; from != at; from++)
		post(posted[from % NET_RING_SLOTS]);
	(void)ring_front_sleep(&l->rx);
}

/* ---- lives ---- */

static void start(RING_IDX at)
{
	net_open(1);
	l = &net->line[0];
	l->tx.req_prod = l->tx.req_told = l->tx.rsp_cons = at;
	l->rx.req_prod = l->rx.req_told = l->rx.rsp_cons = at;
	*l->tx.ring.header = *l->rx.ring.header = (struct ring_header){ at, at + 1, at, at + 1 };
	net->on_sent = judge_sent;
	packets = offered = last_received = packets_received = deaths = again = 0;
	cut_forget();
	cut_watch(l->rings, 2 * PV_PAGE);
	/* The first back end has done no more than to begin. */
	net_start();
	net_kill();
	for (uint16_t i = BUFFERS_FROM; i < NOBODYS; i++)
		post(i);
	post(NOBODYS);
}

/* What dies at the cut: a start, and what the back end does of itself and for its port. */
static void life(void)
{
	net_start();
	HOLDS(net->status == 0);
	while (net_back_run(&net->back) == 1)
		;
	for (int i = 0; i < 4; i++)
		offer_one();
	net_back_push(&net->back);
}

static bool live(uint64_t nth)
{
	bool whole = cut_run(life, nth);

	net_kill();
	deaths++;
	return whole;
}

static void guest_run(void)
{
	answers_take();
	packets_take();
}

/* All is answered, and packets come and go. */
static void finish(void)
{
	uint32_t before;

	net_start();
	HOLDS(net->status == 0);
	net_run();
	guest_run();
	HOLDS(l->tx.rsp_cons == l->tx.req_prod);
	before = packets_received;
	/* The buffer that nobody can write is among those to come. */
	for (int i = 0; i < 20; i++) {
		offer_one();
		guest_run();
	}
	HOLDS(packets_received - before >= 18);
	send_one();
	net_kick(l);
	net_run();
	guest_run();
	HOLDS(l->tx.rsp_cons == l->tx.req_prod);
	/* Each buffer is the guest's or posted, none was lost. */
	HOLDS(ring_distance(l->rx.rsp_cons, l->rx.req_prod) == LINE_PAGES - BUFFERS_FROM);
	HOLDS(again <= deaths);
	for (uint32_t n = 0; n < packets; n++)
		HOLDS((times_sent[n % NET_RING_SLOTS] > 0) == (n % KINDS < 3));
	net_close();
}

START_TEST(before_every_store)
{
	for (int i = 0; i < 2; i++) {
		bool whole = false;
		uint64_t n;

		for (n = 1; !whole; n++) {
			start(i ? UINT32_MAX - 5 : 0);
			for (uint32_t k = 0; k < 2 * KINDS; k++)
				send_one();
			whole = live(n);
			guest_run();
			finish();
		}
		/* Twelve packets with a mark, an index and an answer each, and four for the guest. */
		ck_assert_uint_gt(n, 16 * 3);
	}
}
END_TEST

/* The successor dies, too, wherever it may be: in what its predecessor left, or later. The guest looks, or has
 * not yet. */
START_TEST(a_successor_dies_before_every_store)
{
	for (uint64_t first = 1; first < 60; first += 2) {
		bool whole = false;

		for (uint64_t n = 1; !whole; n++) {
			start(7);
			for (uint32_t k = 0; k < KINDS; k++)
				send_one();
			(void)live(first);
			if (n & 1)
				guest_run();
			whole = live(n) || n > 30;
			finish();
		}
	}
}
END_TEST

/* What a guest is not yet told of: the successor notifies, though it has nothing to answer. */
START_TEST(between_answer_and_notification)
{
	uint64_t before;

	start(0);
	send_one();
	(void)live(UINT64_MAX);
	net_run();
	before = net->dom0.notified;
	net_start();
	ck_assert_uint_eq(net->dom0.notified, before + 2);
	net_kill();
	guest_run();
	finish();
}
END_TEST

START_TEST(again_and_again)
{
	srand(100 + (unsigned int)_i);
	start((RING_IDX)-20);
	for (int i = 0; i < 300; i++) {
		while (packets % 200 < 190 && ring_front_room(&l->tx) > 200)
			send_one();
		if (packets % 200 >= 190)
			send_one();
		(void)live(1 + (uint64_t)rand() % 150);
		if (rand() % 3)
			guest_run();
		if (ring_front_room(&l->tx) < 10)
			answers_take();
		if (ring_front_room(&l->tx) < 10)
			break;
	}
	/* Only of the last ones is known how often they were sent. */
	answers_take();
	packets_take();
	net_start();
	net_run();
	guest_run();
	ck_assert(l->tx.rsp_cons == l->tx.req_prod);
	ck_assert_uint_le(again, deaths);
	ck_assert_uint_eq(ring_distance(l->rx.rsp_cons, l->rx.req_prod), LINE_PAGES - BUFFERS_FROM);
	net_close();
}
END_TEST

/* A guest that writes where the mark is: the worst is that its device is not served, or its slots answered so. */
START_TEST(marks_that_lie)
{
	srand(1);
	for (int i = 0; i < 3000; i++) {
		uint16_t mark[10] = { 0 };
		uint8_t *ring;

		start(0);
		send_one();
		send_one();
		ring = l->rings + (i & 1 ? PV_PAGE : 0);
		for (int k = 0; k < 8; k++)
			mark[k] = (uint16_t)(rand() % 3 ? rand() % 30 : rand());
		mark[2] = i & 2 ? 0 : mark[2];
		/* Its index is at rsp_prod. */
		memcpy(ring + 24, mark, sizeof mark);
		net->on_sent = NULL;
		net_start();
		HOLDS(net->status == 0 || net->status == -XEN_EBADMSG);
		if (net->status == 0)
			net_run();
		net_close();
	}
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, before_every_store, a_successor_dies_before_every_store,
		between_answer_and_notification, marks_that_lie);

	tcase_add_loop_test(c, again_and_again, 0, 8);
	return check_run("net_death", c);
}
