/* Machine frames: who owns each 4 KiB frame, how often it is referenced and what it is used as.
 * This machine is the isolation between guests. Rules T1..: frame_type.c. Layer: mem.
 * Counts change by compare-and-swap; a frame becomes a page table, or ceases to be one, only
 * under owner->lock.
 *
 * refs:  allocated (1) + pinned (1) + each present L1..L4 entry pointing to it + vCPU bases
 *        + map-track halves + short holds of a handler.   refs == 0 <=> free.
 * type:  each use that demands a type holds one type count beside its reference. */
#pragma once
#include "hv/base/atomic.h"
#include "hv/mem/owner.h"

#define FRAME_NONE 0xffffffffu

enum frame_type {
	FT_NONE, FT_WRITABLE, FT_SEGDESC,
	FT_L1, FT_L2, FT_L3, FT_L4,	/* page table of that level, validated when type count > 0 and not partial */
	FT_COUNT
};

struct frame {
	uint64_t refs;			/* count and flags, by compare-and-swap: frame_bits.h */
	uint64_t type;			/* type, its count and flags, by compare-and-swap: frame_bits.h */
	uint32_t next, prev;		/* owner's list of allocated frames (its lock), or free list */
	uint32_t epoch;			/* TLB epoch when the type count or the last reference went; link of
					 * owner->pending while the frame waits there */
	domid_t owner;
	uint16_t cursor;		/* partial table: entries below it hold their references */
};
static_assert(sizeof(struct frame) <= 32, "frame table budget");

struct frame *frame_of(mfn_t m);	/* NULL if @m is not RAM we manage */
mfn_t frame_mfn(const struct frame *f);
bool frame_is_ram(mfn_t m);
domid_t frame_owner(const struct frame *f);

/* Keep @m from being freed while we use it. 0 and *f; -ENOENT: not RAM; -EPERM: not owned by
 * @o; -EOVERFLOW: too many references. No lock. */
int frame_get(struct owner *o, mfn_t m, struct frame **f) MUST_CHECK;
/* One more reference to a frame that is held already. -EOVERFLOW. */
int frame_ref(struct frame *f) MUST_CHECK;
void frame_put(struct frame *f);

/* Take one count of @t on a frame we hold a reference to, validating a table if it had none of it.
 * Returns 0; -EBUSY: in use as another type, or somebody else is changing it; -EINVAL: its
 * content is not a valid table or descriptor page; -EOVERFLOW; -ERESTART: preempted (tables
 * only), progress is recorded in the frame, call again. FT_WRITABLE needs no particular lock; for
 * other types no lock of rank >= RANK_OWNER may be held. May flush TLBs. */
int frame_type_get(struct frame *f, enum frame_type t) MUST_CHECK;
/* Drop one count. The last one of a table starts its devalidation, which is left to
 * owner_run_pending(): until that is done the frame keeps its type (-EBUSY for others). The same lock rule. */
void frame_type_put(struct frame *f);
/* Both at once, the common case. */
int frame_get_with_type(struct owner *o, mfn_t m, enum frame_type t, struct frame **f) MUST_CHECK;
void frame_put_with_type(struct frame *f);
/* The count just taken on @f is for a mapping in another owner's tables: the next change of type flushes
 * every CPU, not only those that ran the owner. Call while holding the count. */
void frame_mark_foreign(struct frame *f);

/* Finish the devalidation of tables of @o whose last count went. 0: none left; -ERESTART: preempted,
 * call again. Hypercalls that may drop table types call it last (and mmu operations first). */
int owner_run_pending(struct owner *o) MUST_CHECK;
static inline bool owner_has_pending(const struct owner *o) { return READ_ONCE(o->pending) != FRAME_NONE; }

enum frame_type frame_type_now(const struct frame *f);	/* FT_NONE when the count is zero */
uint64_t frame_refs_now(const struct frame *f);
uint64_t frame_type_count_now(const struct frame *f);
bool frame_is_pinned(const struct frame *f);

/* Allocation for domains. Frames are zero (I14) and on @o's list; each has the `allocated` reference and stands
 * for a pseudo-physical number from @first on (M2P_INVALID: for none). Its owner, or whoever ends it, may take the frame
 * away again before this returns.
 * @order contiguous and aligned, below 1 << @addr_bits (0 = anywhere). -ENOMEM: none left, over
 * frame_max, or o->is_dying. */
int frame_alloc(struct owner *o, unsigned order, unsigned addr_bits, pfn_t first, mfn_t *out) MUST_CHECK;
/* The same for frames that take the place of others, which @o gives back right after: not held against frame_max,
 * although it has both for a moment (and is given no others meanwhile). */
int frame_alloc_instead(struct owner *o, unsigned order, unsigned addr_bits, pfn_t first, mfn_t *out) MUST_CHECK;
/* Give back the `allocated` reference (once per frame; -EINVAL if already given back or not @o's; -EBUSY:
 * it is a page table). The frame is free when the last reference goes, and scrubbed before it is given out
 * again. */
int frame_release(struct owner *o, mfn_t m) MUST_CHECK;
/* Take a frame away from @o, whose `allocated` reference the caller then has: to drop, or to give back by frame_attach().
 * -EINVAL: not @o's, not allocated to it, or anything else refers to it. */
int frame_detach(struct owner *o, mfn_t m) MUST_CHECK;
void frame_attach(struct owner *o, mfn_t m);
/* A frame of ours that guests may map writable (shared_info, grant table, vcpu pages): owned by
 * @o (so that foreign-map checks pass), not counted against frame_max. */
int frame_alloc_shared(struct owner *o, mfn_t *out) MUST_CHECK;
void frame_free_shared(struct owner *o, mfn_t m);

/* Pins of mmuext: one reference and one type count kept by a flag. */
int frame_pin(struct owner *o, mfn_t m, enum frame_type t) MUST_CHECK;	/* -EINVAL: pinned already; -ERESTART */
int frame_unpin(struct owner *o, mfn_t m) MUST_CHECK;	/* -EINVAL: not pinned; the rest is pending work */

/* Domain death: drop pins, relinquish all frames. 0 done, -ERESTART: call again. Call only when o->is_dying and no
 * vCPU base and no map-track of the domain remains. owner_is_empty() tells when the last frame that others
 * still had mapped is gone as well. */
int owner_relinquish(struct owner *o) MUST_CHECK;

/* Machine-to-physical table, shared read-only with guests. */
void m2p_set(mfn_t m, pfn_t p);
pfn_t m2p_get(mfn_t m);
#define M2P_INVALID (~0ull)
extern uint64_t *m2p_table;		/* indexed by MFN */
uint64_t frame_max_mfn(void);		/* highest RAM MFN + 1 */

/* Boot: where RAM is. Called by hv/boot (or the host CPU) in this order. */
void frame_table_init(struct frame *table, uint64_t *m2p, uint64_t max_mfn);
void frame_table_add_ram(mfn_t start, uint64_t count);	/* becomes free memory */
uint64_t frame_free_count(void);	/* free frames of the machine */
uint64_t frame_total_count(void);
/* A reference or type count never exceeds this (tests lower it): -EOVERFLOW. */
extern uint64_t frame_count_limit;
