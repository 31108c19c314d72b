/* The part of a vCPU that the machine loads and saves. Layer: cpu.
 * One struct cpu_context per vCPU, embedded in struct vcpu. A trap from guest mode stores the
 * registers directly into ctx->regs (TSS.rsp0 points at its end), so they are always current
 * there while hypervisor code runs. Everything else is loaded by cpu_context_load(). */
#pragma once
#include "hv/base/types.h"
#include "hv/cpu/cpu.h"

/* Field order = push order of the entry code = order of the ABI's cpu_user_regs up to ss. */
struct cpu_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint32_t error_code, vector;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define RFLAGS_CF	0x1u
#define RFLAGS_FIXED	0x2u
#define RFLAGS_TF	0x100u
#define RFLAGS_IF	0x200u
#define RFLAGS_DF	0x400u
#define RFLAGS_IOPL	0x3000u
#define RFLAGS_NT	0x4000u
#define RFLAGS_RF	0x10000u
#define RFLAGS_VM	0x20000u
#define RFLAGS_AC	0x40000u
#define RFLAGS_VIF	0x80000u
#define RFLAGS_VIP	0x100000u

/* Flat descriptors every vCPU has (its GDT pages 14 and 15 are ours). */
#define FLAT_CS32	0xe023u
#define FLAT_DS		0xe02bu
#define FLAT_CS64	0xe033u
#define GDT_GUEST_PAGES	14
#define GDT_GUEST_ENTRIES 7168
#define LDT_PAGES	16

struct cpu_context {
	uint64_t reserved ALIGNED(16);	/* so that regs ends on a multiple of 16, as TSS.rsp0 needs */
	struct cpu_regs regs;
	uint64_t hv_stack;		/* stack of the CPU that runs us; right behind regs: entry code loads it */

	bool kernel_mode;		/* guest kernel (else guest user); both are ring 3 */
	bool is_idle;			/* no guest: no tables, no FPU */
	bool dr_active;			/* any of DR7's enable bits set */
	bool ts;			/* guest asked for #NM (fpu_taskswitch) */
	uint16_t ds, es, fs, gs;	/* selectors; saved when switched out, loaded when in */
	uint64_t fs_base, gs_base_kernel, gs_base_user;	/* current only while switched out: cpu_base_read() */

	mfn_t kernel_l4, user_l4;	/* user_l4.n == 0: none */
	cpumask_t *dirty_cpus;	/* the owner's: CPUs that may hold its translations */

	mfn_t gdt[GDT_GUEST_PAGES];	/* 0 = absent (maps an empty page) */
	uint32_t gdt_entries;
	mfn_t ldt[LDT_PAGES];		/* 0 = absent */
	uint32_t ldt_entries;

	uint32_t tables_cpu;		/* CPU it was last loaded on plus one; 0 = never */
	uint64_t dr[4], dr6, dr7;
	uint64_t xcr0;
	void *fpu;			/* cpu_features.fpu_size bytes, 64-byte aligned */
	bool bad_selector;		/* a data selector did not load when switching in: pv delivers failsafe */
};
static_assert(offsetof(struct cpu_context, hv_stack) == 8 + sizeof(struct cpu_regs), "entry code relies on it");
static_assert((8 + sizeof(struct cpu_regs)) % 16 == 0, "the CPU aligns TSS.rsp0 down to 16");

/* The context this CPU runs, never NULL after boot (idle contexts exist per CPU). */
struct cpu_context *cpu_context_current(void);
/* Give a zeroed context its initial FPU image and flags. ctx->fpu is set by the caller. */
void cpu_context_init(struct cpu_context *ctx);
/* Save the current context's lazy parts and load @next: tables, segments, bases, FPU, debug
 * registers. Loading an idle context keeps the previous tables loaded (lazy). */
void cpu_context_switch(struct cpu_context *next);
/* Bring the saved parts (bases, selectors, FPU) of @ctx up to date in memory; a no-op unless it
 * is loaded on this CPU. Cross-CPU callers must have paused the vCPU. */
void cpu_context_sync(struct cpu_context *ctx);
/* Make sure that no idle CPU has @ctx's tables loaded lazily. Before they are given up. The vCPU
 * must not be running. */
void cpu_context_evict(struct cpu_context *ctx);

/* These act on @ctx, which must be the loaded one, and on the machine. */
void cpu_context_set_tables(struct cpu_context *ctx);	/* load kernel_l4 or user_l4 by kernel_mode */
void cpu_context_set_mode(struct cpu_context *ctx, bool kernel);	/* swap GS base, load that mode's L4 */
void cpu_context_load_gdt(struct cpu_context *ctx);	/* after gdt[] changed */
void cpu_context_load_ldt(struct cpu_context *ctx);	/* after ldt_entries/ldt[] changed */
void cpu_context_load_debug(struct cpu_context *ctx);
void cpu_context_load_ts(struct cpu_context *ctx);
int cpu_context_set_xcr0(struct cpu_context *ctx, uint64_t xcr0) MUST_CHECK;	/* -EINVAL */

enum cpu_base { BASE_FS, BASE_GS_KERNEL, BASE_GS_USER };
uint64_t cpu_base_read(struct cpu_context *ctx, enum cpu_base which);
void cpu_base_write(struct cpu_context *ctx, enum cpu_base which, uint64_t value);	/* canonical */
void cpu_gs_user_selector(struct cpu_context *ctx, uint16_t sel);	/* load GS selector, its base becomes the user base */
/* DR6 of the hardware when a #DB arrived was stored into ctx->dr6 by the entry code; CR2 here: */
uint64_t cpu_fault_address(void);

static inline bool gva_is_canonical(uint64_t a) { return ((int64_t)(a << 16) >> 16) == (int64_t)a; }
/* The hypervisor's range, L4 slots 256..271: guests may never touch it. */
#define HV_VIRT_START	0xffff800000000000ull
#define HV_VIRT_END	0xffff880000000000ull
#define HV_L4_FIRST	256u
#define HV_L4_COUNT	16u
/* The machine-to-physical table, read-only for guest kernels. */
#define M2P_VIRT	0xffff800000000000ull
static inline bool gva_is_guest(uint64_t a)
{
	return gva_is_canonical(a) && !(a >= HV_VIRT_START && a < HV_VIRT_END);
}
/* All @n bytes from @a on belong to the guest's part. */
static inline bool gva_range_is_guest(uint64_t a, uint64_t n)
{
	return n == 0 || (a + (n - 1) >= a && gva_is_guest(a) && gva_is_guest(a + (n - 1)) && n < HV_VIRT_END - HV_VIRT_START);
}
