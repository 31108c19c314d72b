/* What is left to be done to a packet, as header and as offload: places are looked for, checksums filled in, and what makes
 * no sense refused. frame.c is tested by what is found. */
#include <errno.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "dom0/netback/frame.h"
#include "dom0/netback/vnet.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/netback/frames.h"

static const struct net_offload plain, valid = { .csum_valid = true }, blank = { .csum_blank = true, .csum_valid = true };
static const struct net_guest everything = { true, true, true, true, true, true, true };
static struct virtio_net_hdr h;
static struct net_offload o;

static int header(const struct net_offload *offload)
{
	memset(&h, 0x55, sizeof h);
	return vnet_header(&h, frame, frame_size, offload);
}

/* ---- from the guest ---- */

START_TEST(nothing_left)
{
	static const struct virtio_net_hdr none;

	frame_begin(0x1234, 0);
	ck_assert_int_eq(header(&plain), 0);
	ck_assert_mem_eq(&h, &none, sizeof h);
	ck_assert_int_eq(header(&valid), 0);
	ck_assert_mem_eq(&h, &none, sizeof h);
}
END_TEST

static void checksum_at(size_t start, uint16_t offset)
{
	ck_assert_int_eq(header(&blank), 0);
	ck_assert_uint_eq(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	ck_assert_uint_eq(h.csum_start, start);
	ck_assert_uint_eq(h.csum_offset, offset);
}

START_TEST(blank_checksums)
{
	for (unsigned int tags = 0; tags < 3; tags++) {
		for (uint8_t options = 0; options <= 40; options += 20) {
			frame_begin(FRAME_IPV4, tags);
			frame_ipv4(IPPROTO_TCP, 5, options);
			frame_tcp(0);
			checksum_at(14 + 4 * tags + 20 + options, 16);
		}
		frame_begin(FRAME_IPV4, tags);
		frame_ipv4(IPPROTO_UDP, 5, 0);
		frame_udp();
		checksum_at(14 + 4 * tags + 20, 6);
		frame_begin(FRAME_IPV6, tags);
		frame_ipv6(IPPROTO_UDP, 5);
		frame_udp();
		checksum_at(14 + 4 * tags + 40, 6);
	}
	/* Behind extension headers, one of them longer. */
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_HOPOPTS, 5);
	FRAME_ADD(IPPROTO_ROUTING, 0, 0, 0, 0, 0, 0, 0, IPPROTO_DSTOPTS, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	FRAME_ADD(IPPROTO_TCP, 0, 0, 0, 0, 0, 0, 0);
	frame_tcp(0);
	checksum_at(14 + 40 + 32, 16);
}
END_TEST

/* None of the @size first bytes, cut off, has a place for a checksum before @need. */
static void cut_refused(size_t need)
{
	size_t whole = frame_size;

	for (frame_size = 14; frame_size < need; frame_size++) {
		/* What is behind the end is not to be read. */
		uint8_t *copy = memcpy(malloc(frame_size), frame, frame_size);

		ck_assert_int_eq(vnet_header(&h, copy, frame_size, &blank), -EINVAL);
		free(copy);
	}
	ck_assert_int_eq(header(&blank), 0);
	frame_size = whole;
}

START_TEST(no_place)
{
	frame_begin(FRAME_IPV4, 2);
	frame_ipv4(IPPROTO_TCP, 5, 8);
	frame_tcp(0);
	cut_refused(22 + 28 + 18);
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_HOPOPTS, 5);
	FRAME_ADD(IPPROTO_UDP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	frame_udp();
	cut_refused(14 + 40 + 16 + 8);
	/* Other protocols, fragments, versions that do not agree, a header that is too short. */
	frame_begin(FRAME_IPV4, 0);
	frame_ipv4(IPPROTO_ICMP, 5, 0);
	frame_fill(100);
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame[23] = IPPROTO_TCP;
	ck_assert_int_eq(header(&blank), 0);
	frame[20] = 0x20;
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame[20] = 0;
	frame[21] = 1;
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame[21] = 0;
	frame[14] = 0x65;
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame[14] = 0x44;
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame_begin(FRAME_ARP, 0);
	frame_fill(100);
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_FRAGMENT, 5);
	FRAME_ADD(IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 0);
	frame_fill(100);
	ck_assert_int_eq(header(&blank), -EINVAL);
	frame[14] = 0x40;
	ck_assert_int_eq(header(&blank), -EINVAL);
}
END_TEST

START_TEST(many_extensions)
{
	for (int n = 1; n < 12; n++) {
		frame_begin(FRAME_IPV6, 0);
		frame_ipv6(IPPROTO_DSTOPTS, 5);
		for (int i = 1; i < n; i++)
			FRAME_ADD(IPPROTO_DSTOPTS, 0, 0, 0, 0, 0, 0, 0);
		FRAME_ADD(IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 0);
		frame_udp();
		ck_assert_int_eq(header(&blank), n <= 8 ? 0 : -EINVAL);
	}
}
END_TEST

START_TEST(segments)
{
	struct net_offload gso = { .csum_blank = true, .csum_valid = true, .gso = NET_GSO_TCPV4, .gso_bytes = 1448 };

	frame_begin(FRAME_IPV4, 1);
	frame_ipv4(IPPROTO_TCP, 5, 4);
	frame_tcp(12);
	frame_fill(30000);
	ck_assert_int_eq(header(&gso), 0);
	ck_assert_uint_eq(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	ck_assert_uint_eq(h.gso_size, 1448);
	ck_assert_uint_eq(h.hdr_len, 18 + 24 + 32);
	/* A header that is too short, or longer than the packet. */
	frame[18 + 24 + 12] = 4 << 4;
	ck_assert_int_eq(header(&gso), -EINVAL);
	frame[18 + 24 + 12] = 8 << 4;
	frame_size = 18 + 24 + 31;
	ck_assert_int_eq(header(&gso), -EINVAL);
	frame_size++;
	ck_assert_int_eq(header(&gso), 0);
	/* Another version, another protocol. */
	gso.gso = NET_GSO_TCPV6;
	ck_assert_int_eq(header(&gso), -EINVAL);
	gso.gso = NET_GSO_TCPV4;
	frame[18 + 9] = IPPROTO_UDP;
	ck_assert_int_eq(header(&gso), -EINVAL);
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_TCP, 5);
	frame_tcp(0);
	ck_assert_int_eq(header(&gso), -EINVAL);
	gso.gso = NET_GSO_TCPV6;
	ck_assert_int_eq(header(&gso), 0);
	ck_assert(h.gso_type == VIRTIO_NET_HDR_GSO_TCPV6 && h.hdr_len == 74);
}
END_TEST

/* ---- to the guest ---- */

static int offload(const struct net_guest *g)
{
	memset(&o, 0x55, sizeof o);
	return vnet_offload(&o, &h, frame, frame_size, g);
}

/* A packet of UDP over either version, its checksum blank. */
static size_t datagram(bool v6, size_t bytes)
{
	size_t at;

	frame_begin(v6 ? FRAME_IPV6 : FRAME_IPV4, 0);
	if (v6)
		frame_ipv6(IPPROTO_UDP, 5);
	else
		frame_ipv4(IPPROTO_UDP, 5, 0);
	at = frame_udp();
	frame_fill(bytes);
	frame[at + 6] = 0x12;
	frame[at + 7] = 0x34;
	h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)at, .csum_offset = 6 };
	return at;
}

/* The sum of all from @at on, as a receiver without a pseudo header takes it: it must be what was blank, turned. */
static void sum_is(size_t at, uint16_t pseudo)
{
	uint32_t sum = pseudo;

	for (size_t i = at; i < frame_size; i++)
		sum += (i - at) % 2 ? frame[i] : (uint32_t)frame[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	ck_assert_uint_eq(sum, 0xffff);
}

START_TEST(left_blank)
{
	for (int v6 = 0; v6 < 2; v6++) {
		size_t at = datagram(v6, 100);

		ck_assert_int_eq(offload(&everything), 0);
		ck_assert(o.csum_blank && o.csum_valid && o.gso == NET_GSO_NONE);
		ck_assert(frame[at + 6] == 0x12 && frame[at + 7] == 0x34);
	}
	h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	ck_assert_int_eq(offload(&everything), 0);
	ck_assert(!o.csum_blank && o.csum_valid);
	h.flags = 0;
	ck_assert_int_eq(offload(&everything), 0);
	ck_assert(!o.csum_blank && !o.csum_valid);
}
END_TEST

/* For a guest that does not take it, of that version. */
START_TEST(filled_in)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct net_guest g = everything;

		*(v6 ? &g.csum_ipv6 : &g.csum_ipv4) = false;
		for (size_t bytes = 0; bytes < 300; bytes += 7) {
			size_t at = datagram(v6, bytes);

			ck_assert_int_eq(offload(&g), 0);
			ck_assert(!o.csum_blank && o.csum_valid);
			sum_is(at, 0x1234);
			datagram(!v6, bytes);
			ck_assert_int_eq(offload(&g), 0);
			ck_assert(o.csum_blank);
		}
	}
}
END_TEST

START_TEST(never_zero)
{
	struct net_guest g = { .sg = true };
	size_t at = datagram(false, 0);

	frame[at + 6] = frame[at + 7] = 0xff;
	ck_assert_int_eq(offload(&g), 0);
	ck_assert(frame[at + 6] == 0xff && frame[at + 7] == 0xff);
}
END_TEST

/* Elsewhere than where the guest would look for it. */
START_TEST(strange_places)
{
	size_t at = datagram(false, 100);

	h.csum_start = (uint16_t)(at + 8);
	h.csum_offset = 10;
	frame[at + 18] = 0;
	frame[at + 19] = 9;
	ck_assert_int_eq(offload(&everything), 0);
	ck_assert(!o.csum_blank && o.csum_valid && frame[at + 6] == 0x12);
	sum_is(at + 8, 9);
	/* And outside of the packet. */
	for (int i = 0; i < 3; i++) {
		h.csum_start = (uint16_t)(i == 0 ? frame_size - 1 : i == 1 ? frame_size + 1 : 14);
		h.csum_offset = (uint16_t)(i == 2 ? frame_size - 15 : 0);
		ck_assert_int_eq(offload(&everything), -EINVAL);
	}
	h.csum_offset--;
	ck_assert_int_eq(offload(&everything), 0);
}
END_TEST

START_TEST(cut_by_the_guest)
{
	size_t at;

	frame_begin(FRAME_IPV4, 0);
	frame_ipv4(IPPROTO_TCP, 5, 0);
	at = frame_tcp(0);
	frame_fill(10000);
	h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
				     .gso_size = 1460, .csum_start = (uint16_t)at, .csum_offset = 16 };
	ck_assert_int_eq(offload(&everything), 0);
	ck_assert(o.gso == NET_GSO_TCPV4 && o.gso_bytes == 1460 && o.csum_blank);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	ck_assert_int_eq(offload(&everything), 0);
	ck_assert_int_eq(o.gso, NET_GSO_TCPV6);
	/* More than it can do. */
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
	ck_assert_int_eq(offload(&everything), -EINVAL);
	h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	ck_assert_int_eq(offload(&everything), -EINVAL);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	h.gso_size = 0;
	ck_assert_int_eq(offload(&everything), -EINVAL);
	h.gso_size = 1460;
	h.flags = 0;
	ck_assert_int_eq(offload(&everything), -EINVAL);
	h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	ck_assert_int_eq(offload(&(struct net_guest){ .sg = true, .gso_tcpv4 = true }), -EINVAL);
	frame_size = 13;
	h = (struct virtio_net_hdr){ .flags = 0 };
	ck_assert_int_eq(offload(&everything), -EINVAL);
}
END_TEST

START_TEST(features)
{
	struct net_guest g = everything;

	ck_assert_uint_eq(vnet_features(&g), TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6);
	g.csum_ipv6 = false;
	ck_assert_uint_eq(vnet_features(&g), TUN_F_CSUM | TUN_F_TSO4);
	g.csum_ipv4 = false;
	ck_assert_uint_eq(vnet_features(&g), 0);
	g = everything;
	g.sg = false;
	ck_assert_uint_eq(vnet_features(&g), TUN_F_CSUM);
	g.sg = true;
	g.gso_tcpv4 = false;
	ck_assert_uint_eq(vnet_features(&g), TUN_F_CSUM | TUN_F_TSO6);
	g.gso_tcpv6 = false;
	ck_assert_uint_eq(vnet_features(&g), TUN_F_CSUM);
}
END_TEST

CHECK_MAIN("vnet", NULL, NULL, nothing_left, blank_checksums, no_place, many_extensions, segments, left_blank, filled_in,
	   never_zero, strange_places, cut_by_the_guest, features)
