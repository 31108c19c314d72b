/* A guest's console ring: two byte streams in one shared page, checked and masked. */
#include "dom0/consoled/ring.h"

#include <errno.h>
#include <string.h>

static uint32_t index_load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void index_store(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

void console_ring_attach(struct console_ring *r, struct xencons_interface *page)
{
	r->page = page;
	r->out_cons = index_load(&page->out_cons);
	r->in_prod = index_load(&page->in_prod);
}

ssize_t console_ring_read(struct console_ring *r, char *buf, size_t size)
{
	uint32_t ready = index_load(&r->page->out_prod) - r->out_cons;	/* hostile */
	uint32_t at = MASK_XENCONS_IDX(r->out_cons, r->page->out), first;

	if (ready > sizeof r->page->out)
		return -EPROTO;
	if (ready > size)
		ready = (uint32_t)size;
	if (ready == 0)
		return 0;
	first = (uint32_t)sizeof r->page->out - at;
	if (first > ready)
		first = ready;
	memcpy(buf, r->page->out + at, first);
	memcpy(buf + first, r->page->out, ready - first);
	r->out_cons += ready;
	index_store(&r->page->out_cons, r->out_cons);
	return (ssize_t)ready;
}

ssize_t console_ring_room(const struct console_ring *r)
{
	uint32_t used = r->in_prod - index_load(&r->page->in_cons);	/* hostile */

	return used > sizeof r->page->in ? -EPROTO : (ssize_t)(sizeof r->page->in - used);
}

ssize_t console_ring_write(struct console_ring *r, const char *buf, size_t size)
{
	ssize_t room = console_ring_room(r);
	uint32_t at = MASK_XENCONS_IDX(r->in_prod, r->page->in), n, first;

	if (room <= 0)
		return room;
	n = (size_t)room < size ? (uint32_t)room : (uint32_t)size;
	first = (uint32_t)sizeof r->page->in - at;
	if (first > n)
		first = n;
	memcpy(r->page->in + at, buf, first);
	memcpy(r->page->in, buf + first, n - first);
	r->in_prod += n;
	index_store(&r->page->in_prod, r->in_prod);
	return (ssize_t)n;
}
