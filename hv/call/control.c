/* What domctl and sysctl both need: a description of a domain, CPU bitmaps, the CPU policy. */
#include "hv/base/errno.h"
#include "hv/call/control.h"
#include "hv/core/work.h"
#include "hv/dom/sched.h"
#include "hv/base/string.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/cpuid.h"

#define MASK_BITS_MAX	8192u
#define MASK_BYTES	sizeof(cpumask_t)

static uint32_t life_flags(const struct domain *d)
{
	uint32_t flags = 0;
	if (domain_is_dying(d))
		flags |= XEN_DOMINF_dying;
	if (READ_ONCE(d->is_shut_down))
		flags |= XEN_DOMINF_shutdown |
			 (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
	if (READ_ONCE(d->paused_by_control))
		flags |= XEN_DOMINF_paused;
	return flags;
}

/* Blocked: no vCPU that is up has anything to do. */
void control_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *out)
{
	memset(out, 0, sizeof *out);
	out->domain = d->id;
	out->flags = life_flags(d) | XEN_DOMINF_blocked;
	out->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		const struct vcpu *v = d->vcpu[i];
		if (!v)
			continue;
		out->max_vcpu_id = i;
		out->cpu_time += sched_cpu_time_ns(v);
		if (!vcpu_is_up(v))
			continue;
		out->nr_online_vcpus++;
		if (!(READ_ONCE(v->hold) & (HOLD_BLOCKED | HOLD_POLLING)))
			out->flags &= ~XEN_DOMINF_blocked;
		if (READ_ONCE(v->is_running))
			out->flags |= XEN_DOMINF_running;
	}
	out->tot_pages = READ_ONCE(d->mem.frame_count);
	out->max_pages = READ_ONCE(d->mem.frame_max);
	out->shared_info_frame = d->shared_mfn.n;
	memcpy(out->handle, d->uuid, sizeof out->handle);
	out->gpaddr_bits = cpu_features.phys_bits;
}

int control_mask_read(const struct xenctl_bitmap *b, cpumask_t *mask)
{
	uint64_t m = 0;
	if (b->nr_bits > MASK_BITS_MAX)
		return -EINVAL;
	size_t bytes = (b->nr_bits + 7) / 8;
	if (guest_read(&m, gva(b->bitmap), bytes < MASK_BYTES ? bytes : MASK_BYTES))
		return -EFAULT;
	if (b->nr_bits < 64)
		m &= (1ull << b->nr_bits) - 1;
	*mask = m;
	return 0;
}

int control_mask_write(const struct xenctl_bitmap *b, cpumask_t mask)
{
	if (b->nr_bits > MASK_BITS_MAX)
		return -EINVAL;
	if (b->nr_bits < 64)
		mask &= (1ull << b->nr_bits) - 1;
	size_t bytes = (b->nr_bits + 7) / 8;
	for (size_t at = 0; at < bytes; at += MASK_BYTES) {
		preempt_count(1);
		size_t n = bytes - at < MASK_BYTES ? bytes - at : MASK_BYTES;
		if (guest_write(gva(b->bitmap + at), &mask, n))
			return -EFAULT;
		mask = 0;
	}
	return 0;
}

struct leaf_writer { gva_t to; uint32_t room, used; };

static int leaf_write(void *ctx, uint32_t leaf, uint32_t sub, const uint32_t out[4])
{
	struct leaf_writer *w = ctx;
	struct xen_cpuid_leaf l = { leaf, sub, out[0], out[1], out[2], out[3] };

	preempt_count(1);
	if (w->to.a) {
		if (w->used >= w->room)
			return -ENOSPC;
		if (guest_write(gva_add(w->to, w->used * sizeof l), &l, sizeof l))
			return -EFAULT;
	}
	w->used++;
	return 0;
}

int control_policy_write(struct control_policy *p)
{
	static const struct xen_msr_entry msr[] = { { .idx = 0xce }, { .idx = 0x10a } };
	struct leaf_writer w = { .to = p->leaves, .room = p->nr_leaves };
	const struct cpuid_guest g = { .xcr0 = 1 };
	struct cpuid_host h;

	cpuid_host_get(&h);
	int rc = cpuid_each(&h, &g, leaf_write, &w);
	if (rc)
		return rc;
	if (p->msrs.a) {
		if (p->nr_msrs < ARRAY_COUNT(msr))
			return -ENOSPC;
		if (guest_write(p->msrs, msr, sizeof msr))
			return -EFAULT;
	}
	p->nr_leaves = w.used;
	p->nr_msrs = ARRAY_COUNT(msr);
	return 0;
}

/* Words in the order of the public feature set. Spec: arch-x86/cpufeatureset.h. */
void control_features(uint32_t word[FEATURE_WORDS])
{
	static const struct {
		uint32_t leaf;
		uint8_t sub, reg;
	} from[] = {
		{ 1, 0, 3 }, { 1, 0, 2 }, { 0x80000001, 0, 3 }, { 0x80000001, 0, 2 },
		{ 0xd, 1, 0 }, { 7, 0, 1 }, { 7, 0, 2 }, { 0x80000007, 0, 3 },
		{ 0x80000008, 0, 1 }, { 7, 0, 3 }, { 7, 1, 0 },
	};
	const struct cpuid_guest g = { .xcr0 = 1 };
	struct cpuid_host h;
	uint32_t r[4];

	cpuid_host_get(&h);
	memset(word, 0, FEATURE_WORDS * sizeof *word);
	for (unsigned i = 0; i < ARRAY_COUNT(from); i++) {
		cpuid_policy(&h, &g, from[i].leaf, from[i].sub, r);
		word[i] = r[from[i].reg];
	}
}
