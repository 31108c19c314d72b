/* Shared among the files of hv/cpu/x86_64. Layer: cpu. */
#pragma once
#include "hv/base/atomic.h"
#include "hv/cpu/machine.h"
#include "hv/cpu/x86_64/percpu.h"
#include "hv/cpu/x86_64/regs.h"

/* Frames one CPU's area is made of. */
struct percpu_pages {
	uint8_t stacks[12 * PAGE_SIZE];	/* 4 interrupt stacks, 8 pages of main stack */
	uint64_t gdt[512];		/* page 14: our descriptors */
	uint8_t tss[PAGE_SIZE];
	uint8_t stub[PAGE_SIZE], stub_data[PAGE_SIZE];
	uint64_t l1[512];		/* maps all of the above */
} ALIGNED(4096);

struct tss {
	uint32_t reserved0;
	uint64_t rsp0, rsp1, rsp2, reserved1, ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_base;
} PACKED;
struct stub_data { uint64_t guest_rsp, regs_end, entry64, entry32; };

static inline struct tss *tss_of(unsigned cpu)
{
	return (struct tss *)(percpu_area(cpu) + PERCPU_TSS);
}
static inline struct stub_data *stub_data_of(unsigned cpu)
{
	return (struct stub_data *)(percpu_area(cpu) + PERCPU_STUB_DATA);
}

/* Entries of the hypervisor's own tables. */
#define HPTE_PRESENT	(1ull << 0)
#define HPTE_WRITE	(1ull << 1)
#define HPTE_USER	(1ull << 2)
#define HPTE_UNCACHED	(1ull << 3 | 1ull << 4)	/* PWT and PCD: UC in our PAT layout */
#define HPTE_AD		(1ull << 5 | 1ull << 6)
#define HPTE_LARGE	(1ull << 7)
#define HPTE_GLOBAL	(1ull << 8)
#define HPTE_NX		(1ull << 63)
#define HPTE_FLAGS	0xfff0000000000fffull

extern uint64_t hv_l4[512];
maddr_t image_maddr(const void *p);	/* of something in the image */
uint64_t nx_bit(void);			/* HPTE_NX where the CPU has it */

void features_detect(void);
void features_enable(void);		/* CR0, CR4, EFER, PAT, XCR0 of this CPU */
/* The first 2 MiB at their own address, executable: where the AP trampoline turns paging on. */
void paging_map_low(bool on);
void paging_init(void);			/* image rights, per-CPU slot, template */
void percpu_map(unsigned cpu, maddr_t pages);	/* of a struct percpu_pages */
maddr_t percpu_stub_maddr(unsigned cpu);
void percpu_set_gdt_page(unsigned cpu, unsigned page, mfn_t m);	/* 0..13, mfn 0 = empty */
void percpu_set_ldt_page(unsigned cpu, unsigned page, mfn_t m);
void tables_load(unsigned cpu);		/* GDT, IDT, TSS, system-call MSRs of this CPU */
void percpu_init(unsigned cpu, uint32_t apic_id);

void apic_init(void);			/* of this CPU */
uint32_t apic_id_own(void);
void apic_send(unsigned cpu, unsigned vector);
void apic_send_raw(uint32_t apic_id, uint32_t command);
void apic_eoi(void);
void apic_calibrate(void);

void pit_wait_ns(uint64_t ns);		/* busy, before clocks are known */

void cpu_halt_if_stopped(void);	/* on an NMI: another CPU's cpu_stop_others() */
/* A fault in hypervisor mode with registers @f: continue at a fixup, or not (false). */
bool fixup_apply(struct cpu_regs *f);
void early_print(const char *fmt, ...) PRINTF_LIKE(1, 2);

void context_drop_lazy(void);
/* Before CR3 is written: this CPU's full flush gets the next number (tlb.c). */
extern uint64_t tlb_epoch;
static inline void tlb_note_flush(void)
{
	WRITE_ONCE(percpu()->flushed_epoch, ATOMIC_ADD(&tlb_epoch, 1ull) + 1);
}
extern uint64_t boot_tsc;		/* when we were entered */
extern bool cpu_has_xsaveopt;
extern bool cpu_keeps_fpu_pointers;	/* restoring FPU state may leave those of the vCPU before */

/* Assembly. */
extern const char vector_stubs[], syscall_stub[], syscall_stub_end[], syscall_entry[], syscall32_entry[];
NORETURN void cpu_call_on_stack(void (*fn)(uint64_t, uint64_t), uint64_t a, uint64_t b, uint64_t stack_top);
NORETURN void cpu_run_guests(void);
void ap_start64(void);
extern const char trampoline_start[], trampoline_end[], trampoline_l4[], trampoline_stack[], trampoline_entry[],
	trampoline_efer[];
size_t guest_copy(void *dst, const void *src, size_t n);
NORETURN void cpu_boot_start(uint32_t magic, uint32_t info);
NORETURN void cpu_ap_start(void);
struct cpu_context *cpu_guest_trap(struct cpu_context *ctx);
struct cpu_context *cpu_guest_syscall(struct cpu_context *ctx);
struct cpu_context *cpu_guest_iret_fault(struct cpu_context *ctx);
struct cpu_context *cpu_guest_ist(const struct cpu_regs *frame);
void cpu_hv_trap(struct cpu_regs *frame);
