/* hostile: a guest kernel that lies.
 *
 * What is tested: no hypercall, whatever its number and arguments, harms anything but the domain
 * that made it. Part one throws every number with wild arguments (addresses that are not mapped,
 * not canonical, the hypervisor's, read-only, at the end of a page; counts near 0 and 2^32; random
 * words; structures full of random words) and must survive, its memory and tables untouched. Part
 * two does one thing a kernel may die of, named on the command line: it either survives that or is
 * killed alone.
 *
 * How it is shown: after each call the vCPU still runs, the stack and the canary pages are what
 * they were, hypercalls answer. A number that does not exist says -ENOSYS. A second vCPU, if there
 * is one, changes the structures while they are read. Left out of part one is
 * only what a kernel may lawfully do to itself and not survive: iret, shutdown, block, down, new
 * base pointers, stack_switch, trap tables, giving memory back; these are part two's.
 *
 * Command line: seed=N rounds=N; kill-NAME for part two (kill.c). */
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/errno.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "protocol/version.h"
#include "tests/guest/hostile/hostile.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"

const char test_name[] = "hostile";

static uint64_t state;
static uint64_t *scratch, *canary, *readonly;

uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Words that code under attack is likely to compare with. */
static uint64_t random_number(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 7, 8, 511, 512, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
		0xfffffffffffffff0, 0xffffffffffffffff, DOMID_SELF, DOMID_IO, DOMID_XEN,
		DOMID_INVALID, 0x800000000000, 0xffff800000000000, 0xffff830000000000,
	};
	uint64_t r = random_next();

	if (r & 1)
		return edges[(r >> 8) % (sizeof(edges) / sizeof(edges[0]))];
	if (r & 2)
		return (r >> 8) & 63;
	return random_next();
}

static void scratch_fill(void)
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t r = random_next() % 16;

		scratch[i] = r == 0 ? (uint64_t)scratch + i * 8 :
			     r == 1 ? va_to_mfn(scratch) :
			     r == 2 ? l4_mfn() << 12 | (256 + random_next() % 16) * 8 :
			     r < 8 ? 0 : random_number();
	}
}

/* An address for an argument structure: nothing there, or a page of noise. */
static uint64_t random_pointer(void)
{
	switch (random_next() % 10) {
	case 0: return 0;
	case 1: return 0x1000 + random_next() % 4096;
	case 2: return 0x123456789abcdef0;
	case 3: return __HYPERVISOR_VIRT_START + (random_next() & 0x7fffffffff8);
	case 4: return (uint64_t)readonly + random_next() % 4096;
	case 5: return (uint64_t)scratch + 4096 - random_next() % 64;
	case 6: return 0xfffffffffffff000 + random_next() % 4096;
	default:
		scratch_fill();
		return (uint64_t)scratch + random_next() % 32 * 8;
	}
}

static uint64_t random_argument(void)
{
	return random_next() & 1 ? random_number() : random_pointer();
}

/* Answers to a long array of operations would run over our own memory: keep arrays short. */
static void answers_bound(unsigned nr, uint64_t *args)
{
	if (nr == __HYPERVISOR_grant_table_op && args[1] - VIRT_BASE < (1ul << 30))
		args[2] &= 7;
}

/* What would end or change us lawfully, or take away the console. */
static int is_excluded(unsigned nr, uint64_t a)
{
	unsigned cmd = (unsigned)a;

	switch (nr) {
	case __HYPERVISOR_update_va_mapping:
	case __HYPERVISOR_update_va_mapping_otherdomain:
		return a - VIRT_BASE < (1ul << 30);
	case __HYPERVISOR_console_io:
		return cmd == CONSOLEIO_write;
	case __HYPERVISOR_event_channel_op:
	case __HYPERVISOR_event_channel_op_compat:
		return cmd == EVTCHNOP_reset || cmd == EVTCHNOP_close ||
		       cmd == EVTCHNOP_init_control || cmd == EVTCHNOP_expand_array;
	case __HYPERVISOR_iret:
	case __HYPERVISOR_stack_switch:
	case __HYPERVISOR_set_callbacks:
	case __HYPERVISOR_set_trap_table:
	case __HYPERVISOR_sched_op_compat:
	case __HYPERVISOR_callback_op:
	case __HYPERVISOR_multicall:
	case __HYPERVISOR_mmuext_op:
	case __HYPERVISOR_nmi_op:
		return 1;
	case __HYPERVISOR_sched_op:
		return cmd == SCHEDOP_shutdown || cmd == SCHEDOP_block || cmd == SCHEDOP_poll ||
		       cmd == SCHEDOP_watchdog;
	case __HYPERVISOR_vcpu_op:
		return cmd == VCPUOP_down || cmd == VCPUOP_register_vcpu_info ||
		       cmd == VCPUOP_register_runstate_memory_area || cmd == VCPUOP_send_nmi ||
		       cmd == VCPUOP_register_vcpu_time_memory_area;
	case __HYPERVISOR_memory_op:
		return cmd == XENMEM_decrease_reservation || cmd == XENMEM_exchange ||
		       cmd == XENMEM_remove_from_physmap;
	default:
		return 0;
	}
}

static void still_alive(unsigned nr, const uint64_t *args)
{
	unsigned changed = 0;

	for (unsigned i = 0; i < 512; i++)
		changed += canary[i] != (0xc0ffee00 + i);
	CHECK(changed == 0 && xen_version(XENVER_version, 0) > 0,
	      "after hypercall %u(%lx, %lx, %lx, %lx): %u words of the canary changed", nr,
	      args[0], args[1], args[2], args[3], changed);
	for (unsigned i = 0; changed && i < 512; i++)
		canary[i] = 0xc0ffee00 + i;
}

static void wild_calls(unsigned rounds)
{
	unsigned long made = 0, accepted = 0;

	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned nr = 0; nr < 64; nr++) {
			uint64_t a[5];
			long rc;

			for (unsigned i = 0; i < 5; i++)
				a[i] = random_argument();
			/* Sub-operations are small numbers: else all would be refused unread. */
			if (random_next() % 4)
				a[0] = random_next() % 40;
			if (is_excluded(nr, a[0]))
				continue;
			answers_bound(nr, a);
			rc = hypercall5(nr, a[0], a[1], a[2], a[3], a[4]);
			made++;
			accepted += rc >= 0;
			still_alive(nr, a);
		}
	}
	print("%lu calls, %lu of them not refused\n", made, accepted);
}

/* Batches with a structure of noise for each operation of the kinds left out above, where the
 * operation cannot be the death of us. */
static void wild_structures(unsigned rounds)
{
	static const uint8_t mmuext_cmds[] = { MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
		MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE, MMUEXT_TLB_FLUSH_LOCAL,
		MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI,
		MMUEXT_TLB_FLUSH_ALL,
		MMUEXT_INVLPG_ALL, MMUEXT_FLUSH_CACHE, MMUEXT_SET_LDT, MMUEXT_CLEAR_PAGE,
		MMUEXT_COPY_PAGE, MMUEXT_MARK_SUPER, MMUEXT_UNMARK_SUPER };
	uint64_t args[4] = { 0 };

	for (unsigned r = 0; r < rounds; r++) {
		uint64_t m = random_number();

		/* Frames that are not ours: never the canary's. */
		if (m < start_info->nr_pages * 4 || m2p_is_ours(m))
			m |= 1ul << 40;
		mmuext(mmuext_cmds[random_next() % sizeof(mmuext_cmds)], m, random_argument());
		still_alive(__HYPERVISOR_mmuext_op, args);
		pte_write(random_next() & 1 ? m << 12 : l4_mfn() << 12 | 8 * (256 + r % 16),
			  random_next() | PTE_P);
		still_alive(__HYPERVISOR_mmu_update, args);
	}
}

int m2p_is_ours(uint64_t mfn)
{
	for (uint64_t pfn = 0; pfn < start_info->nr_pages; pfn++)
		if (((const uint64_t *)start_info->mfn_list)[pfn] == mfn)
			return 1;
	return 0;
}

/* A multicall of noise: nested multicalls and numbers that do not exist; each has its result. */
static void wild_multicalls(unsigned rounds)
{
	static struct multicall_entry calls[8];

	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < 8; i++) {
			uint64_t nr = random_next() % 64;

			calls[i] = (struct multicall_entry){ .op = nr, .result = 0x5a5a };
			for (unsigned k = 0; k < 6; k++)
				calls[i].args[k] = random_argument();
			calls[i].args[0] = random_next() % 40;
			answers_bound((unsigned)nr, calls[i].args);
			if (is_excluded((unsigned)nr, calls[i].args[0]))
				calls[i].op = i & 1 ? 0x12345678 : 63;
		}
		CHECK_EQ(hypercall2(__HYPERVISOR_multicall, (unsigned long)calls, (void *)8), 0);
		for (unsigned i = 0; i < 8; i++)
			CHECK(calls[i].result != 0x5a5a, "entry %u has no result", i);
	}
	CHECK(hypercall2(__HYPERVISOR_multicall, 0x1000, (void *)8) < 0, "entries at 0x1000");
	CHECK(hypercall2(__HYPERVISOR_multicall, 0, (void *)0x7fffffff) < 0, "2^31 entries");
	calls[0] = (struct multicall_entry){ .op = __HYPERVISOR_multicall,
					     .args = { (uint64_t)calls, 1 } };
	hypercall2(__HYPERVISOR_multicall, (unsigned long)calls, (void *)1);
}

static void unknown_numbers(void)
{
	static const unsigned numbers[] = { 11, 43, 44, 47, 56, 63, 64, 65, 100, 255, 256, 4096,
					    0x7fffffff, 0x80000000, 0xffffffff };

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		CHECK_EQ(hypercall5(numbers[i], 1, 2, 3, 4, 5), -XEN_ENOSYS);
	CHECK_EQ(hypercall5(0x100000000, 1, 2, 3, 4, 5), -XEN_ENOSYS);
	CHECK_EQ(hypercall5(~0ul, 1, 2, 3, 4, 5), -XEN_ENOSYS);
}

/* With a second vCPU the structures change while the hypervisor reads them: whatever it checked, it
 * must not read again. */
static volatile unsigned long flips;

static void flipper(void)
{
	uint64_t r = 0x9e3779b97f4a7c15;

	for (;; flips++) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		((volatile uint64_t *)scratch)[r >> 20 & 511] =
			r & 1 ? r >> 40 : r & 2 ? l4_mfn() : __HYPERVISOR_VIRT_START;
	}
}

/* A breakpoint that a wild set_debugreg armed. */
static int breakpoint(struct trap_frame *f)
{
	return f->vector == 1;
}

void test_main(void)
{
	if (start_info->flags & SIF_INITDOMAIN)
		test_skip("the initial domain is trusted");
	state = (uint64_t)option_number("seed", 88172645463325252);
	scratch = page_alloc();
	/* Answers may lawfully run over the end of scratch, by less than two pages. */
	page_alloc(), page_alloc();
	canary = page_alloc(), readonly = page_alloc();
	for (unsigned i = 0; i < 512; i++)
		canary[i] = 0xc0ffee00 + i;
	page_protect(readonly, 0);
	kill_test();
	trap_hook = breakpoint;
	unknown_numbers();
	events_disable();
	if (vcpu_count() > 1)
		CHECK_EQ(vcpu_start(1, flipper), 0);
	wild_calls((unsigned)option_number("rounds", 300));
	wild_multicalls((unsigned)option_number("rounds", 300));
	wild_structures((unsigned)option_number("rounds", 300) * 4);
	CHECK(vcpu_count() == 1 || flips > 0, "the second vCPU did not run");
}
