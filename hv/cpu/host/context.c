/* vCPU contexts on the modelled machine: which one each CPU runs, and bookkeeping of what the
 * layers above asked to be loaded. Registers live in the context itself, always current.
 * As on the machine, loading an idle context leaves the previous tables loaded (lazily). */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"

static struct cpu_context idle[MAX_CPUS];
static struct cpu_context *current[MAX_CPUS];
struct host_counts host_counts;
uint64_t host_fault_address;

static void count(uint64_t *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

void host_context_reset(unsigned cpus)
{
	memset(idle, 0, sizeof idle);
	memset(current, 0, sizeof current);
	memset(&host_counts, 0, sizeof host_counts);
	for (unsigned i = 0; i < cpus; i++) {
		idle[i].is_idle = true;
		current[i] = &idle[i];
	}
}

struct cpu_context *host_context_of(unsigned cpu)
{
	return __atomic_load_n(&current[cpu], __ATOMIC_RELAXED);
}

struct cpu_context *cpu_context_current(void)
{
	return host_context_of(cpu_id());
}

void cpu_context_init(struct cpu_context *ctx)
{
	if (ctx->fpu)
		memset(ctx->fpu, 0, cpu_features.fpu_size);
	ctx->xcr0 = 1;
	ctx->dr6 = 0xffff0ff0;
	ctx->dr7 = 0x400;
}

void cpu_context_switch(struct cpu_context *next)
{
	count(&host_counts.switches);
	__atomic_store_n(&current[cpu_id()], next, __ATOMIC_RELAXED);
	if (!next->is_idle)
		cpu_context_set_tables(next);
}

void cpu_context_sync(struct cpu_context *ctx)
{
	(void)ctx;
}

void cpu_context_evict(struct cpu_context *ctx)
{
	count(&host_counts.evictions);
	for (unsigned i = 0; i < cpu_count(); i++) {
		if (host_context_of(i) != ctx)
			continue;
		__atomic_store_n(&current[i], &idle[i], __ATOMIC_RELAXED);
		cpu_tlb_flush(1ull << i);
	}
}

void cpu_context_set_tables(struct cpu_context *ctx)
{
	if (ctx->dirty_cpus)
		ATOMIC_OR(ctx->dirty_cpus, 1ull << cpu_id());
	host_l4_loaded(cpu_id(), ctx->kernel_mode ? ctx->kernel_l4 : ctx->user_l4);
}

void cpu_context_set_mode(struct cpu_context *ctx, bool kernel)
{
	ctx->kernel_mode = kernel;
	cpu_context_set_tables(ctx);
}

void cpu_context_load_gdt(struct cpu_context *ctx)
{
	(void)ctx;
	count(&host_counts.gdt_loads);
}

void cpu_context_load_ldt(struct cpu_context *ctx)
{
	(void)ctx;
	count(&host_counts.ldt_loads);
}

void cpu_context_map_ldt_page(struct cpu_context *ctx, unsigned page)
{
	(void)ctx;
	(void)page;
	count(&host_counts.ldt_maps);
}

void cpu_context_load_debug(struct cpu_context *ctx)
{
	(void)ctx;
	count(&host_counts.debug_loads);
}

void cpu_context_load_tss_io(struct cpu_context *ctx)
{
	(void)ctx;
	count(&host_counts.tss_loads);
}

void cpu_context_load_ts(struct cpu_context *ctx)
{
	(void)ctx;
}

int cpu_context_set_xcr0(struct cpu_context *ctx, uint64_t xcr0)
{
	if (!(xcr0 & 1) || (xcr0 & ~cpu_features.xcr0_mask) || (xcr0 & 6) == 4)
		return -EINVAL;
	ctx->xcr0 = xcr0;
	return 0;
}

static uint64_t *base_of(struct cpu_context *ctx, enum cpu_base which)
{
	return which == BASE_FS ? &ctx->fs_base : which == BASE_GS_KERNEL ? &ctx->gs_base_kernel : &ctx->gs_base_user;
}

uint64_t cpu_base_read(struct cpu_context *ctx, enum cpu_base which)
{
	return *base_of(ctx, which);
}

void cpu_base_write(struct cpu_context *ctx, enum cpu_base which, uint64_t value)
{
	*base_of(ctx, which) = value;
}

void cpu_gs_user_selector(struct cpu_context *ctx, uint16_t sel)
{
	ctx->gs = sel;
	ctx->gs_base_user = 0;
}

uint64_t cpu_fault_address(void)
{
	return host_fault_address;
}
