/* Which of a CPU's stacks an address lies on (layout.h). Layer: cpu (x86_64 only). Pure. */
#pragma once
#include "hv/base/types.h"
#include "hv/cpu/x86_64/layout.h"

/* The whole words from @rsp up to the end of its stack, in the area of stacks at @area; a stack pointer in the
 * guard region has run off the main stack, all of which is then meant. *from == *to: on no stack. */
static inline void stack_bounds(uint64_t area, uint64_t rsp, uint64_t *from, uint64_t *to)
{
	uint64_t at = align_up(rsp, 8) - area;
	*from = *to = area;
	if (at < IST_DB) {
		*from = area + at;
		*to = area + align_up(at + 1, PAGE_SIZE);
	} else if (at < STACK_SIZE - PERCPU_SIZE) {
		*from = area + max_u64(at, STACK_MAIN);
		*to = area + STACK_SIZE - PERCPU_SIZE;
	}
}
