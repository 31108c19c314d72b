/* Event channels: the table of ports and the operations that change a port's state.
 *
 *   state        means                             leads to
 *   FREE         no such port                      UNBOUND by alloc_unbound; INTERDOMAIN, PIRQ,
 *                                                  VIRQ, IPI by their bind
 *   UNBOUND      domain `detail` may bind it       INTERDOMAIN when it does; FREE by close
 *   INTERDOMAIN  joined to remote's port `number`  FREE by close; UNBOUND to the remote's domid
 *                                                  when that end closes or its domain dies
 *   PIRQ         interrupt line `number`           FREE by close
 *   VIRQ         source `detail` of vCPU `vcpu`,   FREE by close
 *                or of the machine
 *   IPI          sent by the domain itself         FREE by close
 *
 * INVARIANT I10: the two ends of an INTERDOMAIN pair name each other; a bound VIRQ is in virq_port
 * of exactly one vCPU (the first, for a global one), and nothing else is; no port names a freed
 * domain.
 * A port number is below the limit fixed at creation, which never shrinks; port 0 is never used.
 * Every operation checks under the lock or locks, then commits steps that cannot fail.
 * Neighbours: deliver.c (sending), close.c (the ways back to FREE), check.c (the audit's view). */
#include "hv/base/errno.h"
#include "hv/core/log.h"
#include "hv/core/work.h"
#include "hv/event/table.h"
#include "hv/mem/alloc.h"
#include "hv/mem/audit.h"

void (*evtchn_pirq_closed)(struct domain *d, unsigned pirq);

/* --- the table --- */

struct port *port_at(struct evtchn_table *t, uint32_t port)
{
	struct port *p = paged_at(&t->ports, port);
	return p && p->state != PORT_FREE ? p : NULL;
}

int port_find_free(struct evtchn_table *t, uint32_t *number, struct port **out)
{
	if (domain_is_dying(t->domain))
		return -ESRCH;
	for (uint32_t w = 0; w < ARRAY_COUNT(t->in_use); w++) {
		if (t->in_use[w] == ~0ull)
			continue;
		*number = w * 64 + (uint32_t)__builtin_ctzll(~t->in_use[w]);
		*out = paged_make(&t->ports, *number);
		return *out ? 0 : -ENOMEM;
	}
	return -ENOSPC;
}

void port_assign(struct evtchn_table *t, uint32_t number, struct port *p, struct port as)
{
	*p = as;
	bit_test_and_set(t->in_use, number);
}

void port_free(struct evtchn_table *t, uint32_t number, struct port *p)
{
	*p = (struct port){.state = PORT_FREE};
	bit_test_and_clear(t->in_use, number);
	bit_test_and_clear(t->domain->shared->evtchn_pending, number);
}

/* --- binding --- */

static int bind_new(struct domain *d, struct port as, uint32_t *port)
{
	struct evtchn_table *t = d->events;
	struct port *p;
	uint32_t number;
	lock(&t->lock);
	int rc = port_find_free(t, &number, &p);
	if (!rc) {
		port_assign(t, number, p, as);
		*port = number;
	}
	unlock(&t->lock);
	return rc;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
	if (remote == DOMID_SELF)
		remote = d->id;
	if (remote >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	return bind_new(d, (struct port){.state = PORT_UNBOUND, .detail = remote}, port);
}

/* Both tables are locked. */
static int connect(struct domain *d, struct domain *rd, uint32_t remote_port, uint32_t *port)
{
	struct port *far = port_at(rd->events, remote_port), *near;
	uint32_t number;
	if (domain_is_dying(rd))
		return -ESRCH;
	if (!far || far->state != PORT_UNBOUND || far->detail != d->id)
		return -EINVAL;
	int rc = port_find_free(d->events, &number, &near);
	if (rc)
		return rc;
	/* Commit. */
	port_assign(d->events, number, near,
		(struct port){.state = PORT_INTERDOMAIN, .number = remote_port, .remote = rd});
	*far = (struct port){
		.state = PORT_INTERDOMAIN, .vcpu = far->vcpu, .number = number, .remote = d};
	/* What was sent before the two were joined would be lost: the binder looks once. */
	port_raise(d, number, 0);
	*port = number;
	return 0;
}

int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *port)
{
	struct domain *rd = domain_find(remote == DOMID_SELF ? d->id : remote);
	if (!rd)
		return -ESRCH;
	lock_pair(&d->events->lock, d->id, &rd->events->lock, rd->id);
	int rc = connect(d, rd, remote_port, port);
	unlock_pair(&d->events->lock, &rd->events->lock);
	domain_put(rd);
	return rc;
}

static bool virq_is_per_vcpu(unsigned virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

int evtchn_bind_virq(struct domain *d, unsigned virq, unsigned vcpu, uint32_t *port)
{
	struct evtchn_table *t = d->events;
	struct port *p;
	uint32_t number;
	if (virq >= NR_VIRQS || (vcpu != 0 && !virq_is_per_vcpu(virq)))
		return -EINVAL;
	struct vcpu *v = vcpu_find(d, vcpu);
	if (!v)
		return -ENOENT;
	lock(&t->lock);
	int rc = v->virq_port[virq] ? -EEXIST : port_find_free(t, &number, &p);
	if (!rc) {
		port_assign(t, number, p,
			(struct port){.state = PORT_VIRQ,
				.vcpu = (uint8_t)vcpu,
				.detail = (uint16_t)virq});
		WRITE_ONCE(v->virq_port[virq], (uint16_t)number);
		*port = number;
	}
	unlock(&t->lock);
	return rc;
}

int evtchn_bind_ipi(struct domain *d, unsigned vcpu, uint32_t *port)
{
	if (!vcpu_find(d, vcpu))
		return -ENOENT;
	return bind_new(d, (struct port){.state = PORT_IPI, .vcpu = (uint8_t)vcpu}, port);
}

int evtchn_bind_pirq(struct domain *d, unsigned pirq, uint32_t *port)
{
	struct evtchn_table *t = d->events;
	struct port *p;
	uint32_t number;
	if (pirq >= EVTCHN_PIRQS)
		return -EINVAL;
	if (!d->vcpu[0])
		return -ENOENT;
	lock(&t->lock);
	int rc = bit_test(t->pirqs, pirq) ? -EEXIST : port_find_free(t, &number, &p);
	if (!rc) {
		bit_test_and_set(t->pirqs, pirq);
		port_assign(t, number, p, (struct port){.state = PORT_PIRQ, .number = pirq});
		*port = number;
	}
	unlock(&t->lock);
	return rc;
}

/* --- asking and steering --- */

int evtchn_get_status(struct domain *of, uint32_t port, struct evtchn_status *out)
{
	static const uint32_t answer[] = {
		[PORT_FREE] = EVTCHNSTAT_closed,
		[PORT_UNBOUND] = EVTCHNSTAT_unbound,
		[PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[PORT_PIRQ] = EVTCHNSTAT_pirq,
		[PORT_VIRQ] = EVTCHNSTAT_virq,
		[PORT_IPI] = EVTCHNSTAT_ipi,
	};
	struct evtchn_table *t = of->events;
	if (port >= t->ports.limit)
		return -EINVAL;
	lock(&t->lock);
	const struct port *p = port_at(t, port);
	out->status = answer[p ? p->state : PORT_FREE];
	out->vcpu = p ? p->vcpu : 0;
	if (p && p->state == PORT_UNBOUND) {
		out->u.unbound.dom = p->detail;
	} else if (p && p->state == PORT_INTERDOMAIN) {
		out->u.interdomain.dom = p->remote->id;
		out->u.interdomain.port = p->number;
	} else if (p && p->state == PORT_PIRQ) {
		out->u.pirq = p->number;
	} else if (p && p->state == PORT_VIRQ) {
		out->u.virq = p->detail;
	}
	unlock(&t->lock);
	return 0;
}

/* IPIs and per-vCPU VIRQs belong to their vCPU for good. */
static bool may_move(const struct port *p)
{
	return p->state != PORT_IPI && !(p->state == PORT_VIRQ && virq_is_per_vcpu(p->detail));
}

int evtchn_bind_vcpu(struct domain *d, uint32_t port, unsigned vcpu)
{
	struct evtchn_table *t = d->events;
	if (!vcpu_find(d, vcpu))
		return -ENOENT;
	lock(&t->lock);
	struct port *p = port_at(t, port);
	int rc = p && may_move(p) ? 0 : -EINVAL;
	if (!rc)
		WRITE_ONCE(p->vcpu, (uint8_t)vcpu);
	unlock(&t->lock);
	return rc;
}

/* --- with the domain --- */

static int table_create(struct domain *d, const struct domain_config *config)
{
	uint32_t limit = config->max_ports ? config->max_ports : EVTCHN_PORTS;
	if (limit > EVTCHN_PORTS)
		limit = EVTCHN_PORTS;
	struct evtchn_table *t = heap_alloc(sizeof *t);
	if (!t)
		return -ENOMEM;
	int rc = paged_init(&t->ports, sizeof(struct port), limit);
	if (rc) {
		heap_free(t);
		return rc;
	}
	lock_init(&t->lock, RANK_EVTCHN);
	t->domain = d;
	t->in_use[0] = 1;
	for (uint32_t i = limit; i < EVTCHN_PORTS; i++)
		bit_test_and_set(t->in_use, i);
	t->reset_cursor = t->kill_cursor = 1;
	d->events = t;
	return 0;
}

static void table_destroy(struct domain *d)
{
	paged_free_all(&d->events->ports);
	heap_free(d->events);
	d->events = NULL;
}

static void state_changed(void)
{
	evtchn_defer_global_virq(VIRQ_DOM_EXC);
}

static void log_grew(void)
{
	if (dom0)
		evtchn_defer_global_virq(VIRQ_CON_RING);
}

void evtchn_init(void)
{
	static const struct domain_ops ops = {
		.name = "event",
		.create = table_create,
		.kill = ports_close_all,
		.destroy = table_destroy,
	};
	static_assert(sizeof(struct port) == 16, "256 ports a page");
	domain_register_ops(&ops);
	audit_register_check(evtchn_check);
	vcpu_raise_virq = evtchn_raise_virq;
	domain_state_changed = state_changed;
	work_register(WORK_VIRQ, evtchn_deferred_run);
	log_set_listener(log_grew);
}
