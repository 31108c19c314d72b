/* fpu: registers of the x87, SSE and AVX units survive whatever else the CPU does.
 *
 * What is tested: a vCPU's extended state is its own: it is there after hypercalls, traps, events,
 * sleep and preemption, and another vCPU's is never seen instead.
 *
 * How it is shown: each vCPU fills xmm0-15, the upper halves of ymm0-15 where the CPU offers them,
 * an x87 register, MXCSR and the x87 control word with values of its own, gives the CPU away in
 * several ways, and compares. Two vCPUs do it at once; more domains beside make them share CPUs.
 * The kernel itself is compiled without these registers, so nothing else here changes them. */
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"

const char test_name[] = "fpu";

#define MS 1000000ul

struct state {
	uint8_t ymm[16][32];
	uint64_t x87;
	uint32_t mxcsr;
	uint16_t control;
} __attribute__((aligned(64)));

static struct state want[2], got[2];
static int avx;
static volatile unsigned finished[2], wrong[2];

#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) \
	f(14) f(15)
#define LOAD_YMM(n) "vmovdqu 32*" #n "(%0), %%ymm" #n "\n\t"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", 32*" #n "(%0)\n\t"
#define LOAD_XMM(n) "movdqu 32*" #n "(%0), %%xmm" #n "\n\t"
#define STORE_XMM(n) "movdqu %%xmm" #n ", 32*" #n "(%0)\n\t"

static void load(const struct state *s)
{
	__asm__ volatile("fninit; fldcw %0; fildll %1; ldmxcsr %2"
			 : : "m"(s->control), "m"(s->x87), "m"(s->mxcsr));
	if (avx)
		__asm__ volatile(EACH(LOAD_YMM) : : "r"(s) : "memory");
	else
		__asm__ volatile(EACH(LOAD_XMM) : : "r"(s) : "memory");
}

/* Leaves the registers as they are: the x87 value is popped and pushed again. */
static void store(struct state *s)
{
	if (avx)
		__asm__ volatile(EACH(STORE_YMM) : : "r"(s) : "memory");
	else
		__asm__ volatile(EACH(STORE_XMM) : : "r"(s) : "memory");
	__asm__ volatile("fistpll %0; fildll %0; fnstcw %1; stmxcsr %2"
			 : "=m"(s->x87), "=m"(s->control), "=m"(s->mxcsr));
}

static void fill(struct state *s, unsigned seed)
{
	for (unsigned r = 0; r < 16; r++)
		for (unsigned i = 0; i < (avx ? 32u : 16u); i++)
			s->ymm[r][i] = (uint8_t)(seed * 113 + r * 16 + i);
	s->x87 = 0x123456789aul + seed;
	s->mxcsr = seed & 1 ? 0x1f80 : 0x9f80;
	s->control = seed & 1 ? 0x037f : 0x0f7f;
}

static void compare(unsigned self, const char *after)
{
	store(&got[self]);
	if (memcmp(&want[self], &got[self], sizeof(struct state)) == 0)
		return;
	if (wrong[self]++ > 3)
		return;
	for (unsigned r = 0; r < 16; r++)
		if (memcmp(want[self].ymm[r], got[self].ymm[r], 32))
			print("vCPU %u after %s: register %u starts %x, not %x\n", self, after, r,
			      got[self].ymm[r][0], want[self].ymm[r][0]);
	print("vCPU %u after %s: x87 %lx control %x mxcsr %x\n", self, after, got[self].x87,
	      got[self].control, got[self].mxcsr);
}

static void rounds(unsigned self)
{
	uint64_t end = clock_ns() + 1500 * MS;
	unsigned n = 0;

	while (clock_ns() < end) {
		fill(&want[self], self + 2 * n);
		load(&want[self]);
		compare(self, "nothing");
		xen_version(0, 0);
		compare(self, "a hypercall");
		sched_op(SCHEDOP_yield, 0);
		compare(self, "yield");
		if (n++ % 8 == 0) {
			sleep_until(clock_ns() + MS);
			compare(self, "sleep");
		}
		for (uint64_t spin = clock_ns() + MS / 2; clock_ns() < spin;)
			;
		compare(self, "running on");
		if (self == 0) {
			CHECK_EQ(TRAP_OF("ud2", : : : "memory"), 6);
			compare(self, "a trap");
		}
	}
	finished[self] = n;
}

/* CR4 and XCR0 are each vCPU's own. */
static void other(void)
{
	uint64_t cr4;

	if (avx)
		__asm__ volatile("mov %%cr4, %0; or $0x40000, %0; mov %0, %%cr4; xsetbv"
				 : "=&r"(cr4) : "c"(0), "a"(7), "d"(0));
	rounds(1);
	for (;;)
		vcpu_op(VCPUOP_down, 1, 0);
}

static void avx_look(void)
{
	uint32_t a = 1, b, c = 0, d, low = 0, high;
	uint64_t cr4 = 0;

	__asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
			 : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	/* XSAVE and AVX: a kernel sets CR4.OSXSAVE and XCR0 then. */
	if ((c & (1u << 26 | 1u << 28)) != (1u << 26 | 1u << 28))
		return;
	CHECK_EQ(TRAP_OF("mov %%cr4, %0", : "=r"(cr4)), -1);
	CHECK_EQ(TRAP_OF("mov %0, %%cr4", : : "r"(cr4 | 1ul << 18)), -1);
	CHECK_EQ(TRAP_OF("xsetbv", : : "c"(0), "a"(7), "d"(0)), -1);
	CHECK_EQ(TRAP_OF("xgetbv", : "=a"(low), "=d"(high) : "c"(0)), -1);
	CHECK((low & 7) == 7, "XCR0 is 0x%x after setting 7", low);
	/* x87 off is not a value XCR0 can have. */
	CHECK_EQ(TRAP_OF("xsetbv", : : "c"(0), "a"(6), "d"(0)), 13);
	avx = (low & 4) != 0;
}

void test_main(void)
{
	unsigned vcpus = vcpu_count() < 2 ? 1 : 2;

	avx_look();
	print("%s on %u vCPUs\n", avx ? "AVX" : "SSE", vcpus);
	if (vcpus == 2)
		CHECK_EQ(vcpu_start(1, other), 0);
	rounds(0);
	while (vcpus == 2 && !finished[1])
		sched_op(SCHEDOP_yield, 0);
	for (unsigned v = 0; v < vcpus; v++) {
		CHECK(finished[v] > 10, "vCPU %u made only %u rounds", v, finished[v]);
		CHECK(wrong[v] == 0, "vCPU %u found other values %u times", v, wrong[v]);
	}
}
