/* Rings: index arithmetic modulo 2^32, and the order of memory accesses.
 *
 * INVARIANT R1: rsp_prod <= req_cons <= req_seen <= rsp_prod + slots (back), in distances modulo 2^32.
 * INVARIANT R2: rsp_cons <= req_prod <= rsp_cons + slots (front).
 * An entry is read after the index that made it ours (acquire), and written before the one that gives it
 * away (release). Before the event index of the other end is read, or the producer looked at again after setting
 * our own, a full barrier: both ends do so, hence one of them sees the other. */
#include "pvdrivers/ring.h"

#include <string.h>

static RING_IDX load(const RING_IDX *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void publish(RING_IDX *shared, RING_IDX value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

static void ring_init(struct ring *r, void *pages, size_t bytes, size_t entry_bytes)
{
	r->header = pages;
	r->entries = (uint8_t *)pages + RING_HEADER_BYTES;
	r->slots = ring_entries(bytes, entry_bytes);
	r->entry_bytes = (uint32_t)entry_bytes;
}

static uint8_t *entry(const struct ring *r, RING_IDX at)
{
	return r->entries + (size_t)(at & (r->slots - 1)) * r->entry_bytes;
}

/* The other end's @event was passed since *told, which is brought up to @prod. */
static bool passed(const RING_IDX *event, RING_IDX *told, RING_IDX prod)
{
	RING_IDX old = *told;

	if (old == prod)
		return false;
	*told = prod;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_must_notify(old, prod, load(event));
}

int ring_back_open(struct ring_back *r, void *pages, size_t bytes, size_t entry_bytes)
{
	struct ring ring;
	RING_IDX answered, requested;

	ring_init(&ring, pages, bytes, entry_bytes);
	answered = load(&ring.header->rsp_prod);
	requested = load(&ring.header->req_prod);
	if (ring_distance(answered, requested) > ring.slots)
		return -XEN_EBADMSG;
	*r = (struct ring_back){ ring, answered, requested, answered, answered };
	return 0;
}

int ring_back_take(struct ring_back *r, void *req)
{
	if (r->req_cons == r->req_seen) {
		RING_IDX seen = load(&r->ring.header->req_prod);	/* hostile */

		if (ring_distance(r->req_cons, seen) > r->ring.slots - ring_distance(r->rsp_prod, r->req_cons))
			return -XEN_EBADMSG;
		r->req_seen = seen;
		if (seen == r->req_cons)
			return 0;
	}
	memcpy(req, entry(&r->ring, r->req_cons), r->ring.entry_bytes);
	/* The compiler must not read the entry again for what it takes from the copy. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	r->req_cons++;
	return 1;
}

void *ring_back_slot(struct ring_back *r)
{
	return ring_back_slot_at(r, 0);
}

void ring_back_answer(struct ring_back *r)
{
	ring_back_answer_many(r, 1);
}

void *ring_back_slot_at(struct ring_back *r, uint32_t nth)
{
	return entry(&r->ring, r->rsp_prod + nth);
}

void ring_back_answer_many(struct ring_back *r, uint32_t count)
{
	r->rsp_prod += count;
	publish(&r->ring.header->rsp_prod, r->rsp_prod);
}

bool ring_back_notify(struct ring_back *r)
{
	return passed(&r->ring.header->rsp_event, &r->rsp_told, r->rsp_prod);
}

bool ring_back_sleep(struct ring_back *r)
{
	publish(&r->ring.header->req_event, r->req_cons + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load(&r->ring.header->req_prod) != r->req_cons;
}

void ring_front_open(struct ring_front *r, void *pages, size_t bytes, size_t entry_bytes)
{
	memset(pages, 0, bytes);
	*r = (struct ring_front){ .req_prod = 0 };
	ring_init(&r->ring, pages, bytes, entry_bytes);
	r->ring.header->req_event = 1;
	publish(&r->ring.header->rsp_event, 1);
}

uint32_t ring_front_room(const struct ring_front *r)
{
	return r->ring.slots - ring_distance(r->rsp_cons, r->req_prod);
}

void *ring_front_slot(struct ring_front *r)
{
	return entry(&r->ring, r->req_prod);
}

void ring_front_push(struct ring_front *r)
{
	publish(&r->ring.header->req_prod, ++r->req_prod);
}

bool ring_front_notify(struct ring_front *r)
{
	return passed(&r->ring.header->req_event, &r->req_told, r->req_prod);
}

int ring_front_take(struct ring_front *r, void *rsp, size_t rsp_bytes)
{
	uint32_t ready = ring_distance(r->rsp_cons, load(&r->ring.header->rsp_prod));	/* hostile */

	if (ready > ring_distance(r->rsp_cons, r->req_prod))
		return -XEN_EBADMSG;
	if (ready == 0)
		return 0;
	memcpy(rsp, entry(&r->ring, r->rsp_cons), rsp_bytes);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	r->rsp_cons++;
	return 1;
}

bool ring_front_sleep(struct ring_front *r)
{
	publish(&r->ring.header->rsp_event, r->rsp_cons + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load(&r->ring.header->rsp_prod) != r->rsp_cons;
}
