/* The modelled machine: what tests do to it and read from it. Layer: cpu; hosted build only.
 *
 * RAM is an arena of @frames frames, MFN 0 .. frames-1; everything above is device memory. Several
 * CPUs exist and one at a time is selected; the test switches between them, so that a failing
 * interleaving replays. (The selected CPU is thread-local: a threaded test selects one per thread.)
 *
 * The TLB model is as hostile as the architecture permits: translations and table pointers
 * that a CPU once walked stay usable, per address space, until cpu_tlb_flush() reaches it; loading
 * another L4 drops nothing. A test that wants the gentler kind sets host_l4_load_flushes. */
#pragma once
#include "hv/cpu/context.h"

/* Start over: @cpus CPUs (1..MAX_CPUS), RAM filled with a pattern that is not zero
 * (up to 32 MiB; more is zero), time 0, no hooks, idle contexts,
 * CPU 0 selected, 512 entries per table. */
void host_reset(unsigned cpus, uint64_t frames);
void host_cpu_select(unsigned cpu);
/* Entries per page table that the walker honours (4..512); further ones read as not present. */
void host_geometry(unsigned entries);
uint64_t host_frame_count(void);
void *host_frame(mfn_t m);			/* RAM of a frame, uncounted */
/* frame_map() without frame_unmap() on this CPU; 0 at every exit to a guest (I15). */
int host_maps_outstanding(void);

/* --- time and interrupts --- */
extern void (*host_upcall_timer)(void);		/* what a due timer calls: upcall_timer, or a fake */
extern void (*host_upcall_irq)(unsigned vector);
void host_time_set(uint64_t ns);
void host_time_advance(uint64_t ns);		/* runs timers that become due, each on its CPU */
uint64_t host_timer_deadline(unsigned cpu);	/* ~0ull: stopped */
/* Delivered on @cpu in cpu_idle() and cpu_preempt_window(), or by host_interrupts(). */
void host_irq_raise(unsigned cpu, unsigned vector);
void host_interrupts(void);			/* deliver what is pending for the selected CPU */
bool host_kicked(unsigned cpu);			/* was it kicked since the last call? */
extern void (*host_hook_preempt)(void);		/* at every cpu_preempt_window() */
extern void (*host_hook_relax)(void);		/* at every cpu_relax() */

/* --- translation --- */
/* Called before a flush of @mask takes effect: the place where another CPU can still act on
 * stale translations. */
extern void (*host_hook_flush)(cpumask_t mask);
extern bool host_l4_load_flushes;
extern uint64_t host_flushes;			/* cpu_tlb_flush() calls that reached at least one CPU */
extern uint64_t host_flushes_page;
/* An access by the guest that @cpu has loaded (kernel or user mode as its context says), 8-byte
 * aligned. 0, or the page-fault error code with HOST_FAULT set. */
#define HOST_FAULT 0x10000u
#define FAULT_PRESENT 1u
#define FAULT_WRITE 2u
#define FAULT_USER 4u
#define FAULT_FETCH 16u
unsigned host_guest_load(unsigned cpu, uint64_t va, uint64_t *value) MUST_CHECK;
unsigned host_guest_store(unsigned cpu, uint64_t va, uint64_t value) MUST_CHECK;
extern _Thread_local uint64_t host_reached;	/* the frame that the last access reached; ~0ull: it faulted */
/* A range of @cpu's guest addresses that is @bytes, whatever the tables say: a test's arguments and code, which
 * its guest cannot lose. Seen by cpu_guest_read() and cpu_guest_write() only. */
void host_window(unsigned cpu, uint64_t va, void *bytes, size_t size);
extern unsigned host_tlb_size;	/* entries per CPU: 256; tests lower it */
unsigned host_guest_fetch(unsigned cpu, uint64_t va, void *bytes, size_t n) MUST_CHECK;
/* Every cached leaf translation. For the audit's I5. */
struct host_tlb_entry { unsigned cpu; mfn_t l4; uint64_t va; mfn_t m; bool writable; };
typedef void host_tlb_fn(const struct host_tlb_entry *e);
void host_tlb_each(host_tlb_fn *fn);
/* Every cached pointer to a table: fn(cpu, va, table). */
void host_tlb_tables_each(void (*fn)(unsigned cpu, uint64_t va, mfn_t table));
void host_epoch_set(uint32_t epoch);		/* to test the wrap */

/* --- devices: NULL hooks read as all ones and swallow writes --- */
extern uint64_t (*host_mmio_read)(maddr_t at, unsigned size);
extern void (*host_mmio_write)(maddr_t at, unsigned size, uint64_t value);
extern uint32_t (*host_port_in)(uint16_t port, unsigned size);
extern void (*host_port_out)(uint16_t port, unsigned size, uint32_t value);
void host_msr_set(uint32_t msr, uint64_t value);	/* make it exist; at most 64 */
void host_cpuid_set(uint32_t leaf, uint32_t sub, const uint32_t regs[4]);	/* at most 64 */
extern uint64_t host_fault_address;			/* cpu_fault_address() */
extern uint64_t host_wallclock_base_ns;
/* Counts of context operations, for tests of the layers above. */
struct host_counts { uint64_t switches, gdt_loads, ldt_loads, ldt_maps, debug_loads, tss_loads, evictions; };
extern struct host_counts host_counts;
/* What cpu_stop_machine() does; NULL: exit(70). It must not return. */
extern void (*host_hook_stop)(bool reboot);

/* For the other files of hv/cpu/host. */
struct cpu_context *host_context_of(unsigned cpu);
void host_context_reset(unsigned cpus);
void host_tlb_reset(unsigned cpus);
void host_devices_reset(void);
/* @cpu now uses @l4: flush if host_l4_load_flushes. */
void host_l4_loaded(unsigned cpu, mfn_t l4);
