/* Processors: identity, start-up, kicks, idling, the end of the machine.
 *
 * The boot CPU comes from boot.S on a temporary stack, the others from trampoline.S; each moves to
 * its own area (layout.h) before anything else. CPU numbers are given in order of start.
 * Spec: SDM 3A 8.4 (multiple-processor initialization). Neighbours: apic.c, tables.c, paging.c. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/upcall.h"
#include "hv/cpu/x86_64/internal.h"

#define TRAMPOLINE_ADDRESS 0x8000ull
#define ICR_INIT	0x4500u
#define ICR_SIPI	0x4600u
#define ICR_NMI		0x4400u

static struct percpu_pages boot_pages;
static uint32_t online_count = 1;
static uint64_t online_mask = 1;
static bool is_stopping;
static uint32_t stopped_count;
struct machine_power machine_power;

unsigned cpu_id(void)
{
	return percpu()->id;
}

unsigned cpu_count(void)
{
	return READ_ONCE(online_count);
}

cpumask_t cpu_online_mask(void)
{
	return READ_ONCE(online_mask);
}

uint32_t cpu_apic_id(unsigned cpu)
{
	return percpu_of(cpu)->apic_id;
}

/* --- the boot CPU --- */

static void boot_on_own_stack(uint64_t magic, uint64_t info)
{
	percpu_init(0, 0);
	tables_load(0);
	percpu()->xcr0 = cpu_features.xcr0_mask;
	boot_main((uint32_t)magic, maddr(info));
}

void cpu_boot_start(uint32_t magic, uint32_t info)
{
	boot_tsc = tsc_read();
	features_detect();
	features_enable();
	percpu_map(0, image_maddr(&boot_pages));
	paging_init();
	cpu_call_on_stack(boot_on_own_stack, magic, info, (uint64_t)percpu_of(0));
}

void cpu_enter_guests(void)
{
	cpu_call_on_stack((void (*)(uint64_t, uint64_t))cpu_run_guests, 0, 0, (uint64_t)percpu());
}

/* --- the others --- */

static uint64_t *trampoline_field(const char *sym)
{
	return (uint64_t *)((char *)frame_map(mfn(TRAMPOLINE_ADDRESS >> PAGE_SHIFT)) + (sym - trampoline_start));
}

void cpu_ap_start(void)
{
	unsigned cpu = percpu()->id;
	features_enable();
	percpu()->xcr0 = cpu_features.xcr0_mask;
	tables_load(cpu);
	apic_init();
	ATOMIC_OR(&online_mask, 1ull << cpu);
	STORE_RELEASE(&online_count, cpu + 1);
	upcall_cpu_online();
	cpu_enter_guests();
}

static bool start_one(unsigned cpu, uint32_t apic_id)
{
	percpu_init(cpu, apic_id);
	*trampoline_field(trampoline_stack) = (uint64_t)percpu_of(cpu);
	apic_send_raw(apic_id, ICR_INIT);
	cpu_delay_ns(10000000);
	for (unsigned tries = 0; tries < 2 && cpu_count() == cpu; tries++) {
		apic_send_raw(apic_id, ICR_SIPI | (uint32_t)(TRAMPOLINE_ADDRESS >> PAGE_SHIFT));
		uint64_t until = cpu_time_ns() + 1000000000;
		while (cpu_count() == cpu && cpu_time_ns() < until)
			cpu_relax();
	}
	return cpu_count() > cpu;
}

unsigned cpu_start_others(const uint32_t *apic_ids, unsigned n, int (*prepare)(unsigned cpu), boot_alloc_pages_fn *alloc)
{
	memcpy(trampoline_field(trampoline_start), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	paging_map_low(true);
	*trampoline_field(trampoline_l4) = image_maddr(hv_l4).a;
	*trampoline_field(trampoline_entry) = (uint64_t)ap_start64;
	*trampoline_field(trampoline_efer) = EFER_LME | (cpu_features.has_nx ? EFER_NXE : 0);
	for (unsigned i = 0; i < n && cpu_count() < MAX_CPUS; i++) {
		unsigned cpu = cpu_count();
		if (apic_ids[i] == percpu()->apic_id || apic_ids[i] > 254)
			continue;
		maddr_t pages = alloc(sizeof(struct percpu_pages) / PAGE_SIZE);
		if (pages.a == 0)
			break;
		percpu_map(cpu, pages);
		if (prepare(cpu) != 0)
			break;
		if (!start_one(cpu, apic_ids[i]))
			early_print("(hv) processor with APIC id %u does not start\n", apic_ids[i]);
	}
	paging_map_low(false);
	return cpu_count();
}

/* --- kicks and idling --- */

void cpu_kick(unsigned cpu)
{
	if (cpu != cpu_id())
		apic_send(cpu, VECTOR_KICK);
}

void cpu_idle(void)
{
	__asm__ volatile ("sti\n\thlt\n\tcli" : : : "memory");
}

void cpu_preempt_window(void)
{
	__asm__ volatile ("sti\n\tnop\n\tcli" : : : "memory");
}

/* --- the end --- */

void cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile ("cli\n\thlt" : : : "memory");
}

/* By NMI: a CPU that spins for a lock of ours takes no other interrupt. */
void cpu_stop_others(void)
{
	unsigned self = cpu_id(), others = cpu_count() - 1;
	WRITE_ONCE(is_stopping, true);
	for (unsigned cpu = 0; cpu <= others; cpu++)
		if (cpu != self)
			apic_send_raw(percpu_of(cpu)->apic_id, ICR_NMI);
	for (unsigned i = 0; i < 10000000 && READ_ONCE(stopped_count) < others; i++)
		__builtin_ia32_pause();
}

void cpu_halt_if_stopped(void)
{
	if (!READ_ONCE(is_stopping))
		return;
	ATOMIC_ADD(&stopped_count, 1u);
	cpu_halt_forever();
}

static void reset(void)
{
	if (machine_power.has_reset)
		cpu_port_out(machine_power.reset_port, 1, machine_power.reset_value);
	for (unsigned i = 0; i < 1000000; i++)
		__builtin_ia32_pause();
	port_out8(0xcf9, 0x02);
	port_out8(0xcf9, 0x06);
	for (unsigned i = 0; i < 1000000; i++)
		__builtin_ia32_pause();
	port_out8(0x64, 0xfe);
}

void cpu_stop_machine(bool reboot)
{
	cpu_stop_others();
	if (reboot)
		reset();
	cpu_halt_forever();
}

void cpu_power_off(void)
{
	cpu_stop_others();
	if (machine_power.pm1a_cnt)
		cpu_port_out(machine_power.pm1a_cnt, 2, machine_power.slp_typ_a);
	if (machine_power.pm1b_cnt)
		cpu_port_out(machine_power.pm1b_cnt, 2, machine_power.slp_typ_b);
	cpu_halt_forever();
}

/* --- ports --- */

uint32_t cpu_port_in(uint16_t port, unsigned size)
{
	uint32_t v = 0;
	if (size == 1)
		__asm__ volatile ("inb %1, %b0" : "+a" (v) : "Nd" (port));
	else if (size == 2)
		__asm__ volatile ("inw %1, %w0" : "+a" (v) : "Nd" (port));
	else
		__asm__ volatile ("inl %1, %0" : "=a" (v) : "Nd" (port));
	return v;
}

void cpu_port_out(uint16_t port, unsigned size, uint32_t value)
{
	if (size == 1)
		__asm__ volatile ("outb %b0, %1" : : "a" (value), "Nd" (port));
	else if (size == 2)
		__asm__ volatile ("outw %w0, %1" : : "a" (value), "Nd" (port));
	else
		__asm__ volatile ("outl %0, %1" : : "a" (value), "Nd" (port));
}

/* --- guest memory --- */

static inline size_t guest_copy_user(void *dst, const void *src, size_t n)
{
	if (LIKELY(!cpu_features.uses_smap))
		return guest_copy(dst, src, n);
	__asm__ volatile ("stac" : : : "memory");
	size_t left = guest_copy(dst, src, n);
	__asm__ volatile ("clac" : : : "memory");
	return left;
}

size_t cpu_guest_read(void *dst, gva_t src, size_t n)
{
	return guest_copy_user(dst, (const void *)src.a, n);
}

size_t cpu_guest_write(gva_t dst, const void *src, size_t n)
{
	return guest_copy_user((void *)dst.a, src, n);
}
