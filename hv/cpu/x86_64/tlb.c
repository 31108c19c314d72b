/* TLB consistency across CPUs: flush requests, and epochs that tell which flushes are needed.
 *
 * A request is a count per target CPU: the asker raises flush_wanted, sends an interrupt and
 * waits until flush_done has caught up. The target answers from the interrupt, or from
 * cpu_poll() when it spins with interrupts disabled; askers poll too, so that two of them
 * cannot wait for each other.
 * Epochs: every full flush of a CPU takes the next number of one global count before it
 * flushes. A frame stamped with the count at the time its last mapping went needs no flush on a
 * CPU whose last flush has a higher number. Stamps have 32 bits; the full number is rebuilt as the
 * latest possible one, which errs towards flushing.
 * Spec: SDM 3A 4.10.4, 4.10.5. */
#include "hv/base/atomic.h"
#include "hv/cpu/x86_64/internal.h"

uint64_t tlb_epoch = 1;

static void flush_here(void)
{
	tlb_note_flush();
	cr3_write(cr3_read());
}

void cpu_poll(void)
{
	struct percpu *p = percpu();
	uint64_t wanted = LOAD_ACQUIRE(&p->flush_wanted);
	if (LIKELY(wanted == p->flush_done))
		return;
	if (p->drop_lazy) {
		p->drop_lazy = false;
		context_drop_lazy();
	}
	flush_here();
	STORE_RELEASE(&p->flush_done, wanted);
}

void cpu_relax(void)
{
	__builtin_ia32_pause();
	cpu_poll();
}

void cpu_tlb_flush(cpumask_t mask)
{
	uint64_t ticket[MAX_CPUS];
	cpumask_t others = mask & cpu_online_mask() & ~(1ull << cpu_id());
	for (cpumask_t m = others; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(m);
		ticket[cpu] = ATOMIC_ADD(&percpu_of(cpu)->flush_wanted, 1ull) + 1;
		apic_send(cpu, VECTOR_KICK);
	}
	if (mask >> cpu_id() & 1)
		flush_here();
	for (cpumask_t m = others; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(m);
		while (LOAD_ACQUIRE(&percpu_of(cpu)->flush_done) < ticket[cpu])
			cpu_relax();
	}
}

void cpu_tlb_flush_page(cpumask_t mask, gva_t va)
{
	cpumask_t own = 1ull << cpu_id();
	if (mask & own)
		tlb_flush_page(va.a);
	if (mask & ~own)
		cpu_tlb_flush(mask & ~own);
}

uint32_t cpu_tlb_epoch(void)
{
	return (uint32_t)LOAD_ACQUIRE(&tlb_epoch);
}

cpumask_t cpu_tlb_filter(cpumask_t mask, uint32_t stamp)
{
	cpumask_t stale = 0;
	uint64_t now = LOAD_ACQUIRE(&tlb_epoch);
	uint64_t full = now - (uint32_t)((uint32_t)now - stamp);
	for (cpumask_t m = mask & cpu_online_mask(); m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(m);
		if (READ_ONCE(percpu_of(cpu)->flushed_epoch) <= full)
			stale |= 1ull << cpu;
	}
	return stale;
}
