/* XENMEM_exchange: frames for other frames, usually scattered ones for a contiguous run that a
 * device can address.
 *
 * All or nothing: on failure nothing was exchanged and nr_exchanged is 0, on success all of it;
 * dom0's Linux stops the machine on anything between. So the work is limited to 2 MiB, and preemption checks
 * only let interrupts in.
 * Only control domains: others drive no devices, and a list of frames under a domain's own feet is
 * where hypervisors of this kind were broken most often.
 * INVARIANT: an input frame is taken from its owner when nobody but its allocation refers to it; twice in the list,
 * or mapped somewhere, refuses the call before anything changed. Who maps it meanwhile keeps it, like any frame that
 * is given back while mapped.
 * Order: check, take, allocate the new frames, answer the guest, then commit: release of the old.
 * Both halves exist for a moment: the new ones are not held against the quota. */
#include "hv/base/errno.h"
#include "hv/call/memory.h"
#include "hv/core/work.h"
#include "hv/mem/alloc.h"
#include "hv/mem/guest_copy.h"

#define EXCHANGE_MAX	512u		/* frames */

struct exchange {
	struct xen_memory_exchange x;	/* the caller's, copied once */
	uint64_t frames;		/* on each side */
	uint64_t taken, made;		/* in-frames detached; out-extents allocated */
	uint64_t *in_mfn;		/* EXCHANGE_MAX frames each; a page of ours */
	uint64_t *out_pfn, *out_mfn;
};

static int side_frames(const struct xen_memory_reservation *r, uint64_t *frames)
{
	if (r->extent_order > 9 || r->nr_extents == 0 || r->nr_extents > EXCHANGE_MAX)
		return -EINVAL;
	*frames = r->nr_extents << r->extent_order;
	return *frames > EXCHANGE_MAX ? -ENOMEM : 0;
}

static int exchange_check(struct vcpu *v, struct exchange *e)
{
	uint64_t out;
	int rc = side_frames(&e->x.in, &e->frames);
	if (!rc)
		rc = side_frames(&e->x.out, &out);
	if (rc)
		return rc;
	bool own_in = e->x.in.domid == DOMID_SELF || e->x.in.domid == v->domain->id;
	bool own_out = e->x.out.domid == DOMID_SELF || e->x.out.domid == v->domain->id;
	if (out != e->frames || e->x.nr_exchanged || !own_in || !own_out)
		return -EINVAL;
	return 0;
}

/* Read both lists. */
static int exchange_read(struct exchange *e)
{
	uint64_t n = e->x.in.nr_extents, each = 1ull << e->x.in.extent_order;

	if (guest_read(e->in_mfn, gva(e->x.in.extent_start), n * sizeof(uint64_t)) ||
		guest_read(e->out_pfn, gva(e->x.out.extent_start),
			e->x.out.nr_extents * sizeof(uint64_t)))
		return -EFAULT;
	preempt_count((unsigned)e->frames);
	for (uint64_t i = 0; i < e->x.out.nr_extents; i++)
		if (!memory_pfn_is_valid(e->out_pfn[i], e->x.out.extent_order))
			return -EINVAL;
	for (uint64_t i = n; i-- > 0;)		/* widen extents to frames, from the end */
		for (uint64_t k = each; k-- > 0;)
			e->in_mfn[i * each + k] = e->in_mfn[i] + k;
	return 0;
}

static int exchange_take(struct owner *o, struct exchange *e)
{
	for (; e->taken < e->frames; e->taken++) {
		preempt_count(PREEMPT_ITEM);
		if (frame_detach(o, mfn(e->in_mfn[e->taken])))
			return -EINVAL;
	}
	return 0;
}

static int exchange_alloc(struct owner *o, struct exchange *e)
{
	unsigned bits = XENMEMF_get_address_bits(e->x.out.mem_flags);
	for (; e->made < e->x.out.nr_extents; e->made++) {
		mfn_t m;
		int rc = frame_alloc_instead(o, e->x.out.extent_order, bits, pfn(e->out_pfn[e->made]), &m);
		if (rc)
			return rc;
		e->out_mfn[e->made] = m.n;
	}
	return 0;
}

static int exchange_answer(const struct exchange *e, gva_t arg)
{
	uint64_t all = e->x.in.nr_extents;
	if (guest_write(gva(e->x.out.extent_start), e->out_mfn, e->made * sizeof(uint64_t)))
		return -EFAULT;
	return guest_write(
		gva_add(arg, offsetof(struct xen_memory_exchange, nr_exchanged)), &all, sizeof all);
}

/* Cannot fail. */
static void exchange_commit(struct exchange *e)
{
	for (uint64_t i = 0; i < e->taken; i++) {
		preempt_count(PREEMPT_ITEM);
		m2p_set(mfn(e->in_mfn[i]), pfn(M2P_INVALID));
		frame_put(frame_of(mfn(e->in_mfn[i])));
	}
	e->made = e->taken = 0;
}

static int exchange_run(struct vcpu *v, struct exchange *e, gva_t arg)
{
	struct owner *o = &v->domain->mem;
	int rc = exchange_read(e);
	if (!rc)
		rc = exchange_take(o, e);
	if (!rc) {
		rc = exchange_alloc(o, e);
		if (!rc)
			rc = exchange_answer(e, arg);
		if (!rc)
			exchange_commit(e);
		for (uint64_t i = 0; i < e->made; i++)
			memory_release_extent(o, mfn(e->out_mfn[i]), e->x.out.extent_order);
	}
	while (e->taken > 0) {
		preempt_count(PREEMPT_ITEM);
		frame_attach(o, mfn(e->in_mfn[--e->taken]));
	}
	return rc;
}

int64_t memory_exchange(struct vcpu *v, gva_t arg)
{
	struct exchange e = { .taken = 0 };

	if (!v->domain->is_control)
		return -EPERM;
	if (guest_read(&e.x, arg, sizeof e.x))
		return -EFAULT;
	int rc = exchange_check(v, &e);
	if (rc)
		return rc;
	static_assert(EXCHANGE_MAX * sizeof(uint64_t) == PAGE_SIZE, "a page a list");
	uint64_t *lists = page_alloc(2, 0);
	if (!lists)
		return -ENOMEM;
	e.in_mfn = lists;
	e.out_pfn = lists + EXCHANGE_MAX;
	e.out_mfn = lists + 2 * EXCHANGE_MAX;
	rc = exchange_run(v, &e, arg);
	page_free(lists, 2);
	return rc;
}
