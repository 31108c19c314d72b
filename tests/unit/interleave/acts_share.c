/* Operations on grants and events. */
#include "hv/base/atomic.h"
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"
#include "hv/grant/grant.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "tests/unit/interleave/acts.h"

/* --- grants --- */

static struct grant_entry_v1 *entry(unsigned ref)
{
	return (struct grant_entry_v1 *)host_frame(grant_frame(self()->d, 0)) + ref;
}

int64_t act_grant(unsigned x, unsigned y)
{
	mfn_t m = self()->m[(y & 0xff) >> 1];
	uint64_t flags = GTF_permit_access | (y & 1 ? GTF_readonly : 0);
	STORE_RELEASE((uint64_t *)(void *)entry(x), flags | (uint64_t)guest[y >> 8].d->id << 16 | m.n << 32);
	return 0;
}

/* As Linux does: compare and exchange of the flags, unless they say it is in use. */
int64_t act_grant_end(unsigned x, unsigned y)
{
	uint16_t *flags = &entry(x)->flags, seen = READ_ONCE(*flags);
	(void)y;
	do {
		if (seen & (GTF_reading | GTF_writing))
			return 0;
	} while (!ATOMIC_CAS(flags, &seen, (uint16_t)0));
	return 1;
}

static int64_t grant_op(unsigned cmd)
{
	return hyper(__HYPERVISOR_grant_table_op, cmd, ARGUMENT_VA, 1, 0);
}

int64_t act_map(unsigned x, unsigned y)
{
	struct gnttab_map_grant_ref *op = argument(0);
	*op = (struct gnttab_map_grant_ref){
		.host_addr = (uint64_t)(y >> 4) << PAGE_SHIFT,
		.flags = GNTMAP_host_map | (y & MAP_RO ? GNTMAP_readonly : 0) | (y & MAP_DEVICE ? GNTMAP_device_map : 0),
		.ref = x & 0xff, .dom = guest[x >> 8].d->id,
	};
	int64_t rc = grant_op(GNTTABOP_map_grant_ref);
	return rc ? rc : op->status;
}

int64_t act_unmap(unsigned x, unsigned y)
{
	struct gnttab_unmap_grant_ref *op = argument(0);
	*op = (struct gnttab_unmap_grant_ref){ .host_addr = (uint64_t)y << PAGE_SHIFT, .handle = x };
	int64_t rc = grant_op(GNTTABOP_unmap_grant_ref);
	return rc ? rc : op->status;
}

int64_t act_unmap_device(unsigned x, unsigned y)
{
	struct gnttab_unmap_grant_ref *op = argument(0);
	*op = (struct gnttab_unmap_grant_ref){
		.dev_bus_addr = mfn_to_maddr(guest[y >> 8].m[y & 0xff]).a, .handle = x,
	};
	int64_t rc = grant_op(GNTTABOP_unmap_grant_ref);
	return rc ? rc : op->status;
}

int64_t act_copy(unsigned x, unsigned y)
{
	struct gnttab_copy *op = argument(0);
	uint64_t own = self()->m[y >> 1].n;
	bool there = y & 1;
	memset(op, 0, sizeof *op);
	op->len = 16;
	op->flags = there ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
	op->source.domid = there ? DOMID_SELF : guest[x >> 8].d->id;
	op->dest.domid = there ? guest[x >> 8].d->id : DOMID_SELF;
	if (there) {
		op->source.u.gmfn = own;
		op->dest.u.ref = x & 0xff;
	} else {
		op->source.u.ref = x & 0xff;
		op->dest.u.gmfn = own;
	}
	int64_t rc = grant_op(GNTTABOP_copy);
	return rc ? rc : op->status;
}

int64_t act_setup(unsigned x, unsigned y)
{
	struct gnttab_setup_table *op = argument(0);
	(void)y;
	*op = (struct gnttab_setup_table){ .dom = DOMID_SELF, .nr_frames = x, .frame_list = ARGUMENT_VA + 256 };
	int64_t rc = grant_op(GNTTABOP_setup_table);
	return rc ? rc : op->status;
}

/* --- events --- */

static int64_t event_op(unsigned cmd)
{
	return hyper(__HYPERVISOR_event_channel_op, cmd, ARGUMENT_VA, 0, 0);
}

int64_t act_alloc(unsigned x, unsigned y)
{
	struct evtchn_alloc_unbound *op = argument(0);
	(void)y;
	*op = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = guest[x].d->id };
	int64_t rc = event_op(EVTCHNOP_alloc_unbound);
	return rc ? rc : op->port;
}

int64_t act_bind(unsigned x, unsigned y)
{
	struct evtchn_bind_interdomain *op = argument(0);
	*op = (struct evtchn_bind_interdomain){ .remote_dom = guest[x].d->id, .remote_port = y };
	int64_t rc = event_op(EVTCHNOP_bind_interdomain);
	return rc ? rc : op->local_port;
}

int64_t act_virq(unsigned x, unsigned y)
{
	struct evtchn_bind_virq *op = argument(0);
	*op = (struct evtchn_bind_virq){ .virq = x, .vcpu = y };
	int64_t rc = event_op(EVTCHNOP_bind_virq);
	return rc ? rc : op->port;
}

int64_t act_ipi(unsigned x, unsigned y)
{
	struct evtchn_bind_ipi *op = argument(0);
	(void)y;
	*op = (struct evtchn_bind_ipi){ .vcpu = x };
	int64_t rc = event_op(EVTCHNOP_bind_ipi);
	return rc ? rc : op->port;
}

int64_t act_close(unsigned x, unsigned y)
{
	struct evtchn_close *op = argument(0);
	(void)y;
	op->port = x;
	return event_op(EVTCHNOP_close);
}

int64_t act_send(unsigned x, unsigned y)
{
	struct evtchn_send *op = argument(0);
	(void)y;
	op->port = x;
	return event_op(EVTCHNOP_send);
}

int64_t act_unmask(unsigned x, unsigned y)
{
	struct evtchn_unmask *op = argument(0);
	(void)y;
	op->port = x;
	return event_op(EVTCHNOP_unmask);
}

int64_t act_port_vcpu(unsigned x, unsigned y)
{
	struct evtchn_bind_vcpu *op = argument(0);
	*op = (struct evtchn_bind_vcpu){ .port = x, .vcpu = y };
	return event_op(EVTCHNOP_bind_vcpu);
}

int64_t act_port_mask(unsigned x, unsigned y)
{
	(void)y;
	bit_test_and_set(self()->d->shared->evtchn_mask, x);
	return 0;
}

int64_t act_reset(unsigned x, unsigned y)
{
	struct evtchn_reset *op = argument(0);
	(void)x, (void)y;
	op->dom = DOMID_SELF;
	return event_op(EVTCHNOP_reset);
}
