/* Memory, page-table and event-channel operations on behalf of another domain: typed calls through
 * the door's scratch buffer. Long lists go through in rounds. */
#include "dom0/lib/memctl.h"

#include <errno.h>
#include <string.h>
#include "protocol/event_channel.h"
#include "protocol/hypercall.h"
#include "protocol/memory.h"
#include "protocol/xen.h"

#define SCRATCH_DATA 256u
#define ROUND ((PRIVCMD_SCRATCH_SIZE - SCRATCH_DATA) / 8u)
#define RANGES_MAX 128u
_Static_assert(sizeof(struct mem_range) == 20, "an e820 record");

static void *scratch_data(struct privcmd *p)
{
	return (char *)p->scratch + SCRATCH_DATA;
}

static long memory_op(struct privcmd *p, unsigned int cmd)
{
	return privcmd_call(p, __HYPERVISOR_memory_op, cmd, (uintptr_t)p->scratch, 0, 0, 0);
}

int memctl_populate(struct privcmd *p, uint16_t domid, const uint64_t *pfn, uint64_t *mfn,
		    uint32_t count, unsigned int order, uint32_t *done)
{
	*done = 0;
	while (*done < count) {
		uint32_t n = count - *done < ROUND ? count - *done : ROUND;
		struct xen_memory_reservation *r = p->scratch;
		long got;

		*r = (struct xen_memory_reservation){
			.extent_start = (uintptr_t)scratch_data(p), .nr_extents = n,
			.extent_order = order, .domid = domid,
		};
		memcpy(scratch_data(p), pfn + *done, n * sizeof *pfn);
		got = memory_op(p, XENMEM_populate_physmap);
		if (got < 0)
			return (int)got;
		if ((unsigned long)got > n)
			return -EPROTO;
		memcpy(mfn + *done, scratch_data(p), (size_t)got * sizeof *mfn);
		*done += (uint32_t)got;
		if ((unsigned long)got < n)
			return -ENOMEM;
	}
	return 0;
}

int memctl_set_memory_map(struct privcmd *p, uint16_t domid, const struct mem_range *range,
			  uint32_t count)
{
	struct xen_foreign_memory_map *m = p->scratch;
	long ret;

	if (count > RANGES_MAX)
		return -E2BIG;
	*m = (struct xen_foreign_memory_map){
		.domid = domid,
		.map = { .nr_entries = count, .buffer = (uintptr_t)scratch_data(p) },
	};
	memcpy(scratch_data(p), range, count * sizeof *range);
	ret = memory_op(p, XENMEM_set_memory_map);
	return ret < 0 ? (int)ret : 0;
}

int memctl_claim(struct privcmd *p, uint16_t domid, uint64_t pages)
{
	struct xen_memory_reservation *r = p->scratch;
	long ret;

	*r = (struct xen_memory_reservation){ .nr_extents = pages, .domid = domid };
	ret = memory_op(p, XENMEM_claim_pages);
	return ret < 0 ? (int)ret : 0;
}

static int mmuext_op(struct privcmd *p, uint16_t domid, unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op *op = p->scratch;
	long ret;

	memset(op, 0, sizeof *op);
	op->cmd = cmd;
	op->arg1.mfn = mfn;
	ret = privcmd_call(p, __HYPERVISOR_mmuext_op, (uintptr_t)op, 1, 0, domid, 0);
	return ret < 0 ? (int)ret : 0;
}

int memctl_pin_l4(struct privcmd *p, uint16_t domid, uint64_t mfn)
{
	return mmuext_op(p, domid, MMUEXT_PIN_L4_TABLE, mfn);
}

int memctl_unpin(struct privcmd *p, uint16_t domid, uint64_t mfn)
{
	return mmuext_op(p, domid, MMUEXT_UNPIN_TABLE, mfn);
}

int evtchn_alloc_unbound(struct privcmd *p, uint16_t domid, uint16_t remote, uint32_t *port)
{
	struct evtchn_alloc_unbound *op = p->scratch;
	long ret;

	*op = (struct evtchn_alloc_unbound){ .dom = domid, .remote_dom = remote };
	ret = privcmd_call(p, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
			   (uintptr_t)op, 0, 0, 0);
	if (ret < 0)
		return (int)ret;
	*port = op->port;
	return 0;
}
