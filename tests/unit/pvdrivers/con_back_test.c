/* con_back.c: how much a guest may print, on a clock of ours. */
#include "pvdrivers/con_back.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define SECOND 1000000000u

static const struct con_limits limits = { .burst = 10000, .per_second = 3000 };
static struct xencons_interface page;
static struct con_back back;
static uint64_t now_ns;

static void begin(void)
{
	memset(&page, 0, sizeof page);
	now_ns = 5;
	con_back_open(&back, &page, limits, now_ns);
}

/* The guest fills its ring and the back end reads, until it is not let; return how much was read. */
static uint64_t flood(void)
{
	char buf[CON_OUT_BYTES];
	uint64_t total = 0;

	for (;;) {
		int n;

		page.out_prod = page.out_cons + CON_OUT_BYTES;
		n = con_back_read(&back, now_ns, buf, sizeof buf);
		HOLDS(n > 0 || n == -XEN_EAGAIN);
		if (n < 0)
			return total;
		total += (uint32_t)n;
		(void)!con_ring_push(&back.ring);
	}
}

START_TEST(burst_and_rate)
{
	uint64_t total, from;

	total = flood();
	ck_assert(total <= 10000 && total > 10000 - CON_OUT_BYTES);
	/* However often it looks: what is read is what time has brought, half a ring at least. */
	from = now_ns;
	srand(1);
	while (now_ns < from + 100ull * SECOND) {
		now_ns += (uint64_t)rand() % (SECOND / 500);
		total += flood();
		HOLDS(total <= 10000 + (now_ns - from) * 3 / 1000000 + 1);
	}
	ck_assert_uint_gt(total, 3000 * 100);
	now_ns += SECOND / 3 + SECOND / 50;
	ck_assert_uint_gt(flood(), 0);
	/* A rest is worth one burst, be it for ever. */
	now_ns += 1ull << 62;
	ck_assert_uint_le(flood(), 10000);
	ck_assert_uint_le(flood(), 0);
}
END_TEST

START_TEST(who_prints_little_is_not_slowed_down)
{
	char c;

	for (int i = 0; i < 100000; i++) {
		now_ns += SECOND / 2999;
		page.out_prod++;
		HOLDS(con_back_read(&back, now_ns, &c, 1) == 1);
		(void)!con_ring_push(&back.ring);
	}
}
END_TEST

/* The last words come though all is used up, and end though the guest goes on. */
START_TEST(last_words)
{
	char buf[300];
	uint32_t total = 0;
	int n;

	flood();
	con_back_end(&back);
	while ((n = con_back_read(&back, now_ns, buf, sizeof buf)) > 0) {
		total += (uint32_t)n;
		(void)!con_ring_push(&back.ring);
		page.out_prod = page.out_cons + CON_OUT_BYTES;
	}
	ck_assert(n == 0 && total == CON_OUT_BYTES);
	now_ns += SECOND;
	ck_assert_int_eq(con_back_read(&back, now_ns, buf, sizeof buf), 0);
}
END_TEST

START_TEST(broken)
{
	char c;

	page.out_prod = CON_OUT_BYTES + 1;
	ck_assert_int_eq(con_back_read(&back, now_ns, &c, 1), -XEN_EBADMSG);
	page.out_prod = 1;
	con_back_end(&back);
	ck_assert_int_eq(con_back_read(&back, now_ns, &c, 1), -XEN_EBADMSG);
}
END_TEST

CHECK_MAIN("con_back", begin, NULL, burst_and_rate, who_prints_little_is_not_slowed_down, last_words, broken)
