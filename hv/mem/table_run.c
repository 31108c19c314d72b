/* Taking a tree of tables up (checking it) and down (letting go), in preemptible slices.
 *
 * The state of the work is in the frames, not in the caller: a table on its way is PARTIAL, its
 * `cursor` says how far it is, DOWN says in which direction, and HOLDS that the entry at the cursor
 * has a child that is on its way itself. So a slice starts at the top, follows HOLDS down to where the
 * work stopped (at most 4 levels), goes on, and may stop anywhere. A check that fails turns the table
 * around: its entries below the cursor let go, then its parent turns around, up to the top.
 *
 *   child ends UP    its one count now belongs to the parent's entry; the cursor moves past it
 *   child ends DOWN  its count is gone and with it the entry's reference; a parent that is going
 *                    up has failed and turns, one that is going down goes on below the cursor
 *
 * The top's record (TOP) holds one count and one reference; at the end UP hands the count to whoever
 * asked. Tops that are let go wait on owner->pending (QUEUED), linked by `epoch`.
 * Everything here runs under the owner's lock; between slices it is dropped, and whoever comes back
 * looks at the state anew. Rules: T2-T6 in frame_type.c. */
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/table_entry.h"
#include "hv/mem/table_run.h"

unsigned table_entries = PAGE_SIZE / 8;
unsigned table_slice = 512;
const uint64_t *table_hv_slots;

enum run_end { RUN_UP, RUN_DOWN, RUN_MORE };
struct run {
	struct owner *owner;
	struct frame *at[4];		/* from the top to the table being worked on */
	unsigned depth;
	unsigned budget;
};

/* --- taking the first count --- */

/* 0 -> partial table of type @t at cursor 0. The caller holds a reference and the lock. */
static int table_begin(struct frame *f, enum frame_type t, uint64_t flags)
{
	uint64_t w = type_word(f), next;
	bool flush;
	if (!(READ_ONCE(f->refs) & REF_ALLOCATED))
		return -EBUSY;
	do {
		if (w & TY_COUNT)
			return -EBUSY;
		flush = ty_type(w) != t && ty_type(w) != FT_NONE;
		next = ty_make(t, 1) | TY_PARTIAL | flags | (flush ? 0 : w & TY_FOREIGN);
	} while (!ATOMIC_CAS(&f->type, &w, next));
	f->cursor = 0;
	if (flush)
		frame_flush_for_type_change(f, w);
	return 0;
}

/* --- one level, upwards --- */

static void step_turn(struct frame *f)
{
	ATOMIC_OR(&f->type, TY_DOWN);
}

/* Store @want over @entry, which only the CPU's accessed and dirty bits can have changed. */
static bool entry_fix(uint64_t *p, uint64_t entry, uint64_t want)
{
	return want == entry || ATOMIC_CAS(p, &entry, want);
}

static void l1_up(struct run *r, struct frame *f, uint64_t *p)
{
	unsigned i = f->cursor;
	while (i < table_entries && r->budget > 0) {
		uint64_t entry = READ_ONCE(p[i]), want;
		r->budget--;
		if (entry != 0) {
			if (l1_entry_take(r->owner, r->owner, entry, &want)) {
				step_turn(f);
				break;
			}
			if (!entry_fix(&p[i], entry, want)) {
				l1_entry_drop(want);
				continue;
			}
		}
		i++;
	}
	f->cursor = (uint16_t)i;
}

/* Take the child that @entry of a table of @level names, if it is ready; else begin it. *begun tells.
 * A partial child has another holder and is not ours to join (T4). */
static int child_up(struct run *r, unsigned level, uint64_t entry, struct frame **begun)
{
	enum frame_type t = (enum frame_type)(FT_L1 + level - 2);
	struct frame *c;
	int rc = frame_get(r->owner, pte_mfn(entry), &c);
	if (rc)
		return rc;
	if (frame_type_count_now(c) > 0) {
		rc = type_take(c, t) ? 0 : -EBUSY;
	} else {
		rc = table_begin(c, t, 0);
		if (rc == 0)
			*begun = c;
	}
	if (rc)
		frame_put(c);
	return rc;
}

/* Go on with a table of L2..L4; returns a child that was begun. */
static struct frame *upper_up(struct run *r, struct frame *f, unsigned level, uint64_t *p)
{
	struct frame *begun = NULL;
	unsigned i = f->cursor;
	while (i < table_entries && r->budget > 0 && !begun) {
		uint64_t entry = READ_ONCE(p[i]), want;
		r->budget--;
		if (entry != 0 && !(level == 4 && l4_slot_is_hv(i))) {
			if (upper_entry_check(entry, &want)) {
				step_turn(f);
				break;
			}
			if (!entry_fix(&p[i], entry, want))
				continue;
			if ((want & PTE_PRESENT) && child_up(r, level, want, &begun)) {
				step_turn(f);
				break;
			}
		}
		if (!begun)
			i++;
	}
	f->cursor = (uint16_t)i;
	return begun;
}

/* --- one level, downwards --- */

static void l1_down(struct run *r, struct frame *f, const uint64_t *p)
{
	while (f->cursor > 0 && r->budget > 0) {
		r->budget--;
		l1_entry_drop(READ_ONCE(p[--f->cursor]));
	}
}

/* Let go of a child; true if that was its last count: then it is partial and on its way down. */
static bool child_down(struct frame *c)
{
	uint64_t w = type_word(c), next;
	do {
		ASSERT(ty_is_usable(w));
		next = (w & TY_COUNT) > 1 ? w - 1 : w | TY_PARTIAL | TY_DOWN;
		ASSERT((w & TY_COUNT) > 1 || !(w & TY_PINNED));
	} while (!ATOMIC_CAS(&c->type, &w, next));
	if (!(next & TY_PARTIAL)) {
		frame_put(c);
		return false;
	}
	c->cursor = (uint16_t)table_entries;
	return true;
}

static struct frame *upper_down(struct run *r, struct frame *f, unsigned level, const uint64_t *p)
{
	while (f->cursor > 0 && r->budget > 0) {
		unsigned i = --f->cursor;
		uint64_t entry = READ_ONCE(p[i]);
		r->budget--;
		if (!(entry & PTE_PRESENT) || (level == 4 && l4_slot_is_hv(i)))
			continue;
		struct frame *c = frame_of(pte_mfn(entry));
		ASSERT(c);
		if (child_down(c))
			return c;
	}
	return NULL;
}

/* --- the walk --- */

static void run_push(struct run *r, struct frame *child)
{
	ATOMIC_OR(&r->at[r->depth]->type, TY_HOLDS);
	ASSERT(r->depth < 3);
	r->at[++r->depth] = child;
}

/* Follow HOLDS to the table where the work stopped. A table going down takes its children with it. */
static void run_find(struct run *r)
{
	uint64_t w;
	while ((w = type_word(r->at[r->depth])) & TY_HOLDS) {
		struct frame *f = r->at[r->depth];
		const uint64_t *p = frame_map(frame_mfn(f));
		struct frame *c = frame_of(pte_mfn(READ_ONCE(p[f->cursor])));
		frame_unmap(p);
		ASSERT(c && r->depth < 3 && (type_word(c) & TY_PARTIAL));
		if (w & TY_DOWN)
			step_turn(c);
		r->at[++r->depth] = c;
	}
}

static bool table_is_up(const struct frame *f)
{
	return !(type_word(f) & TY_DOWN) && f->cursor == table_entries;
}

static bool table_is_down(const struct frame *f)
{
	return (type_word(f) & TY_DOWN) && f->cursor == 0;
}

/* Our own part of a finished L4. */
static void l4_complete(const struct frame *f)
{
	uint64_t *p = frame_map(frame_mfn(f));
	for (unsigned i = 0; i < HV_L4_COUNT && HV_L4_FIRST + i < table_entries; i++)
		WRITE_ONCE(p[HV_L4_FIRST + i], table_hv_slots ? table_hv_slots[i] : 0);
	frame_unmap(p);
}

/* The table at the bottom of the stack is finished: tell its parent. */
static void run_pop(struct run *r, bool up)
{
	struct frame *f = r->at[r->depth];
	if (up) {
		if (ty_type(type_word(f)) == FT_L4)
			l4_complete(f);
		ATOMIC_AND(&f->type, ~(TY_PARTIAL | TY_TOP));
	} else {
		f->epoch = cpu_tlb_epoch();
		ATOMIC_AND(&f->type, (7ull << TY_SHIFT) | TY_FOREIGN);
	}
	if (r->depth == 0)
		return;
	struct frame *parent = r->at[--r->depth];
	ATOMIC_AND(&parent->type, ~TY_HOLDS);
	if (up) {
		parent->cursor++;
	} else {
		frame_put(f);
		step_turn(parent);
	}
}

/* One stretch of work on the table at the bottom of the stack. */
static void run_step(struct run *r)
{
	struct frame *f = r->at[r->depth], *child = NULL;
	uint64_t w = type_word(f);
	unsigned level = table_level(ty_type(w));
	uint64_t *p = frame_map(frame_mfn(f));
	if (w & TY_DOWN) {
		if (level == 1)
			l1_down(r, f, p);
		else
			child = upper_down(r, f, level, p);
	} else {
		if (level == 1)
			l1_up(r, f, p);
		else
			child = upper_up(r, f, level, p);
	}
	frame_unmap(p);
	if (child)
		run_push(r, child);
}

static enum run_end table_run(struct owner *o, struct frame *top, unsigned *budget)
{
	struct run r = { .owner = o, .at = { top }, .budget = *budget };
	enum run_end end = RUN_MORE;
	ASSERT(lock_is_held(&o->lock) && (type_word(top) & TY_TOP));
	run_find(&r);
	while (end == RUN_MORE && r.budget > 0) {
		run_step(&r);
		while (end == RUN_MORE && (table_is_up(r.at[r.depth]) || table_is_down(r.at[r.depth]))) {
			bool up = table_is_up(r.at[r.depth]);
			bool last = r.depth == 0;
			run_pop(&r, up);
			if (last)
				end = up ? RUN_UP : RUN_DOWN;
		}
	}
	preempt_count(*budget - r.budget);
	*budget = r.budget;
	return end;
}

/* --- tops --- */

/* Entries to look at before a preemption check. */
static unsigned slice(void)
{
	unsigned room = preempt_room();
	return room < table_slice ? room : table_slice;
}

/* One slice. 0, -EAGAIN: not finished, or an error. Lock held. */
static int type_get_slice(struct owner *o, struct frame *f, enum frame_type t, unsigned budget)
{
	uint64_t w = type_word(f);
	if ((w & TY_COUNT) == 0) {
		int rc = table_begin(f, t, TY_TOP);
		if (rc)
			return rc;
		ATOMIC_ADD(&f->refs, 1ull);	/* the record's; not limited, it is one per frame */
	} else if (ty_type(w) != t) {
		return -EBUSY;
	} else if (ty_is_usable(w)) {
		return type_take(f, t) ? 0 : -EOVERFLOW;
	} else if ((w & (TY_TOP | TY_QUEUED)) != TY_TOP) {
		return -EBUSY;
	}
	enum run_end end = table_run(o, f, &budget);
	if (end == RUN_MORE)
		return -EAGAIN;
	frame_put(f);	/* the record's; the caller has its own */
	return end == RUN_UP ? 0 : -EINVAL;
}

int table_type_get(struct frame *f, enum frame_type t)
{
	struct owner *o = owner_by_domid(f->owner);
	for (;;) {
		unsigned budget = slice();
		lock(&o->lock);
		int rc = type_get_slice(o, f, t, budget);
		unlock(&o->lock);
		if (rc != -EAGAIN)
			return rc;
		if (preempt_needed())
			return -ERESTART;
	}
}

static void pending_push(struct owner *o, struct frame *f)
{
	f->epoch = o->pending;
	WRITE_ONCE(o->pending, frame_index(f));
}

void table_type_put_last(struct frame *f)
{
	struct owner *o = owner_by_domid(f->owner);
	uint64_t w, next;
	lock(&o->lock);
	w = type_word(f);
	do {
		ASSERT(ty_is_usable(w));
		next = (w & TY_COUNT) > 1 ? w - 1 : w | TY_PARTIAL | TY_DOWN | TY_TOP | TY_QUEUED;
	} while (!ATOMIC_CAS(&f->type, &w, next));
	if (next & TY_PARTIAL) {
		ASSERT(!(next & TY_PINNED));
		f->cursor = (uint16_t)table_entries;
		ATOMIC_ADD(&f->refs, 1ull);
		pending_push(o, f);
	}
	unlock(&o->lock);
}

void frame_drop_top(struct owner *o, struct frame *f)
{
	lock(&o->lock);
	if ((type_word(f) & (TY_TOP | TY_QUEUED)) == TY_TOP) {
		ATOMIC_OR(&f->type, TY_DOWN | TY_QUEUED);
		pending_push(o, f);
	}
	unlock(&o->lock);
}

int owner_run_pending(struct owner *o)
{
	while (READ_ONCE(o->pending) != FRAME_NONE) {
		unsigned budget = slice();
		lock(&o->lock);
		if (o->pending != FRAME_NONE) {
			struct frame *f = frame_at(o->pending);
			uint32_t next = f->epoch;
			if (table_run(o, f, &budget) == RUN_DOWN) {
				WRITE_ONCE(o->pending, next);
				frame_put(f);
			}
		}
		unlock(&o->lock);
		if (budget == 0 && preempt_needed())
			return -ERESTART;
	}
	return 0;
}
