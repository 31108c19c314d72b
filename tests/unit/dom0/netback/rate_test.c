/* A guest's rate, by a clock of the test's. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include "dom0/netback/rate.h"
#include "tests/unit/check_main.h"

static struct rate r;

START_TEST(none)
{
	ck_assert_int_eq(rate_set(&r, ""), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert(rate_allows(&r, 0, 0));
		rate_spend(&r, UINT64_MAX / 2);
	}
}
END_TEST

/* Send packets of @bytes whenever it is allowed, looking every @step_ns for @steps times; how many bytes. */
static uint64_t sent(uint64_t from_ns, uint64_t step_ns, uint64_t steps, uint64_t bytes)
{
	uint64_t all = 0;

	for (uint64_t i = 0; i < steps; i++)
		while (rate_allows(&r, 0, from_ns + i * step_ns)) {
			rate_spend(&r, bytes);
			all += bytes;
		}
	return all;
}

/* Whatever the size of packets, also of such as are more than an interval's, and whenever it is looked. */
START_TEST(as_much_as_is_allowed)
{
	static const uint64_t sizes[] = { 1, 60, 1514, 20000, 20001, 65535 }, steps[] = { 1000000, 7000000, 100000000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
			uint64_t all;

			/* 1,000,000 bytes a second, for one that ends late. */
			ck_assert_int_eq(rate_set(&r, "20000,20000"), 0);
			all = sent(123456789, steps[k], 10000000000 / steps[k], sizes[i]);
			ck_assert_uint_le(all, 10000000 + 3 * 20000 + sizes[i]);
			/* Who looks less often than there is credit loses some. */
			if (steps[k] < 20000000)
				ck_assert_uint_ge(all, 9900000);
		}
}
END_TEST

START_TEST(when_there_is_more)
{
	ck_assert_int_eq(rate_set(&r, "1000,50000"), 0);
	ck_assert(rate_allows(&r, 0, 1000));
	rate_spend(&r, 1000);
	ck_assert(rate_allows(&r, 0, 1001));	/* the first interval's */
	rate_spend(&r, 1000);
	ck_assert(!rate_allows(&r, 0, 1002));
	ck_assert_uint_eq(r.due_ns, 50000000);
	ck_assert(!rate_allows(&r, 0, 49999999));
	ck_assert(rate_allows(&r, 0, 50000000));
	rate_spend(&r, 2500);
	ck_assert(!rate_allows(&r, 0, 100000000));
	ck_assert_uint_eq(r.due_ns, 150000000);
	ck_assert(rate_allows(&r, 0, 150000000));
	ck_assert_int_eq(r.credit, 500);
	/* A long silence is worth one interval. */
	rate_spend(&r, 600);
	ck_assert(rate_allows(&r, 0, 1000000000000));
	ck_assert_int_eq(r.credit, 1000);
}
END_TEST

/* What is to be sent counts before it is. */
START_TEST(beside_others)
{
	ck_assert_int_eq(rate_set(&r, "1000,50000"), 0);
	ck_assert(rate_allows(&r, 999, 1000));
	ck_assert(!rate_allows(&r, 1000, 1000));
	rate_spend(&r, 1000);
	ck_assert(rate_allows(&r, 999, 1000));
	rate_spend(&r, 1000);
	ck_assert(!rate_allows(&r, 0, 1000));
	ck_assert(!rate_allows(&r, 1000, 50000000));
	ck_assert(rate_allows(&r, 0, 50000000));
}
END_TEST

START_TEST(the_largest)
{
	ck_assert_int_eq(rate_set(&r, "1099511627776,1000000000"), 0);
	rate_spend(&r, 1099511627776 + 65535);
	ck_assert(rate_allows(&r, 0, UINT64_MAX - 1000000000000));
	ck_assert_int_eq(rate_set(&r, "1,1"), 0);
	rate_spend(&r, 65536);
	ck_assert(rate_allows(&r, 0, UINT64_MAX / 2));
	ck_assert_int_eq(r.credit, 1);
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"1", "1,", ",1", "0,1", "1,0", "-1,1", "1,-1", " 1,1", "1, 1", "1,1 ", "1,1,1", "x", "1099511627777,1",
		"1,1000000001", "99999999999999999999,1", "0x10,1",
	};

	r.bytes = 77;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(rate_set(&r, bad[i]) == -EINVAL && r.bytes == 77, "\"%s\" was taken", bad[i]);
}
END_TEST

CHECK_MAIN("rate", NULL, NULL, none, as_much_as_is_allowed, when_there_is_more, beside_others, the_largest, refused)
