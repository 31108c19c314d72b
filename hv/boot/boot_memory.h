/* RAM before the frame table exists: what is held, and taking pieces of the rest. Layer: boot.
 * Pure: counts addresses, touches no memory. Ranges are whole pages. */
#pragma once
#include "hv/mem/machine_map.h"

/* Kinds of memory, the stronger the higher: where holds overlap, the stronger one counts. */
enum { MEMORY_FREE = 1, MEMORY_TEMPORARY, MEMORY_PERMANENT, MEMORY_NOT_RAM };

struct boot_memory { struct machine plan; };	/* ranges typed by MEMORY_* */

/* Start from the firmware's map; RAM that is not a whole page does not count. -ENOSPC. */
int boot_memory_init(struct boot_memory *b, const struct machine *map) MUST_CHECK;
/* [start, start + size), widened to pages, is in use. -ENOSPC. */
int boot_memory_hold(
	struct boot_memory *b, uint64_t start, uint64_t size, uint32_t kind) MUST_CHECK;
/* Take @size bytes (widened to pages), aligned to @align >= 4096, below @below, as high as
 * possible. 0: none. */
uint64_t boot_memory_take(struct boot_memory *b, uint64_t size, uint64_t align, uint64_t below,
	uint32_t kind) MUST_CHECK;
/* The end of the highest RAM of any kind; the bytes of RAM of kinds FREE to PERMANENT. */
uint64_t boot_memory_end(const struct boot_memory *b);
uint64_t boot_memory_total(const struct boot_memory *b);
/* Call @fn for every run of frames of @kind. */
void boot_memory_each(
	const struct boot_memory *b, uint32_t kind, void (*fn)(mfn_t start, uint64_t count));
