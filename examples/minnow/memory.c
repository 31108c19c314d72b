/* The builder's run is kernel, lists, tables, boot stack, then free pages, up to where its mapping ends; what is beyond
 * gets tables of our own, of pages that are free by then. */
#include "examples/minnow/memory.h"

#include <stdbool.h>

#include "examples/pv/kernel.h"
#include "examples/pv/mem.h"

enum { TABLE = 512, REACH = 1 << 18 };

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The first page after all that the builder put somewhere. The boot stack is one page, after the tables. */
static uint64_t first_free(void)
{
	uint64_t end = va_to_pfn((const void *)start_info->pt_base) + start_info->nr_pt_frames + 1;

	end = max(end, m2p(start_info->store_mfn) + 1);
	return max(end, m2p(start_info->console.domU.mfn) + 1);
}

static bool mapped(uint64_t pfn)
{
	volatile uint64_t *entry = pt_entry(pfn_to_va(pfn), 1);

	return entry && (*entry & PTE_P);
}

/* Map the pages from @pfn, the first of a table's, to below @end. */
static void map(struct pages *p, uint64_t pfn, uint64_t end)
{
	uint64_t *table = pages_take(p, 1);

	if (!table)
		kernel_fatal("no page for a page table");
	for (uint64_t i = 0; i < TABLE; i++)
		table[i] = pfn + i < end ? pte_make(va_to_mfn(pfn_to_va(pfn + i)), PTE_KERNEL) : 0;
	if (page_protect(table, 0) ||
	    pte_write(pt_entry_maddr(pfn_to_va(pfn), 2), pte_make(va_to_mfn(table), PTE_KERNEL)))
		kernel_fatal("cannot map memory from page %lu on", pfn);
}

void memory_open(struct pages *p)
{
	uint64_t end = start_info->nr_pages < REACH ? start_info->nr_pages : REACH;
	uint64_t first = first_free(), pfn = first;

	while (pfn < end && mapped(pfn))
		pfn++;
	pages_give(p, pfn_to_va(first), pfn - first);
	/* Page by page is how the builder does not map. */
	for (pfn = (pfn + TABLE - 1) & -(uint64_t)TABLE; pfn < end; pfn += TABLE) {
		uint64_t stop = pfn + TABLE < end ? pfn + TABLE : end;

		map(p, pfn, stop);
		pages_give(p, pfn_to_va(pfn), stop - pfn);
	}
}
