/* The modelled machine: CPUs, RAM, time, kicks and interrupts.
 *
 * RAM is one anonymous mapping; frame_map() hands out addresses in it and counts, per CPU, what was
 * not given back. Time is a number that tests advance; a timer that becomes due runs its upcall on
 * its own CPU. One TSC tick is one nanosecond. Threads may be the CPUs, too: what they share is atomic here.
 * Neighbours: fiber.c (CPUs that take turns), tlb.c (translation), context.c (vCPU state), devices.c (ports, MMIO, MSRs). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"
#include "hv/cpu/host/yield.h"

/* Larger machines start with zeroed RAM, which costs nothing until it is touched. */
#define PATTERN_FRAMES 8192u

static _Thread_local unsigned selected;
static unsigned cpus_up = 1;
static uint8_t *arena;
static uint64_t arena_frames;
static uint64_t now_ns;

static struct host_cpu {
	uint64_t deadline_ns;
	uint64_t irqs[4];		/* pending vectors */
	bool kicked;
	int maps;
} cpu_state[MAX_CPUS];

void (*host_upcall_timer)(void);
void (*host_upcall_irq)(unsigned vector);
void (*host_hook_preempt)(void);
void (*host_hook_relax)(void);
void (*host_hook_stop)(bool reboot);
void (*host_yield_hook)(enum host_point why);
uint64_t host_wallclock_base_ns;

static void arena_replace(uint64_t frames)
{
	if (arena)
		munmap(arena, arena_frames * PAGE_SIZE);
	arena = mmap(NULL, frames * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED) {
		perror("host: arena");
		exit(70);
	}
	arena_frames = frames;
}

void host_reset(unsigned cpus, uint64_t frames)
{
	if (!arena || frames != arena_frames)
		arena_replace(frames);
	if (frames <= PATTERN_FRAMES)
		memset(arena, 0xa5, frames * PAGE_SIZE);
	else
		arena_replace(frames);
	memset(cpu_state, 0, sizeof cpu_state);
	for (unsigned i = 0; i < MAX_CPUS; i++)
		cpu_state[i].deadline_ns = ~0ull;
	cpus_up = cpus;
	now_ns = 0;
	selected = 0;
	host_upcall_timer = NULL;
	host_upcall_irq = NULL;
	host_hook_preempt = NULL;
	host_hook_relax = NULL;
	host_hook_stop = NULL;
	host_yield_hook = NULL;
	host_wallclock_base_ns = 1700000000000000000ull;
	host_tlb_reset(cpus);
	host_context_reset(cpus);
	host_devices_reset();
}

void host_cpu_select(unsigned cpu)
{
	selected = cpu;
}

uint64_t host_frame_count(void)
{
	return arena_frames;
}

/* --- identity --- */

unsigned cpu_id(void)
{
	return selected;
}

unsigned cpu_count(void)
{
	return cpus_up;
}

cpumask_t cpu_online_mask(void)
{
	return cpus_up == 64 ? ~0ull : (1ull << cpus_up) - 1;
}

uint32_t cpu_apic_id(unsigned cpu)
{
	return cpu * 2;		/* not the identity, so that a mix-up shows */
}

/* --- waiting and kicking --- */

void cpu_relax(void)
{
	if (host_hook_relax)
		host_hook_relax();
	host_point(POINT_RELAX);
}

void cpu_poll(void)
{
	/* Flushes are executed at once by whoever asks for them. */
}

void cpu_kick(unsigned cpu)
{
	__atomic_store_n(&cpu_state[cpu].kicked, true, __ATOMIC_RELAXED);
}

bool host_kicked(unsigned cpu)
{
	return __atomic_exchange_n(&cpu_state[cpu].kicked, false, __ATOMIC_RELAXED);
}

void host_irq_raise(unsigned cpu, unsigned vector)
{
	cpu_state[cpu].irqs[vector / 64] |= 1ull << vector % 64;
}

static void timer_fire_due(struct host_cpu *c)
{
	if (c->deadline_ns > cpu_time_ns())
		return;
	c->deadline_ns = ~0ull;
	if (host_upcall_timer)
		host_upcall_timer();
}

void host_interrupts(void)
{
	struct host_cpu *c = &cpu_state[selected];
	timer_fire_due(c);
	for (unsigned w = 0; w < 4; w++) {
		while (c->irqs[w]) {
			unsigned bit = (unsigned)__builtin_ctzll(c->irqs[w]);
			c->irqs[w] &= c->irqs[w] - 1;
			if (host_upcall_irq)
				host_upcall_irq(w * 64 + bit);
		}
	}
}

void cpu_idle(void)
{
	struct host_cpu *c = &cpu_state[selected];
	uint64_t irqs = c->irqs[0] | c->irqs[1] | c->irqs[2] | c->irqs[3];
	if (!irqs && c->deadline_ns != ~0ull && c->deadline_ns > now_ns)
		host_time_set(c->deadline_ns);
	host_interrupts();
}

void cpu_preempt_window(void)
{
	host_point(POINT_WINDOW);
	if (host_hook_preempt)
		host_hook_preempt();
	host_interrupts();
}

void cpu_stop_machine(bool reboot)
{
	if (host_hook_stop)
		host_hook_stop(reboot);
	fflush(NULL);
	exit(70);
}

void cpu_halt_forever(void)
{
	cpu_stop_machine(false);
}

void cpu_stop_others(void)
{
}

void cpu_delay_ns(uint64_t ns)
{
	(void)ns;
}

/* A debugger or sanitizer shows a process's own registers and calls better. */
bool cpu_regs_here(struct cpu_regs *out)
{
	(void)out;
	return false;
}

void cpu_view(uint64_t rsp, struct cpu_view *out)
{
	(void)rsp;
	*out = (struct cpu_view){ 0 };
}

/* --- time --- */

uint64_t cpu_time_ns(void)
{
	return __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

uint64_t cpu_tsc(void)
{
	return cpu_time_ns();
}

uint64_t cpu_tsc_khz(void)
{
	return 1000000;
}

void cpu_clock_params(struct clock_params *out)
{
	*out = (struct clock_params){ .mul = 0x80000000u, .shift = 1, .stable = true };
}

uint64_t cpu_wallclock_ns(void)
{
	return host_wallclock_base_ns + cpu_time_ns();
}

void cpu_timer_set(uint64_t deadline_ns)
{
	cpu_state[selected].deadline_ns = deadline_ns;
}

uint64_t host_timer_deadline(unsigned cpu)
{
	return cpu_state[cpu].deadline_ns;
}

void host_time_set(uint64_t ns)
{
	__atomic_store_n(&now_ns, ns, __ATOMIC_RELAXED);
}

void host_time_advance(uint64_t ns)
{
	uint64_t end = now_ns + ns;
	unsigned caller = selected;
	for (;;) {
		unsigned first = 0;
		for (unsigned i = 1; i < cpus_up; i++)
			if (cpu_state[i].deadline_ns < cpu_state[first].deadline_ns)
				first = i;
		if (cpu_state[first].deadline_ns > end)
			break;
		if (cpu_state[first].deadline_ns > now_ns)
			now_ns = cpu_state[first].deadline_ns;
		selected = first;
		timer_fire_due(&cpu_state[first]);
	}
	selected = caller;
	now_ns = end;
}

/* --- RAM --- */

void *host_frame(mfn_t m)
{
	if (m.n >= arena_frames) {
		fprintf(stderr, "host: frame %llx is not RAM\n", (unsigned long long)m.n);
		abort();
	}
	return arena + m.n * PAGE_SIZE;
}

void *frame_map(mfn_t m)
{
	cpu_state[selected].maps++;
	return host_frame(m);
}

void frame_unmap(const void *p)
{
	const uint8_t *at = p;
	if (at < arena || at >= arena + arena_frames * PAGE_SIZE || cpu_state[selected].maps <= 0) {
		fprintf(stderr, "host: unbalanced frame_unmap\n");
		abort();
	}
	cpu_state[selected].maps--;
}

int host_maps_outstanding(void)
{
	return cpu_state[selected].maps;
}
