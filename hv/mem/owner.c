/* Owners: the memory side of domains, found by number when the last reference to a frame goes.
 *
 * An owner stays registered until no frame names it (owner_is_empty()), so that looking one up from
 * a frame that is held never fails. */
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/mem/frame_bits.h"

#define OWNERS 0x8000u
#define OWNER_HV_ID 0x7ff2u	/* DOMID_XEN of the ABI */

static struct owner *owners[OWNERS];
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
	memset(owners, 0, sizeof owners);
	owner_init(&owner_hv, OWNER_HV_ID, false);
	owner_register(&owner_hv);
}

void owner_register(struct owner *o)
{
	ASSERT(o->domid < OWNERS && owner_by_domid(o->domid) == NULL);
	STORE_RELEASE(&owners[o->domid], o);
}

void owner_unregister(struct owner *o)
{
	ASSERT(owner_is_empty(o) && owner_by_domid(o->domid) == o);
	STORE_RELEASE(&owners[o->domid], (struct owner *)NULL);
}

struct owner *owner_by_domid(domid_t domid)
{
	return domid < OWNERS ? LOAD_ACQUIRE(&owners[domid]) : NULL;
}

bool owner_is_empty(const struct owner *o)
{
	return READ_ONCE(o->frame_count) == 0 && READ_ONCE(o->shared_count) == 0;
}
