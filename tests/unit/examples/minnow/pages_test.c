/* pages.c: what is given is what is taken, no page twice, and all of it is one run again at the end. */
#include "examples/minnow/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define COUNT 64u

static uint8_t memory[COUNT][PAGES_BYTES] __attribute__((aligned(4096)));
static struct pages pages;

static void all_free(void)
{
	void *all;

	ck_assert_uint_eq(pages.free, COUNT);
	all = pages_take(&pages, COUNT);
	ck_assert_ptr_eq(all, memory);
	ck_assert(!pages.free && !pages_take(&pages, 1));
	pages_give(&pages, all, COUNT);
}

static void set_up(void)
{
	pages = (struct pages){ .first = NULL };
	pages_give(&pages, memory, COUNT);
}

START_TEST(all_at_once)
{
	all_free();
	ck_assert_ptr_null(pages_take(&pages, COUNT + 1));
	ck_assert_ptr_null(pages_take(&pages, SIZE_MAX));
	ck_assert_ptr_null(pages_take(&pages, 0));
	pages_give(&pages, memory, 0);
	all_free();
}
END_TEST

/* Single pages, given back in the order that one bit after another says: before or after what is free. */
START_TEST(every_order)
{
	static const uint8_t order[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 0, 2, 1, 3 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 } };

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		ck_assert_ptr_eq(pages_take(&pages, COUNT), memory);
		for (int n = 0; n < 4; n++)
			pages_give(&pages, memory[order[i][n] * COUNT / 4], COUNT / 4);
		all_free();
	}
}
END_TEST

/* A run that is too small stays, and a larger one behind it is found. */
START_TEST(first_fit)
{
	ck_assert_ptr_eq(pages_take(&pages, COUNT), memory);
	pages_give(&pages, memory[1], 2);
	pages_give(&pages, memory[8], 4);
	ck_assert_ptr_eq(pages_take(&pages, 3), memory[9]);
	ck_assert_ptr_eq(pages_take(&pages, 2), memory[1]);
	ck_assert_ptr_null(pages_take(&pages, 2));
	ck_assert_ptr_eq(pages_take(&pages, 1), memory[8]);
	pages_give(&pages, memory, COUNT);
	all_free();
}
END_TEST

START_TEST(random_use)
{
	struct {
		uint8_t *at;
		size_t count;
	} held[16] = { { NULL, 0 } };
	size_t in_use = 0;

	srand(7);
	for (int i = 0; i < 100000; i++) {
		unsigned int n = (unsigned int)rand() % 16;

		if (held[n].at) {
			for (size_t b = 0; b < held[n].count * PAGES_BYTES; b += PAGES_BYTES / 2)
				HOLDS(held[n].at[b] == n + 1);
			pages_give(&pages, held[n].at, held[n].count);
			in_use -= held[n].count;
			held[n].at = NULL;
			continue;
		}
		held[n].count = (size_t)rand() % 9;
		held[n].at = pages_take(&pages, held[n].count);
		if (!held[n].at)
			continue;
		memset(held[n].at, (int)n + 1, held[n].count * PAGES_BYTES);
		in_use += held[n].count;
		HOLDS(pages.free == COUNT - in_use);
	}
	for (int n = 0; n < 16; n++)
		if (held[n].at)
			pages_give(&pages, held[n].at, held[n].count);
	all_free();
}
END_TEST

CHECK_MAIN("pages", set_up, NULL, all_at_once, every_order, first_fit, random_use)
