/* Start of day of a PV domain: which piece lies at which PFN and virtual address.
 *
 * One run, mapped from image->virt_base on and pseudo-physically contiguous from PFN 0: kernel,
 * initrd, p2m list, start_info, store ring, console ring, page tables, boot stack; then at least
 * 512 KiB of padding, up to a multiple of 4 MiB. Outside the mapping follow, if the kernel's
 * notes allow it, the initrd (MOD_START_PFN) and the p2m list with the tables that map it at
 * INIT_P2M: a big domain's list then does not have to fit into the run's 1 GiB. Pure. Spec:
 * xen.h, "start-of-day memory layout". */
#pragma once
#include "lib/image/elf.h"

struct pv_piece { uint64_t pfn, count; };	/* count 0: absent */

/* Tables that map [va_start, va_end) to PFNs from first_pfn on. Frames in the order L4 (run only),
 * L3, L2, L1; count[n] = tables of level n. */
struct pv_tables {
	struct pv_piece frames;
	uint64_t va_start, va_end;
	uint64_t first_pfn;
	uint64_t count[5];
};

struct pv_layout_request {
	const struct pv_image_info *image;
	uint64_t nr_pages;	/* of the domain */
	uint64_t initrd_size;	/* bytes, 0 = none */
	bool has_rings;		/* a guest's store and console ring pages (not dom0) */
};

struct pv_layout {
	uint64_t virt_base, entry, nr_pages;
	uint64_t initrd_size;
	bool initrd_is_mapped;	/* else mod_start is a PFN */
	bool p2m_is_apart;	/* at INIT_P2M, not in the run */
	struct pv_piece kernel;	/* from PFN 0, so with the pages below the first segment */
	struct pv_piece initrd, p2m, start_info, store, console, stack;
	struct pv_tables run;	/* run.frames.pfn is the L4 */
	struct pv_tables apart;	/* of the p2m list; all zero unless p2m_is_apart */
	uint64_t p2m_va;
	uint64_t end_pfn;	/* first PFN not used by any piece (padding included) */
};

/* Virtual address of a PFN inside the run. */
static inline uint64_t pv_va(const struct pv_layout *l, uint64_t pfn)
{
	return l->virt_base + (pfn << 12);
}

/* Returns NULL and *out, else a static text that says what is wrong (nearly always: too little
 * memory). */
const char *pv_layout_make(const struct pv_layout_request *r, struct pv_layout *out)
	__attribute__((warn_unused_result));

/* Fewest pages with which pv_layout_make() succeeds for this request (nr_pages is ignored); 0:
 * none. */
uint64_t pv_layout_min_pages(const struct pv_layout_request *r);

/* All table frames, run and apart: 0 <= index < pv_table_count(). The frame's PFN, and its level
 * 1..4. */
uint64_t pv_table_count(const struct pv_layout *l);
uint64_t pv_table_pfn(const struct pv_layout *l, uint64_t index, unsigned *level);
