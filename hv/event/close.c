/* Closing ports: by the guest, by a reset of all, by the domain's death.
 *
 * The other end of an interdomain port becomes unbound to us again, so that a restarted back end
 * can bind the same port. That needs both tables' locks, in domid order; when ours must be the
 * second, it is dropped and what we saw is checked again.
 * INVARIANT E1: while a port is INTERDOMAIN the domain it names exists, because that domain's death
 * closes its own end first, and for this needs the lock of our table. */
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/event/table.h"

/* The far end of @p is left waiting for us. Both tables are locked. */
static void disconnect(struct domain *d, const struct port *p)
{
	struct port *far = paged_at(&p->remote->events->ports, p->number);
	*far = (struct port){.state = PORT_UNBOUND, .vcpu = far->vcpu, .detail = d->id};
}

/* The state behind a port that is nobody else's. Under the table's lock. */
static void release(struct domain *d, const struct port *p)
{
	if (p->state == PORT_VIRQ) {
		for (unsigned i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i] && d->vcpu[i]->virq_port[p->detail] &&
				port_at(d->events, d->vcpu[i]->virq_port[p->detail]) == p)
				WRITE_ONCE(d->vcpu[i]->virq_port[p->detail], (uint16_t)0);
	} else if (p->state == PORT_PIRQ) {
		bit_test_and_clear(d->events->pirqs, p->number);
		if (evtchn_pirq_closed)
			evtchn_pirq_closed(d, p->number);
	}
}

/* Lock @d's table and, if @port is interdomain, the one it leads to. *rd: that domain, referenced,
 * or NULL. */
static struct port *lock_both(struct domain *d, uint32_t port, struct domain **rd)
{
	struct evtchn_table *t = d->events;
	for (;;) {
		lock(&t->lock);
		struct port *p = port_at(t, port);
		*rd = NULL;
		if (!p || p->state != PORT_INTERDOMAIN)
			return p;
		*rd = p->remote;
		domain_get(*rd);
		unlock(&t->lock);
		lock_pair(&t->lock, d->id, &(*rd)->events->lock, (*rd)->id);
		p = port_at(t, port);
		if (p && p->state == PORT_INTERDOMAIN && p->remote == *rd)
			return p;
		unlock_pair(&t->lock, &(*rd)->events->lock);
		domain_put(*rd);
	}
}

int evtchn_close(struct domain *d, uint32_t port)
{
	struct evtchn_table *t = d->events;
	struct domain *rd;
	struct port *p = lock_both(d, port, &rd);
	if (p && rd)
		disconnect(d, p);
	else if (p)
		release(d, p);
	if (p)
		port_free(t, port, p);
	if (!rd) {
		unlock(&t->lock);
	} else {
		unlock_pair(&t->lock, &rd->events->lock);
		domain_put(rd);
	}
	return p ? 0 : -EINVAL;
}

/* The first port in use from @port on; EVTCHN_PORTS or one that can never be: none. */
static uint32_t next_in_use(const struct evtchn_table *t, uint32_t port)
{
	for (uint64_t skip = ~0ull << port % 64; port < EVTCHN_PORTS; port = (port | 63) + 1, skip = ~0ull) {
		uint64_t in_use = READ_ONCE(t->in_use[port / 64]) & skip;
		if (in_use)
			return port / 64 * 64 + (uint32_t)__builtin_ctzll(in_use);
	}
	return EVTCHN_PORTS;
}

/* Close the ports from *@cursor on; preempted, it tells where to go on. */
static int ports_close_from(struct domain *d, uint32_t *cursor)
{
	struct evtchn_table *t = d->events;
	for (uint32_t port; (port = next_in_use(t, READ_ONCE(*cursor))) < t->ports.limit;) {
		WRITE_ONCE(*cursor, port + 1);
		preempt_count(PREEMPT_ITEM);
		int rc = evtchn_close(d, port);
		if (rc == 0 && preempt_due())
			return -ERESTART;
	}
	WRITE_ONCE(*cursor, 1u);
	return 0;
}

/* A reset that a guest began and left must not decide where its death begins. */
int ports_close_all(struct domain *d)
{
	return ports_close_from(d, &d->events->kill_cursor);
}

/* Ports opened behind the cursor meanwhile stay open: the guest asked for both. */
int evtchn_reset(struct domain *d)
{
	return ports_close_from(d, &d->events->reset_cursor);
}
