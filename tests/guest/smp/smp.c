/* smp: two vCPUs of one domain work on page tables and events at the same time.
 *
 * What is tested: start, stop and restart of a vCPU, also with wrong arguments; a vCPU's context is
 * refused when it names a bad base; page-table changes by both vCPUs on one L1, by hypercall and by
 * direct stores, lose nothing; after a flush by one vCPU the other does not use the old
 * translation; IPIs cross without loss.
 *
 * How it is shown: each vCPU owns every second entry of a table and maps, checks and unmaps there,
 * while both pin, link and unpin tables of their own. For the flush, vCPU 1 reads through an
 * address in a loop, vCPU 0 points it to another page and flushes: once the hypercall is done,
 * vCPU 1 must see the other page. */
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/errno.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/test.h"

const char test_name[] = "smp";

enum { ROUNDS = 400, ENTRIES = 16 };
#define MS 1000000ul

static uint8_t *window[2 * ENTRIES];
static uint8_t *data[2], *tables[2][2];
static volatile unsigned phase, done[2], errors[2];

static void phase_wait(unsigned want)
{
	while (phase < want)
		__builtin_ia32_pause();
}

static void error_at(unsigned self, int line, long what)
{
	errors[self]++;
	if (errors[self] < 5)
		print("vCPU %u line %d: %ld\n", self, line, what);
}
#define EXPECT(self, condition, what) \
	((condition) ? (void)0 : error_at(self, __LINE__, (long)(what)))

/* Entries self, self + 2, ... of the window: map, use, unmap, by three ways in turn. */
static void entries_work(unsigned self, unsigned round)
{
	for (unsigned i = self; i < 2 * ENTRIES; i += 2) {
		volatile uint64_t *entry = pt_entry(window[i], 1);
		uint64_t pte = pte_make(va_to_mfn(data[self]), PTE_KERNEL), old = 0;
		long rc = 0;

		if (round % 3 == 0)
			rc = update_va_mapping(window[i], pte, UVMF_NONE);
		else if (round % 3 == 1)
			*entry = pte;
		else
			__atomic_compare_exchange_n(entry, &old, pte, 0, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST);
		EXPECT(self, rc == 0, rc);
		EXPECT(self, window[i][0] == self + 1, window[i][0]);
		if (round % 2)
			old = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
		else
			rc = pte_write(pt_entry_maddr(window[i], 1), 0);
		EXPECT(self, rc == 0 && *entry == 0, rc);
		rc = mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)window[i], 0);
		EXPECT(self, rc == 0, rc);
	}
}

/* A tree of this vCPU's own, pinned and taken apart; the L4 linked to is shared by both. */
static void tables_work(unsigned self)
{
	uint64_t *l1 = (uint64_t *)tables[self][0], *l2 = (uint64_t *)tables[self][1];
	long rc;

	l1[self] = pte_make(va_to_mfn(data[self]), PTE_KERNEL);
	l2[self] = pte_make(va_to_mfn(l1), PTE_KERNEL);
	rc = page_protect(l1, 0);
	EXPECT(self, rc == 0, rc);
	rc = page_protect(l2, 0);
	EXPECT(self, rc == 0, rc);
	rc = mmuext(MMUEXT_PIN_L2_TABLE, va_to_mfn(l2), 0);
	EXPECT(self, rc == 0, rc);
	rc = page_protect(l1, 1);
	EXPECT(self, rc < 0, rc);
	rc = pte_write(va_to_mfn(l2) << 12 | 8 * 9, pte_make(va_to_mfn(l1), PTE_KERNEL));
	EXPECT(self, rc == 0, rc);
	rc = mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l2), 0);
	EXPECT(self, rc == 0, rc);
	rc = page_protect(l2, 1);
	EXPECT(self, rc == 0, rc);
	l2[9] = 0;
	rc = page_protect(l1, 1);
	EXPECT(self, rc == 0, rc);
}

static void work(unsigned self)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		entries_work(self, round);
		if (round % 4 == 0)
			tables_work(self);
	}
	done[self] = 1;
}

/* ---- flush ---- */

static volatile unsigned seen;

static void flush_reader(void)
{
	while (phase < 3)
		seen = *(volatile uint8_t *)window[0];
}

static void flush_writer(void)
{
	unsigned stale = 0;

	for (unsigned i = 0; i < 200; i++) {
		unsigned which = i & 1, after;
		long rc = update_va_mapping(window[0], pte_make(va_to_mfn(data[which]), PTE_KERNEL),
					    UVMF_INVLPG | UVMF_ALL);

		CHECK(rc == 0, "update_va_mapping: %ld", rc);
		seen = 99;
		for (uint64_t patience = clock_ns() + 2000 * MS; seen == 99;)
			if (clock_ns() > patience)
				test_error("vCPU 1 does not read");
		/* The first store to seen may carry a value read before; the next may not. */
		seen = 99;
		while ((after = seen) == 99)
			__builtin_ia32_pause();
		seen = 99;
		while ((after = seen) == 99)
			__builtin_ia32_pause();
		if (after != which + 1)
			stale++;
	}
	CHECK(stale == 0, "%u of 200 reads through a stale translation", stale);
}

/* ---- the other vCPU ---- */

static evtchn_port_t ipi_to_1, ipi_to_0;

static void ipi_back(evtchn_port_t port)
{
	(void)port;
	event_send(ipi_to_0);
}

static void other(void)
{
	phase_wait(1);
	work(1);
	phase_wait(2);
	flush_reader();
	events_enable();
	while (phase < 4)
		sched_op(SCHEDOP_block, 0);
	events_disable();
	for (;;) {
		done[1]++;
		vcpu_op(VCPUOP_down, 1, 0);
	}
}

static void ipis(void)
{
	unsigned n = 0;

	phase = 3;
	events_enable();
	for (; n < 200; n++) {
		uint64_t patience = clock_ns() + 2000 * MS;

		event_send(ipi_to_1);
		while (event_count(ipi_to_0) == n && clock_ns() < patience)
			__builtin_ia32_pause();
		if (event_count(ipi_to_0) != n + 1)
			break;
	}
	CHECK(n == 200, "IPI %u got no answer", n);
	events_disable();
}

static void down_and_up(void)
{
	uint64_t patience = clock_ns() + 2000 * MS;

	done[1] = 0;
	phase = 4;
	event_send(ipi_to_1);
	while (vcpu_op(VCPUOP_is_up, 1, 0) != 0 && clock_ns() < patience)
		sched_op(SCHEDOP_yield, 0);
	CHECK_EQ(vcpu_op(VCPUOP_is_up, 1, 0), 0);
	CHECK_EQ(done[1], 1);
	CHECK_EQ(vcpu_op(VCPUOP_up, 1, 0), 0);
	patience = clock_ns() + 2000 * MS;
	while (done[1] != 2 && clock_ns() < patience)
		sched_op(SCHEDOP_yield, 0);
	CHECK_EQ(done[1], 2);
}

static void bad_starts(void)
{
	static struct vcpu_guest_context c;

	c.flags = VGCF_in_kernel;
	c.user_regs.cs = FLAT_KERNEL_CS;
	CHECK(vcpu_op(VCPUOP_initialise, 900, &c) < 0, "vCPU 900 was made");
	CHECK(vcpu_op(VCPUOP_up, 1, 0) < 0, "a vCPU came up without a context");
	CHECK_EQ(vcpu_op(VCPUOP_initialise, 1, (void *)0x1000), -XEN_EFAULT);
	c.ctrlreg[3] = va_to_mfn(data[0]) << 12;
	CHECK(vcpu_op(VCPUOP_initialise, 1, &c) < 0, "a context with a data page as base");
	c.ctrlreg[3] = 0xffffffffful << 12;
	CHECK(vcpu_op(VCPUOP_initialise, 1, &c) < 0, "a context with a base beyond memory");
	CHECK_EQ(vcpu_op(VCPUOP_is_up, 0, 0), 1);
	CHECK_EQ(vcpu_op(VCPUOP_is_up, 1, 0), 0);
	CHECK_EQ(vcpu_op(VCPUOP_is_up, 8000, 0), -XEN_ENOENT);
}

static void memory_make(void)
{
	for (unsigned i = 0; i < 2 * ENTRIES; i++)
		window[i] = va_alloc();
	for (unsigned v = 0; v < 2; v++) {
		data[v] = page_alloc();
		data[v][0] = (uint8_t)(v + 1);
		tables[v][0] = page_alloc();
		tables[v][1] = page_alloc();
	}
}

void test_main(void)
{
	if (vcpu_count() < 2)
		test_skip("needs two vCPUs");
	hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
		   (void *)VMASST_TYPE_writable_pagetables);
	memory_make();
	bad_starts();
	ipi_to_1 = (evtchn_port_t)event_bind_ipi(1);
	ipi_to_0 = (evtchn_port_t)event_bind_ipi(0);
	event_handle(ipi_to_1, 1, ipi_back);
	event_handle(ipi_to_0, 0, 0);
	CHECK_EQ(vcpu_start(1, other), 0);
	CHECK_EQ(vcpu_start(1, other), -XEN_EEXIST);
	phase = 1;
	work(0);
	while (!done[1])
		sched_op(SCHEDOP_yield, 0);
	CHECK_EQ(errors[0], 0);
	CHECK_EQ(errors[1], 0);
	CHECK_EQ(update_va_mapping(window[0], pte_make(va_to_mfn(data[0]), PTE_KERNEL),
				   UVMF_INVLPG | UVMF_ALL), 0);
	phase = 2;
	flush_writer();
	ipis();
	down_and_up();
}
