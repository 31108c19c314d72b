/* What the hypervisor asks of a CPU: the only door to the machine. Layer: cpu.
 * Implemented by hv/cpu/x86_64 (the machine) and hv/cpu/host (a process: arena RAM, virtual
 * clock, TLB model). Nothing above knows which. Upward calls: hv/cpu/upcall.h.
 *
 * Concurrency model: hypervisor code runs with interrupts disabled on a per-CPU stack that is
 * empty whenever a guest runs. Interrupts are taken in guest mode, when idle, and inside
 * cpu_preempt_window(). There are no hypervisor threads. */
#pragma once
#include "hv/base/backtrace.h"

#define MAX_CPUS 64
typedef uint64_t cpumask_t;	/* bit n = CPU n */

/* --- identity --- */
unsigned cpu_id(void);			/* of the caller, 0..cpu_count()-1; 0 is the boot CPU */
unsigned cpu_count(void);		/* CPUs that are up */
cpumask_t cpu_online_mask(void);
uint32_t cpu_apic_id(unsigned cpu);

/* --- waiting and kicking --- */
void cpu_relax(void);			/* in a spin loop; also answers flush requests (cpu_poll) */
void cpu_poll(void);			/* answer TLB-flush requests from other CPUs, if any */
void cpu_kick(unsigned cpu);		/* make @cpu pass through upcall_return() soon; IPI if remote */
void cpu_idle(void);			/* wait for an interrupt (taken inside), return with them disabled */
void cpu_preempt_window(void);		/* take pending interrupts now, briefly */
NORETURN void cpu_stop_machine(bool reboot);	/* halt others, then reset or halt this one */
NORETURN void cpu_halt_forever(void);
void cpu_delay_ns(uint64_t ns);		/* busy; also before the clock is known */

/* --- for a panic (hv/core/panic.c) --- */
struct cpu_regs;
void cpu_stop_others(void);		/* halt them whatever they do; returns when they have, or should have */
/* As an interrupt right behind the call would store them; false: there are none to show (a process). */
bool cpu_regs_here(struct cpu_regs *out);
struct cpu_view {
	uint64_t cr0, cr2, cr3, cr4;
	const uint64_t *stack, *stack_end;	/* from @rsp on, of the stack of this CPU that it points into; or none */
	struct code_map code;
};
void cpu_view(uint64_t rsp, struct cpu_view *out);

/* --- time --- */
uint64_t cpu_time_ns(void);		/* since boot; monotonic and equal on all CPUs */
uint64_t cpu_tsc(void);
uint64_t cpu_tsc_khz(void);
/* The pair and scale guests need: ns = base_ns + ((tsc - base_tsc) shifted by shift) * mul >> 32. */
struct clock_params { uint64_t base_tsc, base_ns; uint32_t mul; int8_t shift; bool stable; };
void cpu_clock_params(struct clock_params *out);
uint64_t cpu_wallclock_ns(void);	/* since 1970, from the RTC at boot plus cpu_time_ns() */
void cpu_timer_set(uint64_t deadline_ns);	/* this CPU's one-shot timer -> upcall_timer(); ~0ull stops it */

/* --- memory --- */
void *frame_map(mfn_t m);		/* readable and writable until frame_unmap(); balanced (I15) */
void frame_unmap(const void *p);
/* The same for mappings that outlive the operation (shared_info, a registered vcpu_info): not part
 * of I15's balance, may be unmapped on another CPU. */
void *frame_map_keep(mfn_t m);
void frame_unmap_keep(const void *p);
/* Devices (uncached); @size 1, 2, 4 or 8 and naturally aligned. */
uint64_t cpu_mmio_read(maddr_t at, unsigned size);
void cpu_mmio_write(maddr_t at, unsigned size, uint64_t value);
uint32_t cpu_port_in(uint16_t port, unsigned size);	/* 1, 2, 4 */
void cpu_port_out(uint16_t port, unsigned size, uint32_t value);

/* Guest memory at virtual addresses, through the address space this CPU has loaded, with the
 * guest kernel's rights (user-accessible pages, read-only respected). Never touches the
 * hypervisor's own range. Return the number of bytes NOT copied (0 = all). */
size_t cpu_guest_read(void *dst, gva_t src, size_t n) MUST_CHECK;
size_t cpu_guest_write(gva_t dst, const void *src, size_t n) MUST_CHECK;

/* --- TLB --- */
/* A translation of address space A may be cached by any CPU that loaded A since its last full
 * flush. cpu_tlb_flush(): every CPU in @mask drops everything (not global hypervisor entries);
 * _page: at least the translations of @va. Both return when it has happened; the caller may
 * hold locks (waiters answer requests). */
void cpu_tlb_flush(cpumask_t mask);
void cpu_tlb_flush_page(cpumask_t mask, gva_t va);
/* Flush epochs, to skip flushes that happened anyway: a frame stamped with
 * cpu_tlb_epoch() needs a flush only on CPUs in the returned subset of @mask. */
uint32_t cpu_tlb_epoch(void);
cpumask_t cpu_tlb_filter(cpumask_t mask, uint32_t epoch);
/* CPUs that may hold translations of this owner's tables: kept by cpu_context_load() in the
 * word its context's dirty_cpus points to. */

/* --- features the layers above ask about --- */
struct cpu_features {
	bool has_xsave, has_nx, is_tcg;
	bool uses_smep, uses_smap;
	uint64_t xcr0_mask;	/* components supported and enabled for guests */
	uint32_t fpu_size;	/* bytes of one vCPU's state area, all components (64-byte aligned) */
	uint32_t mxcsr_mask;	/* bits of MXCSR that may be set */
	uint8_t phys_bits;
};
extern struct cpu_features cpu_features;	/* read-only after boot */
typedef void cpuid_raw_fn(uint32_t leaf, uint32_t sub, uint32_t out[4]);
cpuid_raw_fn cpu_cpuid;		/* eax ebx ecx edx, raw */
/* 0, or -EIO when the MSR does not exist (fixup). */
int cpu_msr_read(uint32_t msr, uint64_t *value) MUST_CHECK;
int cpu_msr_write(uint32_t msr, uint64_t value) MUST_CHECK;
