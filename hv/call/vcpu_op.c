/* vcpu_op: bringing up, stopping and asking about the vCPUs of the caller's own domain, and the
 * timers and memory areas each has.
 *
 * is_up is asked for every number a kernel could have CPUs for, thousands of times at boot, and
 * stands first. Timers can be set only by the vCPU they belong to. */
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/call/call.h"
#include "hv/dom/time.h"
#include "hv/mem/alloc.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/pv.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"

/* Preemptible: the check of the tables keeps its progress in them, the context is read again. */
static int initialise(struct vcpu *v, gva_t arg)
{
	struct vcpu_guest_context *ctx = page_alloc(1, 0);
	static_assert(sizeof *ctx <= 2 * PAGE_SIZE, "order of the buffer");

	if (!ctx)
		return -ENOMEM;
	int rc = guest_read(ctx, arg, sizeof *ctx);
	if (!rc) {
		lock(&v->domain->lock);
		rc = v->is_initialised ? -EEXIST : pv_vcpu_set_context(v, ctx);
		if (!rc)
			v->is_initialised = true;
		unlock(&v->domain->lock);
	}
	page_free(ctx, 1);
	return rc;
}

static int down(struct vcpu *v)
{
	struct domain *d = v->domain;

	vcpu_down(v);
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i] && vcpu_is_up(d->vcpu[i]))
			return 0;
	domain_shutdown(d, SHUTDOWN_poweroff);	/* the last one turns off the light */
	return 0;
}

static int runstate_info(struct vcpu *v, gva_t arg)
{
	struct vcpu_runstate_info info = { .state = 0 };
	runstate_get(v, &info);
	return guest_write(arg, &info, sizeof info);
}

static int register_runstate(struct vcpu *v, gva_t arg)
{
	struct vcpu_register_runstate_memory_area a;
	return guest_read(&a, arg, sizeof a) ? -EFAULT : runstate_area_register(v, gva(a.addr.h));
}

static int register_time(struct vcpu *v, gva_t arg)
{
	struct vcpu_register_time_memory_area a;
	return guest_read(&a, arg, sizeof a) ? -EFAULT : time_area_register(v, gva(a.addr.h));
}

static int register_info(struct vcpu *v, gva_t arg)
{
	struct vcpu_register_vcpu_info a;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	lock(&v->domain->lock);		/* two vCPUs may register a third's: one of them must lose */
	int rc = vcpu_info_register(v, mfn(a.mfn), a.offset);
	unlock(&v->domain->lock);
	return rc;
}

static int set_periodic(struct vcpu *v, gva_t arg)
{
	struct vcpu_set_periodic_timer a;
	return guest_read(&a, arg, sizeof a) ? -EFAULT : vcpu_periodic_set(v, a.period_ns);
}

static int set_singleshot(struct vcpu *v, gva_t arg)
{
	struct vcpu_set_singleshot_timer a;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	return vcpu_singleshot_set(v, a.timeout_abs_ns, (a.flags & VCPU_SSHOTTMR_future) != 0);
}

/* Only for a control domain's vCPU that cannot move: else the answer is stale at once. */
static int physid(struct vcpu *v, gva_t arg)
{
	cpumask_t hard = v->hard_affinity & cpu_online_mask();
	if (!v->domain->is_control || !hard || (hard & (hard - 1)))
		return -EINVAL;
	unsigned cpu = (unsigned)__builtin_ctzll(hard);
	struct vcpu_get_physid a = { .phys_id = (uint64_t)cpu << 32 | cpu_apic_id(cpu) };
	return guest_write(arg, &a, sizeof a);
}

static int timer_op(struct vcpu *v, unsigned cmd, gva_t arg)
{
	if (v != vcpu_current())
		return -EINVAL;
	switch (cmd) {
	case VCPUOP_set_periodic_timer:
		return set_periodic(v, arg);
	case VCPUOP_stop_periodic_timer:
		return vcpu_periodic_set(v, 0);
	case VCPUOP_set_singleshot_timer:
		return set_singleshot(v, arg);
	default:
		vcpu_singleshot_stop(v);
		return 0;
	}
}

static int64_t vcpu_op(struct vcpu *v, unsigned cmd, gva_t arg)
{
	switch (cmd) {
	case VCPUOP_initialise:
		return initialise(v, arg);
	case VCPUOP_up:
		return vcpu_up(v);
	case VCPUOP_down:
		return down(v);
	case VCPUOP_get_runstate_info:
		return runstate_info(v, arg);
	case VCPUOP_register_runstate_memory_area:
		return register_runstate(v, arg);
	case VCPUOP_set_periodic_timer:
	case VCPUOP_stop_periodic_timer:
	case VCPUOP_set_singleshot_timer:
	case VCPUOP_stop_singleshot_timer:
		return timer_op(v, cmd, arg);
	case VCPUOP_register_vcpu_info:
		return register_info(v, arg);
	case VCPUOP_send_nmi:
		vcpu_nmi(v);
		return 0;
	case VCPUOP_get_physid:
		return physid(v, arg);
	case VCPUOP_register_vcpu_time_memory_area:
		return register_time(v, arg);
	default:
		return -ENOSYS;
	}
}

int64_t call_vcpu_op(struct call *c)
{
	struct vcpu *v = NULL;
	if (c->arg[1] < MAX_VCPUS)
		v = vcpu_find(c->vcpu->domain, (unsigned)index_nospec(c->arg[1], MAX_VCPUS));
	if (!v)
		return -ENOENT;
	if ((unsigned)c->arg[0] == VCPUOP_is_up)
		return vcpu_is_up(v);
	return vcpu_op(v, (unsigned)c->arg[0], gva(c->arg[2]));
}
