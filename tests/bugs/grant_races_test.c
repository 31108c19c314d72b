/* Grants used by two CPUs at once: XSA-218, XSA-228, XSA-411.
 *
 * A grant belongs to two domains, each with as many CPUs as it likes, and its state is spread over
 * tables of both. In XSA-218 the two halves of a mapping were taken away by two CPUs: each looked
 * at the flags, saw that the other half was still there, and one count too few went down, or one
 * too many; the hypervisor believed that a frame was unused that was mapped writable. XSA-228 was
 * the list of free handles, on which two CPUs put and took without agreeing who went first: one
 * handle, two mappings. XSA-411 was the cure for such things, taking both domains' locks, in the
 * order of whoever came. And always there is the granter, who shares the table that the hypervisor
 * reads, and writes it between two looks.
 *
 * Here the shared entry is read once, by one load of 64 bits, and marked by compare-and-exchange of
 * what was read (entry_mark() in hv/grant/pin.c); both tables' locks are held, in the order of the
 * domains' numbers (lock_pair()); unmapping closes a half first and unpins it after the flush, each
 * batch exactly the halves that it closed itself (hv/grant/unmap.c), so that in between the frame
 * is still the mapper's as far as the granter can tell.
 *
 * Each test is one operation on CPU 0 and another on CPU 1, which goes first at every point of the
 * first in turn (tests/unit/race.h): before each access to memory that another CPU can see. Of two
 * that cannot both succeed one must.
 * Catches: race-grant-marked-blindly, race-unpins-all-closing, race-handle-checked-unlocked,
 * race-slot-unlocked, race-granter-unlocked, tlb-unmap-without-flush, blind/37, 38. */
#include "hv/base/atomic.h"
#include "hv/grant/grant.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/duel.h"

#define HANDLE 0u
#define WHERE SLOT_MAPS

static int64_t rc[2];
static struct grant_entry_v1 *entry;	/* of grant 1 in Alice's table */

/* Alice grants FREE1 as 1, to be written; Bob maps it. */
static void granted(void)
{
	prepare(ALICE, act_grant, 1, OF(BOB, FREE1 << 1));
	entry = (struct grant_entry_v1 *)host_frame(grant_frame(guest[ALICE].d, 0)) + 1;
}

static void mapped(unsigned flags)
{
	granted();
	prepare(BOB, act_map, OF(ALICE, 1), WHERE << 4 | flags);
}

static void maps(void) { rc[0] = act_map(OF(ALICE, 1), WHERE << 4); }
static void maps_another(void) { rc[1] = act_map(OF(ALICE, 3), WHERE << 4); }
static void maps_too(void) { rc[1] = act_map(OF(ALICE, 1), SLOT_MORE << 4); }
static void unmaps(void) { rc[0] = act_unmap(HANDLE, WHERE); }
static void unmaps_too(void) { rc[1] = act_unmap(HANDLE, WHERE); }
static void unmaps_for_device(void) { rc[1] = act_unmap_device(HANDLE, OF(ALICE, FREE1)); }
static void updates_the_slot(void) { rc[1] = act_update(AT(L1, WHERE), RW(DATA1)); }
static void makes_a_table(void) { rc[1] = act_pin(FREE1, 1); }

/* What is left when all is unmapped again: the granter's page, in nobody's use. */
static void nothing_left(void)
{
	struct frame *f = frame_of(guest[ALICE].m[FREE1]);
	ck_assert_uint_eq(frame_refs_now(f), 1);
	ck_assert_uint_eq(frame_type_count_now(f), 0);
}

/* XSA-228: two mappings get two handles, and two unmappings of one handle are one. */
START_TEST(two_handles_from_one_list)
{
	RACE(({ duel(BOB, BOB); granted(); }), maps, maps_too, {
		judged();
		ck_assert_int_eq(rc[0], GNTST_okay);
		ck_assert_int_eq(rc[1], GNTST_okay);
		/* Whoever came first has handle 0. */
		bool first = ON(0, act_unmap(0, WHERE)) == GNTST_okay;
		ck_assert_int_eq(ON(0, act_unmap(1, first ? SLOT_MORE : WHERE)), GNTST_okay);
		if (!first)
			ck_assert_int_eq(ON(0, act_unmap(0, SLOT_MORE)), GNTST_okay);
		nothing_left();
	});
}
END_TEST

START_TEST(one_handle_unmapped_twice)
{
	RACE(({ duel(BOB, BOB); mapped(0); }), unmaps, unmaps_too, {
		judged();
		ck_assert_int_eq((rc[0] == GNTST_okay) + (rc[1] == GNTST_okay), 1);
		nothing_left();
	});
}
END_TEST

/* XSA-218: the halves of one mapping, by two CPUs. */
START_TEST(halves_unmapped_at_once)
{
	RACE(({ duel(BOB, BOB); mapped(MAP_DEVICE); }), unmaps, unmaps_for_device, {
		judged();
		ck_assert_int_eq(rc[0], GNTST_okay);
		ck_assert_int_eq(rc[1], GNTST_okay);
		nothing_left();
	});
}
END_TEST

/* Two mappers, each with a grant of its own, in one table of Alice's. */
START_TEST(two_mappers_of_one_granter)
{
	RACE(({
		duel(BOB, DOM0);
		granted();
		prepare(ALICE, act_grant, 3, OF(DOM0, FREE2 << 1));
	}), maps, maps_another, {
		judged();
		ck_assert_int_eq(rc[0], GNTST_okay);
		ck_assert_int_eq(rc[1], GNTST_okay);
	});
}
END_TEST

/* The granter takes the grant back as Linux does, when its table says that nobody uses it: by one compare-and-exchange,
 * which no lock of ours keeps out. */
static void takes_back(void)
{
	uint16_t seen = READ_ONCE(entry->flags);
	rc[1] = 0;
	while (!(seen & (GTF_reading | GTF_writing)) && !rc[1])
		rc[1] = ATOMIC_CAS(&entry->flags, &seen, (uint16_t)0);
}

START_TEST(taken_back_while_it_is_mapped)
{
	unsigned won[2] = { 0, 0 };
	RACE(({ duel(BOB, ALICE); granted(); }), maps, takes_back, {
		judged();
		ck_assert_int_eq((rc[0] == GNTST_okay) + (rc[1] == 1), 1);
		won[rc[1] == 1]++;
	});
	ck_assert_uint_gt(won[0], 0);
	ck_assert_uint_gt(won[1], 0);
}
END_TEST

/* XSA-218 again: unmapping on one CPU, and the granter makes a page table of the page as soon as it may. By then no CPU
 * of the mapper can write it. */
START_TEST(page_becomes_a_table_while_it_is_unmapped)
{
	RACE(({
		duel(BOB, ALICE);
		mapped(0);
		ck_assert(stores_on(0, PAGE_VA(WHERE), 0));
	}), unmaps, makes_a_table, {
		judged();
		ck_assert_int_eq(rc[0], GNTST_okay);
		if (rc[1] == 0)
			ck_assert(!stores_on(0, PAGE_VA(WHERE), pte_make(guest[DOM0].m[DATA1], PTE_PRESENT | PTE_WRITE)));
	});
}
END_TEST

/* The same for a page that was mapped to be read: once it is given back, what Alice keeps there is her own affair. */
START_TEST(page_is_read_after_it_was_given_back)
{
	uint64_t seen;
	duel(BOB, ALICE);
	prepare(ALICE, act_grant, 2, OF(BOB, FREE1 << 1 | 1));
	prepare(BOB, act_map, OF(ALICE, 2), WHERE << 4 | MAP_RO);
	ck_assert(loads_on(0, PAGE_VA(WHERE), &seen));
	ck_assert_int_eq(ON(0, act_unmap(HANDLE, WHERE)), GNTST_okay);
	ck_assert_int_eq(ON(1, act_grant_end(2, 0)), 1);
	ck_assert(!loads_on(0, PAGE_VA(WHERE), &seen));
}
END_TEST

/* Two things want the same page-table entry. */
START_TEST(entry_updated_while_it_is_mapped)
{
	RACE(({ duel(BOB, BOB); granted(); }), maps, updates_the_slot, {
		judged();
		ck_assert(rc[0] == GNTST_okay || rc[1] == 0);
		if (rc[0] == GNTST_okay)
			ck_assert_int_eq(ON(0, act_unmap(HANDLE, WHERE)), GNTST_okay);
		nothing_left();
	});
}
END_TEST

CHECK_MAIN("grant_races", NULL, NULL, two_handles_from_one_list, one_handle_unmapped_twice,
	   halves_unmapped_at_once, two_mappers_of_one_granter, taken_back_while_it_is_mapped,
	   page_becomes_a_table_while_it_is_unmapped, page_is_read_after_it_was_given_back,
	   entry_updated_while_it_is_mapped)
