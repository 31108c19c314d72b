/* inet.c and echo.c: lwIP on the front end, with a back end in the same process and a peer that makes its frames by hand. */
#include "examples/minnow/inet.h"

#include <lwip/tcp.h>
#include <stdlib.h>
#include <string.h>
#include "examples/minnow/echo.h"
#include "tests/unit/check_main.h"
#include "tests/unit/examples/minnow/kernel.h"
#include "tests/unit/examples/minnow/peer.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/vif_world.h"

static struct inet inet;
static uint64_t ns = 1000000000;
static uint8_t frame[2048];		/* to be offered */
static uint8_t last[2048];		/* that was sent */
static size_t last_bytes;
static struct segment got;		/* the last one of TCP */
static uint8_t echoed[TCP_WND];
static size_t echoed_bytes;
static uint32_t first_seq;		/* of what is echoed */
static uint32_t segments, resets;	/* sent to the peer */
static uint32_t at_start;		/* what the guest holds without a connection */

static uint64_t now_ns(void)
{
	return ns;
}

static void transmit(struct net_port *port, uint32_t queue, const struct net_packet *p)
{
	(void)port, (void)queue;
	ck_assert_uint_le(p->piece[0].bytes, sizeof last);
	last_bytes = p->piece[0].bytes;
	memcpy(last, p->piece[0].addr, last_bytes);
	if (!tcp_read(last, last_bytes, &got))
		return;
	segments++;
	resets += (got.flags & RST) != 0;
	if (!got.bytes || got.seq - first_seq + got.bytes > sizeof echoed)
		return;
	memcpy(echoed + (got.seq - first_seq), got.data, got.bytes);
	if (got.seq - first_seq + got.bytes > echoed_bytes)
		echoed_bytes = got.seq - first_seq + got.bytes;
}

/* Everything that moves. */
static void run(void)
{
	do {
		host_run(&vif->machine);
		inet_run(&inet);
		if (vif->back.again)
			vif_back_run(&vif->back);
	} while (vif->back.again || inet.vif.again);
	host_run(&vif->machine);
}

/* Let @ms pass, in the steps that lwIP asks for. */
static void pass(uint32_t ms)
{
	for (uint64_t end = ns + ms * 1000000ull; ns < end; run()) {
		uint64_t next = inet_deadline_ns(&inet);

		ns = next > end ? end : next > ns ? next : ns + 1;
	}
}

static void offer(size_t bytes, bool csum_valid)
{
	struct net_piece whole = { frame, bytes };
	struct net_packet p = { &whole, 1, { .csum_valid = csum_valid, .csum_blank = csum_valid } };

	last_bytes = 0;
	vif_back_offer(&vif->back, 1, &p);
	vif_back_push(&vif->back);
	run();
}

static void set_up(void)
{
	vif_set_up();
	vif->port.transmit = transmit;
	vif_back_begin();
	ck_assert_int_eq(inet_open(&inet, &vif->guest.os, FRONT, "10.0.0.2/24", now_ns), 0);
	echo_open(&vif->guest.os);
	run();
	vif_states("4", "4");
	ck_assert(inet.has_address);
	ck_assert_str_eq(printed, "minnow: net: 10.0.0.2\n");
	at_start = host_domain_holds(&vif->guest);
}

/* What connections hold stays, for lwIP does not end. */
static void tear_down(void)
{
	uint32_t connections = host_domain_holds(&vif->guest) - at_start;

	vif_back_close(&vif->back);
	ck_assert_int_eq(vif_front_close(&inet.vif), 0);
	ck_assert_uint_eq(host_domain_holds(&vif->dom0), 0);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), connections);
	host_domain_die(&vif->guest);
	free(vif);
}

static void answers_ping(void)
{
	static const char data[] = "how far is it to the hut?";

	offer(arp_request(frame), false);
	ck_assert(arp_reply_read(last, last_bytes));
	offer(ping(frame, data, sizeof data), false);
	ck_assert(pong_read(last, last_bytes, data, sizeof data));
}

START_TEST(answers_pings)
{
	answers_ping();
	offer(ping(frame, "", 0), false);
	ck_assert(pong_read(last, last_bytes, "", 0));
	memset(echoed, 'x', 1400);
	offer(ping(frame, echoed, 1400), false);
	ck_assert(pong_read(last, last_bytes, echoed, 1400));
	/* One with a wrong check sum is none. */
	size_t n = ping(frame, "x", 1);
	frame[n - 1] ^= 1;
	offer(n, false);
	ck_assert_uint_eq(last_bytes, 0);
}
END_TEST

/* ---- TCP ---- */

static struct segment peer;		/* what it sends next */

static void send(uint8_t flags, const void *data, size_t bytes)
{
	peer.flags = flags;
	peer.data = data;
	peer.bytes = bytes;
	offer(tcp(frame, &peer, true), false);
	peer.seq += (uint32_t)bytes + (flags & (SYN | FIN) ? 1 : 0);
}

/* Shake hands from @port. */
static void connect_from(uint16_t port, bool whole, bool csum_valid)
{
	peer = (struct segment){ .seq = 1000, .window = 60000, .port = port, .flags = SYN };
	got = (struct segment){ .flags = 0 };
	offer(tcp(frame, &peer, whole), csum_valid);
	peer.seq++;
	if (got.flags != (SYN | ACK))
		return;
	ck_assert(got.ack == peer.seq && got.port == port);
	peer.ack = got.seq + 1;
	first_seq = peer.ack;
	echoed_bytes = 0;
	send(ACK, NULL, 0);
}

/* Acknowledge all that came. */
static void acknowledge(void)
{
	peer.ack = first_seq + (uint32_t)echoed_bytes;
	send(ACK, NULL, 0);
}

static void connect(void)
{
	offer(arp_request(frame), false);
	connect_from(PEER_PORT, true, false);
	ck_assert_uint_eq(got.flags, SYN | ACK);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start + 1);
}

START_TEST(echoes_and_parts)
{
	connect();
	send(ACK, "hut", 3);
	ck_assert(echoed_bytes == 3 && memcmp(echoed, "hut", 3) == 0 && got.ack == peer.seq);
	acknowledge();
	send(FIN | ACK, NULL, 0);
	ck_assert_uint_eq(got.flags & FIN, FIN);
	peer.ack = got.seq + 1;
	send(ACK, NULL, 0);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start);
	answers_ping();
}
END_TEST

/* Data and the end come before anything was acknowledged: all is echoed, the second small piece after the first has come
 * (RFC 896), then it parts. */
START_TEST(parts_after_the_last_byte)
{
	connect();
	send(ACK, "one", 3);
	send(FIN | ACK, "two", 3);
	pass(100);
	acknowledge();
	ck_assert(echoed_bytes == 6 && memcmp(echoed, "onetwo", 6) == 0 && !(got.flags & FIN));
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start + 1);
	acknowledge();
	ck_assert_uint_eq(got.flags & FIN, FIN);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start);
}
END_TEST

/* More than the room goes around in it. */
START_TEST(many_bytes)
{
	static uint8_t data[1400];
	uint32_t done = 0;

	connect();
	for (int i = 0; i < 500; i++) {
		for (size_t b = 0; b < sizeof data; b++)
			data[b] = (uint8_t)(done + b * 7);
		send(ACK, data, sizeof data);
		HOLDS(echoed_bytes == sizeof data && memcmp(echoed, data, sizeof data) == 0);
		done += sizeof data;
		acknowledge();
		first_seq += sizeof data;
		echoed_bytes = 0;
	}
	ck_assert_uint_gt(done, 10 * TCP_WND);
}
END_TEST

/* Who does not read closes his own window, and that is all he gets: others are served. */
START_TEST(a_peer_that_does_not_read)
{
	static uint8_t data[1000];
	uint32_t sent = 0;

	connect();
	for (; sent < 3 * TCP_WND && got.window >= sizeof data; sent += sizeof data)
		send(ACK, data, sizeof data);
	ck_assert(sent > TCP_WND - 2 * sizeof data && sent <= TCP_WND);
	/* What does not fit in the window any more is dropped. */
	for (int i = 0; i < 100; i++)
		send(ACK, data, sizeof data);
	pass(10000);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start + 1);
	answers_ping();
	connect_from(PEER_PORT + 1, true, false);
	send(ACK, "hut", 3);
	ck_assert(echoed_bytes == 3 && memcmp(echoed, "hut", 3) == 0);
}
END_TEST

/* Small segments, each of which would hold one of lwIP's buffers if it were kept in it. */
START_TEST(crumbs)
{
	connect();
	for (int i = 0; i < 2000; i++)
		send(ACK, "x", 1);
	answers_ping();
	for (int i = 0; i < 3; i++)
		acknowledge();
	ck_assert(got.ack == peer.seq && echoed_bytes == 2000);
}
END_TEST

/* More connections than there can be: the first ones hold, and when they go others come. */
START_TEST(many_connections)
{
	uint32_t open = 0;

	offer(arp_request(frame), false);
	for (uint16_t i = 0; i < 100; i++) {
		connect_from((uint16_t)(PEER_PORT + i), true, false);
		open += got.flags == (SYN | ACK);
	}
	ck_assert_uint_eq(open, MEMP_NUM_TCP_PCB);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start + MEMP_NUM_TCP_PCB);
	for (uint16_t i = 0; i < 100; i++) {
		peer.port = (uint16_t)(PEER_PORT + i);
		peer.seq = 1001;
		send(RST, NULL, 0);
	}
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start);
	connect_from(PEER_PORT, true, false);
	ck_assert_uint_eq(got.flags, SYN | ACK);
}
END_TEST

START_TEST(no_memory_for_a_connection)
{
	offer(arp_request(frame), false);
	vif->guest.fail_alloc = 1;
	connect_from(PEER_PORT, true, false);
	ck_assert(resets == 1 && host_domain_holds(&vif->guest) == at_start);
	connect_from(PEER_PORT + 1, true, false);
	ck_assert_uint_eq(host_domain_holds(&vif->guest), at_start + 1);
}
END_TEST

/* A packet from a kernel beside us has no check sum yet; one from a wire has. */
START_TEST(check_sums)
{
	offer(arp_request(frame), false);
	connect_from(PEER_PORT, false, true);
	ck_assert_uint_eq(got.flags, SYN | ACK);
	connect_from(PEER_PORT + 1, false, false);
	ck_assert_uint_eq(got.flags, 0);
	connect_from(PEER_PORT + 2, true, false);
	ck_assert_uint_eq(got.flags, SYN | ACK);
}
END_TEST

/* ---- against it ---- */

/* Frames that began as right ones, with bytes changed and ends cut off. */
START_TEST(noise)
{
	srand((unsigned int)_i);
	connect();
	for (int i = 0; i < 20000; i++) {
		int kind = rand() % 4;
		size_t n;

		peer.flags = (uint8_t)rand();
		peer.bytes = (size_t)rand() % 100;
		peer.data = echoed;
		n = kind == 0 ? arp_request(frame) : kind == 1 ? ping(frame, echoed, (size_t)rand() % 200) :
			tcp(frame, &peer, true);
		for (int changes = rand() % 4; changes > 0; changes--)
			frame[(size_t)rand() % n] = (uint8_t)rand();
		if (rand() % 8 == 0)
			n = 14 + (size_t)rand() % n;
		offer(n, rand() % 2);
		ns += (uint64_t)rand() % 50000000;
	}
	ck_assert_uint_le(host_domain_holds(&vif->guest), at_start + MEMP_NUM_TCP_PCB);
	answers_ping();
}
END_TEST

/* The device goes, and comes again: packets go on, and connections that waited. */
START_TEST(parts_and_returns)
{
	connect();
	vif_put(BACK, "state", "5");
	run();
	vif_states("6", "6");
	ck_assert_msg(strstr(printed, "minnow: net: it goes away\n") && !inet.has_address, "%s", printed);
	pass(5000);
	vif_put(FRONT, "state", "1");
	run();
	vif_states("4", "4");
	ck_assert(inet.has_address);
	answers_ping();
	send(ACK, "hut", 3);
	ck_assert(echoed_bytes == 3 && memcmp(echoed, "hut", 3) == 0);
}
END_TEST

START_TEST(an_address_that_is_none)
{
	struct inet other;

	ck_assert_int_eq(inet_open(&other, &vif->guest.os, FRONT, "10.0.0/24", now_ns), -XEN_EINVAL);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(set_up, tear_down, answers_pings, echoes_and_parts, parts_after_the_last_byte, many_bytes,
		a_peer_that_does_not_read, crumbs, many_connections, no_memory_for_a_connection, check_sums,
		parts_and_returns, an_address_that_is_none);

	tcase_add_loop_test(c, noise, 0, 3);
	return check_run("inet", c);
}
