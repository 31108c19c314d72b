/* Memory of a small PV kernel. Page tables are read through the kernel's own read-only mapping, since
 * the builder puts all of them in the mapped run, and written by hypercall only.
 * Neighbours: the contract in mem.h. */
#include "examples/pv/mem.h"

#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"

enum { WINDOW = 512 };

/* The tables of the window. */
static uint64_t window_l2[512] __attribute__((aligned(4096))), window_l1[512] __attribute__((aligned(4096)));
static unsigned window_used;

uint64_t va_to_pfn(const void *va)
{
	return ((uint64_t)va - VIRT_BASE) >> 12;
}

uint64_t va_to_mfn(const void *va)
{
	return ((const uint64_t *)start_info->mfn_list)[va_to_pfn(va)];
}

void *pfn_to_va(uint64_t pfn)
{
	return (void *)(VIRT_BASE + (pfn << 12));
}

uint64_t m2p(uint64_t mfn)
{
	return ((volatile const uint64_t *)__MACH2PHYS_VIRT_START)[mfn];
}

void *mfn_to_va(uint64_t mfn)
{
	return pfn_to_va(m2p(mfn));
}

uint64_t l4_mfn(void)
{
	return va_to_mfn((const void *)start_info->pt_base);
}

volatile uint64_t *pt_entry(const void *va, unsigned level)
{
	volatile uint64_t *table = (volatile uint64_t *)start_info->pt_base;

	for (unsigned l = 4;; l--) {
		volatile uint64_t *entry = &table[(uint64_t)va >> (12 + 9 * (l - 1)) & 511];

		if (l == level)
			return entry;
		if (!(*entry & PTE_P))
			return 0;
		table = mfn_to_va((*entry & PTE_FRAME) >> 12);
	}
}

uint64_t pt_entry_maddr(const void *va, unsigned level)
{
	volatile uint64_t *entry = pt_entry(va, level);

	if (!entry)
		kernel_fatal("no level %u table for %p", level, va);
	return va_to_mfn((const void *)entry) << 12 | ((uint64_t)entry & (PAGE_SIZE - 1));
}

long pte_write(uint64_t maddr, uint64_t value)
{
	struct mmu_update u = { .ptr = maddr | MMU_NORMAL_PT_UPDATE, .val = value };

	return hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, DOMID_SELF);
}

long mmuext(unsigned cmd, uint64_t arg1, uint64_t arg2)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = arg1, .arg2.vcpumask = arg2 };

	return hypercall4(__HYPERVISOR_mmuext_op, (unsigned long)&op, 1, 0, DOMID_SELF);
}

long page_protect(void *page, int writable)
{
	return update_va_mapping(page, pte_make(va_to_mfn(page),
						writable ? PTE_KERNEL : PTE_KERNEL_RO),
				 UVMF_INVLPG | UVMF_ALL);
}

/* The window: 1 GiB above VIRT_BASE, so in the L3 of the kernel, in an L2 and L1 of ours. */
static uint8_t *window_open(void)
{
	uint8_t *base = (uint8_t *)(VIRT_BASE + (1ul << 30));

	window_l2[0] = pte_make(va_to_mfn(window_l1), PTE_KERNEL);
	if (page_protect(window_l1, 0) || page_protect(window_l2, 0) ||
	    pte_write(pt_entry_maddr(base, 3), pte_make(va_to_mfn(window_l2), PTE_KERNEL)))
		kernel_fatal("cannot make a window for mappings");
	return base;
}

void *va_alloc(void)
{
	static uint8_t *window;

	if (!window)
		window = window_open();
	if (window_used == WINDOW)
		kernel_fatal("no address left");
	return window + PAGE_SIZE * window_used++;
}
