/* event_channel_op: arguments in, hv/event's operation, result out.
 *
 * The port a bind returns is written back after it happened; a guest whose argument cannot be
 * written then has a port it was not told of, which costs only itself.
 * The FIFO layout is not offered: its three operations answer -ENOSYS and guests stay with the
 * two-level one. */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/event/evtchn.h"
#include "hv/irq/irq.h"
#include "hv/mem/guest_copy.h"
#include "protocol/event_channel.h"

union evtchn_arg {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_pirq bind_pirq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_close close;
	struct evtchn_send send;
	struct evtchn_status status;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_unmask unmask;
	struct evtchn_reset reset;
};

static int64_t alloc_unbound(struct vcpu *v, union evtchn_arg *a)
{
	struct domain *d;
	int rc = call_target(v, a->alloc_unbound.dom, &d);
	if (rc)
		return rc;
	rc = evtchn_alloc_unbound(
		d, call_domid(v, a->alloc_unbound.remote_dom), &a->alloc_unbound.port);
	domain_put(d);
	return rc;
}

static int64_t bind_interdomain(struct vcpu *v, union evtchn_arg *a)
{
	return evtchn_bind_interdomain(v->domain, call_domid(v, a->bind_interdomain.remote_dom),
		a->bind_interdomain.remote_port, &a->bind_interdomain.local_port);
}

static int64_t bind_virq(struct vcpu *v, union evtchn_arg *a)
{
	return evtchn_bind_virq(
		v->domain, a->bind_virq.virq, a->bind_virq.vcpu, &a->bind_virq.port);
}

static int64_t bind_pirq(struct vcpu *v, union evtchn_arg *a)
{
	return irq_bind_pirq(v->domain, a->bind_pirq.pirq,
		a->bind_pirq.flags & BIND_PIRQ__WILL_SHARE, &a->bind_pirq.port);
}

static int64_t bind_ipi(struct vcpu *v, union evtchn_arg *a)
{
	return evtchn_bind_ipi(v->domain, a->bind_ipi.vcpu, &a->bind_ipi.port);
}

static int64_t close_port(struct vcpu *v, union evtchn_arg *a)
{
	return evtchn_close(v->domain, a->close.port);
}

static int64_t status(struct vcpu *v, union evtchn_arg *a)
{
	struct domain *d;
	int rc = call_target(v, a->status.dom, &d);
	if (rc)
		return rc;
	struct evtchn_status out = { .dom = a->status.dom, .port = a->status.port };
	rc = evtchn_get_status(d, a->status.port, &out);
	a->status = out;
	domain_put(d);
	return rc;
}

static int64_t bind_vcpu(struct vcpu *v, union evtchn_arg *a)
{
	return evtchn_bind_vcpu(v->domain, a->bind_vcpu.port, a->bind_vcpu.vcpu);
}

static int64_t unmask(struct vcpu *v, union evtchn_arg *a)
{
	return evtchn_unmask(v->domain, a->unmask.port);
}

static int64_t reset(struct vcpu *v, union evtchn_arg *a)
{
	struct domain *d;
	int rc = call_target(v, a->reset.dom, &d);
	if (rc)
		return rc;
	rc = evtchn_reset(d);
	domain_put(d);
	return rc;
}

static const struct evtchn_call {
	int64_t (*fn)(struct vcpu *v, union evtchn_arg *a);
	uint16_t size;
	bool replies;
} evtchn_call[] = {		/* all up to the last but EVTCHNOP_send, which never comes here */
#define OP(name, fn, replies) [EVTCHNOP_##name] = { fn, sizeof(struct evtchn_##name), replies }
	OP(bind_interdomain, bind_interdomain, true),
	OP(bind_virq, bind_virq, true),
	OP(bind_pirq, bind_pirq, true),
	OP(close, close_port, false),
	OP(status, status, true),
	OP(alloc_unbound, alloc_unbound, true),
	OP(bind_ipi, bind_ipi, true),
	OP(bind_vcpu, bind_vcpu, false),
	OP(unmask, unmask, false),
	OP(reset, reset, false),
#undef OP
};

int64_t call_event_channel_op(struct call *c)
{
	unsigned cmd = (unsigned)c->arg[0];
	gva_t arg = gva(c->arg[1]);
	union evtchn_arg a = { .reset = { 0 } };

	if (cmd == EVTCHNOP_send) {	/* by far the most frequent */
		if (guest_read(&a.send, arg, sizeof a.send))
			return -EFAULT;
		return evtchn_send(c->vcpu->domain, a.send.port);
	}
	if (cmd >= ARRAY_COUNT(evtchn_call))
		return -ENOSYS;
	const struct evtchn_call *op = &evtchn_call[cmd];
	if (guest_read(&a, arg, op->size))
		return -EFAULT;
	int64_t rc = op->fn(c->vcpu, &a);
	if (!rc && op->replies)
		rc = guest_write(arg, &a, op->size);
	return rc;
}
