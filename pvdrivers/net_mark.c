/* INVARIANT N1: the index is written after the rest. So a successor that finds it at rsp_prod finds the rest,
 * too; and while the rest changes the index is one that was answered: of the last packet, or, on a new ring,
 * before the first. */
#include "pvdrivers/net_mark.h"

#include <string.h>
#include "protocol/io/netif.h"

struct shared_mark {
	struct net_mark mark;
	RING_IDX index;
};

/* Behind the four indices and four bytes that were once the front end's own. */
#define MARK_AT	24u
_Static_assert(MARK_AT >= offsetof(struct netif_tx_sring, pad) &&
	       MARK_AT + sizeof(struct shared_mark) <= RING_HEADER_BYTES, "the mark lies in unused bytes");

static struct shared_mark *shared(struct ring_back *r)
{
	return (struct shared_mark *)(void *)((uint8_t *)r->ring.header + MARK_AT);
}

/* What comes before in the program is in memory before what comes after, if the process dies between. The processor
 * keeps to that; the compiler must, too. */
static void keep_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void net_mark_set(struct ring_back *r, const struct net_mark *m)
{
	keep_order();
	memcpy(&shared(r)->mark, m, sizeof *m);
	keep_order();
	__atomic_store_n(&shared(r)->index, r->rsp_prod, __ATOMIC_RELAXED);
	keep_order();
}

int net_mark_get(struct ring_back *r, struct net_mark *m)
{
	struct shared_mark copy;

	memcpy(&copy, shared(r), sizeof copy);
	keep_order();
	if (!copy.mark.slots || copy.index != r->rsp_prod)
		return 0;
	if (copy.mark.slots > ring_distance(r->rsp_prod, r->req_seen) || copy.mark.extras >= copy.mark.slots)
		return -XEN_EBADMSG;
	*m = copy.mark;
	r->req_cons = r->rsp_prod + m->slots;
	return 1;
}

void net_mark_clear(struct ring_back *r)
{
	struct shared_mark none = { .index = r->rsp_prod - 1 };

	memcpy(shared(r), &none, sizeof none);
	keep_order();
}
