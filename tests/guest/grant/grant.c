/* grant: what becomes of a grant mapping whose entry its guest takes away.
 *
 * What is tested: the entry of a mapping stands in a page table of the guest, and is the guest's to clear,
 * by hypercall or by an instruction, to replace, and to give up with its table. Kernels do so when a
 * process dies while a page it has mapped is in use by the kernel: the page is unmapped later, by its handle.
 * Until then the grant is in use, and the page can be no table of its owner; afterwards it is as before,
 * and what the entry's place has become by then is left alone.
 *
 * How it is shown: the domain maps a page that it grants to itself. The entry is read back through the
 * kernel's read-only mapping, the marks of use in the shared entry, a store goes through or faults.
 *
 * Command line: `oracle` where unmapping by a handle whose entry is gone is an error, as on Xen, which
 * keeps such a grant until its domain ends, but not from becoming a table. */
#include "examples/pv/hypercall.h"
#include "tests/guest/lib/grant.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"

const char test_name[] = "grant";

#define SLOT 5u			/* an entry of the table that is given up */
#define IN_USE (GTF_reading | GTF_writing)

static grant_ref_t ref = 500;	/* nobody else grants us that one */
static domid_t self;
static uint8_t *page;
static grant_handle_t handle;

/* Who we are, by trying: a grant can be used by whom it names. */
static void self_find(void)
{
	void *va = va_alloc();
	uint64_t bus;

	page = page_alloc();
	for (self = 0; self < 100; self++) {
		grant_give(ref, self, page, 0);
		if (grant_map(self, ref, GNTMAP_host_map, (uint64_t)va, &handle, &bus) != GNTST_okay)
			continue;
		CHECK_EQ(grant_unmap((uint64_t)va, handle), GNTST_okay);
		CHECK_EQ(grant_end(ref), 0);
		return;
	}
	test_error("found no number of our own");
}

/* A page of its own for each, since some grants stay in use on Xen. */
static void map_fresh(uint32_t flags, uint64_t host)
{
	uint64_t bus = 0;

	page = page_alloc();
	grant_give(--ref, self, page, 0);
	CHECK_EQ(grant_map(self, ref, flags, host, &handle, &bus), GNTST_okay);
	CHECK_EQ(bus >> 12, va_to_mfn(page));
	CHECK_EQ(grant_table[ref].flags & IN_USE, IN_USE);
}

/* Is the page, which nobody maps writable now, taken for a page table? */
static int becomes_table(void)
{
	uint64_t m = va_to_mfn(page);
	long rc = mmuext(MMUEXT_PIN_L1_TABLE, m, 0);

	if (rc == 0)
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, m, 0), 0);
	return rc == 0;
}

/* The entry is gone; the grant is in use until @host is unmapped. */
static void unmap_late(uint64_t host)
{
	int oracle = option_given("oracle");

	memset(page, 0, PAGE_SIZE);
	CHECK_EQ(page_protect(page, 0), 0);
	CHECK_EQ(grant_end(ref), -1);
	CHECK(oracle || !becomes_table(), "a page in use by a grant is a table");
	CHECK(grant_unmap(host + 8, handle) != GNTST_okay, "unmapped by another address");
	CHECK_EQ(grant_unmap(host, handle), oracle ? GNTST_general_error : GNTST_okay);
	CHECK(grant_unmap(host, handle) != GNTST_okay, "unmapped twice");
	CHECK_EQ(grant_table[ref].flags & IN_USE, oracle ? IN_USE : 0);
	CHECK_EQ(grant_end(ref), oracle ? -1 : 0);
	CHECK(becomes_table(), "a page that was in use by a grant is no table");
}

static long store(volatile void *va)
{
	return TRAP_OF("movb $'s', (%0)", : : "r"(va) : "memory");
}

static void cleared(void)
{
	for (unsigned way = 0; way < 5; way++) {
		uint8_t *va = va_alloc();
		uint64_t at = pt_entry_maddr(va, 1), old = 0;
		volatile uint64_t *entry = pt_entry(va, 1);

		if (way % 2)
			map_fresh(GNTMAP_host_map | GNTMAP_contains_pte, at);
		else
			map_fresh(GNTMAP_host_map, (uint64_t)va);
		CHECK_EQ(store(va), -1);
		CHECK_EQ(page[0], 's');
		switch (way) {
		case 0: case 1:
			CHECK_EQ(update_va_mapping(va, 0, UVMF_INVLPG), 0);
			break;
		case 2:
			CHECK_EQ(pte_write(at, 0), 0);
			break;
		case 3:
			CHECK_EQ(TRAP_OF("xchgq %0, (%1)", : "+r"(old) : "r"(entry) : "memory"), -1);
			CHECK_EQ((old & PTE_FRAME) >> 12, va_to_mfn(page));
			break;
		default:
			CHECK_EQ(TRAP_OF("movq %0, (%1)", : : "r"(0ul), "r"(entry) : "memory"), -1);
		}
		mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)va, 0);
		CHECK_EQ(*entry, 0);
		CHECK_EQ(store(va), 14);
		unmap_late(way % 2 ? at : (uint64_t)va);
		CHECK_EQ(*entry, 0);
	}
}

static void replaced(void)
{
	uint8_t *va = va_alloc(), *other = page_alloc();
	uint64_t there;

	map_fresh(GNTMAP_host_map, (uint64_t)va);
	CHECK_EQ(update_va_mapping(va, pte_make(va_to_mfn(other), PTE_KERNEL), UVMF_INVLPG), 0);
	there = *pt_entry(va, 1);
	unmap_late((uint64_t)va);
	CHECK_EQ(*pt_entry(va, 1), there);
	CHECK_EQ(store(va), -1);
	CHECK_EQ(other[0], 's');
	CHECK_EQ(update_va_mapping(va, 0, UVMF_INVLPG), 0);
}

/* The table is a page again before the grant is unmapped: with the same word in it, and with others. */
static void table_given_up(void)
{
	for (unsigned i = 0; i < 2; i++) {
		volatile uint64_t *table = page_alloc();
		uint64_t m = va_to_mfn((const void *)table), at = m << 12 | SLOT * 8, word;

		CHECK_EQ(page_protect((void *)table, 0), 0);
		CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, m, 0), 0);
		map_fresh(GNTMAP_host_map | GNTMAP_contains_pte, at);
		word = table[SLOT];
		CHECK_EQ((word & PTE_FRAME) >> 12, va_to_mfn(page));
		CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, m, 0), 0);
		CHECK_EQ(page_protect((void *)table, 1), 0);
		CHECK_EQ(table[SLOT], word);
		table[SLOT + 1] = table[SLOT - 1] = word;
		if (i)
			table[SLOT] = 0x1234567800000000;
		unmap_late(at);
		CHECK_EQ(table[SLOT], i ? 0x1234567800000000 : word);
		CHECK_EQ(table[SLOT + 1] & table[SLOT - 1], word);
	}
}

void test_main(void)
{
	grant_open();
	self_find();
	cleared();
	replaced();
	table_given_up();
}
