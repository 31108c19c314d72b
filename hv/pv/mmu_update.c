/* mmu_update and update_va_mapping: a guest's changes to its page tables, one entry at a time.
 *
 * Arguments are copied in once, who may do what to whom is decided here, the entry itself is judged by
 * hv/mem/table.h. A batch stops at the first error; *done is exact. Devalidation that an update
 * left behind is finished before the hypercall returns (as -ERESTART if it takes long), so that a
 * guest finds its former tables free for other use.
 * Linux issues nearly every request alone: that path is the hottest of the hypervisor.
 * Neighbours: mmu_ext.c (pins, base pointers, flushes), pt_write.c. Spec: public header xen.h. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/mem/guest_copy.h"
#include "hv/mem/table.h"
#include "hv/pv/mmu.h"
#include "protocol/xen.h"

int mmu_owner_get(struct vcpu *v, domid_t id, struct owner **o, struct domain **d)
{
	*d = NULL;
	*o = &v->domain->mem;
	if (LIKELY(id == DOMID_SELF || id == v->domain->id))
		return 0;
	if (!v->domain->is_control)
		return -EPERM;
	if (id == DOMID_IO)
		return 0;
	struct domain *other = domain_find(id);
	if (!other)
		return -ESRCH;
	if (READ_ONCE(other->mem.is_dying)) {
		domain_put(other);
		return -ESRCH;
	}
	*d = other;
	*o = &other->mem;
	return 0;
}

void mmu_owner_put(struct domain *d)
{
	if (d)
		domain_put(d);
}

bool mmu_preempt_check(void)
{
	preempt_count(PREEMPT_ITEM);
	return preempt_due();
}

/* The machine-to-physical entry of a frame of @o. */
static int machphys_update(struct owner *o, uint64_t at, uint64_t value)
{
	struct frame *f;
	int rc = frame_get(o, maddr_to_mfn(maddr(at)), &f);
	if (rc)
		return rc == -ENOENT ? -EINVAL : rc;
	m2p_set(frame_mfn(f), pfn(value));
	frame_put(f);
	return 0;
}

static int request_run(struct owner *tables, struct owner *frames, const struct mmu_update *r)
{
	uint64_t at = r->ptr & ~3ull;
	switch (r->ptr & 3) {
	case MMU_MACHPHYS_UPDATE:
		return machphys_update(frames, at, r->val);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return table_entry_update(tables, frames, maddr(at), r->val, true);
	default:
		return table_entry_update(tables, frames, maddr(at), r->val, false);
	}
}

/* A batch ends here with @rc, but what it dropped is let go first, also after an error: then the request that failed is
 * made again. */
static int64_t requests_end(struct owner *tables, int64_t rc)
{
	return UNLIKELY(owner_has_pending(tables)) && owner_run_pending(tables) ? -ERESTART : rc;
}

static int64_t requests_run(struct owner *tables, struct owner *frames, gva_t reqs, unsigned count, unsigned *done)
{
	struct mmu_update r;
	if (UNLIKELY(owner_has_pending(tables)) && owner_run_pending(tables))
		return -ERESTART;
	for (unsigned i = 0; i < count; i++) {
		if (UNLIKELY(guest_read(&r, gva_add(reqs, i * sizeof r), sizeof r)))
			return requests_end(tables, -EFAULT);
		int rc = request_run(tables, frames, &r);
		if (UNLIKELY(rc))
			return requests_end(tables, rc);
		*done = i + 1;
		if (UNLIKELY(i + 1 < count) && mmu_preempt_check())
			return -ERESTART;
	}
	return requests_end(tables, 0);
}

int64_t pv_mmu_update(struct vcpu *v, gva_t reqs, unsigned count, uint32_t fd, unsigned *done)
{
	struct owner *tables, *frames;
	struct domain *td, *fd_domain;
	*done = 0;
	domid_t table_id = fd >> 16 ? (domid_t)((fd >> 16) - 1) : DOMID_SELF;
	int64_t rc = mmu_owner_get(v, table_id, &tables, &td);
	if (UNLIKELY(rc))
		return rc;
	rc = mmu_owner_get(v, (domid_t)fd, &frames, &fd_domain);
	if (LIKELY(rc == 0)) {
		/* Another's tables hold its own frames only; our rights are not its. */
		if (td && !fd_domain)
			frames = tables;
		rc = td && fd_domain && td != fd_domain ? -EPERM : requests_run(tables, frames, reqs, count, done);
	}
	mmu_owner_put(fd_domain);
	mmu_owner_put(td);
	return rc;
}

/* --- flushes --- */

void mmu_flush_local(bool all, gva_t va)
{
	if (all)
		cpu_tlb_flush(1ull << cpu_id());
	else if (gva_is_guest(va.a))
		cpu_tlb_flush_page(1ull << cpu_id(), va);
}

void mmu_flush_domain(struct vcpu *v, bool all, gva_t va)
{
	cpumask_t mask = READ_ONCE(v->domain->mem.dirty_cpus);
	if (all)
		cpu_tlb_flush(mask);
	else if (gva_is_guest(va.a))
		cpu_tlb_flush_page(mask, va);
}

/* A vCPU's translations may linger wherever its domain ran, so a bitmap that names any other vCPU than
 * the caller reaches all those CPUs. */
int mmu_flush_vcpus(struct vcpu *v, gva_t mask, bool all, gva_t va)
{
	uint64_t vcpus;
	if (guest_read(&vcpus, mask, sizeof vcpus))
		return -EFAULT;
	static_assert(MAX_VCPUS <= 64, "one word holds them");
	if (vcpus & ~(1ull << v->id))
		mmu_flush_domain(v, all, va);
	else if (vcpus)
		mmu_flush_local(all, va);
	return 0;
}

/* --- update_va_mapping --- */

static int va_flush(struct vcpu *v, gva_t va, uint64_t flags)
{
	bool all = (flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH;
	uint64_t where = flags & ~UVMF_FLUSHTYPE_MASK;
	if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE)
		return 0;
	if (where == UVMF_LOCAL)
		mmu_flush_local(all, va);
	else if (where == UVMF_ALL)
		mmu_flush_domain(v, all, va);
	else
		return mmu_flush_vcpus(v, gva(where), all, va);
	return 0;
}

int pv_update_va_mapping(struct vcpu *v, gva_t va, uint64_t val, uint64_t flags, domid_t fd)
{
	struct owner *self = &v->domain->mem, *frames;
	struct domain *d;
	if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_FLUSHTYPE_MASK)
		return -EINVAL;
	if (UNLIKELY(owner_has_pending(self)) && owner_run_pending(self))
		return -ERESTART;
	int rc = mmu_owner_get(v, fd, &frames, &d);
	if (rc)
		return rc;
	rc = table_va_update(self, frames, v->ctx.kernel_l4, va, val);
	mmu_owner_put(d);
	return rc ? rc : va_flush(v, va, flags);
}
