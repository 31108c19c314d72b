/* First fit, from a run's end, so that the run stays where it is linked. */
#include "examples/minnow/pages.h"

#include <stdint.h>

struct pages_run {
	struct pages_run *next;
	size_t count;
};

static uint8_t *end_of(struct pages_run *r)
{
	return (uint8_t *)r + r->count * PAGES_BYTES;
}

void *pages_take(struct pages *p, size_t count)
{
	struct pages_run **link = &p->first;

	while (*link && (*link)->count < count)
		link = &(*link)->next;
	if (!*link || !count)
		return NULL;
	struct pages_run *r = *link;

	r->count -= count;
	p->free -= count;
	if (!r->count)
		*link = r->next;
	return end_of(r);
}

/* Make one run of @r and the next one, if nothing is between them. */
static void join_next(struct pages_run *r)
{
	if (r->next && end_of(r) == (uint8_t *)r->next) {
		r->count += r->next->count;
		r->next = r->next->next;
	}
}

void pages_give(struct pages *p, void *at, size_t count)
{
	struct pages_run *r = at, *before = NULL;

	if (!count)
		return;
	for (struct pages_run *i = p->first; i && (uintptr_t)i < (uintptr_t)at; i = i->next)
		before = i;
	r->count = count;
	r->next = before ? before->next : p->first;
	*(before ? &before->next : &p->first) = r;
	p->free += count;
	join_next(r);
	if (before)
		join_next(before);
}
