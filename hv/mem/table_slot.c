/* Walking tables by frame, holding the L1 entry of a grant mapping, and setting and clearing it.
 *
 * Tables are walked by frame numbers, never through a guest's own mapping. Under the owner's lock
 * the tables below a usable L4 are usable all the way (T2), so the walk needs no counts.
 * Neighbours: table_update.c (guest's updates), hv/grant. */
#include "hv/core/panic.h"
#include "hv/mem/frame_bits.h"
#include "hv/mem/table_entry.h"
#include "hv/mem/table_slot.h"

static unsigned index_of(gva_t va, unsigned level)
{
	return (unsigned)(va.a >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
}

static uint64_t entry_read(mfn_t table, unsigned index)
{
	const uint64_t *p = frame_map(table);
	uint64_t entry = READ_ONCE(p[index]);
	frame_unmap(p);
	return entry;
}

int table_find_l1(struct owner *o, mfn_t l4, gva_t va, mfn_t *l1)
{
	struct frame *f = frame_of(l4);
	uint64_t w = f ? type_word(f) : 0;
	if (!gva_is_guest(va.a) || index_of(va, 1) >= table_entries)
		return -EINVAL;
	if (!f || READ_ONCE(f->owner) != o->domid || !ty_is_usable(w) || ty_type(w) != FT_L4)
		return -EINVAL;
	mfn_t table = l4;
	for (unsigned level = 4; level > 1; level--) {
		unsigned index = index_of(va, level);
		uint64_t entry = index < table_entries ? entry_read(table, index) : 0;
		if (!(entry & PTE_PRESENT))
			return -EINVAL;
		table = pte_mfn(entry);
	}
	*l1 = table;
	return 0;
}

/* A reference and a count on a usable L1 of @o. Lock held. */
static int l1_hold(struct owner *o, mfn_t m)
{
	struct frame *f;
	int rc = frame_get(o, m, &f);
	if (rc)
		return rc;
	if (type_take(f, FT_L1))	/* there is room for a count: there was for the reference */
		return 0;
	frame_put(f);
	return -EINVAL;
}

int table_slot_get(struct owner *o, mfn_t l4, gva_t va, maddr_t *at)
{
	mfn_t l1;
	lock(&o->lock);
	int rc = table_find_l1(o, l4, va, &l1);
	if (rc == 0)
		rc = l1_hold(o, l1);
	unlock(&o->lock);
	if (rc == 0)
		*at = maddr(mfn_to_maddr(l1).a + index_of(va, 1) * 8);
	return rc;
}

int table_slot_get_at(struct owner *o, maddr_t at)
{
	if (at.a % 8 || at.a % PAGE_SIZE / 8 >= table_entries)
		return -EINVAL;
	lock(&o->lock);
	int rc = l1_hold(o, maddr_to_mfn(at));
	unlock(&o->lock);
	return rc;
}

void table_slot_put(maddr_t at)
{
	frame_put_with_type(frame_of(maddr_to_mfn(at)));
}

/* --- grant mappings --- */

static uint64_t *slot_map(maddr_t at)
{
	return (uint64_t *)frame_map(maddr_to_mfn(at)) + at.a % PAGE_SIZE / 8;
}

int table_grant_set(struct owner *o, maddr_t at, struct frame *f, uint64_t flags)
{
	flags &= PTE_WRITE | PTE_NX | PTE_ACCESSED | PTE_DIRTY | (PTE_AVAIL & ~PTE_GRANT);
	uint64_t want = pte_make(frame_mfn(f), flags | PTE_PRESENT | PTE_USER | PTE_GRANT);
	int rc = frame_ref(f);
	if (rc)
		return rc;
	if (want & PTE_WRITE) {
		rc = frame_type_get(f, FT_WRITABLE);
		if (rc) {
			frame_put(f);
			return rc;
		}
		frame_mark_foreign(f);
	}
	lock(&o->lock);
	uint64_t *p = slot_map(at);
	if (READ_ONCE(*p) & PTE_PRESENT)
		rc = -EBUSY;
	else
		ATOMIC_XCHG(p, want);
	frame_unmap(p);
	unlock(&o->lock);
	if (rc)
		l1_entry_drop(want);
	return rc;
}

int table_grant_clear(struct owner *o, maddr_t at, struct frame *f)
{
	lock(&o->lock);
	uint64_t *p = slot_map(at), entry = READ_ONCE(*p);
	bool ours = (entry & PTE_PRESENT) && (entry & PTE_GRANT) && mfn_eq(pte_mfn(entry), frame_mfn(f));
	if (ours)
		entry = ATOMIC_XCHG(p, 0ull);
	frame_unmap(p);
	unlock(&o->lock);
	if (!ours)
		return -EINVAL;
	l1_entry_drop(entry);
	return 0;
}

/* --- faults --- */

int table_walk(mfn_t l4, gva_t va, uint64_t *pte, unsigned *level)
{
	mfn_t table = l4;
	if (!gva_is_guest(va.a))
		return -EFAULT;
	for (unsigned l = 4; ; l--) {
		if (!frame_is_ram(table) || index_of(va, l) >= table_entries)
			return -EFAULT;
		uint64_t entry = entry_read(table, index_of(va, l));
		if (l == 1 || !(entry & PTE_PRESENT)) {
			*pte = entry;
			*level = l;
			return 0;
		}
		table = pte_mfn(entry);
	}
}
