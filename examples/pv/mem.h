/* A small PV kernel's memory: frame numbers, page tables, addresses for what is not ours.
 * The kernel is mapped once, at VIRT_BASE + pseudo-physical address. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

#define PAGE_SIZE	4096ul
#define VIRT_BASE	0xffffffff80000000ul

#define PTE_P		(1ul << 0)
#define PTE_RW		(1ul << 1)
#define PTE_US		(1ul << 2)
#define PTE_A		(1ul << 5)
#define PTE_D		(1ul << 6)
#define PTE_PSE		(1ul << 7)
#define PTE_NX		(1ul << 63)
#define PTE_FRAME	0x000ffffffffff000ul
#define PTE_KERNEL	(PTE_P | PTE_RW | PTE_A | PTE_D)
#define PTE_KERNEL_RO	(PTE_P | PTE_A)

/* Return a page-aligned address that no page of ours occupies: the next of a window of 512 pages,
 * with an L1 already there. Only its L1 entry may be changed. */
void *va_alloc(void);

uint64_t va_to_pfn(const void *va);
uint64_t va_to_mfn(const void *va);
void *pfn_to_va(uint64_t pfn);
/* The frame must be ours. */
void *mfn_to_va(uint64_t mfn);

/* Return the entry that translates @va at level 1..4 as the kernel sees it (read-only memory), or
 * NULL where a level above is empty. */
volatile uint64_t *pt_entry(const void *va, unsigned level);
/* Return the machine address of that entry; kernel_fatal() where there is none. */
uint64_t pt_entry_maddr(const void *va, unsigned level);
uint64_t l4_mfn(void);

/* Compose an entry. */
static inline uint64_t pte_make(uint64_t mfn, uint64_t flags)
{
	return mfn << 12 | flags;
}

/* One mmu_update of our own tables. Returns the hypercall's result. */
long pte_write(uint64_t maddr, uint64_t value);
/* One mmuext operation. */
long mmuext(unsigned cmd, uint64_t arg1, uint64_t arg2);
/* Make the pool page @page read-only or writable in the kernel's mapping. */
long page_protect(void *page, int writable);
/* Read the machine-to-physical table. */
uint64_t m2p(uint64_t mfn);
