/* Owners: the memory side of domains, found by number when the last reference to a frame goes.
 *
 * An owner stays registered until no frame names it (owner_is_empty()), so that looking one up from
 * a frame that is held never fails. */
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/mem/alloc.h"
#include "hv/mem/frame_bits.h"

#define BLOCK 128u		/* owners found through one block */
#define OWNER_HV_ID 0x7ff2u	/* DOMID_XEN of the ABI */

static struct owner **blocks[0x8000u / BLOCK];	/* made on demand, never freed */
struct owner owner_hv;

void owner_init(struct owner *o, domid_t domid, bool is_control)
{
	memset(o, 0, sizeof *o);
	o->domid = domid;
	o->is_control = is_control;
	lock_init(&o->lock, RANK_OWNER);
	o->first = FRAME_NONE;
	o->pending = FRAME_NONE;
	o->frame_max = ~0ull;
}

void owner_table_init(void)
{
	memset(blocks, 0, sizeof blocks);
	owner_init(&owner_hv, OWNER_HV_ID, false);
}

int owner_register(struct owner *o)
{
	ASSERT(o->domid / BLOCK < ARRAY_COUNT(blocks) && owner_by_domid(o->domid) == NULL);
	struct owner ***block = &blocks[o->domid / BLOCK];
	if (!*block) {
		struct owner **fresh = heap_alloc(BLOCK * sizeof *fresh);
		if (!fresh)
			return -ENOMEM;
		STORE_RELEASE(block, fresh);
	}
	STORE_RELEASE(&(*block)[o->domid % BLOCK], o);
	return 0;
}

void owner_unregister(struct owner *o)
{
	ASSERT(owner_is_empty(o) && owner_by_domid(o->domid) == o);
	STORE_RELEASE(&blocks[o->domid / BLOCK][o->domid % BLOCK], (struct owner *)NULL);
}

struct owner *owner_by_domid(domid_t domid)
{
	if (domid == OWNER_HV_ID)
		return &owner_hv;
	struct owner **block = domid / BLOCK < ARRAY_COUNT(blocks) ? LOAD_ACQUIRE(&blocks[domid / BLOCK]) : NULL;
	return block ? LOAD_ACQUIRE(&block[domid % BLOCK]) : NULL;
}

bool owner_is_empty(const struct owner *o)
{
	return READ_ONCE(o->frame_count) == 0 && READ_ONCE(o->shared_count) == 0;
}
