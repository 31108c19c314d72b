/* Who may send as whom. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/netback/frame.h"
#include "dom0/netback/guard.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/netback/frames.h"

static struct guard g;

static void guard(const char *addresses)
{
	ck_assert_int_eq(guard_set(&g, GUEST_MAC_TEXT, addresses), 0);
}

/* The frame, in memory of just its size. */
static bool passes(void)
{
	uint8_t *copy = memcpy(malloc(frame_size), frame, frame_size);
	bool does = guard_passes(&g, copy, frame_size);

	free(copy);
	return does;
}

static bool ipv4(uint8_t host)
{
	frame_begin(FRAME_IPV4, 0);
	frame_ipv4(IPPROTO_UDP, host, 0);
	frame_udp();
	return passes();
}

static bool ipv6(uint8_t host)
{
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_UDP, host);
	frame_udp();
	return passes();
}

static bool arp(const uint8_t mac[6], uint8_t host)
{
	frame_begin(FRAME_ARP, 0);
	FRAME_ADD(0, 1, 8, 0, 6, 4, 0, 2);
	frame_add(mac, 6);
	FRAME_ADD(10, 0, 0, host, 1, 2, 3, 4, 5, 6, 10, 0, 0, 9);
	return passes();
}

static const uint8_t own[6] = { GUEST_MAC }, others[6] = { 0x00, 0x16, 0x3e, 0x12, 0x34, 0x57 };

START_TEST(any_address)
{
	guard("");
	ck_assert(ipv4(5) && ipv6(5) && arp(own, 5));
	frame_begin(0x88cc, 1);
	ck_assert(passes());
	/* But of Ethernet only its own, every byte of it. */
	for (int i = 0; i < 6; i++) {
		frame_begin(FRAME_IPV4, 0);
		frame[6 + i] ^= 1;
		ck_assert(!passes());
	}
	ck_assert(!arp(others, 5));
	ck_assert(arp(own, 5));
	frame_size--;
	ck_assert(!passes());
}
END_TEST

START_TEST(own_addresses)
{
	guard("10.0.0.5 10.0.0.128/30 2001:db8::5");
	for (unsigned int host = 1; host < 256; host++) {
		bool is_own = host == 5 || host / 4 == 32;

		ck_assert_int_eq(ipv4((uint8_t)host), is_own);
		ck_assert_int_eq(arp(own, (uint8_t)host), is_own);
		ck_assert_int_eq(ipv6((uint8_t)host), host == 5);
	}
	ck_assert(!arp(others, 5));
	/* One version's addresses say nothing of the other's: none is allowed. */
	guard("10.0.0.5");
	ck_assert(ipv4(5) && !ipv6(5));
	guard("2001:db8::5");
	ck_assert(!ipv4(5) && ipv6(5) && !arp(own, 5));
}
END_TEST

/* ::ffff:10.0.0.5 is not 10.0.0.5. */
START_TEST(mapped_addresses)
{
	guard("10.0.0.5");
	ck_assert(!ipv6(5));
	memcpy(frame + 22, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\5", 16);
	ck_assert(!passes());
	frame[20] = IPPROTO_ICMPV6;
	ck_assert(!passes());
}
END_TEST

START_TEST(without_an_address)
{
	guard("10.0.0.5");
	/* A request by DHCP, to all and by UDP alone. */
	frame_begin(FRAME_IPV4, 0);
	frame_ipv4(IPPROTO_UDP, 0, 0);
	memset(frame + 26, 0, 4);
	ck_assert(!passes());
	memset(frame + 30, 255, 4);
	ck_assert(passes());
	frame[23] = IPPROTO_TCP;
	ck_assert(!passes());
	/* Asking whether someone has an address. */
	ck_assert(!arp(own, 6));
	memset(frame + 28, 0, 4);
	ck_assert(passes());
	/* The same by IPv6: ICMPv6 only. */
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_ICMPV6, 0);
	memset(frame + 22, 0, 16);
	FRAME_ADD(135, 0, 0, 0);
	frame_fill(20);
	ck_assert(passes());
	frame[20] = IPPROTO_UDP;
	ck_assert(!passes());
}
END_TEST

/* The address that it makes from its own: fe80::216:3eff:fe12:3456. */
START_TEST(link_local)
{
	static const uint8_t local[16] = { 0xfe, 0x80, [8] = 0x02, 0x16, 0x3e, 0xff, 0xfe, 0x12, 0x34, 0x56 };

	guard("10.0.0.5");
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(IPPROTO_UDP, 0);
	memcpy(frame + 22, local, 16);
	frame_udp();
	ck_assert(passes());
	for (int i = 0; i < 16; i++) {
		frame[22 + i] ^= 0x10;
		ck_assert(!passes());
		frame[22 + i] ^= 0x10;
	}
}
END_TEST

static bool icmp6(uint8_t type, uint8_t target, bool behind_options)
{
	frame_begin(FRAME_IPV6, 0);
	frame_ipv6(behind_options ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6, 5);
	if (behind_options)
		FRAME_ADD(IPPROTO_ICMPV6, 0, 0, 0, 0, 0, 0, 0);
	FRAME_ADD(type, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, target);
	return passes();
}

START_TEST(neighbours)
{
	guard("2001:db8::5");
	for (int options = 0; options < 2; options++) {
		ck_assert(icmp6(128, 1, options));
		ck_assert(icmp6(133, 1, options));
		ck_assert(icmp6(135, 1, options));
		ck_assert(icmp6(136, 5, options));
		ck_assert(!icmp6(136, 6, options));
		ck_assert(!icmp6(134, 5, options));
		ck_assert(!icmp6(137, 5, options));
	}
	icmp6(136, 5, false);
	frame_size--;
	ck_assert(!passes());
	frame_size = 14 + 40;
	ck_assert(passes());
	/* Without addresses it may be a router. */
	guard("");
	ck_assert(icmp6(134, 5, false));
}
END_TEST

/* What is no ARP and no IP, or behind a tag, or cut. */
START_TEST(all_else)
{
	guard("10.0.0.5 2001:db8::5");
	frame_begin(0x88cc, 0);
	frame_fill(100);
	ck_assert(!passes());
	frame_begin(FRAME_IPV4, 1);
	frame_ipv4(IPPROTO_UDP, 5, 0);
	ck_assert(!passes());
	frame_begin(FRAME_ARP, 1);
	FRAME_ADD(0, 1, 8, 0, 6, 4, 0, 2, GUEST_MAC, 10, 0, 0, 5, 1, 2, 3, 4, 5, 6, 10, 0, 0, 9);
	ck_assert(!passes());
	for (int v6 = 0; v6 < 2; v6++) {
		ck_assert(v6 ? ipv6(5) : ipv4(5));
		for (frame_size = 14; frame_size < (v6 ? 54u : 34u); frame_size++)
			ck_assert(!passes());
		ck_assert(passes());
		frame[14] ^= 0x20;
		ck_assert(!passes());
	}
	/* Each byte of what ARP is for. */
	for (int i = 0; i < 6; i++) {
		arp(own, 5);
		ck_assert(passes());
		frame[14 + i] ^= 2;
		ck_assert(!passes());
	}
	frame_begin(FRAME_IPV4, 0);
	ck_assert(!passes());
}
END_TEST

START_TEST(settings)
{
	static const char *const bad[] = {
		"", "00:16:3e:12:34", "00:16:3e:12:34:", "00:16:3e:12:34:5g", "00:16:3e:12:34:56:78", "x", "00:16:3e:12:34:56 ",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(guard_set(&g, bad[i], ""), -EINVAL);
	ck_assert_int_eq(guard_set(&g, GUEST_MAC_TEXT, "10.0.0"), -EINVAL);
	ck_assert_int_eq(guard_set(&g, GUEST_MAC_TEXT, "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
				   "1.1.1.1"), -E2BIG);
}
END_TEST

CHECK_MAIN("guard", NULL, NULL, any_address, own_addresses, mapped_addresses,
	   without_an_address, link_local, neighbours, all_else, settings)
