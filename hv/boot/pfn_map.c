/* PFN to MFN of a domain that is being built.
 *
 * Single pages only, so that it works however fragmented memory is; 512 GiB of guest memory at
 * most. */
#include "hv/base/errno.h"
#include "hv/boot/pfn_map.h"
#include "hv/mem/alloc.h"

#define SLOTS 512u

int pfn_map_set(struct pfn_map *map, uint64_t pfn, mfn_t m)
{
	if (pfn >> 27)
		return -EINVAL;
	uint64_t ***middle = &map->top[pfn >> 18];
	if (!*middle && !(*middle = page_alloc(0, 0)))
		return -ENOMEM;
	uint64_t **leaf = &(*middle)[pfn >> 9 & (SLOTS - 1)];
	if (!*leaf && !(*leaf = page_alloc(0, 0)))
		return -ENOMEM;
	(*leaf)[pfn & (SLOTS - 1)] = m.n + 1;	/* pages are zeroed: 0 = not set */
	return 0;
}

uint64_t pfn_map_get(const struct pfn_map *map, uint64_t pfn)
{
	uint64_t **middle = pfn >> 27 ? NULL : map->top[pfn >> 18];
	uint64_t *leaf = middle ? middle[pfn >> 9 & (SLOTS - 1)] : NULL;

	return leaf ? leaf[pfn & (SLOTS - 1)] - 1 : ~0ull;
}

void pfn_map_free(struct pfn_map *map)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t **middle = map->top[i];
		for (unsigned j = 0; middle && j < SLOTS; j++)
			if (middle[j])
				page_free(middle[j], 0);
		if (middle)
			page_free(middle, 0);
		map->top[i] = NULL;
	}
}
