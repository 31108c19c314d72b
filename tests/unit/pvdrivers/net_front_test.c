/* net_front.c against the real back end, and against one that lies. */
#include "pvdrivers/net_front.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/net_world.h"

static struct net_front front;
static uint32_t received, events;
static uint8_t last[NET_PACKET_MAX];
static size_t last_bytes;
static struct net_offload last_offload;
static int status;
static const struct net_offload plain;

static void take(struct net_front *f, const struct net_packet *p)
{
	ck_assert_ptr_eq(f, &front);
	ck_assert_uint_eq(p->pieces, 1);
	received++;
	last_bytes = p->piece[0].bytes;
	last_offload = p->offload;
	memcpy(last, p->piece[0].addr, last_bytes);
}

static void front_event(void *arg)
{
	(void)arg;
	events++;
	do
		status = net_front_run(&front);
	while (status == 1);
}

static struct net_front_config config(void)
{
	return (struct net_front_config){
		.os = &net->guest.os, .peer = 0, .tx_buffers = 4, .rx_buffers = 8, .received = take,
	};
}

/* The world's only line is the front end's rings. */
static void set_up(void)
{
	struct net_front_config c;

	net_open(0);
	c = config();
	received = events = 0;
	status = 0;
	ck_assert_int_eq(net_front_open(&front, &c, front_event, NULL), 0);
	net->line[0].rings = front.rings;
	net->line[0].tx_port = net->line[0].rx_port = front.port;
	net->lines = 1;
	net_start();
	net_run();
}

static void tear_down(void)
{
	ck_assert_int_eq(net_front_close(&front), 0);
	ck_assert_uint_eq(host_domain_holds(&net->guest), 0);
	for (uint32_t i = 0; i < HOST_GRANTS; i++)
		HOLDS(!net->machine.grant[i].page);
	net_close();
}

static int send(size_t bytes, struct net_offload o)
{
	static uint8_t data[2 * PV_PAGE];
	struct net_piece piece[2] = { { data, bytes / 3 }, { data + bytes / 3, bytes - bytes / 3 } };
	struct net_packet p = { piece, 2, o };
	int err;

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(bytes + i);
	err = net_front_send(&front, &p);
	net_front_push(&front);
	return err;
}

START_TEST(sends)
{
	const struct net_offload blank = { true, true, NET_GSO_NONE, 0 }, valid = { .csum_valid = true };

	for (uint32_t bytes = NET_PACKET_MIN; bytes <= PV_PAGE; bytes += bytes < 4000 ? 97 : 1) {
		const struct net_offload *o = bytes % 3 == 0 ? &plain : bytes % 3 == 1 ? &blank : &valid;

		ck_assert_int_eq(send(bytes, *o), 0);
		ck_assert_uint_eq(net_front_unanswered(&front), 1);
		net_run();
		ck_assert_uint_eq(net->sent_bytes, bytes);
		for (uint32_t i = 0; i < bytes; i++)
			HOLDS(net->sent_data[i] == (uint8_t)(bytes + i));
		HOLDS(memcmp(&net->sent_offload, o, sizeof *o) == 0);
		ck_assert_uint_eq(net_front_unanswered(&front), 0);
	}
	ck_assert_uint_eq(net->back.counts.refused, 0);
}
END_TEST

START_TEST(cannot_send)
{
	ck_assert_int_eq(send(NET_PACKET_MIN - 1, plain), -XEN_EINVAL);
	ck_assert_int_eq(send(PV_PAGE + 1, plain), -XEN_EINVAL);
	ck_assert_int_eq(send(2 * PV_PAGE, plain), -XEN_EINVAL);
	ck_assert_int_eq(send(100, (struct net_offload){ true, true, NET_GSO_TCPV4, 10 }), -XEN_EINVAL);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(send(100, plain), 0);
	ck_assert_int_eq(send(100, plain), -XEN_EAGAIN);
	net_run();
	ck_assert_int_eq(send(100, plain), 0);
	net_run();
	ck_assert_uint_eq(net->sent, 5);
}
END_TEST

START_TEST(receives)
{
	static const uint32_t bytes[] = { 14, 1500, 4096, 4097, 9000, 32768 };
	const struct net_offload blank = { true, true, NET_GSO_NONE, 0 };

	for (uint32_t round = 0; round < 60; round++) {
		uint32_t n = bytes[round % 6];

		net_offer(0, n, (uint8_t)round, round % 2 ? blank : plain);
		net_run();
		HOLDS(received == round + 1 && last_bytes == n && last_offload.csum_blank == round % 2);
		for (uint32_t i = 0; i < n; i++)
			HOLDS(last[i] == (uint8_t)(round + i));
	}
	/* More than it has buffers for: the rest waits in the back end until some are posted again. */
	for (uint32_t i = 0; i < 6; i++)
		net_offer(0, 2 * PV_PAGE, 0, plain);
	net_run();
	ck_assert_uint_eq(received, 66);
	ck_assert_uint_eq(front.dropped, 0);
}
END_TEST

/* With segments, which it did not ask for: the packet is dropped as a whole, the next one comes. */
START_TEST(cannot_receive)
{
	net_offer(0, 9000, 0, (struct net_offload){ true, true, NET_GSO_TCPV4, 1400 });
	net_run();
	ck_assert(received == 0 && front.dropped == 1 && status == 0);
	net_offer(0, 9000, 0, plain);
	net_run();
	ck_assert(received == 1 && front.dropped == 1);
}
END_TEST

START_TEST(both_at_once)
{
	srand(1);
	for (uint32_t i = 0, sent = 0, offered = 0; i < 3000; i++) {
		if (rand() % 2)
			sent += send(14 + (size_t)(rand() % 4000), plain) == 0;
		if (rand() % 2) {
			net_offer(0, 14 + (uint32_t)(rand() % 9000), 0, plain);
			offered++;
		}
		if (rand() % 4 == 0)
			net_run();
		if (i == 1500) {
			net_kill();
			net_start();
		}
		HOLDS(net->sent <= sent && received + front.dropped <= offered);
	}
	net_run();
	ck_assert(status == 0 && net_front_unanswered(&front) == 0);
}
END_TEST

/* ---- a back end that lies ---- */

/* Write the slot that a response comes in next, publish @count of them, and run. */
static int answer(struct ring_front *r, const void *rsp, size_t bytes, uint32_t count)
{
	memcpy(r->ring.entries + (r->rsp_cons % r->ring.slots) * r->ring.entry_bytes, rsp, bytes);
	r->ring.header->rsp_prod = r->rsp_cons + count;
	return net_front_run(&front);
}

static int answer_rx(uint16_t id, uint16_t offset, uint16_t flags, int16_t state)
{
	struct netif_rx_response rsp = { id, offset, flags, state };

	return answer(&front.rx, &rsp, sizeof rsp, 1);
}

/* Nothing is sent or taken any more. */
static void broken(int err)
{
	ck_assert_int_eq(err, -XEN_EBADMSG);
	ck_assert_int_eq(net_front_run(&front), -XEN_EBADMSG);
	ck_assert_int_eq(send(100, plain), -XEN_EBADMSG);
	ck_assert_uint_eq(received, 0);
	tear_down();
	set_up();
	net_kill();
}

START_TEST(answers_that_make_no_sense)
{
	struct netif_tx_response rsp = { 0, NETIF_RSP_OKAY };

	net_kill();
	broken(answer(&front.tx, &rsp, sizeof rsp, 1));		/* nothing was sent */
	for (uint16_t id = 0; id < 20; id++) {
		ck_assert_int_eq(send(100, plain), 0);
		rsp.id = id == 19 ? UINT16_MAX : id;
		if (id == 3) {
			/* The one that was: now nothing is any more. */
			ck_assert_int_eq(answer(&front.tx, &rsp, sizeof rsp, 1), 0);
			ck_assert_uint_eq(net_front_unanswered(&front), 0);
		}
		broken(answer(&front.tx, &rsp, sizeof rsp, 1));
	}
	ck_assert_int_eq(send(100, plain), 0);
	broken(answer(&front.tx, &rsp, sizeof rsp, 2));
	broken(answer_rx(1, 0, 0, 100));			/* another one's id */
	broken(answer_rx(UINT16_MAX, 0, 0, 100));
	broken(answer_rx(0, 4000, 0, 97));			/* beyond its page */
	broken(answer_rx(0, UINT16_MAX, 0, 14));
	broken(answer_rx(0, 0, 0, 4097));
	broken(answer_rx(0, 0, 0, INT16_MAX));
	broken(answer(&front.rx, "", 1, 9));			/* more than was posted */
}
END_TEST

/* Errors, and packets that are none: dropped, the device goes on. */
START_TEST(packets_that_are_dropped)
{
	net_kill();
	ck_assert_int_eq(answer_rx(0, 0, 0, NETIF_RSP_ERROR), 0);
	ck_assert_int_eq(answer_rx(1, 0, 0, INT16_MIN), 0);
	ck_assert_int_eq(answer_rx(2, 0, 0, 0), 0);
	ck_assert_int_eq(answer_rx(3, 0, 0, 13), 0);
	ck_assert_int_eq(answer_rx(4, 0, NETRXF_gso_prefix, 100), 0);
	ck_assert_uint_eq(front.dropped, 5);
	/* Nineteen slots, and more than 64 KiB: one packet each. */
	for (uint16_t i = 0; i < 19; i++)
		ck_assert_int_eq(answer_rx((uint16_t)((5 + i) % 8), 0, i < 18 ? NETRXF_more_data : 0, 100), 0);
	for (uint16_t i = 0; i < 17; i++)
		ck_assert_int_eq(answer_rx(i % 8, 0, i < 16 ? NETRXF_more_data : 0, 4096), 0);
	ck_assert(front.dropped == 7 && received == 0);
	/* Extra info after extra info, whose ids are not looked at. */
	ck_assert_int_eq(answer_rx(1, 0, NETRXF_extra_info, 100), 0);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(answer(&front.rx, "\1\1", 2, 1), 0);
	ck_assert_int_eq(answer(&front.rx, "\1\0", 2, 1), 0);
	ck_assert_uint_eq(front.dropped, 8);
	ck_assert_int_eq(answer_rx((2 + 301) % 8, 10, NETRXF_data_validated, 100), 0);
	ck_assert(received == 1 && last_bytes == 100 && last_offload.csum_valid && front.dropped == 8);
}
END_TEST

START_TEST(memory)
{
	struct net_front_config c = config();
	struct net_front f;

	for (uint32_t i = 1; i <= 4; i++) {
		uint32_t held = host_domain_holds(&net->guest);

		net->guest.fail_alloc = i;
		ck_assert_int_eq(net_front_open(&f, &c, front_event, NULL), -XEN_ENOMEM);
		ck_assert_uint_eq(host_domain_holds(&net->guest), held);
	}
	/* Not enough grants: those that were made are ended. */
	for (uint32_t left = 0; left < 14; left++) {
		uint32_t free = 0;

		for (uint32_t i = 1; i < HOST_GRANTS; i++)
			if (!net->machine.grant[i].page && free++ >= left)
				net->machine.grant[i].page = &f;
		ck_assert_int_eq(net_front_open(&f, &c, front_event, NULL), -XEN_ENOSPC);
		for (uint32_t i = 1; i < HOST_GRANTS; i++)
			if (net->machine.grant[i].page == &f)
				net->machine.grant[i].page = NULL;
	}
}
END_TEST

/* A back end that maps a page holds up the end. What is to be sent it may not write. */
START_TEST(pages_that_are_mapped)
{
	struct pv_map map = { .ref = front.ref[0] };

	ck_assert_int_eq(net->dom0.os.map(&net->dom0.os, 7, &map, 1, PV_MAP_WRITABLE), -XEN_EACCES);
	map.ref = front.rx_ref;
	ck_assert_int_eq(net->dom0.os.map(&net->dom0.os, 7, &map, 1, PV_MAP_WRITABLE), 0);
	ck_assert_int_eq(net_front_close(&front), -XEN_EBUSY);
	ck_assert_int_eq(net_front_close(&front), -XEN_EBUSY);
	net->dom0.os.unmap(&net->dom0.os, &map, 1);
	net->dom0.mapped = 0;
	net_kill();
}
END_TEST

CHECK_MAIN("net_front", set_up, tear_down, sends, cannot_send, receives, cannot_receive, both_at_once,
	answers_that_make_no_sense, packets_that_are_dropped, memory, pages_that_are_mapped)
