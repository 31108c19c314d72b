/* Whole tables: types, pins, levels, base pointers. A fresh tree is built from pool pages: l1 holds
 * one data page, l2 holds l1, l3 holds l2. Each refusal is tried while everything else is in order,
 * so that it can have one reason only. */
#include "examples/pv/hypercall.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/mmu/mmu.h"

static uint64_t *l1, *l2, *l3;
static uint8_t *data;

static void tree_make(void)
{
	l1 = page_alloc(), l2 = page_alloc(), l3 = page_alloc(), data = page_alloc();
	l1[0] = pte_make(va_to_mfn(data), PTE_KERNEL);
	l1[7] = 0xffffffffabcdef00;
	l2[0] = pte_make(va_to_mfn(l1), PTE_KERNEL | PTE_US);
	l3[0] = pte_make(va_to_mfn(l2), PTE_KERNEL | PTE_US);
}

static void pin_and_types(void)
{
	uint64_t m1 = va_to_mfn(l1), m2 = va_to_mfn(l2);

	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, m1, 0) < 0, "pinned a table that is mapped writable");
	CHECK_EQ(touch(l1, 1), -1);
	CHECK_EQ(page_protect(l1, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, m1, 0), 0);
	CHECK(mmuext(MMUEXT_PIN_L2_TABLE, m1, 0) < 0, "pinned an L1 as L2");
	CHECK(mmuext(MMUEXT_PIN_L4_TABLE, m1, 0) < 0, "pinned an L1 as L4");
	CHECK(page_protect(l1, 1) < 0, "a pinned L1 was mapped writable");
	CHECK_EQ(touch(l1, 0), -1);
	CHECK(update_va_mapping(va_alloc(), pte_make(m1, PTE_KERNEL), UVMF_INVLPG) < 0,
	      "a pinned L1 was mapped writable elsewhere");

	CHECK_EQ(page_protect(l2, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L2_TABLE, m2, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, m1, 0), 0);
	CHECK(mmuext(MMUEXT_UNPIN_TABLE, m1, 0) < 0, "unpinned twice");
	CHECK(page_protect(l1, 1) < 0, "an L1 in use by an L2 was mapped writable");
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, m1, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, m1, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, m2, 0), 0);
	CHECK_EQ(page_protect(l1, 1), 0);
	CHECK_EQ(page_protect(l2, 1), 0);
	CHECK_EQ(l1[7], 0xffffffffabcdef00);
	CHECK_EQ((l1[0] & PTE_FRAME) >> 12, va_to_mfn(data));
}

/* A table whose content is bad is refused whole, and stays plain memory. */
static void bad_content(void)
{
	uint64_t good = l2[0];

	CHECK_EQ(page_protect(l1, 0), 0);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const what[] = { "PSE", "a writable page as L1", "itself" };

		l2[3] = i == 0 ? pte_make(va_to_mfn(data) & ~511ul, PTE_KERNEL | PTE_PSE) :
			i == 1 ? pte_make(va_to_mfn(data), PTE_KERNEL) :
				 pte_make(va_to_mfn(l2), PTE_KERNEL);
		CHECK_EQ(page_protect(l2, 0), 0);
		CHECK(mmuext(MMUEXT_PIN_L2_TABLE, va_to_mfn(l2), 0) < 0, "L2 with %s pinned",
		      what[i]);
		CHECK_EQ(page_protect(l2, 1), 0);
	}
	l2[3] = 0;
	l2[0] = good;
	CHECK_EQ(page_protect(l1, 1), 0);
}

static void bad_updates(void)
{
	uint64_t table;

	CHECK_EQ(page_protect(l1, 0), 0);
	CHECK_EQ(page_protect(l2, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L2_TABLE, va_to_mfn(l2), 0), 0);
	table = va_to_mfn(l2) << 12;
	refused("L2 entry with PSE", table + 8, pte_make(va_to_mfn(data) & ~511ul,
		PTE_KERNEL | PTE_PSE), &l2[1]);
	refused("L2 entry to a writable page", table + 8, pte_make(va_to_mfn(data), PTE_KERNEL),
		&l2[1]);
	refused("L2 entry to an L2", table + 8, pte_make(va_to_mfn(l2), PTE_KERNEL), &l2[1]);
	refused("L2 entry to an L4", table + 8, pte_make(l4_mfn(), PTE_KERNEL), &l2[1]);
	refused("L1 entry, writable, to its own table", va_to_mfn(l1) << 12 | 8,
		pte_make(va_to_mfn(l1), PTE_KERNEL), &l1[1]);
	refused("L1 entry, writable, to the L4", va_to_mfn(l1) << 12 | 8,
		pte_make(l4_mfn(), PTE_KERNEL), &l1[1]);
	CHECK_EQ(pte_write(table + 8, l2[0]), 0);
	CHECK_EQ(pte_write(table + 8, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l2), 0), 0);
	CHECK_EQ(page_protect(l1, 1), 0);
	CHECK_EQ(page_protect(l2, 1), 0);
}

/* One L1 in all 512 slots of an L2: counts are as wide as they must be, and pinning, which may be
 * interrupted, ends. */
static void shared_table(void)
{
	uint64_t kept[2] = { l2[0], l2[3] };

	for (unsigned i = 0; i < 512; i++)
		l2[i] = pte_make(va_to_mfn(l1), PTE_KERNEL);
	for (unsigned i = 8; i < 512; i++)
		l1[i] = pte_make(va_to_mfn(data), PTE_KERNEL);
	CHECK_EQ(page_protect(l1, 0), 0);
	CHECK_EQ(page_protect(l2, 0), 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(mmuext(MMUEXT_PIN_L2_TABLE, va_to_mfn(l2), 0), 0);
		CHECK(page_protect(l1, 1) < 0, "an L1 in 512 slots was mapped writable");
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l2), 0), 0);
	}
	CHECK_EQ(page_protect(l1, 1), 0);
	CHECK_EQ(page_protect(l2, 1), 0);
	memset(l2, 0, PAGE_SIZE);
	memset(l1 + 8, 0, PAGE_SIZE - 64);
	l2[0] = kept[0];
	l2[3] = kept[1];
}

static void hypervisor_slots(void)
{
	uint64_t *l4 = (uint64_t *)start_info->pt_base;

	for (unsigned slot = 256; slot <= 271; slot += 5) {
		uint64_t maddr = l4_mfn() << 12 | slot * 8;

		refused("the hypervisor's L4 slot", maddr, 0, &l4[slot]);
		refused("the hypervisor's L4 slot", maddr, l4[511], &l4[slot]);
	}
	refused("L4 entry to the L4 itself, writable", l4_mfn() << 12 | 8 * 5,
		pte_make(l4_mfn(), PTE_KERNEL), &l4[5]);
}

/* A second L4 for the same kernel: taken as base unpinned, left, and plain memory again. What a
 * guest wrote into the hypervisor's slots must not matter. */
static void base_pointers(void)
{
	uint64_t *l4 = page_alloc();
	const uint64_t *old = (const uint64_t *)start_info->pt_base;

	for (unsigned i = 0; i < 512; i++)
		l4[i] = old[i];
	l4[260] = pte_make(va_to_mfn(data), PTE_KERNEL);
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(data), 0) < 0, "a data page became base");
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(l4), 0) < 0, "a writable L4 became base");
	CHECK_EQ(page_protect(l4, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(l4), 0), 0);
	CHECK(page_protect(l4, 1) < 0, "the base was mapped writable");
	CHECK_EQ(touch((const void *)__MACH2PHYS_VIRT_START, 0), -1);
	CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, l4_mfn(), 0), 0);
	CHECK_EQ(page_protect(l4, 1), 0);
	CHECK_EQ(page_protect(l4, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(l4), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(l4), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l4), 0), 0);
	CHECK(page_protect(l4, 1) < 0, "the user base was mapped writable");
	CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
	CHECK_EQ(page_protect(l4, 1), 0);
}

/* The tree hung into the address space: the data page appears there, and goes with it. */
static void live_tree(void)
{
	uint64_t slot = l4_mfn() << 12 | 8 * 100;
	uint8_t *va = (uint8_t *)(100ul << 39);

	CHECK_EQ(page_protect(l1, 0), 0);
	CHECK_EQ(page_protect(l2, 0), 0);
	CHECK_EQ(page_protect(l3, 0), 0);
	CHECK_EQ(pte_write(slot, pte_make(va_to_mfn(l3), PTE_KERNEL | PTE_US)), 0);
	data[9] = 99;
	CHECK_EQ(touch(va + 9, 0), -1);
	CHECK_EQ(va[9], 99);
	CHECK_EQ(update_va_mapping(va + PAGE_SIZE, pte_make(va_to_mfn(data), PTE_KERNEL),
				   UVMF_INVLPG), 0);
	CHECK_EQ(va[PAGE_SIZE + 9], 99);
	CHECK(page_protect(l3, 1) < 0, "an L3 in use was mapped writable");
	CHECK_EQ(pte_write(slot, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
	CHECK_EQ(touch(va + 9, 0), 14);
	CHECK_EQ(page_protect(l3, 1), 0);
	CHECK_EQ(page_protect(l2, 1), 0);
	CHECK_EQ(page_protect(l1, 1), 0);
}

void tables_test(void)
{
	tree_make();
	pin_and_types();
	bad_content();
	bad_updates();
	shared_table();
	hypervisor_slots();
	base_pointers();
	live_tree();
	CHECK_EQ(mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)data, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_INVLPG_ALL, (uint64_t)data, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
	CHECK(mmuext(1234, 0, 0) < 0, "mmuext_op 1234 did something");
}
