/* The page tables of a new PV domain, one frame at a time.
 *
 * A table frame is a position in (tables, level, number within the level); its entries follow
 * from the layout alone, so frames may be written in any order. Tables are laid out L4, L3s,
 * L2s, L1s, each level by rising address. The L4 also holds the slot of the list that lies
 * apart. Rule: no writable entry maps a table (the hypervisor would refuse to pin the L4). The
 * tables of the list apart are mapped nowhere; those of the run are inside the run, so their L1
 * entries are read-only. */
#include "lib/pvbuild/build.h"
#include "lib/image/bytes.h"

#define PTE_PRESENT	0x1u
#define PTE_WRITE	0x2u
#define PTE_USER	0x4u
#define PTE_ACCESSED	0x20u
#define PTE_DIRTY	0x40u
#define TABLE_FLAGS	(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

static uint64_t level_first(const struct pv_tables *t, unsigned level)
{
	uint64_t n = t->frames.pfn;
	for (unsigned l = 4; l > level; l--)
		n += t->count[l];
	return n;
}

static bool piece_has(const struct pv_piece *p, uint64_t pfn)
{
	return pfn >= p->pfn && pfn - p->pfn < p->count;
}

/* What the entry for @va in a table of @level points to: a PFN and the flags. False: nothing. */
static bool entry_target(const struct pv_layout *l, const struct pv_tables *t, unsigned level,
	uint64_t va, uint64_t *pfn, uint64_t *flags)
{
	unsigned shift = 12 + 9 * (level - 1);
	uint64_t reach = 1ull << shift;

	if (va + (reach - 1) < t->va_start || va >= t->va_end)
		return false;
	*flags = TABLE_FLAGS;
	if (level > 1) {
		*pfn = level_first(t, level - 1) + (va >> shift) - (t->va_start >> shift);
		return true;
	}
	*pfn = t->first_pfn + ((va - t->va_start) >> 12);
	if (piece_has(&l->run.frames, *pfn) || piece_has(&l->apart.frames, *pfn))
		*flags &= ~(uint64_t)(PTE_WRITE | PTE_DIRTY);
	return true;
}

static void entries_fill(const struct pv_layout *l, const struct pv_memory *m,
	const struct pv_tables *t, unsigned level, uint64_t base, uint64_t entry[512])
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t va = base + ((uint64_t)i << (12 + 9 * (level - 1))), pfn, flags;
		if (level == 4)	/* sign extension: the upper half of the L4 is negative addresses */
			va = (uint64_t)((int64_t)(va << 16) >> 16);
		if (entry_target(l, t, level, va, &pfn, &flags))
			entry[i] = m->mfn(m->opaque, pfn) << 12 | flags;
	}
}

void pv_table_fill(
	const struct pv_layout *l, const struct pv_memory *m, uint64_t index, uint64_t entry[512])
{
	unsigned level;
	const struct pv_tables *t = index < l->run.frames.count ? &l->run : &l->apart;
	uint64_t pfn = pv_table_pfn(l, index, &level);

	memset(entry, 0, 512 * sizeof entry[0]);
	if (level == 4) {
		entries_fill(l, m, &l->run, 4, 0, entry);
		if (l->p2m_is_apart)
			entries_fill(l, m, &l->apart, 4, 0, entry);
		return;
	}
	unsigned shift = 12 + 9 * level;
	uint64_t number = pfn - level_first(t, level);
	entries_fill(l, m, t, level, ((t->va_start >> shift) + number) << shift, entry);
}
