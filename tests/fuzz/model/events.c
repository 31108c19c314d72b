/* Event channels: a table of ports for each domain. Pending and masked are bits of its
 * shared_info, whose first words are followed like any frame's (the guest may write them too).
 * Which free port is given is the core's choice. Spec: public header event_channel.h;
 * hv/event/evtchn.h. */
#include "protocol/event_channel.h"
#include "tests/fuzz/model/state.h"

#define PENDING_WORD 256u
#define MASK_WORD    320u

static void bit_put(
	struct model *m, const struct m_domain *d, unsigned word, unsigned port, bool set)
{
	uint64_t bit = 1ull << port % 64, was = word_get(m, d->shared_info, word);
	word_set(m, d->shared_info, word, set ? was | bit : was & ~bit);
}

static struct m_port *port_at(struct m_domain *d, unsigned port)
{
	return port > 0 && port < M_PORT_END && d->port[port].is != P_FREE ? &d->port[port] : NULL;
}

/* The other end of a pair waits for @d again. */
void port_close(struct model *m, struct m_domain *d, unsigned port)
{
	struct m_port *p = &d->port[port];
	struct m_domain *far = p->is == P_INTERDOMAIN ? domain_named(m, p->remote) : NULL;
	if (far)
		far->port[p->number] = (struct m_port){
			.is = P_UNBOUND, .vcpu = far->port[p->number].vcpu, .detail = d->id
		};
	*p = (struct m_port){ .is = P_FREE };
	bit_put(m, d, PENDING_WORD, port, false);
}

/* @d gets a port: the one answered, if any is free. */
static const char *port_give(
	struct m_domain *d, struct m_port as, const struct model *m, const struct outcome *o)
{
	unsigned used = 0;
	for (unsigned p = 1; p < M_PORT_END; p++)
		used += d->port[p].is != P_FREE;
	if (o->rc == M_ENOMEM)
		return o->failed_alloc || memory_is_short(m, 0)
			       ? NULL
			       : "model: there was memory for a port";
	if (used == PORTS || o->rc)
		return answer_check(used == PORTS ? M_ENOSPC : 0, o->rc);
	if (o->value == 0 || o->value >= M_PORT_END || d->port[o->value].is != P_FREE)
		return wrongf(
			"model: port %llu was given and is in use", (unsigned long long)o->value);
	d->port[o->value] = as;
	return NULL;
}

static const char *unbound_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	unsigned remote = a->domid == DOMID_SELF ? d->id : a->domid;
	if (remote >= DOMID_FIRST_RESERVED)
		return answer_check(M_EINVAL, o->rc);
	return port_give(d, (struct m_port){ .is = P_UNBOUND, .detail = (uint16_t)remote }, m, o);
}

static const char *bind_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	struct m_domain *of = domain_named(m, a->domid == DOMID_SELF ? d->id : a->domid);
	struct m_port *far = of ? port_at(of, a->port) : NULL;
	if (!of || domain_gone(of))
		return answer_check(M_ESRCH, o->rc);
	if (!far || far->is != P_UNBOUND || far->detail != d->id)
		return answer_check(M_EINVAL, o->rc);
	const char *wrong = port_give(d,
		(struct m_port){
			.is = P_INTERDOMAIN, .remote = of->id, .number = (uint16_t)a->port },
		m, o);
	if (wrong || o->rc)
		return wrong;
	*far = (struct m_port){ .is = P_INTERDOMAIN,
		.vcpu = far->vcpu,
		.remote = d->id,
		.number = (uint16_t)o->value };
	bit_put(m, d, PENDING_WORD, (unsigned)o->value, true);
	return NULL;
}

static bool virq_is_per_vcpu(unsigned virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

static const char *virq_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	unsigned virq = a->n % 26;
	if (virq >= NR_VIRQS || (a->vcpu_id != 0 && !virq_is_per_vcpu(virq)))
		return answer_check(M_EINVAL, o->rc);
	if (a->vcpu_id >= VCPUS)
		return answer_check(M_ENOENT, o->rc);
	for (unsigned p = 1; p < M_PORT_END; p++)
		if (d->port[p].is == P_VIRQ && d->port[p].detail == virq &&
			(d->port[p].number == a->vcpu_id || !virq_is_per_vcpu(virq)))
			return answer_check(M_EEXIST, o->rc);
	return port_give(d,
		(struct m_port){ .is = P_VIRQ,
			.vcpu = (uint8_t)a->vcpu_id,
			.detail = (uint16_t)virq,
			.number = (uint16_t)a->vcpu_id },
		m, o);
}

static const char *ipi_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	if (a->vcpu_id >= VCPUS)
		return answer_check(M_ENOENT, o->rc);
	return port_give(d, (struct m_port){ .is = P_IPI, .vcpu = (uint8_t)a->vcpu_id }, m, o);
}

static int vcpu_predict(struct m_domain *d, const struct act *a)
{
	struct m_port *p = port_at(d, a->port);
	if (a->vcpu_id >= VCPUS)
		return M_ENOENT;
	if (!p || p->is == P_IPI || (p->is == P_VIRQ && virq_is_per_vcpu(p->detail)))
		return M_EINVAL;
	p->vcpu = (uint8_t)a->vcpu_id;
	return 0;
}

static int send_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	const struct m_port *p = port_at(d, a->port);
	struct m_domain *far = p && p->is == P_INTERDOMAIN ? domain_named(m, p->remote) : NULL;
	if (!p || (p->is != P_UNBOUND && p->is != P_INTERDOMAIN && p->is != P_IPI))
		return M_EINVAL;
	if (far)
		bit_put(m, far, PENDING_WORD, p->number, true);
	else if (p->is == P_IPI)
		bit_put(m, d, PENDING_WORD, a->port, true);
	return 0;
}

static const char *status_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	static const uint8_t status[] = { EVTCHNSTAT_closed, EVTCHNSTAT_unbound,
		EVTCHNSTAT_interdomain, EVTCHNSTAT_pirq, EVTCHNSTAT_virq, EVTCHNSTAT_ipi };
	struct m_domain *of;
	int rc = domain_target(m, d, a->domid, &of);
	if (rc == 0 && a->port >= M_PORT_END)
		rc = M_EINVAL;
	if (rc == 0 && o->rc == 0 && o->value != status[of->port[a->port].is])
		return wrongf(
			"model: port %u has status %llu", a->port, (unsigned long long)o->value);
	return answer_check(rc, o->rc);
}

/* All ports; of a reset in parts, from a->port on below a->handle. */
static int reset_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_domain *of;
	unsigned end = a->handle ? a->handle : M_PORT_END;
	int rc = domain_target(m, d, a->domid, &of);
	for (unsigned p = a->port ? a->port : 1; rc == 0 && p < end; p++)
		if (of->port[p].is != P_FREE)
			port_close(m, of, p);
	return rc;
}

static int close_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	if (!port_at(d, a->port))
		return M_EINVAL;
	port_close(m, d, a->port);
	return 0;
}

static int unmask_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	if (!port_at(d, a->port))
		return M_EINVAL;
	bit_put(m, d, MASK_WORD, a->port, false);
	return 0;
}

const char *events_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	switch (a->kind) {
	case OP_PORT_UNBOUND:
		return unbound_apply(m, d, a, o);
	case OP_PORT_BIND:
		return bind_apply(m, d, a, o);
	case OP_PORT_VIRQ:
		return virq_apply(m, d, a, o);
	case OP_PORT_IPI:
		return ipi_apply(m, d, a, o);
	case OP_PORT_VCPU:
		return answer_check(vcpu_predict(d, a), o->rc);
	case OP_PORT_CLOSE:
		return answer_check(close_predict(m, d, a), o->rc);
	case OP_PORT_SEND:
		return answer_check(send_predict(m, d, a), o->rc);
	case OP_PORT_MASK:
		if (a->port < M_PORT_END)
			bit_put(m, d, MASK_WORD, a->port, true);
		return NULL;
	case OP_PORT_UNMASK:
		return answer_check(unmask_predict(m, d, a), o->rc);
	case OP_PORT_STATUS:
		return status_apply(m, d, a, o);
	default:
		return answer_check(reset_predict(m, d, a), o->rc);
	}
}
