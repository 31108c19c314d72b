/* net_tx.c: how many requests for copies the packets of a guest cost. */
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/net_world.h"

static uint32_t requests, copies;
static void (*host_copy)(struct pv_os *os, domid_t peer, struct pv_copy *copy, uint32_t count);

static void counting_copy(struct pv_os *os, domid_t peer, struct pv_copy *copy, uint32_t count)
{
	requests++;
	copies += count;
	host_copy(os, peer, copy, count);
}

static uint32_t next_first;

static void in_order(void)
{
	ck_assert_uint_eq(net->sent_bytes, 60 + next_first);
	ck_assert_int_eq(memcmp(net->sent_data, net->line[0].pages + next_first * PV_PAGE, net->sent_bytes), 0);
	next_first++;
}

/* Packets that are there are copied by one request, and sent and answered as they came. */
START_TEST(copied_at_once)
{
	struct line *l = &net->line[0];

	host_copy = net->dom0.os.copy;
	net->dom0.os.copy = counting_copy;
	net->on_sent = in_order;
	for (uint16_t i = 0; i < 40; i++)
		net_put(l, (struct netif_tx_request){ .gref = l->ref[i], .id = i, .size = (uint16_t)(60 + i) });
	net_kick(l);
	net_run();
	ck_assert(net->sent == 40 && copies == 40 && requests == 3);
	for (uint16_t i = 0; i < 40; i++)
		net_answered(l, i, NETIF_RSP_OKAY);
	/* Large ones have not all room at once, nor have many parts. */
	requests = copies = 0;
	net->on_sent = NULL;
	for (uint32_t n = 0; n < 6; n++) {
		uint16_t size[NET_SLOTS_MAX];

		for (uint32_t i = 1; i < NET_SLOTS_MAX; i++)
			size[i] = 3500;
		size[0] = (NET_SLOTS_MAX - 1) * 3500 + 100;
		net_chain(l, size, NET_SLOTS_MAX, 0);
	}
	net_kick(l);
	net_run();
	ck_assert(net->sent == 46 && copies == 6 * NET_SLOTS_MAX && requests == 3);
	/* One that cannot be copied spoils no other. */
	net_put(l, (struct netif_tx_request){ .gref = l->ref[0], .id = 201, .size = 70 });
	net_put(l, (struct netif_tx_request){ .gref = 4000, .id = 202, .size = 71 });
	net_put(l, (struct netif_tx_request){ .gref = l->ref[0], .id = 203, .size = 13 });
	net_put(l, (struct netif_tx_request){ .gref = l->ref[0], .id = 204, .size = 72 });
	net_kick(l);
	for (uint32_t i = 0; i < 6 * NET_SLOTS_MAX; i++) {
		struct netif_tx_response rsp;

		HOLDS(ring_front_take(&l->tx, &rsp, sizeof rsp) == 1 && rsp.status == NETIF_RSP_OKAY);
	}
	net_run();
	net_answered(l, 201, NETIF_RSP_OKAY);
	net_answered(l, 202, NETIF_RSP_ERROR);
	net_answered(l, 203, NETIF_RSP_ERROR);
	net_answered(l, 204, NETIF_RSP_OKAY);
	ck_assert(net->sent == 48 && net->sent_bytes == 72);
}
END_TEST

static uint32_t crossings;	/* what is left of a page may, behind a header */

static void watching_copy(struct pv_os *os, domid_t peer, struct pv_copy *copy, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		crossings += copy[i].bytes != 500 && ((uintptr_t)copy[i].local ^ ((uintptr_t)copy[i].local + copy[i].bytes - 1u)) >= PV_PAGE;
	host_copy(os, peer, copy, count);
}

/* Whole pages behind a header and what is left of a page, and small packets, lie so that no copy goes over the end of a page of
 * ours, of which an operating system would have to make two. */
START_TEST(copied_to_single_pages)
{
	struct line *l = &net->line[0];

	host_copy = net->dom0.os.copy;
	net->dom0.os.copy = watching_copy;
	for (uint16_t first = 66; first < 3500; first += 211) {
		uint16_t size[] = { (uint16_t)(first + 500 + 2 * PV_PAGE + 700), 500, PV_PAGE, PV_PAGE, 700 };
		uint32_t sent = net->sent;

		net_chain(l, size, 5, 0);
		net_put(l, (struct netif_tx_request){ .gref = l->ref[0], .id = 7, .size = first });
		net_put(l, (struct netif_tx_request){ .gref = l->ref[0], .id = 8, .size = first });
		net_kick(l);
		net_run();
		ck_assert_uint_eq(net->sent, sent + 3);
		ck_assert_uint_eq(crossings, 0);
		for (uint32_t i = 0; i < 7; i++) {
			struct netif_tx_response rsp;

			HOLDS(ring_front_take(&l->tx, &rsp, sizeof rsp) == 1 && rsp.status == NETIF_RSP_OKAY);
		}
	}
}
END_TEST

CHECK_MAIN("net_back_copy", net_set_up, net_close, copied_at_once, copied_to_single_pages)
