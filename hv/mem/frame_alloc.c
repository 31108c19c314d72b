/* Who gets frames: allocation to domains, giving back, frames shared with the hypervisor, and the
 * end of an owner.
 *
 * Rules: a frame leaves the pool dirty; before its new owner can reach it every CPU that may hold
 * an old translation has flushed, then it is cleared (I14). Frames are counted against frame_max
 * before they are taken. The owner's list holds exactly the frames with REF_ALLOCATED; tables
 * are always among them, because a released frame may not become one.
 * Neighbours: pool.c (free frames), frame_type.c, table_run.c (tearing down tables). */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/pool.h"

/* --- the list: circular, by frame number --- */

void frame_list_add(struct owner *o, struct frame *f)
{
	uint32_t m = frame_index(f);
	if (o->first == FRAME_NONE) {
		f->next = f->prev = m;
		o->first = m;
		return;
	}
	struct frame *head = frame_at(o->first), *tail = frame_at(head->prev);
	f->next = o->first;
	f->prev = head->prev;
	tail->next = m;
	head->prev = m;
}

void frame_list_remove(struct owner *o, struct frame *f)
{
	uint32_t m = frame_index(f);
	if (f->next == m) {
		o->first = FRAME_NONE;
		return;
	}
	frame_at(f->next)->prev = f->prev;
	frame_at(f->prev)->next = f->next;
	if (o->first == m)
		o->first = f->next;
}

/* --- giving out --- */

/* A look at each of 2^@order frames; only the hypervisor itself asks for more than fit between two checks. */
static void frames_count(unsigned order)
{
	for (uint32_t n = 0; n < 1u << order; n += PREEMPT_ENTRIES)
		preempt_count((uint32_t)min_u64(1u << order, PREEMPT_ENTRIES));
}

static void frames_clean(uint32_t m, unsigned order)
{
	frames_count(order);
	cpu_tlb_flush(pool_stale_cpus(m, order));
	for (uint32_t i = 0; i < 1u << order; i++) {
		preempt_count(PREEMPT_ITEM);
		void *p = frame_map(mfn(m + i));
		memset(p, 0, PAGE_SIZE);
		frame_unmap(p);
	}
}

/* Make a frame from the pool @o's, with the allocated reference. Its M2P entry is set: who takes it away may do so from
 * here on, and then the entry is another's. */
static void frame_adopt(struct owner *o, struct frame *f, uint64_t type, uint64_t flags)
{
	WRITE_ONCE(f->owner, o->domid);
	WRITE_ONCE(f->type, type);
	WRITE_ONCE(f->cursor, 0);
	/* From here on the owner's vCPUs can find it. */
	STORE_RELEASE(&f->refs, REF_ALLOCATED | flags | 1);
}

/* @limited: held against frame_max. */
static bool owner_charge(struct owner *o, uint64_t frames, bool limited)
{
	bool fits;
	lock(&o->lock);
	uint64_t have = READ_ONCE(o->frame_count), max = limited ? o->frame_max : ~0ull;
	fits = !o->is_dying && have <= max && frames <= max - have;
	if (fits)
		ATOMIC_ADD(&o->frame_count, frames);
	unlock(&o->lock);
	return fits;
}

static int alloc_within(
	struct owner *o, unsigned order, unsigned addr_bits, pfn_t first, bool limited, mfn_t *out)
{
	if (order > POOL_MAX_ORDER || !owner_charge(o, 1ull << order, limited))
		return -ENOMEM;
	uint32_t m = pool_take(order, addr_bits);
	if (m == FRAME_NONE) {
		ATOMIC_SUB(&o->frame_count, 1ull << order);
		return -ENOMEM;
	}
	frames_clean(m, order);
	frames_count(order);
	lock(&o->lock);
	bool dying = o->is_dying;
	for (uint32_t i = 0; i < 1u << order && !dying; i++) {
		if (first.n != M2P_INVALID)
			m2p_set(mfn(m + i), pfn(first.n + i));
		frame_adopt(o, frame_at(m + i), 0, 0);
		frame_list_add(o, frame_at(m + i));
	}
	unlock(&o->lock);
	if (dying) {
		pool_give(m, order);
		ATOMIC_SUB(&o->frame_count, 1ull << order);
		return -ENOMEM;
	}
	*out = mfn(m);
	return 0;
}

int frame_alloc(struct owner *o, unsigned order, unsigned addr_bits, pfn_t first, mfn_t *out)
{
	return alloc_within(o, order, addr_bits, first, true, out);
}

int frame_alloc_instead(struct owner *o, unsigned order, unsigned addr_bits, pfn_t first, mfn_t *out)
{
	return alloc_within(o, order, addr_bits, first, false, out);
}

int frame_release(struct owner *o, mfn_t m)
{
	struct frame *f = frame_of(m);
	if (!f)
		return -EINVAL;
	lock(&o->lock);
	uint64_t refs = READ_ONCE(f->refs);
	int rc = 0;
	if (READ_ONCE(f->owner) != o->domid || (refs & (REF_ALLOCATED | REF_SHARED)) != REF_ALLOCATED)
		rc = -EINVAL;
	else if (frame_type_now(f) >= FT_L1)
		rc = -EBUSY;
	if (rc == 0) {
		frame_list_remove(o, f);
		ATOMIC_AND(&f->refs, ~REF_ALLOCATED);
	}
	unlock(&o->lock);
	if (rc == 0)
		frame_put(f);
	return rc;
}

int frame_detach(struct owner *o, mfn_t m)
{
	struct frame *f = frame_of(m);
	uint64_t sole = REF_ALLOCATED | 1;
	if (!f)
		return -EINVAL;
	lock(&o->lock);
	int rc = READ_ONCE(f->owner) == o->domid && ATOMIC_CAS(&f->refs, &sole, 1ull) ? 0 : -EINVAL;
	if (rc == 0)
		frame_list_remove(o, f);
	unlock(&o->lock);
	return rc;
}

void frame_attach(struct owner *o, mfn_t m)
{
	struct frame *f = frame_of(m);
	lock(&o->lock);
	ATOMIC_OR(&f->refs, REF_ALLOCATED);
	frame_list_add(o, f);
	unlock(&o->lock);
}

int frame_alloc_shared(struct owner *o, mfn_t *out)
{
	uint32_t m = READ_ONCE(o->is_dying) ? FRAME_NONE : pool_take(0, 0);
	if (m == FRAME_NONE)
		return -ENOMEM;
	frames_clean(m, 0);
	ATOMIC_ADD(&o->shared_count, 1ull);
	/* We write it ourselves, so it is writable and nothing else, as long as we hold it. */
	frame_adopt(o, frame_at(m), ty_make(FT_WRITABLE, 1), REF_SHARED);
	*out = mfn(m);
	return 0;
}

void frame_free_shared(struct owner *o, mfn_t m)
{
	struct frame *f = frame_of(m);
	ASSERT(f && f->owner == o->domid && (f->refs & REF_SHARED) && (f->refs & REF_ALLOCATED));
	ATOMIC_AND(&f->refs, ~REF_ALLOCATED);
	frame_put_with_type(f);
}

/* --- the end of an owner --- */

/* Let go of the frame at the head of the list, or, if it is still a table of some other table, pass it over.
 * True if the list became shorter or something else moved on. */
static bool relinquish_head(struct owner *o)
{
	struct frame *f = frame_at(o->first);
	uint64_t w = type_word(f);
	if (w & TY_PINNED) {
		/* The pin's own reference and count: one more to hold it by could be one too many. */
		if (ATOMIC_AND(&f->type, ~TY_PINNED) & TY_PINNED)
			frame_put_with_type(f);
		return true;
	}
	if ((w & (TY_TOP | TY_QUEUED)) == TY_TOP) {
		frame_drop_top(o, f);
		return true;
	}
	if (frame_release(o, frame_mfn(f)) == 0)
		return true;
	o->first = f->next;
	return false;
}

int owner_relinquish(struct owner *o)
{
	ASSERT(o->is_dying);
	for (;;) {
		preempt_count(PREEMPT_ITEM);
		if (owner_run_pending(o))
			return -ERESTART;
		if (o->first == FRAME_NONE)
			return 0;
		o->rotations = relinquish_head(o) ? 0 : o->rotations + 1;
		/* Every table passed over twice: a handler on another CPU still holds one. It will not for long. */
		bool stuck = o->rotations > 2 * READ_ONCE(o->frame_count);
		if (stuck)
			o->rotations = 0;
		if (stuck || preempt_due())
			return -ERESTART;
	}
}
