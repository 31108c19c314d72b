/* memory_op: giving frames to domains and taking them back, and questions about memory.
 *
 * Reservation lists hold pseudo-physical numbers in and machine numbers out for
 * populate_physmap, machine numbers otherwise. They are processed extent by extent; the result is
 * how many were done, so a list may stop in the middle. Preempted, the call continues with the
 * index of the next extent above the sub-operation in argument 0 (the caller can forge it and
 * then only skips extents of its own list).
 * The machine-to-physical table follows every frame that changes hands: new frames map to the numbers the
 * caller gave before their owner can find them, released ones to nothing before their last reference goes.
 * Neighbours: memory_exchange.c, memory_query.c (maps and resources). */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/call/memory.h"
#include "hv/core/work.h"
#include "hv/mem/frame.h"
#include "hv/mem/guest_copy.h"

#define CMD_BITS	6		/* of argument 0; the rest is where to continue */
#define EXTENTS_MAX	(1ull << 32)
#define ORDER_MAX	9		/* 2 MiB: what is done without stopping */

bool memory_pfn_is_valid(uint64_t p, unsigned order)
{
	return p < PFN_LIMIT && p + (1ull << order) <= PFN_LIMIT;
}

int memory_release(struct owner *o, mfn_t m)
{
	struct frame *f;
	preempt_count(PREEMPT_ITEM);
	int rc = frame_get(o, m, &f);
	if (rc)
		return rc;
	rc = frame_release(o, m);
	if (!rc)
		m2p_set(m, pfn(M2P_INVALID));	/* not reused yet: we hold a reference */
	frame_put(f);
	return rc;
}

void memory_release_extent(struct owner *o, mfn_t m, unsigned order)
{
	for (uint64_t i = 0; i < 1ull << order; i++)
		(void)memory_release(o, mfn(m.n + i));	/* gone already: the guest was quicker */
}

typedef int extent_fn(struct domain *d, const struct xen_memory_reservation *r, gva_t slot);

/* A new extent; @p: its first pseudo-physical number or M2P_INVALID. Its MFN goes to @slot. */
static int extent_give(
	struct domain *d, const struct xen_memory_reservation *r, uint64_t p, gva_t slot)
{
	mfn_t m;
	unsigned bits = XENMEMF_get_address_bits(r->mem_flags);
	/* Low memory is kept for devices, and those are a control domain's. */
	if (bits && !d->is_control)
		return -EPERM;
	int rc = frame_alloc(&d->mem, r->extent_order, bits, pfn(p), &m);
	if (rc)
		return rc;
	if (r->extent_start && guest_write(slot, &m.n, sizeof m.n)) {
		memory_release_extent(&d->mem, m, r->extent_order);
		return -EFAULT;
	}
	return 0;
}

static int extent_populate(struct domain *d, const struct xen_memory_reservation *r, gva_t slot)
{
	uint64_t p;
	if (guest_read(&p, slot, sizeof p))
		return -EFAULT;
	if (!memory_pfn_is_valid(p, r->extent_order) || (r->mem_flags & XENMEMF_populate_on_demand))
		return -EINVAL;
	return extent_give(d, r, p, slot);
}

static int extent_increase(struct domain *d, const struct xen_memory_reservation *r, gva_t slot)
{
	return extent_give(d, r, M2P_INVALID, slot);
}

static int extent_decrease(struct domain *d, const struct xen_memory_reservation *r, gva_t slot)
{
	uint64_t m;
	if (guest_read(&m, slot, sizeof m))
		return -EFAULT;
	int rc = 0;
	for (uint64_t i = 0; i < 1ull << r->extent_order && !rc; i++)
		rc = memory_release(&d->mem, mfn(m + i));
	return rc;
}

static int64_t reservation_op(struct call *c, extent_fn *fn)
{
	struct xen_memory_reservation r;
	struct domain *d;
	uint64_t cmd = c->arg[0] & ((1u << CMD_BITS) - 1);
	uint64_t i = c->arg[0] >> CMD_BITS;

	if (guest_read(&r, gva(c->arg[1]), sizeof r))
		return -EFAULT;
	if (r.extent_order > ORDER_MAX || r.nr_extents > EXTENTS_MAX || i > r.nr_extents)
		return -EINVAL;
	int rc = call_target(c->vcpu, r.domid, &d);
	if (rc)
		return rc;
	for (; i < r.nr_extents; i++) {
		preempt_count(PREEMPT_ITEM);
		if (fn(d, &r, gva(r.extent_start + i * sizeof(uint64_t))))
			break;
		if (i + 1 < r.nr_extents && preempt_due()) {
			c->arg[0] = (i + 1) << CMD_BITS | cmd;
			rc = -ERESTART;
			break;
		}
	}
	domain_put(d);
	return rc ? rc : (int64_t)i;
}

/* A claim is checked against free memory when it is made; it does not hold frames back. */
static int64_t claim_pages(struct call *c)
{
	struct xen_memory_reservation r;
	struct domain *d;

	if (!c->vcpu->domain->is_control)
		return -EPERM;
	if (guest_read(&r, gva(c->arg[1]), sizeof r))
		return -EFAULT;
	if (r.extent_order || r.mem_flags || r.extent_start)
		return -EINVAL;
	int rc = call_target(c->vcpu, r.domid, &d);
	if (rc)
		return rc;
	uint64_t have = READ_ONCE(d->mem.frame_count);
	if (r.nr_extents > have && r.nr_extents - have > frame_free_count())
		rc = -ENOMEM;
	domain_put(d);
	return rc;
}

int64_t call_memory_op(struct call *c)
{
	unsigned cmd = (unsigned)c->arg[0] & ((1u << CMD_BITS) - 1);

	switch (cmd) {
	case XENMEM_populate_physmap:
		return reservation_op(c, extent_populate);
	case XENMEM_increase_reservation:
		return reservation_op(c, extent_increase);
	case XENMEM_decrease_reservation:
		return reservation_op(c, extent_decrease);
	case XENMEM_exchange:
		return memory_exchange(c->vcpu, gva(c->arg[1]));
	case XENMEM_claim_pages:
		return claim_pages(c);
	default:
		return memory_query(c->vcpu, cmd, gva(c->arg[1]));
	}
}
