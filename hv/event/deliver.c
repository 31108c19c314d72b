/* Delivery, the 2-level way: a bit per port, a bit per word of ports, a byte per vCPU.
 *
 * All three are shared with a hostile guest and changed by locked operations, as it does. The
 * order is the contract of PV guests: pending bit; whoever polls the port; then, unless
 * the port is masked, the word's bit in the vCPU's selector; then its upcall byte; then a kick.
 * Each step is skipped when the one before was already set, since whoever set it goes on.
 * Neighbours: vcpu_kick() and vcpu_poll_wake() pair with vcpu_block() and vcpu_poll(). */
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/event/table.h"

void port_notify(struct domain *d, uint32_t port, unsigned vcpu)
{
	struct vcpu *v = LOAD_ACQUIRE(&d->vcpu[vcpu]);
	if (UNLIKELY(!v))
		return; /* not created yet: nobody to tell */
	struct vcpu_info *info = LOAD_ACQUIRE(&v->info);
	if (bit_test_and_set(&info->evtchn_pending_sel, port / 64))
		return;
	if (ATOMIC_XCHG(&info->evtchn_upcall_pending, (uint8_t)1) == 0)
		vcpu_kick(v);
}

void port_raise(struct domain *d, uint32_t port, unsigned vcpu)
{
	struct shared_info *s = d->shared;
	if (bit_test_and_set(s->evtchn_pending, port))
		return;
	if (UNLIKELY(READ_ONCE(d->pollers)))
		vcpu_poll_wake(d, port);
	if (!bit_test(s->evtchn_mask, port))
		port_notify(d, port, vcpu);
}

bool evtchn_port_is_pending(const struct domain *d, uint32_t port)
{
	return port < EVTCHN_PORTS && bit_test(d->shared->evtchn_pending, port);
}

int evtchn_send(struct domain *d, uint32_t port)
{
	struct evtchn_table *t = d->events;
	int rc = 0;
	lock(&t->lock);
	const struct port *p = port_at(t, port);
	if (p && p->state == PORT_INTERDOMAIN) {
		/* Neither end can be closed while we hold our lock. */
		const struct port *end = paged_at(&p->remote->events->ports, p->number);
		port_raise(p->remote, p->number, READ_ONCE(end->vcpu));
	} else if (p && p->state == PORT_IPI) {
		port_raise(d, port, p->vcpu);
	} else {
		/* An unbound port has nobody to tell: no error, the other side may come later. */
		rc = p && p->state == PORT_UNBOUND ? 0 : -EINVAL;
	}
	unlock(&t->lock);
	return rc;
}

int evtchn_unmask(struct domain *d, uint32_t port)
{
	struct evtchn_table *t = d->events;
	lock(&t->lock);
	const struct port *p = port_at(t, port);
	if (p) {
		bit_test_and_clear(d->shared->evtchn_mask, port);
		if (bit_test(d->shared->evtchn_pending, port))
			port_notify(d, port, p->vcpu);
	}
	unlock(&t->lock);
	return p ? 0 : -EINVAL;
}

/* --- for the hypervisor itself --- */

static void virq_raise(struct domain *d, const struct vcpu *bound, unsigned virq)
{
	struct evtchn_table *t = d->events;
	lock(&t->lock);
	uint32_t port = bound->virq_port[virq];
	const struct port *p = port ? port_at(t, port) : NULL;
	if (p)
		port_raise(d, port, p->vcpu);
	unlock(&t->lock);
}

void evtchn_raise_virq(struct vcpu *v, unsigned virq)
{
	if (READ_ONCE(v->virq_port[virq]))
		virq_raise(v->domain, v, virq);
}

void evtchn_raise_global_virq(struct domain *d, unsigned virq)
{
	if (d && d->vcpu[0])
		virq_raise(d, d->vcpu[0], virq);
}

static uint32_t deferred; /* atomic: global VIRQs to raise */

void evtchn_defer_global_virq(unsigned virq)
{
	ATOMIC_OR(&deferred, 1u << virq);
	work_raise(cpu_id(), WORK_VIRQ);
}

void evtchn_deferred_run(void)
{
	for (uint32_t left = ATOMIC_XCHG(&deferred, 0u); left; left &= left - 1)
		evtchn_raise_global_virq(dom0, (unsigned)__builtin_ctz(left));
}

void evtchn_raise_pirq(struct domain *d, uint32_t port)
{
	struct evtchn_table *t = d->events;
	lock(&t->lock);
	const struct port *p = port_at(t, port);
	if (p && p->state == PORT_PIRQ)
		port_raise(d, port, p->vcpu);
	unlock(&t->lock);
}
