/* Free frames of the machine: a buddy allocator. Only for hv/mem. Lock: RANK_PAGES, inside.
 * Free frames have owner OWNER_FREE, refs and type 0; their content is whatever it was. */
#pragma once
#include "hv/mem/frame.h"

#define POOL_MAX_ORDER 10u

void pool_init(uint64_t max_mfn);
/* 2^order contiguous aligned frames below 1 << addr_bits (0: anywhere, highest first, sparing the DMA
 * reserve). Returns the first MFN, or FRAME_NONE. Their owner is still OWNER_FREE. */
uint32_t pool_take(unsigned order, unsigned addr_bits);
void pool_give(uint32_t m, unsigned order);
uint64_t pool_free_count(void);
/* CPUs to flush before frames [m, m + 2^order) are used anew. */
cpumask_t pool_stale_cpus(uint32_t m, unsigned order);
