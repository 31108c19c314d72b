/* Data of one CPU at the top of its stack region: found from the stack pointer alone, on the
 * main stack and on the interrupt stacks alike. Layer: cpu (x86_64 only). */
#pragma once
#include "hv/cpu/context.h"
#include "hv/cpu/x86_64/layout.h"

struct percpu {
	uint32_t id, apic_id;
	struct cpu_context *current;
	struct cpu_context *tables_of;	/* whose page tables are loaded (differs from current when idle) */
	uint64_t flush_wanted;		/* requests for a full flush, counted by the askers */
	uint64_t flush_done;		/* the count up to which they are answered */
	uint64_t flushed_epoch;		/* when we last flushed, in epochs */
	uint64_t xcr0;			/* loaded value */
	bool drop_lazy;			/* asked to leave lazily loaded tables at the next flush */
	uint8_t reserved[7];
};
static_assert(sizeof(struct percpu) == PERCPU_SIZE, "layout.h");

static inline struct percpu *percpu(void)
{
	uint64_t rsp;
	__asm__ ("mov %%rsp, %0" : "=r" (rsp));
	return (struct percpu *)((rsp | (STACK_SIZE - 1)) + 1 - PERCPU_SIZE);
}
static inline uint64_t percpu_area(unsigned cpu)
{
	return PERCPU_VIRT + ((uint64_t)cpu << PERCPU_SHIFT);
}
static inline struct percpu *percpu_of(unsigned cpu)
{
	return (struct percpu *)(percpu_area(cpu) + STACK_SIZE - PERCPU_SIZE);
}
