/* sched_op and set_timer_op: a vCPU gives up its CPU, or a domain ends itself.
 *
 * block and poll only mark the vCPU here; it stops on its way back to the guest, which is where
 * events are looked at again, so that none is lost in between. Their result is in its registers
 * before it sleeps. */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/core/work.h"
#include "hv/dom/time.h"
#include "hv/mem/guest_copy.h"
#include "protocol/sched.h"

#define POLL_PORTS_MAX 128u

static int64_t poll(struct vcpu *v, gva_t arg)
{
	struct sched_poll p;
	uint32_t ports[POLL_PORTS_MAX];

	if (guest_read(&p, arg, sizeof p))
		return -EFAULT;
	if (p.nr_ports > POLL_PORTS_MAX)
		return -EINVAL;
	preempt_count(p.nr_ports);
	if (guest_read(ports, gva(p.ports), p.nr_ports * sizeof ports[0]))
		return -EFAULT;
	return vcpu_poll(v, ports, p.nr_ports, p.timeout);
}

static int64_t shut_down(struct domain *d, gva_t arg, bool only_code)
{
	struct sched_shutdown s;

	if (guest_read(&s, arg, sizeof s))
		return -EFAULT;
	if (s.reason > SHUTDOWN_MAX)
		return -EINVAL;
	if (only_code)
		WRITE_ONCE(d->shutdown_code, (uint8_t)s.reason);
	else
		domain_shutdown(d, s.reason);
	return 0;
}

static int64_t remote_shutdown(struct vcpu *v, gva_t arg)
{
	struct sched_remote_shutdown s;
	struct domain *d;

	if (!v->domain->is_control)
		return -EPERM;
	if (guest_read(&s, arg, sizeof s))
		return -EFAULT;
	if (s.reason > SHUTDOWN_MAX)
		return -EINVAL;
	int rc = call_target(v, s.domain_id, &d);
	if (rc)
		return rc;
	domain_shutdown(d, s.reason);
	domain_put(d);
	return 0;
}

int64_t call_sched_op(struct call *c)
{
	struct vcpu *v = c->vcpu;
	gva_t arg = gva(c->arg[1]);

	switch ((unsigned)c->arg[0]) {
	case SCHEDOP_yield:
		vcpu_yield(v);
		return 0;
	case SCHEDOP_block:
		vcpu_block(v);
		return 0;
	case SCHEDOP_shutdown:
		return shut_down(v->domain, arg, false);
	case SCHEDOP_poll:
		return poll(v, arg);
	case SCHEDOP_remote_shutdown:
		return remote_shutdown(v, arg);
	case SCHEDOP_shutdown_code:
		return shut_down(v->domain, arg, true);
	default:
		return -ENOSYS;
	}
}

int64_t call_set_timer_op(struct call *c)
{
	if (c->arg[0] == 0) {
		vcpu_singleshot_stop(c->vcpu);
		return 0;
	}
	return vcpu_singleshot_set(c->vcpu, c->arg[0], false);
}
