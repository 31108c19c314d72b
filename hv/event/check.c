/* Statement I10, recomputed from the raw tables for the audit: interdomain pairs are symmetric,
 * VIRQ maps are bijective, what is counted as in use is in use, nothing refers to a freed
 * domain. */
#include "hv/event/table.h"

#define LISTED_MAX 128u		/* tests have fewer domains */
static const struct domain *listed[LISTED_MAX];
static unsigned listed_count;

static bool domain_is_listed(const struct domain *wanted)
{
	for (unsigned i = 0; i < listed_count; i++)
		if (listed[i] == wanted)
			return true;
	return false;
}

static void domains_list(void)
{
	domid_t id = 0;
	listed_count = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		if (listed_count < LISTED_MAX)
			listed[listed_count++] = d;
	}
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
	if (number == 0)
		return "I10: port 0 is in use";
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
		return d->events->pirqs[p->number / 64] >> p->number % 64 & 1 ? NULL
									       : "I10: a PIRQ's port is not marked";
	case PORT_IPI:
		return NULL;
	default:
		return "I10: a port in no state";
	}
}

static const char *check_virqs(const struct domain *d)
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

/* Of the 64 ports from @first on: those that are marked whatever happens. */
static uint64_t never_free(const struct evtchn_table *t, uint32_t first)
{
	uint64_t zero = first == 0;
	if (first + 64 <= t->ports.limit)
		return zero;
	return first >= t->ports.limit ? ~0ull : zero | ~0ull << (t->ports.limit - first);
}

static const char *check_domain(const struct domain *d)
{
	struct evtchn_table *t = d->events;
	uint64_t pirqs = 0;
	for (uint32_t first = 0; first < EVTCHN_PORTS; first += 64) {
		uint64_t in_use = never_free(t, first);
		for (uint32_t i = first; i < first + 64 && i < t->ports.limit; i++) {
			const struct port *p = paged_at(&t->ports, i);
			if (!p || p->state == PORT_FREE)
				continue;
			const char *broken = check_port(d, i, p);
			if (broken)
				return broken;
			in_use |= 1ull << i % 64;
			pirqs += p->state == PORT_PIRQ;
		}
		if (in_use != t->in_use[first / 64])
			return "I10: a port is free and marked as in use, or the reverse";
	}
	for (uint32_t i = 0; i < EVTCHN_PIRQS / 64; i++)
		for (uint64_t w = t->pirqs[i]; w; w &= w - 1)
			pirqs--;
	return pirqs == 0 ? check_virqs(d) : "I10: a PIRQ is marked as bound and is not";
}

const char *evtchn_check(void)
{
	const char *broken = NULL;
	domains_list();
	for (unsigned i = 0; i < listed_count && !broken; i++)
		if (listed[i]->events)
			broken = check_domain(listed[i]);
	return broken;
}
