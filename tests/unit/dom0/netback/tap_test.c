/* Packets between the core and the tap device, in whose place are sockets that keep packets apart. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/lib/loop.h"
#include "dom0/netback/frame.h"
#include "dom0/netback/tap.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/netback/frames.h"

#define FIRST_FD 100

static struct tap tap;
static struct vif_back vif = { .config.guest = { true, true, true, true, true, true, true } };
static int kernel[2];		/* the device's end of each queue */

/* ---- in place of pvdrivers ---- */

static uint32_t offered, offered_flow, room = 1000;
static size_t offered_bytes;
static uint8_t offered_data[70000];
static struct net_offload offered_as;

void vif_back_offer(struct vif_back *v, uint32_t flow, const struct net_packet *p)
{
	ck_assert(v == &vif && p->pieces == 1 && room > 0);
	offered++;
	room--;
	offered_flow = flow;
	offered_bytes = p->piece[0].bytes;
	memcpy(offered_data, p->piece[0].addr, offered_bytes);
	offered_as = p->offload;
}

bool vif_back_room(const struct vif_back *v, uint32_t flow)
{
	ck_assert(v == &vif && flow < 2);
	return room > 0;
}

/* ---- */

static void setup(void)
{
	for (int i = 0; i < 2; i++) {
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
		ck_assert_int_eq(dup2(pair[0], FIRST_FD + i), FIRST_FD + i);
		kernel[i] = pair[1];
	}
	tap_open(&tap, FIRST_FD, 2);
	ck_assert_int_eq(guard_set(&tap.guard, GUEST_MAC_TEXT, ""), 0);
	frame_begin(FRAME_IPV4, 0);
	frame_ipv4(IPPROTO_UDP, 5, 0);
	frame_udp();
	frame_fill(1000);
}

static void sent(uint32_t queue, struct net_offload o)
{
	struct net_piece piece = { frame, frame_size };
	struct net_packet p = { &piece, 1, o };

	tap.port.transmit(&tap.port, queue, &p);
}

/* What the device was given on @queue. */
static ssize_t taken(uint32_t queue, struct virtio_net_hdr *h)
{
	static uint8_t data[70000];
	ssize_t n = recv(kernel[queue], data, sizeof data, 0);

	if (n < 0)
		return -errno;
	memcpy(h, data, sizeof *h);
	ck_assert_mem_eq(data + sizeof *h, frame, frame_size);
	return n - (ssize_t)sizeof *h;
}

START_TEST(from_the_guest)
{
	struct virtio_net_hdr h;

	sent(1, (struct net_offload){ .csum_blank = true, .csum_valid = true });
	ck_assert_int_eq(taken(0, &h), -EAGAIN);
	ck_assert_int_eq(taken(1, &h), (ssize_t)frame_size);
	ck_assert(h.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM && h.csum_start == 34 && h.csum_offset == 6);
	sent(2, (struct net_offload){ 0 });	/* the guest has more queues than we */
	ck_assert_int_eq(taken(0, &h), (ssize_t)frame_size);
	ck_assert_uint_eq(h.flags, 0);
	ck_assert_uint_eq(tap.refused, 0);
	/* Not as itself; with a checksum that is nowhere; when the device does not take it. */
	frame[6] ^= 1;
	sent(0, (struct net_offload){ 0 });
	ck_assert_uint_eq(tap.refused, 1);
	frame[6] ^= 1;
	frame[23] = IPPROTO_ICMP;
	sent(0, (struct net_offload){ .csum_blank = true, .csum_valid = true });
	ck_assert_uint_eq(tap.refused, 2);
	ck_assert_int_eq(taken(0, &h), -EAGAIN);
	close(kernel[0]);
	sent(0, (struct net_offload){ 0 });
	ck_assert_uint_eq(tap.refused, 3);
}
END_TEST

static void come(uint32_t queue, const struct virtio_net_hdr *h, size_t bytes)
{
	static uint8_t data[80000];

	memcpy(data, h, sizeof *h);
	memcpy(data + sizeof *h, frame, bytes);
	ck_assert_int_eq(send(kernel[queue], data, sizeof *h + bytes, 0), (ssize_t)(sizeof *h + bytes));
}

START_TEST(to_the_guest)
{
	struct virtio_net_hdr blank = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6 }, none = { 0 };

	ck_assert(!tap_receive(&tap, 1, &vif, 10));
	come(1, &blank, frame_size);
	ck_assert(!tap_receive(&tap, 0, &vif, 10));
	ck_assert_uint_eq(offered, 0);
	ck_assert(!tap_receive(&tap, 1, &vif, 10));
	ck_assert(offered == 1 && offered_flow == 1 && offered_bytes == frame_size && offered_as.csum_blank);
	ck_assert_mem_eq(offered_data, frame, frame_size);
	for (int i = 0; i < 5; i++)
		come(0, &none, frame_size);
	ck_assert(tap_receive(&tap, 0, &vif, 3));
	ck_assert_uint_eq(offered, 4);
	ck_assert(!tap_receive(&tap, 0, &vif, 3));
	ck_assert_uint_eq(offered, 6);
	/* What makes no sense, or cannot be left to a guest, stops nothing. */
	blank.csum_start = 60000;
	come(0, &blank, frame_size);
	come(0, &none, 13);
	come(0, &none, frame_size);
	ck_assert(!tap_receive(&tap, 0, &vif, 10));
	ck_assert(offered == 7 && offered_flow == 0 && !offered_as.csum_blank);
}
END_TEST

/* The largest that a guest can have comes whole; a larger one is seen to be so. */
START_TEST(sizes)
{
	struct virtio_net_hdr none = { 0 };

	come(0, &none, NET_PACKET_MAX);
	tap_receive(&tap, 0, &vif, 1);
	ck_assert(offered_bytes == NET_PACKET_MAX);
	ck_assert_mem_eq(offered_data, frame, NET_PACKET_MAX);
	come(0, &none, NET_PACKET_MAX + 1);
	tap_receive(&tap, 0, &vif, 1);
	ck_assert(offered_bytes == NET_PACKET_MAX + 1);
	come(0, &none, NET_PACKET_MAX + 2);
	tap_receive(&tap, 0, &vif, 1);
	ck_assert(offered_bytes > NET_PACKET_MAX);
}
END_TEST

/* What the guest does not take waits where it is. */
START_TEST(no_room)
{
	struct virtio_net_hdr none = { 0 };

	for (int i = 0; i < 3; i++)
		come(0, &none, frame_size);
	room = 2;
	ck_assert(!tap_receive(&tap, 0, &vif, 10));
	ck_assert_uint_eq(offered, 2);
	room = 1;
	ck_assert(!tap_receive(&tap, 0, &vif, 10));
	ck_assert_uint_eq(offered, 3);
}
END_TEST

START_TEST(rate)
{
	struct virtio_net_hdr h;

	ck_assert(tap.port.ready(&tap.port, 0) && !tap.held);
	ck_assert_int_eq(rate_set(&tap.rate, "1500,1000000000"), 0);
	tap.rate.due_ns = loop_now_ns() + 1000000000000;
	for (int i = 0; i < 2; i++) {
		ck_assert(tap.port.ready(&tap.port, 0) && !tap.held);
		sent(0, (struct net_offload){ 0 });
		ck_assert_int_eq(taken(0, &h), (ssize_t)frame_size);
	}
	ck_assert(!tap.port.ready(&tap.port, 0) && tap.held);
	tap.rate.due_ns = loop_now_ns();
	ck_assert(tap.port.ready(&tap.port, 0) && !tap.held);
	/* What the guard refuses counts, too. */
	frame[6] ^= 1;
	sent(0, (struct net_offload){ 0 });
	sent(0, (struct net_offload){ 0 });
	ck_assert(!tap.port.ready(&tap.port, 0));
}
END_TEST

START_TEST(no_device)
{
	ck_assert_int_eq(tap_features(&tap, &vif.config.guest), -ENOTTY);
}
END_TEST

CHECK_MAIN("tap", setup, NULL, from_the_guest, to_the_guest, sizes, no_room, rate, no_device)
