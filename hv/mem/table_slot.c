/* Walking tables by frame.
 *
 * Tables are walked by frame numbers, never through a guest's own mapping. Under the owner's lock
 * the tables below a usable L4 are usable all the way (T2), so the walk needs no counts.
 * Neighbours: table_update.c (entries), hv/grant. */
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

int table_slot_find(struct owner *o, mfn_t l4, gva_t va, maddr_t *at)
{
	mfn_t l1;
	lock(&o->lock);
	int rc = table_find_l1(o, l4, va, &l1);
	unlock(&o->lock);
	if (rc == 0)
		*at = maddr(mfn_to_maddr(l1).a + index_of(va, 1) * 8);
	return rc;
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
