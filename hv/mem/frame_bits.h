/* Bits of struct frame's two words. Only for the files of hv/mem that keep them (not the audit). */
#pragma once
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/mem/frame.h"

/* refs */
#define REF_COUNT	((1ull << 48) - 1)
#define REF_ALLOCATED	(1ull << 63)	/* one of the references is the allocation itself */
#define REF_SHARED	(1ull << 62)	/* frame_alloc_shared(): counted in owner->shared_count */

/* type */
#define TY_COUNT	((1ull << 48) - 1)
#define TY_SHIFT	48		/* enum frame_type, 3 bits; stays when the count drops to 0 */
#define TY_BUSY		(1ull << 53)	/* first count just taken: flush or descriptor check under way */
#define TY_PARTIAL	(1ull << 54)	/* a table on its way up or down; count is 1 (rule T4) */
#define TY_HOLDS	(1ull << 55)	/* partial: the entry at cursor holds a partial child */
#define TY_DOWN		(1ull << 56)	/* partial: entries are being dropped */
#define TY_TOP		(1ull << 57)	/* partial: the record itself holds the count, and a reference */
#define TY_QUEUED	(1ull << 58)	/* partial top on owner->pending */
#define TY_PINNED	(1ull << 59)	/* one count and one reference belong to the pin */
#define TY_FOREIGN	(1ull << 60)	/* was mapped by others than the owner since the last flush */

/* Owner numbers of frames nobody owns. */
#define OWNER_FREE	0xfffeu
#define OWNER_NO_RAM	0xffffu

extern struct frame *frame_table;
extern uint64_t frame_table_size;

static inline enum frame_type ty_type(uint64_t w) { return (enum frame_type)(w >> TY_SHIFT & 7); }
static inline uint64_t ty_make(enum frame_type t, uint64_t count) { return (uint64_t)t << TY_SHIFT | count; }
/* The type is established: counts of it may be taken and relied on. */
static inline bool ty_is_usable(uint64_t w) { return (w & TY_COUNT) && !(w & (TY_BUSY | TY_PARTIAL)); }
static inline uint64_t type_word(const struct frame *f) { return LOAD_ACQUIRE(&f->type); }
/* The same for one type, in two tests. */
static inline bool ty_is_usable_as(uint64_t w, enum frame_type t)
{
	return ((w ^ ty_make(t, 0)) & (7ull << TY_SHIFT | TY_BUSY | TY_PARTIAL)) == 0 && (w & TY_COUNT) != 0;
}
static inline struct frame *frame_at(uint32_t m) { return &frame_table[m]; }
static inline uint32_t frame_index(const struct frame *f) { return (uint32_t)(f - frame_table); }

/* frame_of() for the hot paths. */
static inline struct frame *frame_lookup(uint64_t m)
{
	if (UNLIKELY(m >= frame_table_size))
		return NULL;
	struct frame *f = &frame_table[index_nospec(m, frame_table_size)];
	return LIKELY(READ_ONCE(f->owner) != OWNER_NO_RAM) ? f : NULL;
}
/* Count one more reference; -ENOENT if the frame is free. */
static inline int ref_take(struct frame *f)
{
	uint64_t refs = READ_ONCE(f->refs);
	do {
		if (UNLIKELY((refs & REF_COUNT) == 0))
			return -ENOENT;
		if (UNLIKELY((refs & REF_COUNT) >= frame_count_limit))
			return -EOVERFLOW;
	} while (UNLIKELY(!ATOMIC_CAS(&f->refs, &refs, refs + 1)));
	return 0;
}
/* Drop one that is not the last; false if it is. */
static inline bool ref_drop(struct frame *f)
{
	uint64_t refs = READ_ONCE(f->refs);
	do {
		if (UNLIKELY((refs & REF_COUNT) <= 1))
			return false;
	} while (UNLIKELY(!ATOMIC_CAS(&f->refs, &refs, refs - 1)));
	return true;
}
/* One more count of a type that is established; false if it is not, or at the limit. */
static inline bool type_take(struct frame *f, enum frame_type t)
{
	uint64_t w = type_word(f);
	do {
		if (!ty_is_usable_as(w, t) || (w & TY_COUNT) >= frame_count_limit)
			return false;
	} while (UNLIKELY(!ATOMIC_CAS(&f->type, &w, w + 1)));
	return true;
}
/* One count less, unless it is the last. */
static inline bool type_drop(struct frame *f)
{
	uint64_t w = type_word(f);
	do {
		if ((w & TY_COUNT) <= 1)
			return false;
	} while (UNLIKELY(!ATOMIC_CAS(&f->type, &w, w - 1)));
	return true;
}

/* frame.c: the last reference of @f went. */
void frame_free(struct frame *f);
/* frame_alloc.c: put a scrubbed, allocated frame on its owner's list, or take it off. Owner's lock. */
void frame_list_add(struct owner *o, struct frame *f);
void frame_list_remove(struct owner *o, struct frame *f);
/* table_run.c: give up a partial table that nobody waits for; becomes pending work. Takes the owner's lock. */
void frame_drop_top(struct owner *o, struct frame *f);
/* frame_type.c: wait until no CPU can use a translation that the frame's earlier use allowed. */
void frame_flush_for_type_change(struct frame *f, uint64_t old_word);
/* Forget everything (frame_table_init()). */
void owner_table_init(void);
void heap_init(void);
