/* Addresses as text, and which others one covers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dom0/lib/net_address.h"
#include "tests/unit/check_main.h"

START_TEST(parsed_and_written)
{
	static const struct {
		const char *in, *out;
		uint8_t bits;
	} good[] = {
		{ "10.0.0.5", "10.0.0.5", 128 }, { "192.168.77.1/24", "192.168.77.1/24", 120 },
		{ "10.0.0.5/32", "10.0.0.5", 128 }, { "223.255.255.255/1", "223.255.255.255/1", 97 },
		{ "2001:db8::1", "2001:db8::1", 128 }, { "2001:DB8:0:0::/64", "2001:db8::/64", 64 },
		{ "fe80::1", "fe80::1", 128 }, { "2001:db8::1/128", "2001:db8::1", 128 },
		{ "2001:0db8:0000:0000:0000:ff00:0042:8329/127", "2001:db8::ff00:42:8329/127", 127 },
	};
	struct net_address a;
	char text[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_int_eq(net_address_parse(&a, good[i].in), 0);
		ck_assert_uint_eq(a.bits, good[i].bits);
		net_address_format(&a, text);
		ck_assert_str_eq(text, good[i].out);
	}
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"", "/", "/8", "10.0.0", "10.0.0.256", "10.0.0.5/", "10.0.0.5/0", "10.0.0.5/33", "10.0.0.5/-1",
		"10.0.0.5/+1", "10.0.0.5/1x", "10.0.0.5/0008", "10.0.0.5/8/8", " 10.0.0.5", "10.0.0.5 ", "localhost",
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::1.2.3.4",
		"::ffff:1.2.3.4", "ff02::1", "2001:db8::/129", "2001:db8::/0", "2001:db8:::1", "fe80::1%eth0",
		"2001:0db8:0000:0000:0000:ff00:0042:83290", "10.0.0.5/4294967304",
	};
	struct net_address a = { .bits = 77 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(net_address_parse(&a, bad[i]) == -EINVAL, "\"%s\" was taken", bad[i]);
		ck_assert_uint_eq(a.bits, 77);
	}
}
END_TEST

START_TEST(lists)
{
	struct net_address list[NET_ADDRESSES_MAX];
	char text[NET_ADDRESSES_MAX * 16 + 16] = "";
	uint32_t count = 7;

	ck_assert_int_eq(net_addresses_parse(list, &count, ""), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(net_addresses_parse(list, &count, "  10.0.0.5  2001:db8::1/64 "), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert(net_address_is_ipv4(&list[0]) && !net_address_is_ipv4(&list[1]) && list[1].bits == 64);
	ck_assert_int_eq(net_addresses_parse(list, &count, "10.0.0.5,10.0.0.6"), -EINVAL);
	ck_assert_int_eq(net_addresses_parse(list, &count, "10.0.0.5 x"), -EINVAL);
	ck_assert_int_eq(net_addresses_parse(list, &count,
		"1234567890123456789012345678901234567890123456789012345678901234567890"), -EINVAL);
	for (uint32_t i = 0; i < NET_ADDRESSES_MAX; i++)
		snprintf(text + strlen(text), 16, "10.0.0.%u ", i + 1);
	ck_assert_int_eq(net_addresses_parse(list, &count, text), 0);
	ck_assert_uint_eq(count, NET_ADDRESSES_MAX);
	strcat(text, "1.2.3.4");
	ck_assert_int_eq(net_addresses_parse(list, &count, text), -E2BIG);
}
END_TEST

/* Bit for bit, against a count of equal bits. */
START_TEST(covers)
{
	struct net_address a = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, 0xa5, 0x5a, 0xff, 0x01, 0x80, 9, 8, 7, 6, 5, 4, 3 } };
	uint8_t other[16];

	for (unsigned int equal = 0; equal <= 128; equal++) {
		memcpy(other, a.bytes, 16);
		if (equal < 128)
			other[equal / 8] ^= (uint8_t)(0x80 >> equal % 8);
		for (unsigned int bits = 1; bits <= 128; bits++) {
			a.bits = (uint8_t)bits;
			ck_assert_int_eq(net_address_covers(&a, other), bits <= equal);
		}
	}
}
END_TEST

CHECK_MAIN("net_address", NULL, NULL, parsed_and_written, refused, lists, covers)
