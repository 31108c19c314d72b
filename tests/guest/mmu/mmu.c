/* mmu: the guest's page tables, by hypercall.
 *
 * What is tested: that the operations a kernel needs work (map, unmap, accessed and dirty kept,
 * pin, unpin, new base pointers, balloon out and in), and that those which would break isolation
 * are refused and change nothing: a writable mapping of a page table, a table with a writable
 * mapping, the wrong level, PSE, the hypervisor's slots of an L4, frames of others.
 *
 * How it is shown: results of hypercalls, the entry as read back through the kernel's read-only
 * mapping of its tables, and the memory behind it. After a refusal the entry must be what it was.
 * This file has the tests of entries, tables.c of whole tables, descriptors.c of GDT and LDT,
 * exchange.c of memory that comes and goes. */
#include "examples/pv/hypercall.h"
#include "protocol/memory.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/mmu/mmu.h"

const char test_name[] = "mmu";

long touch(const volatile void *va, int write)
{
	if (write)
		return TRAP_OF("orb $0, (%0)", : : "r"(va) : "memory", "cc");
	return TRAP_OF("testb $0, (%0)", : : "r"(va) : "memory", "cc");
}

void refused(const char *what, uint64_t maddr, uint64_t value, volatile uint64_t *entry)
{
	uint64_t before = *entry;
	long rc = pte_write(maddr, value);

	CHECK(rc < 0, "%s: mmu_update of 0x%lx says %ld", what, value, rc);
	CHECK(*entry == before, "%s: refused, but the entry went from 0x%lx to 0x%lx", what, before,
	      *entry);
	if (rc >= 0)
		pte_write(maddr, before);
}

static void map_unmap(void)
{
	uint8_t *page = page_alloc(), *va = va_alloc();
	uint64_t pte = pte_make(va_to_mfn(page), PTE_KERNEL);

	CHECK_EQ(touch(va, 0), 14);
	CHECK_EQ(trap_last.cr2, va);
	CHECK_EQ(trap_last.error, 0);
	CHECK_EQ(update_va_mapping(va, pte, UVMF_INVLPG), 0);
	va[5] = 77;
	CHECK_EQ(page[5], 77);
	CHECK_EQ(update_va_mapping(va, pte & ~PTE_RW, UVMF_INVLPG), 0);
	CHECK_EQ(va[5], 77);
	CHECK_EQ(touch(va, 1), 14);
	CHECK_EQ(trap_last.error, 3);
	CHECK_EQ(update_va_mapping(va, 0, UVMF_INVLPG), 0);
	CHECK_EQ(touch(va, 1), 14);
	CHECK_EQ(trap_last.error & ~2ul, 0);
	/* A not-present entry is the guest's to use, if its frame number is beyond memory. */
	CHECK_EQ(update_va_mapping(va, 0xfffffffff1234560, UVMF_NONE), 0);
	CHECK_EQ(*pt_entry(va, 1), 0xfffffffff1234560);
	CHECK_EQ(update_va_mapping(va, 0, UVMF_TLB_FLUSH | UVMF_ALL), 0);
	CHECK(update_va_mapping((void *)0x10000, pte, UVMF_NONE) < 0, "mapped where no L1 is");
	CHECK(update_va_mapping((void *)0x123456789abcdeful, pte, UVMF_NONE) < 0,
	      "mapped at a non-canonical address");
	CHECK(update_va_mapping((void *)__MACH2PHYS_VIRT_START, pte, UVMF_NONE) < 0,
	      "mapped in the hypervisor's range");
}

static void accessed_dirty(void)
{
	uint8_t *page = page_alloc(), *va = va_alloc();
	uint64_t maddr = pt_entry_maddr(va, 1), mfn = va_to_mfn(page);
	volatile uint64_t *entry = pt_entry(va, 1);
	struct mmu_update u = { .ptr = maddr | MMU_PT_UPDATE_PRESERVE_AD,
				.val = pte_make(mfn, PTE_P | PTE_RW) };

	CHECK_EQ(pte_write(maddr, pte_make(mfn, PTE_P | PTE_RW)), 0);
	CHECK_EQ(*entry & (PTE_A | PTE_D), 0);
	CHECK_EQ(touch(va, 0), -1);
	CHECK_EQ(*entry & (PTE_A | PTE_D), PTE_A);
	CHECK_EQ(touch(va, 1), -1);
	CHECK_EQ(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, DOMID_SELF), 0);
	CHECK_EQ(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
	u.ptr = maddr | MMU_NORMAL_PT_UPDATE;
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, DOMID_SELF), 0);
	CHECK_EQ(*entry & (PTE_A | PTE_D), 0);
	CHECK_EQ(pte_write(maddr, 0), 0);
}

/* The count of what was done must be exact: dom0's kernel skips one entry and goes on. */
static void done_count(void)
{
	uint8_t *page = page_alloc();
	uint64_t good = pte_make(va_to_mfn(page), PTE_KERNEL);
	struct mmu_update u[4];
	uint32_t done = 77;
	long rc;

	for (unsigned i = 0; i < 4; i++)
		u[i] = (struct mmu_update){ .ptr = pt_entry_maddr(va_alloc(), 1), .val = good };
	u[2].val = pte_make(l4_mfn(), PTE_KERNEL);
	rc = hypercall4(__HYPERVISOR_mmu_update, (unsigned long)u, 4, (unsigned long)&done,
			DOMID_SELF);
	CHECK(rc < 0, "a batch with a bad entry says %ld", rc);
	CHECK_EQ(done, 2);
	u[2].val = good;
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)u, 4, (unsigned long)&done,
			    DOMID_SELF), 0);
	CHECK_EQ(done, 4);
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)u, 0, (unsigned long)&done,
			    DOMID_SELF), 0);
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, 0x1234, 1, 0, DOMID_SELF), -14);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(pte_write(u[i].ptr, 0), 0);
}

static void machphys(void)
{
	uint64_t mfn = va_to_mfn(page_alloc()), pfn = m2p(mfn);
	struct mmu_update u = { .ptr = mfn << 12 | MMU_MACHPHYS_UPDATE, .val = 0x7654 };

	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, DOMID_SELF), 0);
	CHECK_EQ(m2p(mfn), 0x7654);
	u.val = pfn;
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, DOMID_SELF), 0);
	CHECK_EQ(m2p(mfn), pfn);
	CHECK_EQ(touch((void *)__MACH2PHYS_VIRT_START, 1), 14);
}

/* Every frame that our list does not hold must be refused, whatever it is. */
static void foreign_frames(void)
{
	long last = memory_op(XENMEM_maximum_ram_page, 0);
	uint8_t *va = va_alloc();
	unsigned tried = 0;

	if (start_info->flags & SIF_INITDOMAIN) {
		print("the initial domain may map what is not RAM: frames of others not tried\n");
		return;
	}
	CHECK(last > 0, "maximum_ram_page says %ld", last);
	for (uint64_t mfn = 0; mfn <= (uint64_t)last + 2; mfn += mfn % 61 == 7 ? 14 : 1) {
		uint64_t pfn = ~0ul;

		if (mfn == start_info->shared_info >> 12)
			continue;
		if (mfn <= (uint64_t)last &&
		    touch((const uint64_t *)__MACH2PHYS_VIRT_START + mfn, 0) < 0)
			pfn = m2p(mfn);
		if (pfn < start_info->nr_pages &&
		    ((const uint64_t *)start_info->mfn_list)[pfn] == mfn)
			continue;
		tried++;
		for (unsigned rw = 0; rw < 2; rw++) {
			long rc = update_va_mapping(va, pte_make(mfn, PTE_P | (rw ? PTE_RW : 0)),
						    UVMF_INVLPG);

			CHECK(rc < 0, "frame 0x%lx of another mapped (%ld)", mfn, rc);
		}
	}
	CHECK(update_va_mapping(va, pte_make(0xfffffffful, PTE_KERNEL), UVMF_NONE) < 0,
	      "a frame beyond all memory mapped");
	print("%u frames of others refused\n", tried);
}

/* As many updates in one call as fit: whatever it takes, it is one call to its maker. */
static void long_batch(void)
{
	enum { N = 400 };
	static struct mmu_update u[N];
	uint8_t *page = page_alloc(), *first = va_alloc();
	uint32_t done = 0;

	for (unsigned i = 1; i < N; i++)
		CHECK(va_alloc() == first + i * PAGE_SIZE, "the window is not in order");
	for (unsigned i = 0; i < N; i++)
		u[i] = (struct mmu_update){ .ptr = pt_entry_maddr(first + i * PAGE_SIZE, 1),
					    .val = pte_make(va_to_mfn(page), PTE_KERNEL) };
	page[1] = 0x33;
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)u, N, (unsigned long)&done,
			    DOMID_SELF), 0);
	CHECK_EQ(done, N);
	for (unsigned i = 0; i < N; i++)
		CHECK(first[i * PAGE_SIZE + 1] == 0x33, "update %u was lost", i);
	for (unsigned i = 0; i < N; i++)
		u[i].val = 0;
	CHECK_EQ(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)u, N, (unsigned long)&done,
			    DOMID_SELF), 0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
	CHECK_EQ(touch(first + (N - 1) * PAGE_SIZE, 0), 14);
}

void test_main(void)
{
	map_unmap();
	accessed_dirty();
	done_count();
	machphys();
	foreign_frames();
	long_batch();
	exchange_test();
	tables_test();
	descriptors_test();
}
