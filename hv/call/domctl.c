/* domctl: what the toolstack does to one domain.
 *
 * The argument is copied in once, and written back only by operations that answer in it.
 * Operations on the caller's own domain that would stop it are refused.
 * What is not implemented falls in two kinds: operations that tools know to be optional answer
 * -EOPNOTSUPP, all others -ENOSYS.
 * Neighbours: domctl_vcpu.c, control.c, sysctl.c; hv/dom does the work. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/call/call.h"
#include "hv/call/control.h"
#include "hv/core/work.h"
#include "hv/dom/sched.h"
#include "hv/mem/frame.h"
#include "hv/mem/guest_copy.h"
#include "lib/pvbuild/build.h"

struct lock domctl_lock = LOCK_INIT(RANK_DOMCTL);

#define FRAME_INFOS_MAX	1024u
#define VCPU_PAGES	8u	/* allocated for a vCPU, about */

static int config_check(const struct xen_domctl_createdomain *c)
{
	if (c->flags || c->arch.emulation_flags || (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED))
		return -EINVAL;		/* not a PV guest */
	if (c->cpupool_id || c->vmtrace_size || XEN_DOMCTL_GRANT_version(c->grant_opts) > 2)
		return -EINVAL;
	return c->max_vcpus == 0 || c->max_vcpus > MAX_VCPUS ? -EINVAL : 0;
}

static int create(struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct domain *d;
	int rc = config_check(c);
	if (rc)
		return rc;
	struct domain_config config = {
		.max_vcpus = c->max_vcpus,
		.max_ports =
			c->max_evtchn_port >= EVTCHN_2L_NR_CHANNELS ? 0 : c->max_evtchn_port + 1,
		.max_grant_frames = c->max_grant_frames > 0 ? (unsigned)c->max_grant_frames : 0,
		.max_maptrack_frames =
			c->max_maptrack_frames > 0 ? (unsigned)c->max_maptrack_frames : 0,
	};
	memcpy(config.uuid, c->handle, sizeof config.uuid);
	bool choose = op->domain == 0 || op->domain >= DOMID_FIRST_RESERVED;

	lock(&domctl_lock);
	rc = domain_create(choose ? DOMID_CHOOSE : op->domain, &config, &d);
	if (!rc)
		op->domain = d->id;
	unlock(&domctl_lock);
	return rc;
}

/* Preemptible; one step per entry, the caller comes again. */
static int destroy(struct domain *d)
{
	lock(&domctl_lock);
	int rc = domain_kill(d);
	unlock(&domctl_lock);
	return rc;
}

static int max_vcpus(struct domain *d, uint32_t max)
{
	int rc = max == d->max_vcpus ? 0 : -EINVAL;

	lock(&domctl_lock);
	for (unsigned i = 0; i < max && !rc; i++) {
		struct vcpu *v;
		if (d->vcpu[i])
			continue;
		preempt_count(VCPU_PAGES * PREEMPT_ITEM);
		rc = vcpu_create(d, i, &v);
		if (!rc && preempt_due())
			rc = -ERESTART;
	}
	unlock(&domctl_lock);
	return rc;
}

static int max_mem(struct domain *d, uint64_t kib)
{
	lock(&d->mem.lock);
	d->mem.frame_max = kib >> (PAGE_SHIFT - 10);
	unlock(&d->mem.lock);
	return 0;
}

static int get_info(struct xen_domctl *op)
{
	struct domain *d = domain_next(op->domain);
	if (!d)
		return -ESRCH;
	control_domain_info(d, &op->u.getdomaininfo);
	op->domain = d->id;
	domain_put(d);
	return 0;
}

static uint64_t frame_info(struct domain *d, mfn_t m)
{
	static const uint32_t name[FT_COUNT] = {
		[FT_L1] = XEN_DOMCTL_PFINFO_L1TAB, [FT_L2] = XEN_DOMCTL_PFINFO_L2TAB,
		[FT_L3] = XEN_DOMCTL_PFINFO_L3TAB, [FT_L4] = XEN_DOMCTL_PFINFO_L4TAB,
	};
	struct frame *f;
	if (frame_get(&d->mem, m, &f))
		return XEN_DOMCTL_PFINFO_XTAB;
	uint64_t info =
		name[frame_type_now(f)] | (frame_is_pinned(f) ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
	frame_put(f);
	return info;
}

static int frame_infos(struct domain *d, const struct xen_domctl_getpageframeinfo3 *a)
{
	if (a->num > FRAME_INFOS_MAX)
		return -E2BIG;
	for (uint64_t i = 0; i < a->num; i++) {
		gva_t at = gva(a->array + i * sizeof(uint64_t));
		uint64_t word;
		preempt_count(PREEMPT_ITEM);
		if (guest_read(&word, at, sizeof word))
			return -EFAULT;
		word = frame_info(d, mfn(word));
		if (guest_write(at, &word, sizeof word))
			return -EFAULT;
	}
	return 0;
}

static int hypercall_init(struct domain *d, mfn_t m)
{
	struct frame *f;
	int rc = frame_get_with_type(&d->mem, m, FT_WRITABLE, &f);
	if (rc)
		return rc;
	void *page = frame_map(m);
	pv_hypercall_page_fill(page);
	frame_unmap(page);
	frame_put_with_type(f);
	return 0;
}

static int scheduler(struct domain *d, struct xen_domctl_scheduler_op *s)
{
	struct sched_params p;

	if (s->sched_id != XEN_SCHEDULER_CREDIT)
		return -EINVAL;
	sched_params_get(d, &p);
	switch (s->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		p.weight = s->u.credit.weight ? s->u.credit.weight : p.weight;
		p.cap = s->u.credit.cap != UINT16_MAX ? s->u.credit.cap : p.cap;
		return sched_params_set(d, &p);
	case XEN_DOMCTL_SCHEDOP_getinfo:
		s->u.credit.weight = p.weight;
		s->u.credit.cap = p.cap;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The TSC is never emulated. */
static int set_tsc(const struct xen_domctl_tsc_info *t)
{
	return t->tsc_mode == 0 || t->tsc_mode == 2 ? 0 : -EOPNOTSUPP;
}

static int get_tsc(const struct domain *d, struct xen_domctl_tsc_info *t)
{
	uint64_t started = READ_ONCE(d->started_ns);
	*t = (struct xen_domctl_tsc_info){
		.gtsc_khz = (uint32_t)cpu_tsc_khz(),
		.elapsed_nsec = started ? cpu_time_ns() - started : 0,
	};
	return 0;
}

static int get_policy(struct xen_domctl_cpu_policy *a)
{
	struct control_policy p = { gva(a->leaves), gva(a->msrs), a->nr_leaves, a->nr_msrs };
	int rc = control_policy_write(&p);
	a->nr_leaves = p.nr_leaves;
	a->nr_msrs = p.nr_msrs;
	return rc;
}

/* All guests have one policy; a builder that proposes its own is told it was taken, as far as it
 * asks for no more than it was shown. */
static int set_policy(struct xen_domctl_cpu_policy *a)
{
	a->err_leaf = a->err_subleaf = a->err_msr = ~0u;
	return 0;
}

/* Devices: a control domain has all of them, others none; only that can be asked for. */
static int permission(const struct domain *d, bool allow)
{
	return d->is_control == allow ? 0 : -EOPNOTSUPP;
}

static int node_affinity(const struct xen_domctl *op)
{
	cpumask_t node0;
	if (op->cmd == XEN_DOMCTL_getnodeaffinity)
		return control_mask_write(&op->u.nodeaffinity.nodemap, 1);
	int rc = control_mask_read(&op->u.nodeaffinity.nodemap, &node0);
	return rc ? rc : node0 & 1 ? 0 : -EINVAL;
}

static int optional(uint32_t cmd)
{
	switch (cmd) {
	case XEN_DOMCTL_shadow_op:
	case XEN_DOMCTL_set_ext_vcpucontext:
	case XEN_DOMCTL_get_ext_vcpucontext:
	case XEN_DOMCTL_setvcpuextstate:
	case XEN_DOMCTL_getvcpuextstate:
	case XEN_DOMCTL_get_vcpu_msrs:
	case XEN_DOMCTL_set_vcpu_msrs:
	case XEN_DOMCTL_setvnumainfo:
	case XEN_DOMCTL_setdebugging:
	case XEN_DOMCTL_set_virq_handler:
	case XEN_DOMCTL_get_paging_mempool_size:
	case XEN_DOMCTL_set_paging_mempool_size:
		return -EOPNOTSUPP;
	default:
		return -ENOSYS;
	}
}

/* Questions and settings that cannot stop anything. */
static int domctl_setting(struct vcpu *caller, struct domain *d, struct xen_domctl *op, bool *reply)
{
	int rc = domctl_vcpu(caller, d, op, reply);
	if (rc != -ENOSYS)
		return rc;
	switch (op->cmd) {
	case XEN_DOMCTL_getpageframeinfo3:
		return frame_infos(d, &op->u.getpageframeinfo3);
	case XEN_DOMCTL_hypercall_init:
		return hypercall_init(d, mfn(op->u.hypercall_init.gmfn));
	case XEN_DOMCTL_scheduler_op:
		*reply = true;
		return scheduler(d, &op->u.scheduler_op);
	case XEN_DOMCTL_setdomainhandle:
		memcpy(d->uuid, op->u.setdomainhandle.handle, sizeof d->uuid);
		return 0;
	case XEN_DOMCTL_set_address_size:
		return op->u.address_size.size == 64 ? 0 : -EINVAL;
	case XEN_DOMCTL_get_address_size:
		*reply = true;
		op->u.address_size.size = 64;
		return 0;
	case XEN_DOMCTL_settscinfo:
		return set_tsc(&op->u.tsc_info);
	case XEN_DOMCTL_gettscinfo:
		*reply = true;
		return get_tsc(d, &op->u.tsc_info);
	case XEN_DOMCTL_settimeoffset:
		return op->u.settimeoffset.time_offset_seconds ? -EOPNOTSUPP : 0;
	case XEN_DOMCTL_get_cpu_policy:
		*reply = true;
		return get_policy(&op->u.cpu_policy);
	case XEN_DOMCTL_set_cpu_policy:
		*reply = true;
		return set_policy(&op->u.cpu_policy);
	case XEN_DOMCTL_setnodeaffinity:
	case XEN_DOMCTL_getnodeaffinity:
		return node_affinity(op);
	case XEN_DOMCTL_irq_permission:
		return permission(d, op->u.irq_permission.allow_access);
	case XEN_DOMCTL_iomem_permission:
		return permission(d, op->u.iomem_permission.allow_access);
	case XEN_DOMCTL_ioport_permission:
		return permission(d, op->u.ioport_permission.allow_access);
	default:
		return optional(op->cmd);
	}
}

static int domctl_life(struct vcpu *caller, struct domain *d, struct xen_domctl *op, bool *reply)
{
	bool own = d == caller->domain;

	switch (op->cmd) {
	case XEN_DOMCTL_destroydomain:
		return own ? -EINVAL : destroy(d);
	case XEN_DOMCTL_pausedomain:
		if (own)
			return -EINVAL;
		domain_control_pause(d);
		return 0;
	case XEN_DOMCTL_unpausedomain:
		return own ? -EINVAL : domain_control_unpause(d);
	case XEN_DOMCTL_resumedomain:
		if (own)
			return -EINVAL;
		domain_resume(d);
		return 0;
	case XEN_DOMCTL_max_vcpus:
		return max_vcpus(d, op->u.max_vcpus.max);
	case XEN_DOMCTL_max_mem:
		return max_mem(d, op->u.max_mem.max_memkb);
	default:
		return domctl_setting(caller, d, op, reply);
	}
}

static int domctl_run(struct vcpu *caller, struct xen_domctl *op, bool *reply)
{
	*reply = true;
	if (op->cmd == XEN_DOMCTL_createdomain)
		return create(op);
	if (op->cmd == XEN_DOMCTL_getdomaininfo)
		return get_info(op);

	*reply = false;
	struct domain *d = domain_find(op->domain == DOMID_SELF ? caller->domain->id : op->domain);
	if (!d)
		return -ESRCH;
	int rc = domctl_life(caller, d, op, reply);
	domain_put(d);
	return rc;
}

int64_t call_domctl(struct call *c)
{
	struct xen_domctl op;
	bool reply;

	if (guest_read(&op, gva(c->arg[0]), sizeof op))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	int rc = domctl_run(c->vcpu, &op, &reply);
	if (!rc && reply)
		rc = guest_write(gva(c->arg[0]), &op, sizeof op);
	return rc;
}
