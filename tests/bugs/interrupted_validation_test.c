/* Validation of a page table that is interrupted half way: XSA-45, XSA-58, XSA-264, XSA-290,
 * XSA-299, XSA-310.
 *
 * A tree of page tables has up to half a million entries, and each must be looked at before the CPU
 * may use it, so the work has to stop in the middle to let others run. It did not in XSA-45; the
 * correction counted references wrongly (XSA-58), let the guest pass the checks for preemption
 * (XSA-264), forgot the way down (XSA-290), and was corrected twice more (XSA-299, XSA-310),
 * because the state "half done" was nobody's: a frame said that it was partial, its parent said
 * that it held a partial child, and how many references that made depended on who asked. A guest
 * that stopped at the right entry, went on from another vCPU, or put a bad entry last came out with
 * a count too few: the table is freed while a CPU uses it, and the next owner of the frame writes
 * it.
 *
 * Here a table half way is PARTIAL with one record in its own frame: a cursor, below which the
 * entries hold what they name, and HOLDS if the entry at the cursor has a child under way
 * (hv/mem/table_run.c, invariant T4 of hv/mem/frame_type.c). It has one owner, cannot be pinned,
 * and everybody else is told -EBUSY. Whoever goes on, goes on from the record, not from what the
 * guest remembers.
 *
 * The tests stop the work after every single slice and do there what the exploits did. The audit
 * recounts all references from the raw tables each time; a record that counted twice or not at all
 * would show at once.
 * Catches: partial-starts-over, partial-pinned, partial-child-shared, partial-failed-entry-held,
 * partial-record-dropped, partial-failure-forgets-child, partial-holder-unmarked. */
#include "protocol/memory.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

/* Pages of Mallory's: a tree of tables, one that it maps, and other parents for each of the three parts. */
enum { T4 = 3, T3, T2, T1, DATA, OTHER4, OTHER3, OTHER2 };
#define SLICE 100u

static struct mmuext_op op;
static struct cpu_regs interrupted;

/* The guest executes `syscall` once. -ERESTART: it would execute it again. */
static int64_t attempt(void)
{
	struct cpu_regs *r = &mallory.v->ctx.regs;
	uint64_t rip = r->rip;
	r->rip = rip + 2;
	call_dispatch(mallory.v);
	world_check();
	bool again = r->rip == rip;
	r->rip = rip;
	interrupted = *r;
	work_run();
	return again ? -ERESTART : (int64_t)r->rax;
}

static int64_t attempt_mmuext(uint32_t cmd, unsigned page)
{
	struct cpu_regs *r = &mallory.v->ctx.regs;
	op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mallory.page[page].n };
	memcpy(at(&mallory, ARGS, 0), &op, sizeof op);
	r->rax = __HYPERVISOR_mmuext_op;
	r->rdi = va(ARGS, 0);
	r->rsi = 1;
	r->rdx = 0;
	r->r10 = DOMID_SELF;
	return attempt();
}

/* The first @slices of it; interrupts come at every window. */
static int64_t begin(uint32_t cmd, unsigned page, unsigned slices)
{
	world_preempt(1);
	int64_t rc = attempt_mmuext(cmd, page);
	while (slices-- > 0 && rc == -ERESTART)
		rc = attempt();
	world_preempt(0);
	return rc;
}

/* As it was interrupted with @regs, to the end. */
static int64_t finish(const struct cpu_regs *regs)
{
	int64_t rc;
	memcpy(at(&mallory, ARGS, 0), &op, sizeof op);
	mallory.v->ctx.regs = *regs;
	while ((rc = attempt()) == -ERESTART)
		;
	return rc;
}

static void tree_set(void)
{
	scene_set();
	table_slice = SLICE;
	*(uint64_t *)at(&mallory, T4, 0) = pte(mallory.page[T3], PTE_WRITE);
	*(uint64_t *)at(&mallory, T3, 0) = pte(mallory.page[T2], PTE_WRITE);
	*(uint64_t *)at(&mallory, T2, 0) = pte(mallory.page[T1], PTE_WRITE);
	for (unsigned i = 0; i < 300; i++)
		*(uint64_t *)at(&mallory, T1, 8 * i) = pte(mallory.page[DATA], PTE_WRITE);
	for (unsigned n = T4; n <= T1; n++)
		(void)unmapped(&mallory, n);
	for (unsigned n = T3; n <= T1; n++) {
		unsigned other = OTHER4 + (n - T3);
		*(uint64_t *)at(&mallory, other, 0) = pte(mallory.page[n], PTE_WRITE);
		(void)unmapped(&mallory, other);
	}
}

/* Pins it and lets go of it, if that is possible now. */
static void tried(unsigned page, unsigned level)
{
	if (pin(&mallory, mallory.page[page], level) == 0)
		WORKS(unpin(&mallory, mallory.page[page]));
}

/* What the validation was interrupted for: the top is claimed in all ways, the parts too. */
static void meddle(void)
{
	struct xen_memory_reservation r = { .extent_start = va(ARGS, 64), .nr_extents = 1, .domid = DOMID_SELF };
	REFUSED(pin(&mallory, mallory.page[T4], 3), EBUSY);
	REFUSED(pin(&mallory, mallory.page[T4], 1), EBUSY);
	REFUSED(unpin(&mallory, mallory.page[T4]), EINVAL);
	REFUSED(update_va(&mallory, va(T4, 0), pte(mallory.page[T4], PTE_WRITE), 0), EBUSY);
	REFUSED(update(&mallory, slot(mallory.l4, 5), pte(mallory.page[T4], 0)), EBUSY);
	memcpy(at(&mallory, ARGS, 0), &r, sizeof r);
	*(uint64_t *)at(&mallory, ARGS, 64) = mallory.page[T4].n;
	ck_assert_int_eq(call(mallory.v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, va(ARGS, 0)), 0);
	/* The parts are under way, ready, or not begun yet: what is under way is nobody else's, nor any other parent's. */
	for (unsigned i = 0; i < 3; i++) {
		tried(T3 + i, 3 - i);
		tried(OTHER4 + i, 4 - i);
	}
	if (update_va(&mallory, va(T1, 0), pte(mallory.page[T1], PTE_WRITE), 0) == 0)
		(void)unmapped(&mallory, T1);
}

static void plain_again(void)
{
	for (unsigned n = T4; n <= T1; n++)
		WORKS(update_va(&mallory, va(n, 0), pte(mallory.page[n], PTE_WRITE), 0));
	ck_assert_uint_eq(frame_refs_now(frame_of(mallory.page[DATA])), 2);	/* allocated, and mapped once */
}

/* XSA-45, XSA-264: begun, meddled with, finished, let go, for each place to stop. */
START_TEST(meddled_with_at_every_slice)
{
	unsigned slices = 0;
	for (int64_t rc = -ERESTART; rc == -ERESTART; slices++) {
		tree_set();
		rc = begin(MMUEXT_PIN_L4_TABLE, T4, slices);
		struct cpu_regs saved = interrupted;
		if (rc == -ERESTART) {
			meddle();
			WORKS(finish(&saved));
		}
		ck_assert(frame_is_pinned(frame_of(mallory.page[T4])));
		WORKS(unpin(&mallory, mallory.page[T4]));
		plain_again();
	}
	ck_assert_uint_gt(slices, 2000 / SLICE);
}
END_TEST

/* Begun and never finished: the domain dies of it, at any place, and nothing stays. */
START_TEST(abandoned_at_every_slice)
{
	for (int64_t rc = -ERESTART, slices = 0; rc == -ERESTART; slices++) {
		tree_set();
		rc = begin(MMUEXT_PIN_L4_TABLE, T4, (unsigned)slices);
		uint64_t freed = frame_free_count(), held = mallory.d->mem.frame_count;
		destroy(&mallory);
		ck_assert_uint_ge(frame_free_count(), freed + held);
	}
}
END_TEST

/* XSA-299: the entry that is checked last is bad. All that the others took is given back, once. */
START_TEST(last_entry_is_bad)
{
	for (unsigned slices = 0; slices < 40; slices++) {
		tree_set();
		((uint64_t *)host_frame(mallory.page[T1]))[511] = pte(victim.page[1], PTE_WRITE);
		int64_t rc = begin(MMUEXT_PIN_L4_TABLE, T4, slices);
		if (rc == -ERESTART)
			rc = finish(&interrupted);
		ck_assert_int_eq(rc, -EINVAL);
		plain_again();
	}
}
END_TEST

/* XSA-290, XSA-310: the way down is interrupted, and the tree is claimed again meanwhile. */
START_TEST(let_go_at_every_slice)
{
	unsigned slices = 0;
	for (int64_t rc = -ERESTART; rc == -ERESTART; slices++) {
		tree_set();
		WORKS(pin(&mallory, mallory.page[T4], 4));
		rc = begin(MMUEXT_UNPIN_TABLE, T4, slices);
		struct cpu_regs saved = interrupted;
		WORKS(pin(&mallory, mallory.page[T2], 2));
		WORKS(pin(&mallory, mallory.page[T4], 4));
		if (rc == -ERESTART)
			WORKS(finish(&saved));		/* long done, by those who came after */
		WORKS(unpin(&mallory, mallory.page[T4]));
		ck_assert_uint_eq(frame_type_now(frame_of(mallory.page[T1])), FT_L1);
		WORKS(unpin(&mallory, mallory.page[T2]));
		plain_again();
	}
	ck_assert_uint_gt(slices, 2000 / SLICE);
}
END_TEST

CHECK_MAIN("interrupted_validation", scene_set, NULL, meddled_with_at_every_slice,
	   abandoned_at_every_slice, last_entry_is_bad, let_go_at_every_slice)
