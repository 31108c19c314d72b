/* Tables that grow page by page; see paged.h. The root, an array of page pointers, is small enough
 * to be made at once: 1 KiB of root covers 32,768 items of 16 bytes. */
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/core/work.h"
#include "hv/dom/paged.h"
#include "hv/mem/alloc.h"

static uint32_t root_entries(const struct paged *p)
{
	return (p->limit + p->per_page - 1) / p->per_page;
}

int paged_init(struct paged *p, uint32_t item_bytes, uint32_t limit)
{
	*p = (struct paged){.item_bytes = item_bytes,
		.per_page = (uint32_t)PAGE_SIZE / item_bytes,
		.limit = limit};
	uint64_t bytes = root_entries(p) * sizeof *p->page;
	while ((PAGE_SIZE << p->root_order) < bytes)
		p->root_order++;
	p->page = bytes <= PAGE_SIZE ? heap_alloc(bytes) : page_alloc(p->root_order, 0);
	return p->page ? 0 : -ENOMEM;
}

int paged_free(struct paged *p)
{
	if (!p->page)
		return 0;
	while (p->limit > 0) {
		uint32_t last = root_entries(p) - 1;
		preempt_count(p->page[last] ? PREEMPT_ITEM : 1);
		if (p->page[last])
			page_free(p->page[last], 0);
		p->limit = last * p->per_page;
		if (preempt_due())
			return -ERESTART;
	}
	if (p->root_order == 0)
		heap_free(p->page);
	else
		page_free(p->page, p->root_order);
	p->page = NULL;
	return 0;
}

void paged_free_all(struct paged *p)
{
	while (paged_free(p))
		;
}

void *paged_make(struct paged *p, uint32_t i)
{
	if (i >= p->limit)
		return NULL;
	void **page = &p->page[i / p->per_page];
	if (!*page) {
		*page = page_alloc(0, 0);
		if (!*page)
			return NULL;
		p->made++;
	}
	return paged_at(p, i);
}

uint32_t paged_next(const struct paged *p, uint32_t i)
{
	while (i < p->limit && !p->page[i / p->per_page])
		i = (i / p->per_page + 1) * p->per_page;
	return i;
}
