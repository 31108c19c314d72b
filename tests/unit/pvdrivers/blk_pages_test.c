/* blk_pages.c: which pages stay mapped, which go, and what is left when one cannot be mapped. */
#include "pvdrivers/blk_pages.h"

#include <stdlib.h>
#include "pvdrivers/host/os_host.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define PAGES 16u
static struct host_machine *machine;
static struct host_domain dom0, guest;
static struct blk_pages pages;
static uint8_t *memory;
static grant_ref_t ref[PAGES];

static void set_up(void)
{
	machine = calloc(1, sizeof *machine);
	host_domain_init(&dom0, machine, 0);
	host_domain_init(&guest, machine, 7);
	memory = guest.os.alloc(&guest.os, PAGES * PV_PAGE);
	for (uint32_t i = 0; i < PAGES; i++)
		ck_assert_int_eq(guest.os.grant(&guest.os, 0, memory + i * PV_PAGE, i == PAGES - 1, &ref[i]), 0);
}

static void tear_down(void)
{
	blk_pages_close(&pages);
	ck_assert_uint_eq(host_domain_holds(&dom0), 0);
	host_domain_die(&guest);
	free(machine);
}

static void open_pages(uint32_t capacity)
{
	ck_assert_int_eq(blk_pages_open(&pages, &dom0.os, 7, capacity, 8), 0);
}

/* Get page @i and put it. */
static void touch(uint32_t i)
{
	struct blk_page p = { .map.ref = ref[i] };

	HOLDS(blk_pages_get(&pages, &p, 1, true) == 0);
	HOLDS(p.map.addr == memory + i * PV_PAGE);
	blk_pages_put(&pages, &p, 1);
}

START_TEST(the_page_not_used_for_longest_goes)
{
	open_pages(3);
	touch(0), touch(1), touch(2), touch(0);
	ck_assert_uint_eq(dom0.mapped, 3);
	touch(3);			/* in place of 1 */
	ck_assert_uint_eq(dom0.unmapped, 1);
	touch(0), touch(2), touch(3);
	ck_assert_uint_eq(dom0.mapped, 4);
	touch(1);
	ck_assert_uint_eq(dom0.mapped, 5);
}
END_TEST

START_TEST(pages_in_use_stay)
{
	struct blk_page p[3] = { { .map.ref = ref[0] }, { .map.ref = ref[1] }, { .map.ref = ref[2] } };

	open_pages(2);
	ck_assert_int_eq(blk_pages_get(&pages, p, 3, false), 0);
	ck_assert(p[0].kept && p[1].kept && !p[2].kept);
	touch(3);
	ck_assert_uint_eq(dom0.unmapped, 1);
	blk_pages_put(&pages, p, 3);
	ck_assert_uint_eq(dom0.mapped - dom0.unmapped, 2);
}
END_TEST

START_TEST(the_same_page_twice)
{
	struct blk_page p[4] = { { .map.ref = ref[0] }, { .map.ref = ref[0] }, { .map.ref = ref[0] } };

	open_pages(3);
	ck_assert_int_eq(blk_pages_get(&pages, p, 3, false), 0);
	ck_assert(p[0].kept && !p[1].kept && !p[2].kept);
	p[3] = (struct blk_page){ .map.ref = ref[0] };
	ck_assert_int_eq(blk_pages_get(&pages, p + 3, 1, false), 0);
	ck_assert_uint_eq(p[3].kept, p[0].kept);
	blk_pages_put(&pages, p, 4);
	ck_assert_uint_eq(dom0.mapped - dom0.unmapped, 1);
	touch(0);
	ck_assert_uint_eq(dom0.mapped, 3);
}
END_TEST

START_TEST(all_or_none)
{
	for (uint32_t capacity = 0; capacity <= 4; capacity += 4) {
		struct blk_page p[3] = { { .map.ref = ref[0] }, { .map.ref = ref[1] }, { .map.ref = 999 } };

		open_pages(capacity);
		touch(0);
		uint64_t held = dom0.mapped - dom0.unmapped;
		ck_assert_int_eq(blk_pages_get(&pages, p, 3, true), -XEN_ENOENT);
		ck_assert_uint_eq(dom0.mapped - dom0.unmapped, held);
		for (uint32_t i = 0; i < capacity; i++)
			touch(i + 1);	/* page 0 has no user left, so it goes */
		ck_assert_uint_eq(dom0.mapped - dom0.unmapped, capacity);
		if (capacity == 0)
			blk_pages_close(&pages);
	}
}
END_TEST

/* Kept pages are mapped for writing; those that are not, as they are used. */
START_TEST(pages_for_reading_only)
{
	struct blk_page p = { .map.ref = ref[PAGES - 1] };

	open_pages(0);
	ck_assert_int_eq(blk_pages_get(&pages, &p, 1, true), -XEN_EACCES);
	ck_assert_int_eq(blk_pages_get(&pages, &p, 1, false), 0);
	blk_pages_put(&pages, &p, 1);
	blk_pages_close(&pages);
	open_pages(4);
	ck_assert_int_eq(blk_pages_get(&pages, &p, 1, false), -XEN_EACCES);
}
END_TEST

/* Against a plain model: what is kept are the pages used last. */
START_TEST(random_use)
{
	uint32_t last[PAGES] = { 0 };

	open_pages(5);
	srand(1);
	for (uint32_t now = 1; now < 5000; now++) {
		uint32_t i = (uint32_t)rand() % (PAGES - 1), newer = 0;
		uint64_t mapped = dom0.mapped;

		for (uint32_t k = 0; k < PAGES; k++)
			newer += last[k] > last[i];
		touch(i);
		HOLDS((dom0.mapped == mapped) == (last[i] && newer < 5));
		last[i] = now;
	}
}
END_TEST

CHECK_MAIN("blk_pages", set_up, tear_down, the_page_not_used_for_longest_goes, pages_in_use_stay, the_same_page_twice,
	all_or_none, pages_for_reading_only, random_use)
