/* Clocks: the TSC scaled to nanoseconds, and the wall clock of the CMOS chip at boot.
 *
 * The TSC's frequency comes from CPUID (leaf 0x15, or a hypervisor's leaf 0x40000010), else from
 * the PIT. It counts as stable where CPUID says invariant, under TCG (one counter for all), or by tsc=stable.
 * ns = (tsc - base) * mul >> 32 after a shift: the form guests use too, so both agree to the bit.
 * Spec: SDM 3B 17.17; public header xen.h vcpu_time_info; MC146818 data sheet; 8254 data sheet. */
#include "hv/base/math.h"
#include "hv/cpu/detect.h"
#include "hv/cpu/x86_64/internal.h"

#define PIT_HZ		1193182u
#define PIT_COMMAND	0x43
#define PIT_CHANNEL2	0x42
#define PIT_GATE	0x61

uint64_t boot_tsc;
static struct clock_params clock;
static uint64_t tsc_khz;
static uint64_t wallclock_at_boot_ns;	/* wall clock when cpu_time_ns() was 0 */

void pit_wait_ns(uint64_t ns)
{
	uint64_t left = ns * PIT_HZ / 1000000000;
	while (left > 0) {
		uint16_t n = left > 0xf000 ? 0xf000 : (uint16_t)left;
		left -= n;
		port_out8(PIT_GATE, (uint8_t)((port_in8(PIT_GATE) & ~2) | 1));
		port_out8(PIT_COMMAND, 0xb0);	/* channel 2, both bytes, mode 0: output rises at the end */
		port_out8(PIT_CHANNEL2, (uint8_t)n);
		port_out8(PIT_CHANNEL2, (uint8_t)(n >> 8));
		while (!(port_in8(PIT_GATE) & 0x20))
			__builtin_ia32_pause();
	}
}

static uint8_t cmos_read(uint8_t reg)
{
	port_out8(0x70, reg);
	return port_in8(0x71);
}

static unsigned cmos_number(uint8_t reg, bool bcd)
{
	uint8_t v = cmos_read(reg);
	return bcd ? (v & 15u) + (v >> 4) * 10u : v;
}

/* Seconds since 1970 of a date, by days: civil calendar, valid 1970..2099. */
static uint64_t seconds_of(unsigned year, unsigned month, unsigned day, unsigned h, unsigned m, unsigned s)
{
	static const uint16_t days_before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	uint64_t days = (year - 1970) * 365ull + (year - 1969) / 4 + days_before[(month - 1) % 12] + day - 1;
	if (month > 2 && year % 4 == 0)
		days++;
	return ((days * 24 + h) * 60 + m) * 60 + s;
}

static uint64_t cmos_seconds(void)
{
	uint64_t last = 0;
	for (unsigned tries = 0; tries < 5; tries++) {
		for (unsigned i = 0; i < 10000 && (cmos_read(0x0a) & 0x80); i++)	/* an update in progress */
			;
		bool bcd = !(cmos_read(0x0b) & 4);
		uint64_t s = seconds_of(2000 + cmos_number(9, bcd), cmos_number(8, bcd), cmos_number(7, bcd),
					cmos_number(4, bcd), cmos_number(2, bcd), cmos_number(0, bcd));
		if (s == last)
			break;
		last = s;
	}
	return last;
}

static void clock_scale(uint64_t khz)
{
	/* mul = 10^6 << 32 / khz, normalised to 32 bits by the shift. */
	int8_t shift = 0;
	uint64_t rate = khz * 1000, ns = 1000000000;
	while (rate > ns * 2) {
		rate >>= 1;
		shift--;
	}
	while (rate <= ns) {
		rate <<= 1;
		shift++;
	}
	clock.mul = (uint32_t)mul_div(ns, 1ull << 32, rate);
	clock.shift = shift;
}

void cpu_clock_init(bool force_stable)
{
	apic_init();
	percpu()->apic_id = apic_id_own();
	tsc_khz = cpu_tsc_khz_told(cpu_cpuid);
	if (tsc_khz == 0) {
		uint64_t start = tsc_read();
		pit_wait_ns(50000000);
		tsc_khz = (tsc_read() - start) / 50;
	}
	if (tsc_khz == 0)
		tsc_khz = 1;
	clock_scale(tsc_khz);
	clock.stable = cpu_tsc_is_invariant(cpu_cpuid) || cpu_features.is_tcg || force_stable;
	clock.base_tsc = boot_tsc;
	clock.base_ns = 0;
	apic_calibrate();
	wallclock_at_boot_ns = cmos_seconds() * 1000000000ull - cpu_time_ns();
}

uint64_t cpu_time_ns(void)
{
	if (clock.mul == 0)
		return 0;
	uint64_t delta = tsc_read() - clock.base_tsc;
	delta = clock.shift >= 0 ? delta << clock.shift : delta >> -clock.shift;
	return clock.base_ns + (uint64_t)((unsigned __int128)delta * clock.mul >> 32);
}

uint64_t cpu_tsc(void)
{
	return tsc_read();
}

uint64_t cpu_tsc_khz(void)
{
	return tsc_khz;
}

void cpu_clock_params(struct clock_params *out)
{
	*out = clock;
}

uint64_t cpu_wallclock_ns(void)
{
	return wallclock_at_boot_ns + cpu_time_ns();
}

void cpu_delay_ns(uint64_t ns)
{
	if (clock.mul == 0) {
		pit_wait_ns(ns);
		return;
	}
	uint64_t end = cpu_time_ns() + ns;
	while (cpu_time_ns() < end)
		__builtin_ia32_pause();
}
