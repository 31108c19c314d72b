/* mmuext_op: pins, base pointers, flushes and the LDT.
 *
 * A base pointer of a vCPU holds a reference and a FT_L4 count of its own, beside any pin (Linux
 * unpins the tables it runs on). The new table is taken before the old one is put, and the CPU has
 * left the old one by then. Long validation and devalidation are preempted; the batch continues at the
 * first operation that is not done.
 * Neighbours: mmu_update.c, segment.c (LDT). Spec: public header xen.h, struct mmuext_op. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/mem/guest_copy.h"
#include "hv/mem/table.h"
#include "hv/pv/mmu.h"
#include "protocol/xen.h"

/* --- base pointers --- */

/* Take @l4 for @base, run on it if it is the loaded one, drop what was there. */
static int base_replace(struct vcpu *v, mfn_t *base, mfn_t l4)
{
	struct frame *f;
	mfn_t old = *base;
	if (l4.n) {
		int rc = frame_get_with_type(&v->domain->mem, l4, FT_L4, &f);
		if (rc)
			return rc == -ENOENT ? -EINVAL : rc;
	}
	*base = l4;
	if ((base == &v->ctx.kernel_l4) == v->ctx.kernel_mode)
		cpu_context_set_tables(&v->ctx);
	if (old.n)
		frame_put_with_type(frame_of(old));
	return 0;
}

int pv_new_kernel_base(struct vcpu *v, mfn_t l4)
{
	return l4.n ? base_replace(v, &v->ctx.kernel_l4, l4) : -EINVAL;
}

int pv_new_user_base(struct vcpu *v, mfn_t l4)
{
	if (!l4.n && !v->ctx.kernel_mode)
		return -EINVAL;
	return base_replace(v, &v->ctx.user_l4, l4);
}

/* --- pages --- */

static int page_clear(struct owner *o, mfn_t m)
{
	struct frame *f;
	int rc = frame_get_with_type(o, m, FT_WRITABLE, &f);
	if (rc)
		return rc;
	void *p = frame_map(m);
	memset(p, 0, PAGE_SIZE);
	frame_unmap(p);
	frame_put_with_type(f);
	return 0;
}

static int page_copy(struct owner *o, mfn_t dst, mfn_t src)
{
	struct frame *from, *to;
	int rc = frame_get(o, src, &from);
	if (rc)
		return rc;
	rc = frame_get_with_type(o, dst, FT_WRITABLE, &to);
	if (rc == 0) {
		void *d = frame_map(dst);
		const void *s = frame_map(src);
		memmove(d, s, PAGE_SIZE);
		frame_unmap(s);
		frame_unmap(d);
		frame_put_with_type(to);
	}
	frame_put(from);
	return rc;
}

/* --- operations --- */

static int flush_run(struct vcpu *v, const struct mmuext_op *op)
{
	gva_t va = gva(op->arg1.linear_addr), mask = gva(op->arg2.vcpumask);
	switch (op->cmd) {
	case MMUEXT_TLB_FLUSH_LOCAL:
		mmu_flush_local(true, va);
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		mmu_flush_local(false, va);
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
		return mmu_flush_vcpus(v, mask, true, va);
	case MMUEXT_INVLPG_MULTI:
		return mmu_flush_vcpus(v, mask, false, va);
	case MMUEXT_TLB_FLUSH_ALL:
		mmu_flush_domain(v, true, va);
		return 0;
	default:
		mmu_flush_domain(v, false, va);
		return 0;
	}
}

/* @o: whose frames pins and page operations name; everything else concerns the caller alone. */
static int op_run(struct vcpu *v, struct owner *o, const struct mmuext_op *op)
{
	mfn_t m = mfn(op->arg1.mfn);
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return frame_pin(o, m, (enum frame_type)(FT_L1 + op->cmd - MMUEXT_PIN_L1_TABLE));
	case MMUEXT_UNPIN_TABLE:
		return frame_unpin(o, m);
	case MMUEXT_CLEAR_PAGE:
		return page_clear(o, m);
	case MMUEXT_COPY_PAGE:
		return page_copy(o, m, mfn(op->arg2.src_mfn));
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		return -EOPNOTSUPP;
	}
	if (o != &v->domain->mem)
		return -EPERM;
	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
		return pv_new_kernel_base(v, m);
	case MMUEXT_NEW_USER_BASEPTR:
		return pv_new_user_base(v, m);
	case MMUEXT_SET_LDT:
		return pv_set_ldt(v, gva(op->arg1.linear_addr), op->arg2.nr_ents);
	case MMUEXT_TLB_FLUSH_LOCAL:
	case MMUEXT_INVLPG_LOCAL:
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_ALL:
		return flush_run(v, op);
	default:
		return -ENOSYS;
	}
}

/* The guest finds a table free as soon as the operation that dropped it is counted as done. */
static int pending_finish(struct owner *o)
{
	return UNLIKELY(owner_has_pending(o)) ? owner_run_pending(o) : 0;
}

static int64_t ops_run(struct vcpu *v, struct owner *o, gva_t ops, unsigned count, unsigned *done)
{
	struct mmuext_op op;
	if (pending_finish(o))
		return -ERESTART;
	for (unsigned i = 0; i < count; i++) {
		if (guest_read(&op, gva_add(ops, i * sizeof op), sizeof op))
			return -EFAULT;
		int rc = op_run(v, o, &op);
		if (rc)
			return rc == -ENOENT ? -EINVAL : rc;
		*done = i + 1;
		if (pending_finish(o) || (i + 1 < count && mmu_preempt_check()))
			return -ERESTART;
	}
	return 0;
}

int64_t pv_mmuext_op(struct vcpu *v, gva_t ops, unsigned count, uint32_t fd, unsigned *done)
{
	struct owner *o;
	struct domain *d;
	*done = 0;
	int64_t rc = mmu_owner_get(v, (domid_t)fd, &o, &d);
	if (rc)
		return rc;
	rc = ops_run(v, o, ops, count, done);
	mmu_owner_put(d);
	return rc;
}
