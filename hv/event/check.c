/* Statement I10, recomputed from the raw tables for the audit: interdomain pairs are symmetric,
 * VIRQ maps are bijective, what is counted as in use is in use, nothing refers to a freed
 * domain. */
#include "hv/event/table.h"

static bool domain_is_listed(const struct domain *wanted)
{
	bool found = false;
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		found |= d == wanted;
	}
	return found;
}

static const char *check_interdomain(const struct domain *d, uint32_t number, const struct port *p)
{
	if (!domain_is_listed(p->remote))
		return "I10: an interdomain port names a freed domain";
	const struct port *far = port_at(p->remote->events, p->number);
	if (!far || far->state != PORT_INTERDOMAIN || far->remote != d || far->number != number)
		return "I10: an interdomain pair is not symmetric";
	return NULL;
}

static unsigned virq_references(const struct domain *d, uint32_t number, unsigned virq)
{
	unsigned n = 0;
	for (unsigned i = 0; i < d->max_vcpus; i++)
		n += d->vcpu[i] && d->vcpu[i]->virq_port[virq] == number;
	return n;
}

static const char *check_port(const struct domain *d, uint32_t number, const struct port *p)
{
	bool may_precede_vcpu = p->state == PORT_UNBOUND || p->state == PORT_INTERDOMAIN;
	if (p->vcpu >= d->max_vcpus || (!may_precede_vcpu && !d->vcpu[p->vcpu]))
		return "I10: a port notifies a vCPU that does not exist";
	switch (p->state) {
	case PORT_UNBOUND:
		return p->detail < DOMID_FIRST_RESERVED ? NULL
							: "I10: an unbound port names no domain";
	case PORT_INTERDOMAIN:
		return check_interdomain(d, number, p);
	case PORT_VIRQ:
		if (p->detail >= NR_VIRQS || virq_references(d, number, p->detail) != 1)
			return "I10: a VIRQ port and its vCPU disagree";
		return NULL;
	case PORT_PIRQ:
	case PORT_IPI:
		return NULL;
	default:
		return "I10: a port in no state";
	}
}

static const char *check_virqs(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		for (unsigned virq = 0; d->vcpu[i] && virq < NR_VIRQS; virq++) {
			uint32_t number = d->vcpu[i]->virq_port[virq];
			const struct port *p = number ? port_at(d->events, number) : NULL;
			if (number && (!p || p->state != PORT_VIRQ || p->detail != virq))
				return "I10: a vCPU's VIRQ names a port that is not bound to it";
		}
	}
	return NULL;
}

static const char *check_domain(struct domain *d)
{
	struct evtchn_table *t = d->events;
	uint32_t in_use = 0;
	for (uint32_t i = paged_next(&t->ports, 0); i < t->ports.limit;
		i = paged_next(&t->ports, i + 1)) {
		const struct port *p = port_at(t, i);
		if (!p) {
			if (i && i < t->search)
				return "I10: a free port below the search mark";
			continue;
		}
		if (i == 0)
			return "I10: port 0 is in use";
		in_use++;
		const char *broken = check_port(d, i, p);
		if (broken)
			return broken;
	}
	return in_use == t->in_use ? check_virqs(d) : "I10: ports in use are miscounted";
}

const char *evtchn_check(void)
{
	const char *broken = NULL;
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		if (!broken && d->events)
			broken = check_domain(d);
	}
	return broken;
}
