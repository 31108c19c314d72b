/* Statement I10 of the audit: each part of it is broken in turn, by hand. */
#include "hv/event/table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/oracle.h"

static struct domain *control, *a, *b;
static uint32_t unbound, near, far, pirq, virq, ipi;

static struct port *port(struct domain *d, uint32_t n)
{
	return paged_at(&d->events->ports, n);
}

static void setup(void)
{
	struct domain_config c = { .max_vcpus = 3, .max_ports = 300 };
	struct vcpu *v;
	machine_boot(1, 512);
	control = domain_start(0, 1);
	ck_assert_int_eq(domain_create(1, &c, &a), 0);
	ck_assert_int_eq(vcpu_create(a, 0, &v), 0);
	ck_assert_int_eq(vcpu_create(a, 1, &v), 0);	/* and there is no third */
	b = domain_start(2, 1);
	ck_assert_int_eq(evtchn_alloc_unbound(a, 2, &unbound), 0);
	ck_assert_int_eq(evtchn_alloc_unbound(b, 1, &far), 0);
	ck_assert_int_eq(evtchn_bind_interdomain(a, 2, far, &near), 0);
	ck_assert_int_eq(evtchn_bind_pirq(a, 77, &pirq), 0);
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 1, &virq), 0);
	ck_assert_int_eq(evtchn_bind_ipi(a, 1, &ipi), 0);
	machine_settle();
	AUDIT();
}

START_TEST(pairs)
{
	BROKEN_BY(port(a, near)->remote, (struct domain *)(void *)b->events, "names a freed domain");
	BROKEN_BY(port(a, near)->number, 200, "not symmetric");
	BROKEN_BY(port(a, near)->number, 4000, "not symmetric");
	BROKEN_BY(port(a, near)->remote, control, "not symmetric");
	BROKEN_BY(port(b, far)->number, near + 1, "not symmetric");
	BROKEN_BY(port(b, far)->state, PORT_UNBOUND, "not symmetric");
	BROKEN_BY(port(b, far)->remote, control, "not symmetric");
	BROKEN_BY(port(a, unbound)->detail, DOMID_SELF, "names no domain");
}
END_TEST

START_TEST(vcpus_and_virqs)
{
	BROKEN_BY(port(a, unbound)->vcpu, 3, "does not exist");
	BROKEN_BY(port(a, ipi)->vcpu, 2, "does not exist");
	BROKEN_BY(port(a, virq)->detail, NR_VIRQS, "disagree");
	BROKEN_BY(port(a, virq)->detail, VIRQ_DEBUG, "disagree");
	BROKEN_BY(a->vcpu[0]->virq_port[VIRQ_TIMER], virq, "disagree");	/* two vCPUs claim it */
	BROKEN_BY(a->vcpu[1]->virq_port[VIRQ_TIMER], 0, "disagree");
	BROKEN_BY(a->vcpu[0]->virq_port[VIRQ_DEBUG], 299, "not bound to it");
	BROKEN_BY(a->vcpu[0]->virq_port[VIRQ_DEBUG], ipi, "not bound to it");
	BROKEN_BY(a->vcpu[0]->virq_port[VIRQ_DEBUG], virq, "not bound to it");
}
END_TEST

START_TEST(states_and_marks)
{
	BROKEN_BY(port(a, ipi)->state, 9, "in no state");
	BROKEN_BY(port(a, 0)->state, PORT_UNBOUND, "port 0");
	BROKEN_BY(port(a, ipi)->state, PORT_FREE, "marked as in use");
	BROKEN_BY(a->events->in_use[0], a->events->in_use[0] | 1ull << 63, "marked as in use");
	BROKEN_BY(a->events->in_use[0], a->events->in_use[0] & ~1ull, "marked as in use");
	BROKEN_BY(a->events->in_use[300 / 64], 0, "marked as in use");
	BROKEN_BY(a->events->in_use[63], ~1ull, "marked as in use");
	BROKEN_BY(a->events->pirqs[77 / 64], 0, "not marked");
	BROKEN_BY(a->events->pirqs[2], 1, "marked as bound and is not");
}
END_TEST

/* Before the event layer made its table, and after it took it down, there is nothing to judge. */
START_TEST(no_table)
{
	struct evtchn_table *was = control->events;
	control->events = NULL;
	AUDIT();
	control->events = was;
	AUDIT();
}
END_TEST

CHECK_MAIN("event check", setup, NULL, pairs, vcpus_and_virqs, states_and_marks, no_table)
