/* Pages of a front end: a hash of kept ones by reference, and a list of those nobody uses, by age.
 *
 * INVARIANT P1: a kept entry is free, or in the chain of its reference, once for each reference.
 * INVARIANT P2: it is in the list by age just if it is in a chain and has no users: only such ones are evicted.
 * Kept pages are mapped writable whatever they are first wanted for, since the next request may read into them. */
#include "pvdrivers/blk_pages.h"

#include <string.h>

static uint32_t *bucket_of(const struct blk_pages *p, grant_ref_t ref)
{
	return &p->bucket[ref & (p->buckets - 1)];
}

static uint32_t find(const struct blk_pages *p, grant_ref_t ref)
{
	uint32_t i = p->capacity ? *bucket_of(p, ref) : 0;

	while (i && p->kept[i].map.ref != ref)
		i = p->kept[i].chain;
	return i;
}

static void list_remove(struct blk_kept *kept, uint32_t i)
{
	kept[kept[i].newer].older = kept[i].older;
	kept[kept[i].older].newer = kept[i].newer;
}

static void list_add_newest(struct blk_kept *kept, uint32_t i)
{
	kept[i].newer = 0;
	kept[i].older = kept[0].older;
	kept[kept[0].older].newer = i;
	kept[0].older = i;
}

static void use(struct blk_pages *p, struct blk_page *page, uint32_t i)
{
	if (p->kept[i].users++ == 0)
		list_remove(p->kept, i);
	*page = (struct blk_page){ p->kept[i].map, i };
}

/* Let go of the kept page that nobody uses for longest: 0 if all are in use. */
static uint32_t evict(struct blk_pages *p)
{
	uint32_t i = p->kept[0].newer, *link;

	if (!i)
		return 0;
	list_remove(p->kept, i);
	for (link = bucket_of(p, p->kept[i].map.ref); *link != i; link = &p->kept[*link].chain)
		;
	*link = p->kept[i].chain;
	p->os->unmap(p->os, &p->kept[i].map, 1);
	return i;
}

/* Keep the page at @page, which was just mapped, if there is room and it is not there yet: a request may
 * name it twice. */
static void keep(struct blk_pages *p, struct blk_page *page)
{
	uint32_t i, *link;

	page->kept = 0;
	if (!p->capacity || find(p, page->map.ref))
		return;
	i = p->free;
	if (i)
		p->free = p->kept[i].chain;
	else if (!(i = evict(p)))
		return;
	link = bucket_of(p, page->map.ref);
	p->kept[i] = (struct blk_kept){ .map = page->map, .users = 1, .chain = *link };
	*link = i;
	page->kept = i;
}

int blk_pages_open(struct blk_pages *p, struct pv_os *os, domid_t peer, uint32_t capacity, uint32_t batch)
{
	*p = (struct blk_pages){ .os = os, .peer = peer, .batch = batch, .capacity = capacity, .buckets = 1 };
	while (p->buckets < capacity)
		p->buckets *= 2;
	p->todo = os->alloc(os, batch * sizeof *p->todo);
	p->bucket = os->alloc(os, p->buckets * sizeof *p->bucket);
	p->kept = os->alloc(os, (capacity + 1) * sizeof *p->kept);
	if (!p->todo || !p->bucket || !p->kept)
		return -XEN_ENOMEM;
	for (uint32_t i = 1; i <= capacity; i++)
		p->kept[i].chain = i < capacity ? i + 1 : 0;
	p->free = capacity ? 1 : 0;
	return 0;
}

int blk_pages_get(struct blk_pages *p, struct blk_page *page, uint32_t count, bool writable)
{
	uint32_t missing = 0, k;
	int err;

	for (uint32_t i = 0; i < count; i++) {
		k = find(p, page[i].map.ref);
		page[i].kept = k;
		if (k)
			use(p, &page[i], k);
		else
			p->todo[missing++].ref = page[i].map.ref;
	}
	if (!missing)
		return 0;
	err = p->os->map(p->os, p->peer, p->todo, missing, writable || p->capacity ? PV_MAP_WRITABLE : 0);
	if (err) {
		for (uint32_t i = 0; i < count; i++)
			if (page[i].kept)
				blk_pages_put(p, &page[i], 1);
		return err;
	}
	for (uint32_t i = 0, next = 0; i < count; i++) {
		if (page[i].kept)
			continue;
		page[i].map = p->todo[next++];
		keep(p, &page[i]);
	}
	return 0;
}

void blk_pages_put(struct blk_pages *p, const struct blk_page *page, uint32_t count)
{
	uint32_t transient = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!page[i].kept)
			p->todo[transient++] = page[i].map;
		else if (--p->kept[page[i].kept].users == 0)
			list_add_newest(p->kept, page[i].kept);
	}
	if (transient)
		p->os->unmap(p->os, p->todo, transient);
}

void blk_pages_close(struct blk_pages *p)
{
	while (p->kept && evict(p))
		;
	p->os->free(p->os, p->todo, p->batch * sizeof *p->todo);
	p->os->free(p->os, p->bucket, p->buckets * sizeof *p->bucket);
	p->os->free(p->os, p->kept, (p->capacity + 1) * sizeof *p->kept);
}
