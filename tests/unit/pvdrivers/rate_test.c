/* rate.c: exactly what passes, by a clock of the test's own. */
#include <stdlib.h>
#include "pvdrivers/rate.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define SECOND 1000000000ull

static struct rate rate;

/* How many amounts of @amount pass at @now. */
static uint64_t pass(uint64_t amount, uint64_t now)
{
	uint64_t n = 0;

	for (; !rate_wait_ns(&rate, now); n++)
		rate_take(&rate, amount, now);
	return n;
}

START_TEST(no_limit)
{
	rate = (struct rate){ .burst_ns = SECOND };
	for (int i = 0; i < 1000; i++) {
		ck_assert_uint_eq(rate_wait_ns(&rate, 5), 0);
		rate_take(&rate, 1ull << 33, 5);
	}
}
END_TEST

START_TEST(a_burst_and_then_the_rate)
{
	rate = (struct rate){ .per_second = 100, .burst_ns = SECOND / 2 };
	/* Fifty, and one that makes a debt. */
	ck_assert_uint_eq(pass(1, 10 * SECOND), 51);
	ck_assert_uint_eq(rate_wait_ns(&rate, 10 * SECOND), SECOND / 100);
	ck_assert_uint_eq(pass(1, 10 * SECOND + SECOND / 100 - 1), 0);
	ck_assert_uint_eq(pass(1, 10 * SECOND + SECOND / 100), 1);
	/* Never more than a burst is saved. */
	ck_assert_uint_eq(pass(1, 1000 * SECOND), 51);
}
END_TEST

/* From a clock that has just begun, which is before the first burst could have been saved. */
START_TEST(at_the_beginning)
{
	rate = (struct rate){ .per_second = 10, .burst_ns = SECOND };
	ck_assert_uint_eq(pass(1, 0), 1);
	ck_assert_uint_eq(pass(1, SECOND), 10);
}
END_TEST

START_TEST(without_a_burst)
{
	rate = (struct rate){ .per_second = 10 };
	for (uint64_t i = 1; i < 100; i++) {
		ck_assert_uint_eq(pass(1, i * SECOND / 10), 1);
		ck_assert_uint_eq(rate_wait_ns(&rate, i * SECOND / 10), SECOND / 10);
	}
}
END_TEST

START_TEST(more_than_there_is)
{
	rate = (struct rate){ .per_second = 1000, .burst_ns = SECOND };
	ck_assert_uint_eq(pass(10000, 5 * SECOND), 1);
	ck_assert_uint_eq(rate_wait_ns(&rate, 5 * SECOND), 9 * SECOND);
}
END_TEST

/* Rates that do not divide a second: over a long time there is neither a loss nor a gain. */
START_TEST(nothing_is_lost_by_rounding)
{
	static const uint64_t per_second[] = { 3, 7, 999983, 1000000007, (1ull << 53) - 1 };
	uint64_t all = 0, now = 100 * SECOND, begun = now;

	rate = (struct rate){ .per_second = per_second[_i] };
	srand(1);
	while (now < begun + 1000 * SECOND && all < 1ull << 60) {
		uint64_t amount = per_second[_i] > 1 << 20 ? 1 + (uint64_t)rand() : 1;

		now += rate_wait_ns(&rate, now);
		rate_take(&rate, amount, now);
		all += amount;
	}
	/* The last one has just passed; it is paid for at due_ns. */
	HOLDS((unsigned __int128)(rate.due_ns - begun) * per_second[_i] + rate.rest == (unsigned __int128)all * SECOND);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, no_limit, a_burst_and_then_the_rate, at_the_beginning, without_a_burst,
			      more_than_there_is);

	tcase_add_loop_test(c, nothing_is_lost_by_rounding, 0, 5);
	return check_run("rate", c);
}
