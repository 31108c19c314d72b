/* domctl, the part about single vCPUs: contexts, state, affinity.
 *
 * A context is read and written only while the vCPU is paused, and never one of the caller's own
 * domain. Contexts are larger than a page and go through a buffer of two. */
#include "hv/base/errno.h"
#include "hv/call/control.h"
#include "hv/dom/sched.h"
#include "hv/mem/alloc.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/pv.h"

#define CONTEXT_ORDER 1u
static_assert(sizeof(struct vcpu_guest_context) <= PAGE_SIZE << CONTEXT_ORDER, "buffer");

/* May be preempted while tables are validated; the progress stays in them. */
static int context_load(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
	lock(&domctl_lock);			/* against its death */
	lock(&v->domain->lock);			/* against another of its vCPUs that initialises it */
	/* Its tables have been let go, or are about to be: take none again. */
	int rc = domain_is_dying(v->domain) ? -EINVAL : pv_vcpu_set_context(v, ctx);
	if (!rc)
		v->is_initialised = true;
	unlock(&v->domain->lock);
	unlock(&domctl_lock);
	if (rc)
		return rc;
	if (ctx->flags & VGCF_online)
		return vcpu_up(v);
	vcpu_down(v);
	return 0;
}

static int set_context(struct vcpu *v, gva_t from)
{
	if (!from.a)
		return -EOPNOTSUPP;	/* reset of a vCPU */
	struct vcpu_guest_context *ctx = page_alloc(CONTEXT_ORDER, 0);
	if (!ctx)
		return -ENOMEM;
	int rc = guest_read(ctx, from, sizeof *ctx);
	if (!rc) {
		vcpu_pause(v);
		rc = context_load(v, ctx);
		vcpu_unpause(v);
	}
	page_free(ctx, CONTEXT_ORDER);
	return rc;
}

static int get_context(struct vcpu *v, gva_t to)
{
	if (!v->is_initialised)
		return -EINVAL;
	struct vcpu_guest_context *ctx = page_alloc(CONTEXT_ORDER, 0);
	if (!ctx)
		return -ENOMEM;
	vcpu_pause(v);
	pv_vcpu_get_context(v, ctx);
	vcpu_unpause(v);
	int rc = guest_write(to, ctx, sizeof *ctx);
	page_free(ctx, CONTEXT_ORDER);
	return rc;
}

static int get_info(const struct vcpu *v, struct xen_domctl_getvcpuinfo *out)
{
	out->online = vcpu_is_up(v);
	out->blocked = (READ_ONCE(v->hold) & (HOLD_BLOCKED | HOLD_POLLING)) != 0;
	out->running = READ_ONCE(v->is_running);
	out->cpu_time = sched_cpu_time_ns(v);
	out->cpu = READ_ONCE(v->cpu);
	return 0;
}

#define AFFINITY_BOTH (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)

/* The caller's maps come back with what is in force: the part on CPUs that exist. */
static int set_affinity(struct vcpu *v, struct xen_domctl_vcpuaffinity *a)
{
	cpumask_t hard = v->hard_affinity, soft = v->soft_affinity;
	int rc = 0;

	if (!(a->flags & AFFINITY_BOTH) || (a->flags & ~(uint32_t)AFFINITY_BOTH))
		return -EINVAL;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = control_mask_read(&a->cpumap_hard, &hard);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = control_mask_read(&a->cpumap_soft, &soft);
	if (!rc)
		rc = sched_affinity_set(v, hard, soft);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_HARD))
		rc = control_mask_write(&a->cpumap_hard, hard & cpu_online_mask());
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = control_mask_write(&a->cpumap_soft, soft & hard & cpu_online_mask());
	return rc;
}

static int get_affinity(const struct vcpu *v, const struct xen_domctl_vcpuaffinity *a)
{
	int rc = 0;

	if (!(a->flags & AFFINITY_BOTH))
		return -EINVAL;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = control_mask_write(&a->cpumap_hard, v->hard_affinity);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = control_mask_write(&a->cpumap_soft, v->soft_affinity);
	return rc;
}

static int send_trigger(struct vcpu *v, const struct xen_domctl_sendtrigger *s)
{
	if (s->trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
		return -EOPNOTSUPP;
	vcpu_nmi(v);
	return 0;
}

/* All these arguments begin with the vCPU's number, but for sendtrigger's. */
static struct vcpu *vcpu_named(struct domain *d, const struct xen_domctl *op)
{
	uint32_t id =
		op->cmd == XEN_DOMCTL_sendtrigger ? op->u.sendtrigger.vcpu : op->u.vcpucontext.vcpu;
	return vcpu_find(d, id);
}

int domctl_vcpu(struct vcpu *caller, struct domain *d, struct xen_domctl *op, bool *reply)
{
	struct vcpu *v = vcpu_named(d, op);

	switch (op->cmd) {
	case XEN_DOMCTL_setvcpucontext:
		if (d == caller->domain)
			return -EINVAL;
		return v ? set_context(v, gva(op->u.vcpucontext.ctxt)) : -ESRCH;
	case XEN_DOMCTL_getvcpucontext:
		if (d == caller->domain)
			return -EINVAL;
		return v ? get_context(v, gva(op->u.vcpucontext.ctxt)) : -ESRCH;
	case XEN_DOMCTL_getvcpuinfo:
		*reply = true;
		return v ? get_info(v, &op->u.getvcpuinfo) : -ESRCH;
	case XEN_DOMCTL_setvcpuaffinity:
		return v ? set_affinity(v, &op->u.vcpuaffinity) : -ESRCH;
	case XEN_DOMCTL_getvcpuaffinity:
		return v ? get_affinity(v, &op->u.vcpuaffinity) : -ESRCH;
	case XEN_DOMCTL_sendtrigger:
		return v ? send_trigger(v, &op->u.sendtrigger) : -ESRCH;
	default:
		return -ENOSYS;
	}
}
