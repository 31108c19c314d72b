/* sysctl: what the toolstack asks about the whole machine.
 *
 * As domctl: copied in once, answered in place. The machine is shown flat: one node, one socket,
 * one thread a core, one pool of CPUs with the number 0. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/call/call.h"
#include "hv/call/control.h"
#include "hv/core/flaws.h"
#include "hv/core/work.h"
#include "hv/dom/sched.h"
#include "hv/mem/frame.h"
#include "hv/mem/guest_copy.h"
#include "protocol/sysctl.h"

#define LOG_CHUNK	512u
#define KEYS_MAX	32u
#define DISTANCE_LOCAL	10u
#define POOL		0u
#define SLICE_MS	10u		/* the longest one of hv/dom/sched_fair.c */

static int read_console(struct xen_sysctl_readconsole *r)
{
	char chunk[LOG_CHUNK];
	uint64_t pos = r->incremental ? r->index : 0;
	uint32_t done = 0;

	while (done < r->count) {
		size_t n = r->count - done < LOG_CHUNK ? r->count - done : LOG_CHUNK;
		log_read(&pos, chunk, &n);
		if (n == 0)
			break;
		if (guest_write(gva(r->buffer + done), chunk, n))
			return -EFAULT;
		done += (uint32_t)n;
		(void)preempt_needed();		/* let interrupts in; the ring is short */
	}
	if (r->clear)
		log_clear();
	r->count = done;
	r->index = (uint32_t)pos;
	return 0;
}

static int physinfo(struct bothy_sysctl_physinfo *b)
{
	struct xen_sysctl_physinfo *p = &b->xen;
	uint32_t word[FEATURE_WORDS];

	static_assert(sizeof flaws.state <= sizeof b->flaw, "there is room for all flaws");
	control_features(word);
	memset(b, 0, sizeof *b);
	p->threads_per_core = 1;
	p->cores_per_socket = p->nr_cpus = cpu_count();
	p->max_cpu_id = cpu_count() - 1;
	p->nr_nodes = 1;
	p->cpu_khz = (uint32_t)cpu_tsc_khz();
	p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
	p->total_pages = frame_total_count();
	p->free_pages = frame_free_count();
	p->max_mfn = frame_max_mfn() - 1;
	memcpy(p->hw_cap, word, sizeof p->hw_cap);
	memcpy(b->flaw, flaws.state, sizeof flaws.state);
	return 0;
}

static int domain_list(struct xen_sysctl_getdomaininfolist *l)
{
	uint32_t n = 0;
	domid_t next = l->first_domain;
	struct domain *d;

	while (n < l->max_domains && next < DOMID_FIRST_RESERVED &&
		(d = domain_next(next)) != NULL) {
		struct xen_domctl_getdomaininfo info;
		preempt_count(PREEMPT_ITEM + d->max_vcpus);
		control_domain_info(d, &info);
		next = (domid_t)(d->id + 1);
		domain_put(d);
		if (guest_write(gva(l->buffer + n * sizeof info), &info, sizeof info))
			return -EFAULT;
		n++;
	}
	l->num_domains = n;
	return 0;
}

static void domains_log(void)
{
	struct domain *d;
	for (domid_t next = 0; (d = domain_next(next)) != NULL; next = (domid_t)(d->id + 1)) {
		preempt_count(PREEMPT_ITEM);
		log_info("domain %u: %llu frames of %llu, %u vCPUs, dying %d, shut down %d", d->id,
			(unsigned long long)d->mem.frame_count,
			(unsigned long long)d->mem.frame_max, d->max_vcpus, (int)d->dying,
			d->is_shut_down);
		domain_put(d);
	}
}

/* Keys as on Xen's console: q lists domains, C crashes the hypervisor; others are named in the log. */
static int debug_keys(const struct xen_sysctl_debug_keys *k)
{
	char key[KEYS_MAX];

	if (k->nr_keys > KEYS_MAX)
		return -E2BIG;
	if (guest_read(key, gva(k->keys), k->nr_keys))
		return -EFAULT;
	for (uint32_t i = 0; i < k->nr_keys; i++) {
		if (key[i] == 'q')
			domains_log();
		else if (key[i] == 'C')
			__builtin_trap();	/* by an exception, so that all there is to say is said */
		else
			log_info("debug key 0x%02x: no such function", (unsigned char)key[i]);
	}
	return 0;
}

static int topology(struct xen_sysctl_cputopoinfo *t)
{
	uint32_t n = cpu_count();

	for (uint32_t i = 0; t->cputopo && i < n && i < t->num_cpus; i++) {
		struct xen_sysctl_cputopo one = { .core = i };
		if (guest_write(gva(t->cputopo + i * sizeof one), &one, sizeof one))
			return -EFAULT;
	}
	if (!t->cputopo || t->num_cpus > n)
		t->num_cpus = n;
	return 0;
}

static int numa(struct xen_sysctl_numainfo *n)
{
	struct xen_sysctl_meminfo memory = {
		.memsize = frame_total_count() << PAGE_SHIFT,
		.memfree = frame_free_count() << PAGE_SHIFT,
	};
	uint32_t distance = DISTANCE_LOCAL;

	if (n->num_nodes > 0 && n->meminfo && guest_write(gva(n->meminfo), &memory, sizeof memory))
		return -EFAULT;
	if (n->num_nodes > 0 && n->distance &&
		guest_write(gva(n->distance), &distance, sizeof distance))
		return -EFAULT;
	n->num_nodes = 1;
	return 0;
}

static uint32_t domain_count(void)
{
	uint32_t n = 0;
	struct domain *d;
	for (domid_t next = 0; (d = domain_next(next)) != NULL; next = (domid_t)(d->id + 1), n++) {
		preempt_count(PREEMPT_ITEM);
		domain_put(d);
	}
	return n;
}

static int cpupool(struct xen_sysctl_cpupool_op *p)
{
	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (p->cpupool_id != POOL)
			return -ENOENT;
		p->sched_id = XEN_SCHEDULER_CREDIT;
		p->n_dom = domain_count();
		return control_mask_write(&p->cpumap, cpu_online_mask());
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return control_mask_write(&p->cpumap, 0);
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		return p->cpupool_id == POOL ? 0 : -ENOENT;
	default:
		return -EOPNOTSUPP;
	}
}

/* The policy has no parameters of its own: what is asked for is said, not changed. */
static int scheduler(struct xen_sysctl_scheduler_op *s)
{
	if (s->sched_id != XEN_SCHEDULER_CREDIT || s->cpupool_id != POOL)
		return -EINVAL;
	if (s->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
		return -EOPNOTSUPP;
	s->u.sched_credit = (struct xen_sysctl_credit_schedule){ .tslice_ms = SLICE_MS };
	return 0;
}

static int featureset(struct xen_sysctl_cpu_featureset *f)
{
	uint32_t word[FEATURE_WORDS] = { 0 };

	if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max)
		return -EINVAL;
	if (f->index != XEN_SYSCTL_cpu_featureset_hvm &&
		f->index != XEN_SYSCTL_cpu_featureset_hvm_max)
		control_features(word);
	if (f->features) {
		uint32_t n = f->nr_features < FEATURE_WORDS ? f->nr_features : FEATURE_WORDS;
		if (guest_write(gva(f->features), word, n * sizeof word[0]))
			return -EFAULT;
		if (f->nr_features < FEATURE_WORDS)
			return -ENOSPC;
	}
	f->nr_features = FEATURE_WORDS;
	return 0;
}

static int policy(struct xen_sysctl_cpu_policy *a)
{
	struct control_policy p = { gva(a->leaves), gva(a->msrs), a->nr_leaves, a->nr_msrs };

	if (a->index == XEN_SYSCTL_cpu_policy_hvm_max ||
		a->index == XEN_SYSCTL_cpu_policy_hvm_default)
		return -EOPNOTSUPP;
	if (a->index > XEN_SYSCTL_cpu_policy_hvm_default)
		return -EINVAL;
	int rc = control_policy_write(&p);
	a->nr_leaves = p.nr_leaves;
	a->nr_msrs = p.nr_msrs;
	return rc;
}

static int sysctl_run(struct xen_sysctl *op)
{
	switch (op->cmd) {
	case XEN_SYSCTL_readconsole:
		return read_console(&op->u.readconsole);
	case XEN_SYSCTL_physinfo:
		return physinfo(&op->u.bothy_physinfo);
	case XEN_SYSCTL_sched_id:
		op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT;
		return 0;
	case XEN_SYSCTL_getdomaininfolist:
		return domain_list(&op->u.getdomaininfolist);
	case XEN_SYSCTL_debug_keys:
		return debug_keys(&op->u.debug_keys);
	case XEN_SYSCTL_availheap:
		op->u.availheap.avail_bytes = frame_free_count() << PAGE_SHIFT;
		return 0;
	case XEN_SYSCTL_cputopoinfo:
		return topology(&op->u.cputopoinfo);
	case XEN_SYSCTL_numainfo:
		return numa(&op->u.numainfo);
	case XEN_SYSCTL_cpupool_op:
		return cpupool(&op->u.cpupool_op);
	case XEN_SYSCTL_scheduler_op:
		return scheduler(&op->u.scheduler_op);
	case XEN_SYSCTL_get_cpu_levelling_caps:
		op->u.cpu_levelling_caps.caps = 0;
		return 0;
	case XEN_SYSCTL_get_cpu_featureset:
		return featureset(&op->u.cpu_featureset);
	case XEN_SYSCTL_get_cpu_policy:
		return policy(&op->u.cpu_policy);
	case XEN_SYSCTL_getcpuinfo:
	case XEN_SYSCTL_get_pmstat:
	case XEN_SYSCTL_pm_op:
	case XEN_SYSCTL_cpu_hotplug:
	case XEN_SYSCTL_pcitopoinfo:
		return -EOPNOTSUPP;
	default:
		return -ENOSYS;
	}
}

int64_t call_sysctl(struct call *c)
{
	struct xen_sysctl op;

	if (guest_read(&op, gva(c->arg[0]), sizeof op))
		return -EFAULT;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	int rc = sysctl_run(&op);
	return rc ? rc : guest_write(gva(c->arg[0]), &op, sizeof op);
}
