/* GDT and LDT: a page of descriptors has a type like a page table. It must not be writable, what is
 * in it must be harmless (no call gate, no system descriptor), and segments of privilege 0 must be
 * usable by a kernel that runs in ring 3. */
#include "examples/pv/hypercall.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/mmu/mmu.h"

#define DATA_DPL0	0x00cf93000000fffful
#define DATA_DPL3	0x00cff3000000fffful
#define CALL_GATE	0xffffec0000330000ul
#define TSS		0x000089000000ffffUL

static long load_fs(unsigned selector)
{
	long vector = TRAP_OF("mov %k0, %%fs", : : "r"(selector) : "memory");

	__asm__ volatile("mov %k0, %%fs" : : "r"(0));
	return vector;
}

static void gdt(void)
{
	uint64_t *page = page_alloc(), frame = va_to_mfn(page);

	page[2] = DATA_DPL3;
	page[3] = DATA_DPL0;
	CHECK(hypercall3(__HYPERVISOR_set_gdt, (unsigned long)&frame, 512, 0) < 0,
	      "a writable page became GDT");
	CHECK_EQ(page_protect(page, 0), 0);
	page_protect(page, 1);
	page[5] = CALL_GATE;
	CHECK_EQ(page_protect(page, 0), 0);
	if (hypercall3(__HYPERVISOR_set_gdt, (unsigned long)&frame, 512, 0) == 0)
		CHECK(load_fs(5 << 3 | 3) == 13 || load_fs(5 << 3 | 3) == 11,
		      "a call gate is in the GDT");
	hypercall3(__HYPERVISOR_set_gdt, 0, 0, 0);
	CHECK_EQ(page_protect(page, 1), 0);
	page[5] = 0;
	CHECK_EQ(page_protect(page, 0), 0);
	CHECK_EQ(hypercall3(__HYPERVISOR_set_gdt, (unsigned long)&frame, 512, 0), 0);
	CHECK(page_protect(page, 1) < 0, "the GDT was mapped writable");
	CHECK_EQ(load_fs(2 << 3 | 3), -1);
	CHECK_EQ(load_fs(4 << 3 | 3), 13);
	CHECK_EQ(trap_last.error, 4 << 3);
	CHECK_EQ(load_fs(FLAT_RING3_DS32), -1);
	CHECK_EQ(hypercall3(__HYPERVISOR_update_descriptor, frame << 12 | 4 * 8, DATA_DPL3, 0), 0);
	CHECK_EQ(load_fs(4 << 3 | 3), -1);
	if (hypercall3(__HYPERVISOR_update_descriptor, frame << 12 | 4 * 8, CALL_GATE, 0) == 0)
		CHECK(load_fs(4 << 3 | 3) >= 0, "update_descriptor took a call gate");
	if (hypercall3(__HYPERVISOR_update_descriptor, frame << 12 | 4 * 8, TSS, 0) == 0)
		CHECK(load_fs(4 << 3 | 3) >= 0, "update_descriptor took a TSS");
	CHECK(hypercall3(__HYPERVISOR_update_descriptor, l4_mfn() << 12 | 8 * 8, DATA_DPL3, 0) < 0,
	      "update_descriptor wrote into a page table");
	CHECK(hypercall3(__HYPERVISOR_set_gdt, (unsigned long)&frame, 7200, 0) < 0,
	      "a GDT over the reserved entries was taken");
	CHECK_EQ(hypercall3(__HYPERVISOR_set_gdt, 0, 0, 0), 0);
	CHECK_EQ(page_protect(page, 1), 0);
}

static void ldt(void)
{
	uint64_t *page = page_alloc();

	page[1] = DATA_DPL3;
	CHECK_EQ(page_protect(page, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_SET_LDT, (uint64_t)page, 512), 0);
	CHECK_EQ(load_fs(1 << 3 | 7), -1);
	CHECK(page_protect(page, 1) < 0, "the LDT was mapped writable");
	CHECK_EQ(load_fs(2 << 3 | 7), 13);
	CHECK_EQ(trap_last.error, 2 << 3 | 4);
	CHECK(mmuext(MMUEXT_SET_LDT, (uint64_t)page + 8, 4) < 0, "an LDT off a page's start taken");
	CHECK_EQ(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
	CHECK_EQ(load_fs(1 << 3 | 7), 13);
	CHECK_EQ(page_protect(page, 1), 0);
}

void descriptors_test(void)
{
	gdt();
	ldt();
}
