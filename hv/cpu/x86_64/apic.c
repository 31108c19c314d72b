/* The local APIC, in xAPIC mode: inter-processor interrupts, the one-shot timer, end of interrupt.
 * Spec: SDM 3A chapter 10. Neighbours: time.c (calibration), smp.c (INIT, SIPI). */
#include "hv/cpu/detect.h"
#include "hv/cpu/x86_64/internal.h"

enum {
	APIC_ID = 0x20, APIC_TPR = 0x80, APIC_EOI = 0xb0, APIC_LDR = 0xd0, APIC_DFR = 0xe0, APIC_SVR = 0xf0,
	APIC_ICR_LOW = 0x300, APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370, APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390, APIC_TIMER_DIVIDE = 0x3e0,
};
#define SVR_ENABLE		(1u << 8)
#define LVT_MASKED		(1u << 16)
#define LVT_NMI			(4u << 8)
#define ICR_PENDING		(1u << 12)
#define TIMER_DIVIDE_BY_1	0xbu

static maddr_t apic_base;
static uint64_t timer_ticks_per_ms;

static uint32_t apic_read(unsigned reg)
{
	return (uint32_t)cpu_mmio_read(maddr(apic_base.a + reg), 4);
}

static void apic_write(unsigned reg, uint32_t value)
{
	cpu_mmio_write(maddr(apic_base.a + reg), 4, value);
}

/* The old interrupt controllers deliver nothing any more. Before LINT0 is masked: an interrupt they
 * have already raised would reach the CPU without a vector. */
static void pic_silence(void)
{
	port_out8(0x21, 0xff);
	port_out8(0xa1, 0xff);
}

void apic_init(void)
{
	if (cpu_id() == 0)
		pic_silence();
	uint64_t base = msr_read(MSR_APIC_BASE), steps[2];
	for (unsigned i = 0, n = cpu_xapic_steps(base, steps); i < n; i++)
		msr_write(MSR_APIC_BASE, steps[i]);
	apic_base = maddr(base & 0x000ffffffffff000ull);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, 1u << (24 + cpu_id() % 8));
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, cpu_id() == 0 ? LVT_NMI : LVT_MASKED);
	apic_write(APIC_LVT_ERROR, LVT_MASKED);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
}

uint32_t apic_id_own(void)
{
	return apic_read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_send_raw(uint32_t apic_id, uint32_t command)
{
	while (apic_read(APIC_ICR_LOW) & ICR_PENDING)
		__builtin_ia32_pause();
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR_LOW, command);
}

void apic_send(unsigned cpu, unsigned vector)
{
	apic_send_raw(percpu_of(cpu)->apic_id, vector);
}

/* How many timer ticks are a millisecond: once, on the boot CPU, against the PIT. */
void apic_calibrate(void)
{
	const uint64_t ms = 20;
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_TIMER_INITIAL, 0xffffffff);
	pit_wait_ns(ms * 1000000);
	timer_ticks_per_ms = (0xffffffff - apic_read(APIC_TIMER_CURRENT)) / ms;
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	if (timer_ticks_per_ms == 0)
		timer_ticks_per_ms = 1;
}

void cpu_timer_set(uint64_t deadline_ns)
{
	if (deadline_ns == ~0ull) {
		apic_write(APIC_TIMER_INITIAL, 0);
		return;
	}
	uint64_t now = cpu_time_ns();
	uint64_t wait = deadline_ns > now ? deadline_ns - now : 0;
	if (wait > 1000000000)
		wait = 1000000000;	/* an early interrupt only sets the next one */
	uint64_t ticks = wait * timer_ticks_per_ms / 1000000 + 1;
	apic_write(APIC_TIMER_INITIAL, ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
}
