/* PFN to MFN of a domain that is being built: a radix tree of pages, freed afterwards. Layer:
 * boot. */
#pragma once
#include "hv/base/types.h"

struct pfn_map { uint64_t **top[512]; };	/* [pfn >> 18][pfn >> 9 & 511][pfn & 511] */

/* Note that @pfn is @m. -ENOMEM; -EINVAL: @pfn is 2^27 or above. */
int pfn_map_set(struct pfn_map *map, uint64_t pfn, mfn_t m) MUST_CHECK;
uint64_t pfn_map_get(const struct pfn_map *map, uint64_t pfn);	/* ~0 if not set */
void pfn_map_free(struct pfn_map *map);
