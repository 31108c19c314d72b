/* The frame table: one record per frame of RAM, and the counting of references.
 *
 * A frame's owner, list links and machine-to-physical entry are valid while refs > 0. The record of
 * a frame that is not RAM we manage has owner OWNER_NO_RAM; such a frame is never counted.
 * INVARIANT F1: refs == 0 <=> the frame is free (in pool.c) or on its way there.
 * INVARIANT F2: a type count never outlives the reference it was taken with.
 * Neighbours: frame_type.c (what a frame is used as), frame_alloc.c (who gets it), pool.c. */
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/pool.h"
#include "hv/mem/table.h"

struct frame *frame_table;
uint64_t frame_table_size;
uint64_t *m2p_table;
uint64_t frame_count_limit = 1ull << 40;
static uint64_t frames_total;

void frame_table_init(struct frame *table, uint64_t *m2p, uint64_t max_mfn)
{
	ASSERT(max_mfn < FRAME_NONE);
	frame_table = table;
	frame_table_size = max_mfn;
	m2p_table = m2p;
	frames_total = 0;
	frame_count_limit = 1ull << 40;
	table_l1tf_limit = max_mfn;
	memset(table, 0, max_mfn * sizeof *table);
	memset(m2p, 0xff, max_mfn * sizeof *m2p);
	for (uint64_t i = 0; i < max_mfn; i++)
		table[i].owner = OWNER_NO_RAM;
	pool_init(max_mfn);
	owner_table_init();
	heap_init();
}

/* Frame 0 is kept back: a not-present entry with address 0 is then harmless (L1TF). */
void frame_table_add_ram(mfn_t start, uint64_t count)
{
	for (uint64_t i = start.n; i < start.n + count && i < frame_table_size; i++) {
		struct frame *f = &frame_table[i];
		if (f->owner != OWNER_NO_RAM)
			continue;
		*f = (struct frame){ .owner = owner_hv.domid, .epoch = cpu_tlb_epoch() };
		frames_total++;
		if (i == 0) {
			f->refs = REF_ALLOCATED | 1;
			owner_hv.frame_count++;
		} else {
			pool_give((uint32_t)i, 0);
		}
	}
}

uint64_t frame_free_count(void)
{
	return pool_free_count();
}

uint64_t frame_total_count(void)
{
	return frames_total;
}

uint64_t frame_max_mfn(void)
{
	return frame_table_size;
}

struct frame *frame_of(mfn_t m)
{
	return frame_lookup(m.n);
}

mfn_t frame_mfn(const struct frame *f)
{
	return mfn(frame_index(f));
}

bool frame_is_ram(mfn_t m)
{
	return frame_of(m) != NULL;
}

domid_t frame_owner(const struct frame *f)
{
	return READ_ONCE(f->owner);
}

/* --- references --- */

int frame_get(struct owner *o, mfn_t m, struct frame **out)
{
	struct frame *f = frame_lookup(m.n);
	if (UNLIKELY(!f))
		return -ENOENT;
	if (UNLIKELY(READ_ONCE(f->owner) != o->domid))
		return -EPERM;
	int rc = ref_take(f);
	if (UNLIKELY(rc))
		return rc == -ENOENT ? -EPERM : rc;
	/* It may have changed hands before we counted; now it cannot. */
	if (UNLIKELY(READ_ONCE(f->owner) != o->domid)) {
		frame_put(f);
		return -EPERM;
	}
	*out = f;
	return 0;
}

int frame_ref(struct frame *f)
{
	int rc = ref_take(f);
	ASSERT(rc != -ENOENT);
	return rc;
}

void frame_put(struct frame *f)
{
	uint64_t refs = READ_ONCE(f->refs), left;
	do {
		ASSERT((refs & REF_COUNT) != 0);
		left = refs - 1;
		if ((left & REF_COUNT) == 0) {
			ASSERT(!(left & REF_ALLOCATED));
			left = 0;
		}
	} while (!ATOMIC_CAS(&f->refs, &refs, left));
	if (left == 0) {
		uint64_t *count = refs & REF_SHARED ? &owner_by_domid(f->owner)->shared_count :
						      &owner_by_domid(f->owner)->frame_count;
		frame_free(f);
		ATOMIC_SUB(count, 1ull);	/* last: the owner may go when it reaches zero */
	}
}

void frame_free(struct frame *f)
{
	ASSERT((f->type & (TY_COUNT | TY_PINNED)) == 0);
	WRITE_ONCE(f->type, 0ull);
	m2p_set(frame_mfn(f), pfn(M2P_INVALID));
	f->epoch = cpu_tlb_epoch();
	pool_give(frame_index(f), 0);
}

int frame_get_with_type(struct owner *o, mfn_t m, enum frame_type t, struct frame **out)
{
	struct frame *f;
	int rc = frame_get(o, m, &f);
	if (rc)
		return rc;
	rc = frame_type_get(f, t);
	if (rc) {
		frame_put(f);
		return rc;
	}
	*out = f;
	return 0;
}

void frame_put_with_type(struct frame *f)
{
	frame_type_put(f);
	frame_put(f);
}

/* --- questions --- */

enum frame_type frame_type_now(const struct frame *f)
{
	uint64_t w = type_word(f);
	return w & TY_COUNT ? ty_type(w) : FT_NONE;
}

uint64_t frame_refs_now(const struct frame *f)
{
	return READ_ONCE(f->refs) & REF_COUNT;
}

uint64_t frame_type_count_now(const struct frame *f)
{
	return type_word(f) & TY_COUNT;
}

bool frame_is_pinned(const struct frame *f)
{
	return (type_word(f) & TY_PINNED) != 0;
}

/* --- machine to physical --- */

void m2p_set(mfn_t m, pfn_t p)
{
	if (m.n < frame_table_size)
		WRITE_ONCE(m2p_table[m.n], p.n);
}

pfn_t m2p_get(mfn_t m)
{
	return pfn(m.n < frame_table_size ? READ_ONCE(m2p_table[index_nospec(m.n, frame_table_size)]) : M2P_INVALID);
}
