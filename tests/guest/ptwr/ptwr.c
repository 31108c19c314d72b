/* ptwr: stores straight into a page table.
 *
 * What is tested: kernels write entries of their live L1 tables with ordinary instructions, though
 * the page is mapped read-only: mov, xchg, lock cmpxchg, lock and/or on one byte, lock btr/bts. The
 * hypervisor takes the fault, checks the new entry as mmu_update would, and carries the instruction
 * out: with its register results and its flags. What mmu_update would refuse becomes a page fault
 * in the guest, as if on any read-only page, and the entry stays as it was.
 *
 * How it is shown: each form runs on an entry of the window's L1. Afterwards the entry, the
 * registers, CF and ZF, and the memory seen through the entry must be what the manual says. The
 * prefix f0 is tried as well as 3e, by which a kernel on one CPU replaces it. */
#include "examples/pv/hypercall.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"

const char test_name[] = "ptwr";

#define CF 1ul
#define ZF 0x40ul

/* Bits that the hypervisor may set by itself: user, and one that marks kernel pages. */
#define OWN (PTE_US | PTE_A | PTE_D | 1ul << 52)

/* In all not-present entries: a frame beyond memory, so that the hypervisor may refuse those that
 * name memory, which some processors read ahead through. */
#define FAR 0x000f000000000000ul
#define N(low) (FAR | (low))

static uint8_t *va;			/* translated by *entry */
static volatile uint64_t *entry;
static uint64_t pte_a, pte_b;

static void entry_set(uint64_t value)
{
	if (pte_write(pt_entry_maddr(va, 1), value))
		test_error("cannot set the entry to 0x%lx", value);
	mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)va, 0);
}

/* Run an instruction on *entry that starts as @old, with rax and rdx; check that it does not
 * fault, and check the entry, rax, rdx and the flags in @mask after it. */
#define FORM(insn, old, rax, rdx, new, rax_after, rdx_after, mask, flags)			\
	do {											\
		uint64_t a_ = (rax), d_ = (rdx), f_;						\
		entry_set(old);									\
		long v_ = TRAP_OF("push $2; popf; " insn "; pushf; pop %1",			\
				  : "+a"(a_), "=&r"(f_), "+d"(d_)				\
				  : "r"(entry) : "memory", "cc");				\
		CHECK(v_ == -1, "%s: trap %ld error 0x%lx", insn, v_, trap_last.error);		\
		if (v_ != -1)									\
			break;									\
		CHECK((*entry & ~OWN) == ((new) & ~OWN),					\
		      "%s: entry is 0x%lx, expected 0x%lx", insn, *entry, (uint64_t)(new));	\
		CHECK((a_ & ~OWN) == ((rax_after) & ~OWN), "%s: rax is 0x%lx", insn, a_);	\
		CHECK(d_ == (rdx_after), "%s: rdx is 0x%lx", insn, d_);				\
		CHECK((f_ & (mask)) == (flags), "%s: flags are 0x%lx", insn, f_);		\
	} while (0)

static void stores(void)
{
	uint64_t swap = N(0x7fffff00);	/* not present */

	FORM("movq %0, (%3)", pte_a, pte_b, 0, pte_b, pte_b, 0, 0, 0);
	CHECK_EQ(va[0], 'b');
	FORM("movq %0, (%3)", pte_a, 0, 1, 0, 0, 1, 0, 0);
	FORM("movq $0, (%3)", pte_a, 5, 6, 0, 5, 6, 0, 0);
	FORM("movq $-256, (%3)", pte_a, 5, 6, -256ul, 5, 6, 0, 0);
	FORM("movl %k0, (%3)", swap, 0x10, 0, N(0x10), 0x10, 0, 0, 0);
	FORM("movl $0, (%3)", pte_a, 0, 0, pte_a & ~0xfffffffful, 0, 0, 0, 0);
	FORM("movl %k0, 4(%3)", swap, 0xe0055, 0, 0xe0055ul << 32 | 0x7fffff00, 0xe0055, 0, 0, 0);
	FORM("movb %b0, 1(%3)", swap, 0x77, 0, N(0x7fff7700), 0x77, 0, 0, 0);
	FORM("movw %w0, 2(%3)", swap, 0x1234, 0, N(0x1234ff00), 0x1234, 0, 0, 0);
}

static void exchanges(void)
{
	FORM("xchgq %0, (%3)", pte_a, pte_b, 0, pte_b, pte_a, 0, 0, 0);
	FORM("xchgq %0, (%3)", 0, pte_a, 0, pte_a, 0, 0, 0, 0);
	CHECK_EQ(va[0], 'a');
	FORM("xchgl %k0, (%3)", N(0x1100), 0x2200, 0, N(0x2200), 0x1100, 0, 0, 0);
	FORM("lock cmpxchgq %2, (%3)", 0, 0, pte_b, pte_b, 0, pte_b, ZF, ZF);
	CHECK_EQ(va[0], 'b');
	FORM("lock cmpxchgq %2, (%3)", N(0x1000), N(0x2000), pte_b, N(0x1000), N(0x1000),
	     pte_b, ZF, 0);
	FORM(".byte 0x3e; cmpxchgq %2, (%3)", N(0x1000), N(0x1000), pte_b, pte_b, N(0x1000),
	     pte_b, ZF, ZF);
	FORM("cmpxchgq %2, (%3)", N(0x1000), N(0x1000), N(0x3000), N(0x3000), N(0x1000),
	     N(0x3000), ZF, ZF);
	FORM("lock cmpxchgl %k2, (%3)", N(0x1000), 0x1000, 0x3000, N(0x3000), 0x1000, 0x3000,
	     ZF, ZF);
	FORM("lock cmpxchgl %k2, (%3)", N(0x1000), 0x1001, 0x3000, N(0x1000), 0x1000, 0x3000,
	     ZF, 0);
}

/* and, or: the byte forms by which kernels clear the write bit. */
static void logic(void)
{
	FORM("lock andb $0xfd, (%3)", pte_a, 0, 0, pte_a & ~PTE_RW, 0, 0, ZF | CF, 0);
	CHECK_EQ(TRAP_OF("movb $1, (%0)", : : "r"(va) : "memory"), 14);
	FORM(".byte 0x3e; andb $0xfd, (%3)", pte_a, 0, 0, pte_a & ~PTE_RW, 0, 0, ZF | CF, 0);
	FORM("andb $0xfd, (%3)", pte_a, 0, 0, pte_a & ~PTE_RW, 0, 0, 0, 0);
	FORM("lock andb $0, (%3)", N(0x22), 0, 0, FAR, 0, 0, ZF | CF, ZF);
	FORM("lock orb $2, (%3)", pte_a & ~PTE_RW, 0, 0, pte_a, 0, 0, ZF | CF, 0);
	CHECK_EQ(TRAP_OF("movb $'a', (%0)", : : "r"(va) : "memory"), -1);
	FORM("lock andq %0, (%3)", pte_a, ~PTE_RW, 0, pte_a & ~PTE_RW, ~PTE_RW, 0, ZF | CF, 0);
	FORM("lock andl $~2, (%3)", pte_a, 0, 0, pte_a & ~PTE_RW, 0, 0, ZF | CF, 0);
	FORM("lock orq %0, (%3)", pte_a, PTE_NX, 0, pte_a | PTE_NX, PTE_NX, 0, ZF | CF, 0);
	FORM("lock orl %k0, (%3)", N(0x1000), 0x2000, 0, N(0x3000), 0x2000, 0, ZF | CF, 0);
}

static void bits(void)
{
	FORM("lock btrq $5, (%3)", pte_a | PTE_A, 0, 0, pte_a & ~PTE_A, 0, 0, CF, CF);
	CHECK_EQ(*entry & PTE_A, 0);
	FORM("lock btrq $5, (%3)", N(0xf00), 0, 0, N(0xf00), 0, 0, CF, 0);
	FORM(".byte 0x3e; btrq $5, (%3)", N(0xf20), 0, 0, N(0xf00), 0, 0, CF, CF);
	FORM("btrq $1, (%3)", pte_a, 0, 0, pte_a & ~PTE_RW, 0, 0, CF, CF);
	FORM("lock btsq $1, (%3)", pte_a & ~PTE_RW, 0, 0, pte_a, 0, 0, CF, 0);
	FORM("lock btrq %0, (%3)", N(0xf20), 5, 0, N(0xf00), 5, 0, CF, CF);
	FORM("lock btrl $5, (%3)", N(0xf20), 0, 0, N(0xf00), 0, 0, CF, CF);
	FORM("lock btsl $9, (%3)", N(0x100), 0, 0, N(0x300), 0, 0, CF, 0);
	FORM("lock btcq $9, (%3)", N(0x300), 0, 0, N(0x100), 0, 0, CF, CF);
}

/* Addressing forms, and registers that need a REX prefix. */
static void addressing(void)
{
	uint64_t base = (uint64_t)entry - 0x1000;

	entry_set(0);
	CHECK_EQ(TRAP_OF("mov %0, %%r12; mov $0x200, %%r13d; mov %1, %%r9\n\t"
			 "movq %%r9, (%%r12, %%r13, 8)",
			 : : "r"(base), "r"(pte_b) : "r9", "r12", "r13", "memory"), -1);
	CHECK_EQ(*entry & PTE_FRAME, pte_b & PTE_FRAME);
	CHECK_EQ(TRAP_OF("movq $0, 0x1000(%0)", : : "r"(base) : "memory"), -1);
	CHECK_EQ(*entry, 0);
	entry_set(pte_a);
	CHECK_EQ(TRAP_OF("mov %0, %%r13; mov %1, %%r15; xchgq %%r15, 0x1000(%%r13)",
			 : : "r"(base), "r"(pte_b) : "r13", "r15", "memory"), -1);
	CHECK_EQ(*entry & PTE_FRAME, pte_b & PTE_FRAME);
}

/* What must reach the guest as an ordinary write fault. */
static void refused(const char *what, uint64_t value)
{
	uint64_t before = *entry;
	long vector = TRAP_OF("movq %0, (%1)", : : "r"(value), "r"(entry) : "memory");

	CHECK(vector == 14, "%s: trap %ld", what, vector);
	if (vector == 14) {
		CHECK_EQ(trap_last.error, 3);
		CHECK_EQ(trap_last.cr2, entry);
	}
	CHECK_EQ(*entry, before);
}

static void refusals(void)
{
	volatile uint64_t *l2 = pt_entry(va, 2);
	uint64_t before, next;

	entry_set(pte_a);
	refused("writable entry to the L4", pte_make(l4_mfn(), PTE_KERNEL));
	refused("writable entry to its own L1", pte_make(va_to_mfn((void *)((uint64_t)entry &
		~(PAGE_SIZE - 1))), PTE_KERNEL));
	if (!(start_info->flags & SIF_INITDOMAIN))
		refused("frame beyond all memory", pte_make(0xffffffff, PTE_KERNEL));
	before = *entry, next = entry[1];
	CHECK_EQ(TRAP_OF("movq %0, 4(%1)", : : "r"(0x1234ul), "r"(entry) : "memory"), 14);
	CHECK_EQ(*entry, before);
	CHECK_EQ(entry[1], next);
	before = *l2;
	CHECK_EQ(TRAP_OF("movq %0, (%1)", : : "r"(0ul), "r"(l2) : "memory"), 14);
	CHECK_EQ(trap_last.error, 3);
	CHECK_EQ(*l2, before);
	before = *entry;
	CHECK_EQ(TRAP_OF("lock xaddq %0, (%1)", : : "r"(pte_make(l4_mfn(), PTE_KERNEL) - before),
			 "r"(entry) : "memory", "cc"), 14);
	CHECK_EQ(*entry, before);
}

/* A table that is typed but not in use yet, as early kernels have it: pinned, then written. */
static void pinned_table(void)
{
	uint64_t *table = page_alloc();

	CHECK_EQ(page_protect(table, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(table), 0), 0);
	CHECK_EQ(TRAP_OF("movq %0, 8(%1)", : : "r"(pte_a), "r"(table) : "memory"), -1);
	CHECK_EQ(table[1] & PTE_FRAME, pte_a & PTE_FRAME);
	CHECK_EQ(TRAP_OF("movq %0, 8(%1)", : : "r"(0ul), "r"(table) : "memory"), -1);
	CHECK_EQ(table[1], 0);
	CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table), 0), 0);
	CHECK_EQ(page_protect(table, 1), 0);
}

void test_main(void)
{
	uint8_t *a = page_alloc(), *b = page_alloc();

	hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
		   (void *)VMASST_TYPE_writable_pagetables);
	va = va_alloc();
	entry = pt_entry(va, 1);
	a[0] = 'a', b[0] = 'b';
	pte_a = pte_make(va_to_mfn(a), PTE_KERNEL);
	pte_b = pte_make(va_to_mfn(b), PTE_KERNEL);
	stores();
	exchanges();
	logic();
	bits();
	addressing();
	refusals();
	pinned_table();
}
