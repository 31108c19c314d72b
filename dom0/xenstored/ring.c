/* A domain's store ring: two byte streams in one shared page.
 *
 * Indices run modulo 2^32 and are masked at use. What the guest claims is compared with the ring's
 * size before a byte is touched; data is copied out once. Publishing our index and looking at the
 * peer's again are kept in order by a full barrier: the peer does the same, and only so does one of
 * the two see that the other moved. */
#include "dom0/xenstored/ring.h"

#include <errno.h>
#include <string.h>

static uint32_t index_load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void index_store(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void ring_attach(struct ring *r, struct xenstore_domain_interface *page)
{
	*r = (struct ring){ .page = page };
	r->req_cons = index_load(&page->req_cons);
	r->rsp_prod = index_load(&page->rsp_prod);
	index_store(&page->server_features,
		    XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
}

ssize_t ring_read(struct ring *r, void *buf, size_t size)
{
	uint32_t prod = index_load(&r->page->req_prod);		/* hostile */
	uint32_t ready = prod - r->req_cons;
	uint32_t at = MASK_XENSTORE_IDX(r->req_cons), first;

	if (ready > XENSTORE_RING_SIZE)
		return -EPROTO;
	if (ready > size)
		ready = (uint32_t)size;
	if (ready == 0)
		return 0;
	first = XENSTORE_RING_SIZE - at < ready ? XENSTORE_RING_SIZE - at : ready;
	memcpy(buf, r->page->req + at, first);
	memcpy((char *)buf + first, r->page->req, ready - first);
	r->req_cons += ready;
	r->moved += ready;
	index_store(&r->page->req_cons, r->req_cons);
	return (ssize_t)ready;
}

ssize_t ring_write(struct ring *r, const void *buf, size_t size)
{
	uint32_t used = r->rsp_prod - index_load(&r->page->rsp_cons);	/* hostile */
	uint32_t at = MASK_XENSTORE_IDX(r->rsp_prod), first, room;

	if (used > XENSTORE_RING_SIZE)
		return -EPROTO;
	room = XENSTORE_RING_SIZE - used;
	if (room > size)
		room = (uint32_t)size;
	if (room == 0)
		return 0;
	first = XENSTORE_RING_SIZE - at < room ? XENSTORE_RING_SIZE - at : room;
	memcpy(r->page->rsp + at, buf, first);
	memcpy(r->page->rsp, (const char *)buf + first, room - first);
	r->rsp_prod += room;
	r->moved += room;
	index_store(&r->page->rsp_prod, r->rsp_prod);
	return (ssize_t)room;
}

void ring_reset(struct ring *r)
{
	r->req_cons = r->rsp_prod = 0;
	index_store(&r->page->req_cons, 0);
	index_store(&r->page->req_prod, 0);
	index_store(&r->page->rsp_cons, 0);
	index_store(&r->page->rsp_prod, 0);
	index_store(&r->page->connection, XENSTORE_CONNECTED);
}
