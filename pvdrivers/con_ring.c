/* The console's ring: index arithmetic modulo 2^32, and the order of memory accesses.
 *
 * INVARIANT C1: what is ready to be read, and what is written and not read, are at most the stream's size.
 * Bytes are read after the index that made them ours (acquire), and written before the one that gives them away
 * (release). An end that waits has looked at the other's index after it published its own, with a full barrier between;
 * so has the other end in con_ring_push(). Hence one of them sees the other, and a reader waits only if the writer finds
 * unread just what it has published since it last looked, a writer only if the reader finds just so much room. */
#include "pvdrivers/con_ring.h"

#include <string.h>

static XENCONS_RING_IDX load(const XENCONS_RING_IDX *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

/* A successor has told nothing yet: whatever the ring holds may be news to the other end. */
static struct con_stream stream(char *bytes, size_t size, XENCONS_RING_IDX *own, XENCONS_RING_IDX *other)
{
	XENCONS_RING_IDX at = load(own);

	return (struct con_stream){ bytes, (uint32_t)size, own, other, at, at - (uint32_t)size };
}

void con_ring_open(struct con_ring *r, struct xencons_interface *page, enum con_end end)
{
	bool back = end == CON_BACK;
	struct con_stream out = stream(page->out, sizeof page->out, back ? &page->out_cons : &page->out_prod,
				       back ? &page->out_prod : &page->out_cons);
	struct con_stream in = stream(page->in, sizeof page->in, back ? &page->in_prod : &page->in_cons,
				      back ? &page->in_cons : &page->in_prod);

	*r = (struct con_ring){ back ? out : in, back ? in : out, false };
}

/* How far the index @to is from @from, in bytes of @s; -EBADMSG: farther than it can be. */
static int distance(struct con_ring *r, const struct con_stream *s, XENCONS_RING_IDX from, XENCONS_RING_IDX to)
{
	if (to - from > s->size)
		r->broken = true;
	return r->broken ? -XEN_EBADMSG : (int)(to - from);
}

/* How many of @n bytes at the own index lie before the stream's end, at *@at; the rest lies at its start. */
static uint32_t before_end(const struct con_stream *s, uint32_t n, char **at)
{
	uint32_t offset = s->at & (s->size - 1);

	*at = s->bytes + offset;
	return s->size - offset < n ? s->size - offset : n;
}

int con_ring_read(struct con_ring *r, char *buf, uint32_t size)
{
	struct con_stream *s = &r->reads;
	int ready = distance(r, s, s->at, load(s->other));	/* hostile */
	uint32_t n, first;
	char *at;

	if (ready <= 0)
		return ready;
	n = (uint32_t)ready < size ? (uint32_t)ready : size;
	first = before_end(s, n, &at);
	memcpy(buf, at, first);
	memcpy(buf + first, s->bytes, n - first);
	/* The compiler must not read them again for what it takes from the copy. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	s->at += n;
	return (int)n;
}

int con_ring_room(struct con_ring *r)
{
	int unread = distance(r, &r->writes, load(r->writes.other), r->writes.at);	/* hostile */

	return unread < 0 ? unread : (int)r->writes.size - unread;
}

int con_ring_write(struct con_ring *r, const char *buf, uint32_t size)
{
	struct con_stream *s = &r->writes;
	int room = con_ring_room(r);
	uint32_t n, first;
	char *at;

	if (room <= 0)
		return room;
	n = (uint32_t)room < size ? (uint32_t)room : size;
	first = before_end(s, n, &at);
	memcpy(at, buf, first);
	memcpy(s->bytes, buf + first, n - first);
	s->at += n;
	return (int)n;
}

/* Whether the other end may wait for what moved since it was last thought of: @left is what it finds to do. */
static bool awaited(struct con_stream *s, uint32_t left)
{
	uint32_t moved = s->at - s->told;

	s->told = s->at;
	return left > 0 && left <= moved;
}

bool con_ring_push(struct con_ring *r)
{
	struct con_stream *in = &r->reads, *out = &r->writes;
	bool room, bytes;

	if (r->broken || (in->at == in->told && out->at == out->told))
		return false;
	__atomic_store_n(in->own, in->at, __ATOMIC_RELEASE);
	__atomic_store_n(out->own, out->at, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	room = awaited(in, in->size - (load(in->other) - in->at));
	bytes = awaited(out, out->at - load(out->other));
	return room || bytes;
}
