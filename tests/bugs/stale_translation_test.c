/* A frame changes its type while a CPU still has the old translation: XSA-241, XSA-286, XSA-401,
 * XSA-408.
 *
 * Page tables in memory may say that a frame is no longer writable; a CPU that wrote it a moment
 * ago may still have the writable translation, and asks nobody. So between "nobody maps it
 * writable" and "it is a page table that we checked" there must be a flush of every CPU that ran
 * the guest, behind the taking of the type and before the check. Hypervisors got each part wrong.
 * In XSA-401 the flush came before the type was taken: another CPU of the guest mapped the page
 * writable once more in between. In XSA-241 the stamp that tells whether a flush is still due could
 * be an old one, and in XSA-408 (a correction of XSA-401) the condition for flushing looked at the
 * wrong variable. In XSA-286 the hypervisor reached the guest's tables through a window of the
 * guest's own address space, whose stale translations nobody flushed. Each time the end was the
 * same: the guest writes a page table that was found good.
 *
 * Here table_begin() in hv/mem/table_run.c makes the frame PARTIAL, flushes
 * (frame_flush_for_type_change()), and only then are entries looked at; the last drop stamps the
 * frame (frame_type_put()) after its count was seen, and what others map is flushed on all CPUs
 * (frame_mark_foreign()). We walk tables by frame, never through the guest's mapping.
 *
 * The modelled TLB forgets nothing that it was not told to forget, so each test first shows that
 * the attacker's stale store still works, then lets the frame change its type, and stores again.
 * Catches: tlb-table-without-flush, tlb-own-cpu-only, tlb-drop-not-stamped,
 * tlb-writable-without-flush, tlb-foreign-not-marked; and, seeded by hand, the flush before the
 * type is taken. */
#include "tests/unit/check_main.h"
#include "tests/bugs/duel.h"

#define STALE SLOT_MORE		/* Alice's page that is unmapped and stays in a TLB */

static bool landed;

/* CPU 1 is quick: it stores once more while CPU 0 is about to flush it. */
static void store_before_flush(cpumask_t mask)
{
	if (mask & 2)
		landed = stores_on(1, PAGE_VA(STALE) + 16,
				   pte_make(guest[ALICE].m[L4], PTE_PRESENT | PTE_WRITE | PTE_USER));
}

/* S1 is mapped writable, CPU 1 uses that, and CPU 0 unmaps it without asking for a flush, which is a guest's right. */
static void mapped_and_unmapped(void)
{
	ck_assert_int_eq(ON(0, act_update(AT(L1, STALE), RW(S1))), 0);
	ck_assert(stores_on(1, PAGE_VA(STALE) + 16, 0));
	ck_assert_int_eq(ON(0, act_update(AT(L1, STALE), 0)), 0);
	ck_assert(stores_on(1, PAGE_VA(STALE) + 16, 0));
}

/* What is stored in the last moment is looked at, for the look comes behind the flush. */
START_TEST(store_before_the_flush)
{
	duel(ALICE, ALICE);
	mapped_and_unmapped();
	landed = false;
	host_hook_flush = store_before_flush;
	ck_assert_int_lt(ON(0, act_pin(S1, 1)), 0);
	host_hook_flush = NULL;
	ck_assert(landed);
	ck_assert(!stores_on(1, PAGE_VA(STALE) + 16, 0));
	/* Honest this time. */
	contents(ALICE, S1)[2] = 0;
	ck_assert_int_eq(ON(0, act_pin(S1, 1)), 0);
	ck_assert(!stores_on(1, PAGE_VA(STALE) + 16, 1));
	ck_assert_uint_eq(contents(ALICE, S1)[2], 0);
}
END_TEST

/* dom0 maps Alice's S1 writable, uses that, and unmaps it, all on CPU 1. */
static void mapped_from_outside(void)
{
	if (act_foreign(STALE, OF(ALICE, RW(S1))))
		return;
	(void)stores_on(1, PAGE_VA(STALE) + 16, 0);
	(void)act_update(AT(L1, STALE), 0);
}

static int64_t pinned;

static void pins(void) { pinned = act_pin(S1, 1); }

/* XSA-401: the page is mapped writable once more, at every point of the pin, by somebody who needs none of the locks
 * it holds. */
START_TEST(mapped_once_more)
{
	unsigned worked = 0;
	RACE(({ duel(ALICE, DOM0); ON(1, (mapped_from_outside(), 0)); }), pins, mapped_from_outside, {
		judged();
		if (pinned == 0) {
			worked++;
			ck_assert(!stores_on(1, PAGE_VA(STALE) + 16, 7));
			ck_assert_uint_eq(contents(ALICE, S1)[2], 0);
		}
	});
	ck_assert_uint_gt(worked, 0);
}
END_TEST

/* XSA-241, XSA-408: an earlier flush must not be taken for the one that is due. */
START_TEST(flushed_too_early)
{
	duel(ALICE, ALICE);
	mapped_and_unmapped();
	ck_assert_int_eq(ON(0, act_flush(0, 0)), 0);
	ck_assert(!stores_on(1, PAGE_VA(STALE) + 16, 0));
	mapped_and_unmapped();
	ck_assert_int_eq(ON(0, act_pin(S1, 1)), 0);
	ck_assert(!stores_on(1, PAGE_VA(STALE) + 16, pte_make(guest[BOB].m[DATA1], PTE_PRESENT | PTE_WRITE | PTE_USER)));
}
END_TEST

/* XSA-286, the other direction: a former table that a CPU still walks becomes a page, and its guest writes entries
 * of its own choice. */
START_TEST(table_still_walked)
{
	const uint64_t below = 1ull << 21;		/* where L2[1] leads */
	uint64_t seen;
	duel(ALICE, ALICE);
	ck_assert_int_eq(ON(0, act_update(AT(L2, 1), RW(S1))), 0);
	ck_assert(loads_on(1, below + PAGE_VA(1), &seen));
	ck_assert_int_eq(ON(0, act_update(AT(L2, 1), 0)), 0);
	ck_assert(loads_on(1, below + PAGE_VA(1), &seen));
	/* A request by address is a matter of the tables in memory, whatever a TLB says. */
	uint64_t before = contents(ALICE, S1)[1];
	ck_assert_int_eq(ON(0, act_update_va(512 + 1, RW(DATA3))), -EINVAL);
	ck_assert_uint_eq(contents(ALICE, S1)[1], before);

	ck_assert_int_eq(ON(0, act_update(AT(L1, STALE), RW(S1))), 0);
	uint64_t bobs = pte_make(guest[BOB].m[DATA1], PTE_PRESENT | PTE_WRITE | PTE_USER);
	ck_assert(stores_on(0, PAGE_VA(STALE) + 16, bobs));
	contents(BOB, DATA1)[0] = 0x5ec7e7;
	ck_assert(!loads_on(1, below + PAGE_VA(2), &seen));
	ck_assert(!stores_on(1, below + PAGE_VA(2), 0));
	ck_assert_uint_eq(contents(BOB, DATA1)[0], 0x5ec7e7);
	judged();
}
END_TEST

/* The writable translation is another domain's, on a CPU where the owner never ran. */
START_TEST(translation_of_another_domain)
{
	duel(ALICE, DOM0);
	ck_assert_int_eq(ON(1, act_foreign(STALE, OF(ALICE, RW(FREE1)))), 0);
	ck_assert(stores_on(1, PAGE_VA(STALE), 0));
	ck_assert_int_eq(ON(1, act_update(AT(L1, STALE), 0)), 0);
	ck_assert(stores_on(1, PAGE_VA(STALE), 0));
	ck_assert_int_eq(ON(0, act_pin(FREE1, 1)), 0);
	ck_assert(!stores_on(1, PAGE_VA(STALE), pte_make(guest[BOB].m[DATA1], PTE_PRESENT | PTE_WRITE | PTE_USER)));
	judged();
}
END_TEST

CHECK_MAIN("stale_translation", NULL, NULL, store_before_the_flush, mapped_once_more,
	   flushed_too_early, table_still_walked, translation_of_another_domain)
