/* A table that grows page by page up to a limit fixed at its creation: ports, grants, map-track.
 * Layer: dom. The caller's lock guards it; a page once made stays where it is until
 * paged_free(). One that is all zero may be freed too. */
#pragma once
#include "hv/base/math.h"

struct paged {
	void **page;		/* NULL = not made yet */
	uint32_t item_bytes, per_page;
	uint32_t limit;		/* items */
	uint32_t root_order;
	uint32_t made;		/* pages */
};
/* -ENOMEM. @item_bytes divides 4096. */
int paged_init(struct paged *p, uint32_t item_bytes, uint32_t limit) MUST_CHECK;
/* Free it, from the end: 0, or -ERESTART: preempted, call again. */
int paged_free(struct paged *p) MUST_CHECK;
/* The same for who cannot be continued. */
void paged_free_all(struct paged *p);
/* Item @i, made (zeroed, its page with it) if need be. NULL: no memory, or beyond the limit. */
void *paged_make(struct paged *p, uint32_t i) MUST_CHECK;
/* Item @i, or NULL if its page was never made. Bounds-safe also under speculation. */
static inline void *paged_at(const struct paged *p, uint32_t i)
{
	if (i >= p->limit)
		return NULL;
	i = (uint32_t)index_nospec(i, p->limit);
	char *page = p->page[i / p->per_page];
	return page ? page + (uint64_t)(i % p->per_page) * p->item_bytes : NULL;
}
/* The first item from @i on whose page was made; at least p->limit if none. To visit all there
 * is. */
uint32_t paged_next(const struct paged *p, uint32_t i);
