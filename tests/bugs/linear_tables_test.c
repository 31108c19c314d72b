/* Page tables that contain themselves: XSA-185, XSA-240, XSA-309.
 *
 * A "linear" page table has an entry that names the table itself, so that all tables of an address
 * space appear in a window of it. Kernels liked that, and PV hypervisors allowed a table to name a
 * read-only one of its own level. The first price was XSA-185: on 32-bit guests the trick worked at
 * a level that was loaded writable, and the guest wrote its own tables. The second was XSA-240:
 * table A names B, B names C, and so on for thousands of frames; taking the first one down took
 * down the next one from within, until the hypervisor's stack was gone and it wrote into whatever
 * lay below. A limit was added, counted in a field of the frame, and that count could be made to
 * disagree (XSA-309).
 *
 * Here an entry of an L(n) demands that its target is an L(n-1), and a frame has one type at a
 * time, so no table can name itself or its own level: invariant T3 of hv/mem/frame_type.c, kept by
 * child_up() in hv/mem/table_run.c and upper_update() in hv/mem/table_update.c. No linear tables,
 * hence no cycles; hence four levels and no recursion: the walk over a tree is a loop with an array
 * of four.
 *
 * The tests build self-references, cycles and a long chain, from live tables and from prepared
 * pages. Without the rule they would be accepted, and the audit would find a table of level n below
 * one of level n.
 * Catches: recursion-linear-tables, recursion-level-skipped. */
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

/* The classic: one slot of the top table names the top table, read-only. */
START_TEST(table_names_itself)
{
	const mfn_t live[] = { mallory.l4, mallory.l3, mallory.l2 };
	for (unsigned i = 0; i < ARRAY_COUNT(live); i++) {
		REFUSED(update(&mallory, slot(live[i], 7), pte(live[i], 0)), EBUSY);
		REFUSED(update(&mallory, slot(live[i], 7), pte(live[i], PTE_WRITE)), EBUSY);
		/* In place of the entry that is there. */
		REFUSED(update(&mallory, slot(live[i], 0), pte(live[i], 0)), EBUSY);
	}
}
END_TEST

/* Any table in any other: only the next lower level is taken. */
START_TEST(every_level_in_every_other)
{
	const mfn_t table[] = { mallory.l1, mallory.l2, mallory.l3, mallory.l4 };
	for (unsigned upper = 1; upper < 4; upper++)
		for (unsigned lower = 0; lower < 4; lower++) {
			int64_t rc = update(&mallory, slot(table[upper], 9), pte(table[lower], 0));
			ck_assert_int_eq(rc, lower + 1 == upper ? 0 : -EBUSY);
		}
	/* The same as a whole table that is checked for the first time. */
	for (unsigned lower = 0; lower < 4; lower++) {
		*(uint64_t *)at(&mallory, 3, 0) = pte(table[lower], 0);
		ck_assert_int_eq(pin(&mallory, unmapped(&mallory, 3), 4), lower == 2 ? 0 : -EINVAL);
		if (lower == 2)
			WORKS(unpin(&mallory, mallory.page[3]));
		WORKS(update_va(&mallory, va(3, 0), pte(mallory.page[3], PTE_WRITE), 0));
	}
}
END_TEST

/* Two tables that name each other: pinned as level n, the other one is of level n-1, and its entry that leads back is
 * refused, or at the lowest level is a page that happens to be a table, mapped read-only. */
START_TEST(cycle_of_two)
{
	*(uint64_t *)at(&mallory, 3, 0) = pte(mallory.page[4], 0);
	*(uint64_t *)at(&mallory, 4, 0) = pte(mallory.page[3], 0);
	mfn_t a = unmapped(&mallory, 3), b = unmapped(&mallory, 4);
	ck_assert_int_eq(pin(&mallory, a, 4), -EINVAL);
	ck_assert_int_eq(pin(&mallory, b, 3), -EINVAL);
	WORKS(pin(&mallory, a, 2));
	ck_assert_uint_eq(frame_type_now(frame_of(b)), FT_L1);
	ck_assert_int_eq(pin(&mallory, b, 2), -EBUSY);
	ck_assert_int_eq(update(&mallory, slot(b, 0), pte(a, PTE_WRITE)), -EBUSY);
	WORKS(unpin(&mallory, a));
	ck_assert_uint_eq(frame_type_now(frame_of(b)), FT_NONE);
}
END_TEST

/* XSA-240: a chain as long as there are pages. Four of them become tables, the rest is looked at by nobody. */
START_TEST(long_chain)
{
	enum { FIRST = 1, LAST = 14 };
	for (unsigned n = FIRST; n < LAST; n++)
		*(uint64_t *)at(&mallory, n, 0) = pte(mallory.page[n + 1], 0);
	for (unsigned n = FIRST; n <= LAST; n++)
		(void)unmapped(&mallory, n);
	for (unsigned top = FIRST; top + 4 <= LAST; top++) {
		WORKS(pin(&mallory, mallory.page[top], 4));
		for (unsigned n = FIRST; n <= LAST; n++) {
			enum frame_type t = n >= top && n < top + 4 ? FT_L4 - (n - top) : FT_NONE;
			ck_assert_uint_eq(frame_type_now(frame_of(mallory.page[n])), t);
		}
		ck_assert_int_eq(pin(&mallory, mallory.page[top + 1], 4), -EBUSY);
		WORKS(unpin(&mallory, mallory.page[top]));
	}
}
END_TEST

CHECK_MAIN("linear_tables", scene_set, NULL, table_names_itself, every_level_in_every_other,
	   cycle_of_two, long_chain)
