/* What a frame is used as: the machine that keeps guests apart.
 *
 * A guest runs on page tables it wrote itself, so every table it uses must be one that we checked and
 * that it cannot write. Each frame therefore has one type at a time and a count of the uses that
 * demand it: a writable mapping demands FT_WRITABLE, an entry of an L3 demands FT_L2 of its target, a
 * base pointer FT_L4, a descriptor-table page FT_SEGDESC. Mappings that are only read demand nothing.
 * A different type can be taken only when the count is zero; so a frame with a writable mapping
 * never is a table, and a table never has a writable mapping. When the first count of a table type is
 * taken, its entries are checked and each takes a reference and a count on its own target, which
 * checks that in turn; when the last one goes, the entries let go (table_run.c).
 *
 * INVARIANT T1: the type changes only while the count is zero.
 * INVARIANT T2: count > 0 and neither BUSY nor PARTIAL => the content is checked: every present entry of
 *               a table holds one reference and the count its level demands.
 * INVARIANT T3: tables have levels 4 to 1 and entries of L(n) name L(n-1) only, of the same owner.
 *               There are no linear tables and no large pages, hence no cycles and no recursion.
 * INVARIANT T4: PARTIAL => count is 1 and has exactly one holder: the entry of the parent that has
 *               HOLDS and its cursor there, or, with TOP, the record itself. Entries below the
 *               cursor hold, the others do not. PARTIAL excludes PINNED.
 * INVARIANT T5: a type other than the previous one becomes usable only when no CPU can still
 *               use a translation or table pointer from the time before (the flush rule, below).
 * INVARIANT T6: only allocated frames (on the owner's list) are tables.
 *
 * Locks. Counts that are and stay above zero change by compare-and-swap. 0 -> WRITABLE or SEGDESC is
 * one compare-and-swap too, with BUSY while the flush runs; those who meet BUSY wait. 0 -> table, PARTIAL,
 * and the last count of a table happen under the owner's lock; whoever holds that lock and
 * sees a usable table may therefore rely on it without a count of its own.
 *
 * The flush rule. Entries are removed from memory before their counts are dropped. The drop to
 * zero stamps the frame with the TLB epoch, read after the count was seen to be 1 (so after every
 * earlier drop). Taking another type flushes the CPUs that may hold the owner's translations and
 * have not flushed since; every CPU, if the frame was mapped by other owners (FOREIGN). The flush
 * covers stale pointers to the frame as a table as well as stale writable mappings.
 *
 * Neighbours: table_run.c (up and down), table_entry.c (what one entry may hold), segdesc.c. */
#include "hv/base/errno.h"
#include "hv/core/panic.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/segdesc.h"
#include "hv/mem/table_run.h"

void frame_flush_for_type_change(struct frame *f, uint64_t old)
{
	struct owner *o = owner_by_domid(f->owner);
	cpumask_t mask = old & TY_FOREIGN ? cpu_online_mask() : READ_ONCE(o->dirty_cpus);
	mask = cpu_tlb_filter(mask, READ_ONCE(f->epoch));
	if (mask)
		cpu_tlb_flush(mask);
}

/* The first count of FT_WRITABLE or FT_SEGDESC. False: *w was refreshed, look again. A descriptor page that was
 * nothing else since its last use is as it was (writing demands another type). */
static bool simple_take_first(struct frame *f, enum frame_type t, uint64_t *w, int *rc)
{
	enum frame_type before = ty_type(*w);
	bool flush = before != t && before != FT_NONE, check = before != t && t == FT_SEGDESC;
	uint64_t old = *w, foreign = flush ? 0 : old & TY_FOREIGN, next = ty_make(t, 1) | foreign;
	*rc = 0;
	if (!ATOMIC_CAS(&f->type, w, next | (flush || check ? TY_BUSY : 0)))
		return false;
	if (!flush && !check)
		return true;
	if (flush)
		frame_flush_for_type_change(f, old);
	if (check && !segdesc_page_check(frame_mfn(f))) {
		*rc = -EINVAL;
		next = foreign;
	}
	STORE_RELEASE(&f->type, next);
	return true;
}

int frame_type_get(struct frame *f, enum frame_type t)
{
	uint64_t w = type_word(f);
	int rc;
	for (;;) {
		if ((w & TY_COUNT) == 0) {
			if (t >= FT_L1)
				return table_type_get(f, t);
			if (simple_take_first(f, t, &w, &rc))
				return rc;
			continue;
		}
		if (ty_type(w) != t)
			return -EBUSY;
		if (UNLIKELY(w & TY_PARTIAL))
			return table_type_get(f, t);
		if (UNLIKELY(w & TY_BUSY)) {
			cpu_relax();
			w = type_word(f);
			continue;
		}
		if (UNLIKELY((w & TY_COUNT) >= frame_count_limit))
			return -EOVERFLOW;
		if (ATOMIC_CAS(&f->type, &w, w + 1))
			return 0;
	}
}

void frame_type_put(struct frame *f)
{
	uint64_t w = type_word(f);
	for (;;) {
		ASSERT((w & TY_COUNT) != 0 && !(w & TY_BUSY));
		if ((w & TY_COUNT) == 1) {
			if (ty_type(w) >= FT_L1) {
				table_type_put_last(f);
				return;
			}
			WRITE_ONCE(f->epoch, cpu_tlb_epoch());
		}
		if (ATOMIC_CAS(&f->type, &w, w - 1))
			return;
	}
}

void frame_mark_foreign(struct frame *f)
{
	if (!(type_word(f) & TY_FOREIGN))
		ATOMIC_OR(&f->type, TY_FOREIGN);
}

/* --- pins --- */

int frame_pin(struct owner *o, mfn_t m, enum frame_type t)
{
	struct frame *f;
	ASSERT(t >= FT_L1 && t <= FT_L4);
	int rc = frame_get_with_type(o, m, t, &f);
	if (rc)
		return rc;
	if (ATOMIC_OR(&f->type, TY_PINNED) & TY_PINNED) {
		frame_put_with_type(f);
		return -EINVAL;
	}
	return 0;
}

int frame_unpin(struct owner *o, mfn_t m)
{
	struct frame *f;
	int rc = frame_get(o, m, &f);
	if (rc)
		return rc == -EOVERFLOW ? rc : -EINVAL;
	if (ATOMIC_AND(&f->type, ~TY_PINNED) & TY_PINNED)
		frame_put_with_type(f);
	else
		rc = -EINVAL;
	frame_put(f);
	return rc;
}
