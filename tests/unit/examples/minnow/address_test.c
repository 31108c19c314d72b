/* address.c: what is an address, and what is none. */
#include "examples/minnow/address.h"

#include <stddef.h>
#include "tests/unit/check_main.h"

START_TEST(addresses)
{
	static const struct {
		const char *text;
		uint32_t address, mask;
	} rows[] = {
		{ "192.168.77.7/24", 0xc0a84d07, 0xffffff00 },
		{ "10.0.0.1/8 rounds=2", 0x0a000001, 0xff000000 },
		{ "255.255.255.255/32", 0xffffffff, 0xffffffff },
		{ "0.0.0.0/0", 0, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint32_t a = 1, m = 1;

		ck_assert_msg(address_parse(rows[i].text, &a, &m), "%s", rows[i].text);
		ck_assert(a == rows[i].address && m == rows[i].mask);
	}
}
END_TEST

START_TEST(none)
{
	static const char *const rows[] = { "", "1", "1.2.3.4", "1.2.3/24", "1.2.3.4.5/24", "1.2.3.256/24", "1.2.3.4/33",
		"1.2.3.4/", "1..3.4/24", "a.b.c.d/24", "1.2.3.4/24x", "-1.2.3.4/24", " 1.2.3.4/24",
		"99999999999999999999.2.3.4/24", "1.2.3.4/4294967320" };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint32_t a = 1, m = 2;

		ck_assert_msg(!address_parse(rows[i], &a, &m), "%s", rows[i]);
		ck_assert(a == 1 && m == 2);
	}
}
END_TEST

CHECK_MAIN("address", NULL, NULL, addresses, none)
