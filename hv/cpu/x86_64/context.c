/* Guest contexts: what is loaded into the machine when a vCPU runs, and its live changes.
 *
 * Rules: a context is loaded on at most one CPU. Going idle saves everything at once but leaves
 * its page tables in CR3 (lazily: often the same vCPU comes next); they are dropped before the
 * context is loaded on another CPU and before its tables are given up (cpu_context_evict), so
 * CR3 never points to a frame that is no page table any more. FPU state is switched eagerly.
 * Neighbours: tlb.c (flush epochs), entry.S (offsets checked here). */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/upcall.h"
#include "hv/cpu/x86_64/internal.h"

static_assert(offsetof(struct cpu_context, regs) == CTX_REGS, "layout.h");
static_assert(sizeof(struct cpu_regs) == REGS_SIZE, "layout.h");
static_assert(offsetof(struct cpu_regs, rip) == REGS_RIP, "layout.h");
static_assert(offsetof(struct cpu_regs, rcx) == REGS_RCX, "layout.h");
static_assert(offsetof(struct cpu_regs, r11) == REGS_R11, "layout.h");
static_assert(offsetof(struct cpu_regs, vector) == REGS_VECTOR, "layout.h");

/* Which descriptor pages a CPU has mapped, so that a switch writes only what differs. */
static struct { mfn_t gdt[GDT_GUEST_PAGES], ldt[LDT_PAGES]; uint32_t ldt_entries; } mapped[MAX_CPUS];

struct cpu_context *cpu_context_current(void)
{
	return percpu()->current;
}

void cpu_context_init(struct cpu_context *ctx)
{
	/* Legacy area: control word and MXCSR; XSTATE_BV 0 = everything else in its initial state. */
	memset(ctx->fpu, 0, cpu_features.fpu_size);
	uint16_t fcw = 0x37f;
	uint32_t mxcsr = 0x1f80;
	memcpy(ctx->fpu, &fcw, sizeof fcw);
	memcpy((char *)ctx->fpu + 24, &mxcsr, sizeof mxcsr);
	ctx->xcr0 = 1;
	ctx->dr6 = 0xffff0ff0;
	ctx->dr7 = 0x400;
}

/* --- FPU --- */

static void xcr0_load(struct percpu *p, uint64_t value)
{
	if (p->xcr0 != value) {
		xcr0_write(value);
		p->xcr0 = value;
	}
}

static void fpu_save(struct cpu_context *ctx)
{
	void *area = ctx->fpu;
	if (ctx->ts)
		cr0_write(cr0_read() & ~CR0_TS);
	if (!cpu_features.has_xsave) {
		__asm__ volatile ("fxsaveq (%0)" : : "r" (area) : "memory");
		return;
	}
	xcr0_load(percpu(), cpu_features.xcr0_mask);
	if (cpu_has_xsaveopt)
		__asm__ volatile ("xsaveopt64 (%0)" : : "r" (area), "a" (~0u), "d" (~0u) : "memory");
	else
		__asm__ volatile ("xsave64 (%0)" : : "r" (area), "a" (~0u), "d" (~0u) : "memory");
}

static void fpu_load(struct cpu_context *ctx)
{
	void *area = ctx->fpu;
	static const uint32_t zero;
	if (cpu_keeps_fpu_pointers)	/* they then name this instruction, not another guest's */
		__asm__ volatile ("fnclex\n\tffree %%st(7)\n\tfildl %0" : : "m" (zero));
	if (!cpu_features.has_xsave) {
		__asm__ volatile ("fxrstorq (%0)" : : "r" (area) : "memory");
	} else {
		xcr0_load(percpu(), cpu_features.xcr0_mask);
		__asm__ volatile ("xrstor64 (%0)" : : "r" (area), "a" (~0u), "d" (~0u) : "memory");
		xcr0_load(percpu(), ctx->xcr0);
	}
	if (ctx->ts)
		cr0_write(cr0_read() | CR0_TS);
}

int cpu_context_set_xcr0(struct cpu_context *ctx, uint64_t xcr0)
{
	if (!cpu_features.has_xsave || !(xcr0 & 1) || (xcr0 & ~cpu_features.xcr0_mask) ||
	    ((xcr0 & 4) && !(xcr0 & 2)) || ((xcr0 & 0xe0) && (xcr0 & 0xe6) != 0xe6))
		return -EINVAL;
	ctx->xcr0 = xcr0;
	if (percpu()->current == ctx)
		xcr0_load(percpu(), xcr0);
	return 0;
}

void cpu_context_load_ts(struct cpu_context *ctx)
{
	cr0_write(ctx->ts ? cr0_read() | CR0_TS : cr0_read() & ~CR0_TS);
}

/* --- segments --- */

/* Load a selector; a bad one becomes 0 and is remembered. */
#define SELECTOR_LOAD(reg, sel, bad) do { \
	uint32_t failed_; \
	__asm__ volatile ("1:\tmovw %w1, %%" #reg "\n\txorl %0, %0\n2:\n" \
			  "\t.pushsection .fixups, \"a\"\n\t.quad 1b, 3f\n\t.popsection\n" \
			  "\t.subsection 1\n3:\txorl %0, %0\n\tmovw %w0, %%" #reg "\n\tmovl $1, %0\n\tjmp 2b\n\t.previous" \
			  : "=&r" (failed_) : "r" ((uint32_t)(sel)) : "memory"); \
	if (failed_) \
		(bad) = true; \
} while (0)
#define SELECTOR_READ(reg) ({ uint16_t s_; __asm__ volatile ("movw %%" #reg ", %0" : "=r" (s_)); s_; })

static void gs_user_load(uint16_t sel, bool *bad)
{
	__asm__ volatile ("swapgs" : : : "memory");
	SELECTOR_LOAD(gs, sel, *bad);
	__asm__ volatile ("swapgs" : : : "memory");
}

static void segments_save(struct cpu_context *ctx)
{
	ctx->ds = SELECTOR_READ(ds);
	ctx->es = SELECTOR_READ(es);
	ctx->fs = SELECTOR_READ(fs);
	ctx->gs = SELECTOR_READ(gs);
	ctx->fs_base = msr_read(MSR_FS_BASE);
	uint64_t active = msr_read(MSR_GS_BASE), inactive = msr_read(MSR_KERNEL_GS_BASE);
	ctx->gs_base_kernel = ctx->kernel_mode ? active : inactive;
	ctx->gs_base_user = ctx->kernel_mode ? inactive : active;
}

static void segments_load(struct cpu_context *ctx)
{
	bool bad = false;
	SELECTOR_LOAD(ds, ctx->ds, bad);
	SELECTOR_LOAD(es, ctx->es, bad);
	SELECTOR_LOAD(fs, ctx->fs, bad);
	SELECTOR_LOAD(gs, ctx->gs, bad);
	msr_write(MSR_FS_BASE, ctx->fs_base);
	msr_write(MSR_GS_BASE, ctx->kernel_mode ? ctx->gs_base_kernel : ctx->gs_base_user);
	msr_write(MSR_KERNEL_GS_BASE, ctx->kernel_mode ? ctx->gs_base_user : ctx->gs_base_kernel);
	ctx->bad_selector = bad;
}

static uint32_t base_msr(const struct cpu_context *ctx, enum cpu_base which)
{
	if (which == BASE_FS)
		return MSR_FS_BASE;
	return (which == BASE_GS_KERNEL) == ctx->kernel_mode ? MSR_GS_BASE : MSR_KERNEL_GS_BASE;
}

static uint64_t *base_field(struct cpu_context *ctx, enum cpu_base which)
{
	return which == BASE_FS ? &ctx->fs_base : which == BASE_GS_KERNEL ? &ctx->gs_base_kernel : &ctx->gs_base_user;
}

uint64_t cpu_base_read(struct cpu_context *ctx, enum cpu_base which)
{
	return percpu()->current == ctx ? msr_read(base_msr(ctx, which)) : *base_field(ctx, which);
}

void cpu_base_write(struct cpu_context *ctx, enum cpu_base which, uint64_t value)
{
	if (percpu()->current == ctx)
		msr_write(base_msr(ctx, which), value);
	else
		*base_field(ctx, which) = value;
}

void cpu_gs_user_selector(struct cpu_context *ctx, uint16_t sel)
{
	bool bad = false;
	if (percpu()->current != ctx) {
		ctx->gs = sel;
		return;
	}
	gs_user_load(sel, &bad);
	(void)bad;
}

/* --- descriptor tables --- */

void cpu_context_load_gdt(struct cpu_context *ctx)
{
	unsigned cpu = cpu_id();
	for (unsigned i = 0; i < GDT_GUEST_PAGES; i++) {
		if (mfn_eq(mapped[cpu].gdt[i], ctx->gdt[i]))
			continue;
		percpu_set_gdt_page(cpu, i, ctx->gdt[i]);
		mapped[cpu].gdt[i] = ctx->gdt[i];
	}
}

static void ldt_register(unsigned cpu, uint32_t entries)
{
	uint64_t *d = (uint64_t *)(percpu_area(cpu) + PERCPU_GDT) + HV_LDT / 8;
	uint16_t sel = entries ? HV_LDT : 0;
	if (entries)	/* limit in the low word; the type stays "LDT" */
		*d = (*d & ~0xffffull) | (uint16_t)(entries * 8 - 1);
	__asm__ volatile ("lldt %0" : : "r" (sel));
	mapped[cpu].ldt_entries = entries;
}

void cpu_context_load_ldt(struct cpu_context *ctx)
{
	unsigned cpu = cpu_id();
	unsigned pages = (ctx->ldt_entries + 511) / 512;
	if (ctx->ldt_entries == 0 && mapped[cpu].ldt_entries == 0)
		return;
	for (unsigned i = 0; i < LDT_PAGES; i++) {
		mfn_t want = i < pages ? ctx->ldt[i] : mfn(0);
		if (mfn_eq(mapped[cpu].ldt[i], want))
			continue;
		percpu_set_ldt_page(cpu, i, want);
		mapped[cpu].ldt[i] = want;
	}
	ldt_register(cpu, ctx->ldt_entries);
}

/* --- debug registers --- */

static void debug_clear(struct cpu_context *ctx)
{
	if (ctx->dr_active)
		dr7_write(0x400);
}

void cpu_context_load_debug(struct cpu_context *ctx)
{
	if (ctx->dr_active) {
		dr0_write(ctx->dr[0]);
		dr1_write(ctx->dr[1]);
		dr2_write(ctx->dr[2]);
		dr3_write(ctx->dr[3]);
	}
	dr7_write(ctx->dr_active ? ctx->dr7 : 0x400);
}

/* --- tables and modes --- */

static inline mfn_t context_l4(const struct cpu_context *ctx)
{
	return ctx->kernel_mode || !ctx->user_l4.n ? ctx->kernel_l4 : ctx->user_l4;
}

void cpu_context_set_tables(struct cpu_context *ctx)
{
	struct percpu *p = percpu();
	uint64_t bit = 1ull << p->id;
	if (!(__atomic_load_n(ctx->dirty_cpus, __ATOMIC_RELAXED) & bit))
		ATOMIC_OR(ctx->dirty_cpus, bit);
	struct cpu_context *old = p->tables_of;
	tlb_note_flush();
	cr3_write(context_l4(ctx).n << PAGE_SHIFT);
	/* Only now: until CR3 is written a page walk may still touch the old tables. And in this order:
	 * once tables_of says that we left, whoever evicts @old does not wait, and frees it. */
	if (old && old->dirty_cpus != ctx->dirty_cpus)
		ATOMIC_AND(old->dirty_cpus, ~bit);
	STORE_RELEASE(&p->tables_of, ctx);
}

void cpu_context_set_mode(struct cpu_context *ctx, bool kernel)
{
	if (ctx->kernel_mode == kernel)
		return;
	ctx->kernel_mode = kernel;
	__asm__ volatile ("swapgs" : : : "memory");
	tlb_note_flush();
	cr3_write(context_l4(ctx).n << PAGE_SHIFT);	/* the same owner's tables: nothing else changes */
}

/* --- switching --- */

static void context_save(struct cpu_context *ctx)
{
	segments_save(ctx);
	fpu_save(ctx);
	debug_clear(ctx);
	if (ctx->ts)
		cr0_write(cr0_read() & ~CR0_TS);
}

static void context_load(struct cpu_context *ctx)
{
	struct percpu *p = percpu();
	if (ctx->tables_cpu != p->id + 1 && ctx->tables_cpu != 0)
		cpu_context_evict(ctx);		/* it ran elsewhere last and may be loaded there still */
	ctx->tables_cpu = p->id + 1;
	ctx->hv_stack = (uint64_t)p;
	uint64_t regs_end = (uint64_t)&ctx->regs + sizeof ctx->regs;
	tss_of(p->id)->rsp0 = regs_end;
	stub_data_of(p->id)->regs_end = regs_end;
	cpu_context_set_tables(ctx);
	cpu_context_load_gdt(ctx);
	cpu_context_load_ldt(ctx);
	segments_load(ctx);
	fpu_load(ctx);
	if (ctx->dr_active)
		cpu_context_load_debug(ctx);
}

void cpu_context_switch(struct cpu_context *next)
{
	struct percpu *p = percpu();
	struct cpu_context *prev = p->current;
	if (prev == next)
		return;
	if (!prev->is_idle)
		context_save(prev);
	p->current = next;
	if (!next->is_idle)
		context_load(next);
}

void cpu_context_sync(struct cpu_context *ctx)
{
	if (percpu()->current == ctx && !ctx->is_idle) {
		segments_save(ctx);
		fpu_save(ctx);
		if (ctx->ts)
			cr0_write(cr0_read() | CR0_TS);
		if (cpu_features.has_xsave)
			xcr0_load(percpu(), ctx->xcr0);
	}
}

/* --- lazily loaded tables --- */

/* Also asked for in the middle of a switch, by another CPU while context_load() waits for a third: then
 * current is the next context already, and what is loaded is not its. */
void context_drop_lazy(void)
{
	struct percpu *p = percpu();
	struct cpu_context *old = p->tables_of;
	if (!old || old == p->current)
		return;
	tlb_note_flush();
	cr3_write(image_maddr(hv_l4).a);
	ATOMIC_AND(old->dirty_cpus, ~(1ull << p->id));
	STORE_RELEASE(&p->tables_of, (struct cpu_context *)NULL);
}

void cpu_context_evict(struct cpu_context *ctx)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (LOAD_ACQUIRE(&percpu_of(cpu)->tables_of) != ctx)
			continue;
		WRITE_ONCE(percpu_of(cpu)->drop_lazy, true);
		if (cpu == cpu_id())
			context_drop_lazy();
		else
			cpu_tlb_flush(1ull << cpu);
	}
}
