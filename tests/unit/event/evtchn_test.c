/* Event channels: every operation in every state of a port, the pairing of two ends, delivery step
 * by step, VIRQs, reset, death. The audit (I10 among it) runs after each operation. */
#include "protocol/event_channel.h"
#include "tests/unit/domain_machine.h"

static struct domain *control, *a, *b;
static unsigned pirqs_closed, pirq_closed;

static void pirq_was_closed(struct domain *d, unsigned pirq)
{
	(void)d;
	pirqs_closed++;
	pirq_closed = pirq;
}

static void world(void)
{
	machine_boot(2, 512);
	control = domain_start(0, 2);
	a = domain_start(1, 2);
	b = domain_start(2, 1);
	evtchn_pirq_closed = pirq_was_closed;
	pirqs_closed = 0;
	machine_settle();
	host_cpu_select(0);
}

static struct evtchn_status status_of(struct domain *d, uint32_t port)
{
	struct evtchn_status s = {.status = 99};
	REQUIRE(evtchn_get_status(d, port, &s) == 0);
	return s;
}

/* A port of @a in the wanted state. */
static uint32_t port_in(uint32_t state)
{
	uint32_t port = 77, far;
	switch (state) {
	case EVTCHNSTAT_unbound:
		REQUIRE(evtchn_alloc_unbound(a, b->id, &port) == 0);
		break;
	case EVTCHNSTAT_interdomain:
		REQUIRE(evtchn_alloc_unbound(b, a->id, &far) == 0);
		REQUIRE(evtchn_bind_interdomain(a, b->id, far, &port) == 0);
		break;
	case EVTCHNSTAT_pirq:
		REQUIRE(evtchn_bind_pirq(a, 33, &port) == 0);
		break;
	case EVTCHNSTAT_virq:
		REQUIRE(evtchn_bind_virq(a, VIRQ_TIMER, 1, &port) == 0);
		break;
	case EVTCHNSTAT_ipi:
		REQUIRE(evtchn_bind_ipi(a, 1, &port) == 0);
		break;
	default:
		break;
	}
	AUDIT();
	return port;
}

/* What each operation answers in each state, and the state afterwards (all but these leave it). */
static const struct {
	uint32_t state;
	int send, unmask, bind_vcpu, bind_by_b, close;
} answers[] = {
	{EVTCHNSTAT_closed, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL},
	{EVTCHNSTAT_unbound, 0, 0, 0, 0, 0},
	{EVTCHNSTAT_interdomain, 0, 0, 0, -EINVAL, 0},
	{EVTCHNSTAT_pirq, -EINVAL, 0, 0, -EINVAL, 0},
	{EVTCHNSTAT_virq, -EINVAL, 0, -EINVAL, -EINVAL, 0},
	{EVTCHNSTAT_ipi, 0, 0, -EINVAL, -EINVAL, 0},
};

START_TEST(every_operation_in_every_state)
{
	for (unsigned i = 0; i < ARRAY_COUNT(answers); i++) {
		world();
		uint32_t port = port_in(answers[i].state), far;
		ck_assert_uint_eq(status_of(a, port).status, answers[i].state);
		ck_assert_int_eq(evtchn_send(a, port), answers[i].send);
		AUDIT();
		ck_assert_int_eq(evtchn_unmask(a, port), answers[i].unmask);
		AUDIT();
		ck_assert_int_eq(evtchn_bind_vcpu(a, port, 0), answers[i].bind_vcpu);
		ck_assert_int_eq(evtchn_bind_vcpu(a, port, 2), -ENOENT);
		AUDIT();
		ck_assert_uint_eq(status_of(a, port).status, answers[i].state);
		ck_assert_int_eq(
			evtchn_bind_interdomain(b, a->id, port, &far), answers[i].bind_by_b);
		AUDIT();
		ck_assert_int_eq(evtchn_close(a, port), answers[i].close);
		AUDIT();
		ck_assert_uint_eq(status_of(a, port).status, EVTCHNSTAT_closed);
		ck_assert_int_eq(evtchn_close(a, port), -EINVAL);
		ck_assert_uint_eq(pirqs_closed, answers[i].state == EVTCHNSTAT_pirq);
		ck_assert(!evtchn_port_is_pending(a, port));
	}
}
END_TEST

START_TEST(bad_arguments)
{
	world();
	uint32_t port = 77;
	struct evtchn_status s;
	const uint32_t bad[] = {0, 1, 4095, 4096, ~0u};
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(evtchn_send(a, bad[i]), -EINVAL);
		ck_assert_int_eq(evtchn_close(a, bad[i]), -EINVAL);
		ck_assert_int_eq(evtchn_unmask(a, bad[i]), -EINVAL);
		ck_assert_int_eq(evtchn_bind_vcpu(a, bad[i], 0), -EINVAL);
		ck_assert_int_eq(evtchn_bind_interdomain(a, b->id, bad[i], &port), -EINVAL);
		ck_assert_int_eq(evtchn_get_status(a, bad[i], &s), bad[i] < 4096 ? 0 : -EINVAL);
	}
	ck_assert_int_eq(evtchn_bind_interdomain(a, 99, 1, &port), -ESRCH);
	ck_assert_int_eq(evtchn_alloc_unbound(a, 0x7ff1, &port), -EINVAL);
	ck_assert_int_eq(evtchn_bind_virq(a, NR_VIRQS, 0, &port), -EINVAL);
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 2, &port), -ENOENT);
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_CONSOLE, 1, &port), -EINVAL);
	ck_assert_int_eq(evtchn_bind_ipi(a, 2, &port), -ENOENT);
	ck_assert_uint_eq(port, 77); /* written on success only */
	AUDIT();
}
END_TEST

START_TEST(only_the_named_domain_binds)
{
	world();
	uint32_t port = port_in(EVTCHNSTAT_unbound), far;
	ck_assert_uint_eq(status_of(a, port).u.unbound.dom, b->id);
	ck_assert_int_eq(evtchn_bind_interdomain(control, a->id, port, &far), -EINVAL);
	ck_assert_int_eq(evtchn_bind_interdomain(a, a->id, port, &far), -EINVAL);
	ck_assert_int_eq(evtchn_bind_interdomain(b, a->id, port, &far), 0);
	struct evtchn_status s = status_of(a, port);
	ck_assert_uint_eq(s.u.interdomain.dom, b->id);
	ck_assert_uint_eq(s.u.interdomain.port, far);
	ck_assert(evtchn_port_is_pending(b, far)); /* the binder looks once */
	ck_assert(!evtchn_port_is_pending(a, port));
	ck_assert_int_eq(evtchn_bind_interdomain(b, a->id, port, &far), -EINVAL);
	AUDIT();
}
END_TEST

/* Whichever end closes, the other waits for that domain again, and can be bound again. */
START_TEST(closing_one_end_leaves_the_other_unbound)
{
	for (unsigned who = 0; who < 2; who++) {
		world();
		uint32_t near, far, again;
		REQUIRE(evtchn_alloc_unbound(a, b->id, &near) == 0);
		REQUIRE(evtchn_bind_interdomain(b, a->id, near, &far) == 0);
		struct domain *closer = who ? a : b, *left = who ? b : a;
		ck_assert_int_eq(evtchn_bind_vcpu(a, near, 1), 0);
		ck_assert_int_eq(evtchn_close(closer, who ? near : far), 0);
		AUDIT();
		struct evtchn_status s = status_of(left, who ? far : near);
		ck_assert_uint_eq(s.status, EVTCHNSTAT_unbound);
		ck_assert_uint_eq(s.u.unbound.dom, closer->id);
		ck_assert_uint_eq(s.vcpu, who ? 0 : 1);
		ck_assert_int_eq(evtchn_send(left, who ? far : near), 0); /* to nobody */
		ck_assert_int_eq(
			evtchn_bind_interdomain(closer, left->id, who ? far : near, &again), 0);
		AUDIT();
		ck_assert_int_eq(evtchn_send(left, who ? far : near), 0);
		ck_assert(evtchn_port_is_pending(closer, again));
	}
}
END_TEST

START_TEST(loopback_pair)
{
	world();
	uint32_t near, far;
	ck_assert_int_eq(evtchn_alloc_unbound(a, DOMID_SELF, &near), 0);
	ck_assert_int_eq(evtchn_bind_interdomain(a, DOMID_SELF, near, &far), 0);
	ck_assert_uint_ne(near, far);
	AUDIT();
	ck_assert_int_eq(evtchn_send(a, far), 0);
	ck_assert(evtchn_port_is_pending(a, near));
	ck_assert_int_eq(evtchn_close(a, near), 0);
	ck_assert_uint_eq(status_of(a, far).status, EVTCHNSTAT_unbound);
	AUDIT();
	ck_assert_int_eq(evtchn_close(a, far), 0);
	AUDIT();
}
END_TEST

START_TEST(delivery_step_by_step)
{
	world();
	struct shared_info *s = a->shared;
	struct vcpu_info *i = a->vcpu[1]->info;
	uint32_t port;
	for (unsigned n = 0; n < 70; n++) /* beyond the first word */
		ck_assert_int_eq(evtchn_bind_ipi(a, 1, &port), 0);
	ck_assert_uint_eq(port, 70);
	const uint64_t bit = 1ull << (port % 64), word = port / 64;
	ck_assert_int_eq(evtchn_send(a, port), 0);
	ck_assert_uint_eq(s->evtchn_pending[word], bit);
	ck_assert_uint_eq(i->evtchn_pending_sel, 1ull << word);
	ck_assert_uint_eq(i->evtchn_upcall_pending, 1);
	ck_assert_uint_eq(a->vcpu[0]->info->evtchn_upcall_pending, 0);
	/* Pending: nothing more is touched. */
	i->evtchn_pending_sel = 0;
	i->evtchn_upcall_pending = 0;
	ck_assert_int_eq(evtchn_send(a, port), 0);
	ck_assert_uint_eq(i->evtchn_pending_sel, 0);
	/* Masked: the bit only. Unmasking delivers. */
	s->evtchn_pending[word] = 0;
	s->evtchn_mask[word] = bit;
	ck_assert_int_eq(evtchn_send(a, port), 0);
	ck_assert_uint_eq(s->evtchn_pending[word], bit);
	ck_assert_uint_eq(i->evtchn_upcall_pending, 0);
	ck_assert_int_eq(evtchn_unmask(a, port), 0);
	ck_assert_uint_eq(s->evtchn_mask[word], 0);
	ck_assert_uint_eq(i->evtchn_upcall_pending, 1);
	ck_assert_uint_eq(i->evtchn_pending_sel, 1ull << word);
	/* Unmasking what is not pending does not. */
	s->evtchn_pending[word] = 0;
	i->evtchn_upcall_pending = 0;
	ck_assert_int_eq(evtchn_unmask(a, port), 0);
	ck_assert_uint_eq(i->evtchn_upcall_pending, 0);
	AUDIT();
}
END_TEST

START_TEST(notifies_the_bound_vcpu)
{
	world();
	uint32_t near = port_in(EVTCHNSTAT_interdomain);
	uint32_t far = status_of(a, near).u.interdomain.port;
	ck_assert_int_eq(evtchn_bind_vcpu(a, near, 1), 0);
	a->shared->evtchn_pending[0] = 0;
	a->vcpu[0]->info->evtchn_upcall_pending = 0;
	ck_assert_int_eq(evtchn_send(b, far), 0);
	ck_assert_uint_eq(a->vcpu[0]->info->evtchn_upcall_pending, 0);
	ck_assert_uint_eq(a->vcpu[1]->info->evtchn_upcall_pending, 1);
}
END_TEST

/* The toolstack makes a domain's ports before its vCPUs. */
START_TEST(port_before_vcpu)
{
	world();
	struct domain_config c = {.max_vcpus = 1};
	struct domain *d;
	uint32_t port, far;
	ck_assert_int_eq(domain_create(5, &c, &d), 0);
	ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), 0);
	ck_assert_int_eq(evtchn_bind_interdomain(control, 5, port, &far), 0);
	ck_assert_int_eq(evtchn_send(control, far), 0);
	AUDIT();
	ck_assert(evtchn_port_is_pending(d, port));
	domain_end(d);
	ck_assert_uint_eq(status_of(control, far).status, EVTCHNSTAT_unbound);
	AUDIT();
}
END_TEST

START_TEST(virqs)
{
	world();
	uint32_t t0, t1, other, con;
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 0, &t0), 0);
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 1, &t1), 0);
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 1, &other), -EEXIST);
	AUDIT();
	vcpu_raise_virq(a->vcpu[1], VIRQ_TIMER);
	ck_assert(!evtchn_port_is_pending(a, t0) && evtchn_port_is_pending(a, t1));
	ck_assert_uint_eq(a->vcpu[1]->info->evtchn_upcall_pending, 1);
	ck_assert_int_eq(evtchn_close(a, t1), 0);
	vcpu_raise_virq(a->vcpu[1], VIRQ_TIMER); /* unbound: nothing */
	ck_assert(!evtchn_port_is_pending(a, t1));
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 1, &t1), 0);
	AUDIT();
	/* Global ones go to the control domain, on the vCPU they were moved to. */
	ck_assert_int_eq(evtchn_bind_virq(control, VIRQ_CONSOLE, 0, &con), 0);
	ck_assert_int_eq(evtchn_bind_vcpu(control, con, 1), 0);
	evtchn_raise_global_virq(dom0, VIRQ_CONSOLE);
	ck_assert(evtchn_port_is_pending(control, con));
	ck_assert_uint_eq(control->vcpu[1]->info->evtchn_upcall_pending, 1);
	ck_assert_int_eq(evtchn_close(control, con), 0);
	ck_assert_int_eq(evtchn_bind_virq(control, VIRQ_CONSOLE, 0, &con), 0);
	AUDIT();
}
END_TEST

START_TEST(death_is_announced_from_any_context)
{
	world();
	uint32_t exc, ring;
	ck_assert_int_eq(evtchn_bind_virq(control, VIRQ_DOM_EXC, 0, &exc), 0);
	ck_assert_int_eq(evtchn_bind_virq(control, VIRQ_CON_RING, 0, &ring), 0);
	lock(&a->mem.lock);
	domain_crash(a, "under a lock");
	unlock(&a->mem.lock);
	machine_settle();
	ck_assert(evtchn_port_is_pending(control, exc));
	ck_assert(evtchn_port_is_pending(control, ring)); /* the log has a line more */
	control->shared->evtchn_pending[0] = 0;
	domain_end(a);
	ck_assert(evtchn_port_is_pending(control, exc));
	ck_assert_ptr_null(domain_find(1));
	AUDIT();
}
END_TEST

START_TEST(table_is_full_at_its_limit)
{
	machine_boot(1, 512);
	struct domain_config c = {.max_vcpus = 1, .max_ports = 300};
	struct domain *d;
	uint32_t port;
	ck_assert_int_eq(domain_create(1, &c, &d), 0);
	for (uint32_t i = 1; i < 300; i++) {
		REQUIRE(evtchn_alloc_unbound(d, 0, &port) == 0);
		REQUIRE(port == i);
	}
	ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), -ENOSPC);
	AUDIT();
	ck_assert_int_eq(evtchn_close(d, 257), 0);
	ck_assert_int_eq(evtchn_close(d, 12), 0);
	ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), 0);
	ck_assert_uint_eq(port, 12);
	ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), 0);
	ck_assert_uint_eq(port, 257);
	ck_assert_int_eq(evtchn_alloc_unbound(d, 0, &port), -ENOSPC);
	AUDIT();
}
END_TEST

static void interrupt_always(void)
{
	work_raise(cpu_id(), WORK_VIRQ);
}

START_TEST(reset_is_preemptible_and_complete)
{
	world();
	uint32_t port, far;
	for (unsigned i = 0; i < 200; i++) {
		REQUIRE(evtchn_alloc_unbound(b, a->id, &far) == 0);
		REQUIRE(evtchn_bind_interdomain(a, b->id, far, &port) == 0);
	}
	AUDIT();
	host_hook_preempt = interrupt_always;
	int rc;
	unsigned rounds = 0;
	host_cpu_select(0);
	while ((rc = evtchn_reset(a)) == -ERESTART) {
		rounds++;
		AUDIT();
		machine_settle();
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(rounds, 3);
	for (uint32_t i = 1; i <= 200; i++)
		REQUIRE(status_of(a, i).status == EVTCHNSTAT_closed &&
			status_of(b, i).status == EVTCHNSTAT_unbound);
	host_hook_preempt = NULL;
	ck_assert_int_eq(evtchn_reset(a), 0);
	ck_assert_int_eq(evtchn_bind_ipi(a, 0, &port), 0);
	ck_assert_uint_eq(port, 1);
	AUDIT();
}
END_TEST

/* A guest that leaves its reset in the middle and opens a port below: its death must find that one too. */
START_TEST(death_begins_at_the_first_port)
{
	world();
	uint32_t port, far;
	for (unsigned i = 0; i < 200; i++)
		REQUIRE(evtchn_alloc_unbound(a, b->id, &port) == 0);
	host_hook_preempt = interrupt_always;
	host_cpu_select(0);
	ck_assert_int_eq(evtchn_reset(a), -ERESTART);
	host_hook_preempt = NULL;
	machine_settle();
	ck_assert_int_eq(evtchn_alloc_unbound(a, b->id, &port), 0);
	ck_assert_uint_eq(port, 1);
	ck_assert_int_eq(evtchn_bind_interdomain(b, a->id, port, &far), 0);
	domain_end(a);
	ck_assert_uint_eq(status_of(b, far).status, EVTCHNSTAT_unbound);
	AUDIT();
}
END_TEST

START_TEST(death_frees_the_peers)
{
	world();
	uint32_t port = port_in(EVTCHNSTAT_interdomain);
	uint32_t far = status_of(a, port).u.interdomain.port;
	REQUIRE(evtchn_bind_pirq(a, 9, &port) == 0);
	domain_end(a);
	ck_assert_uint_eq(pirqs_closed, 1);
	ck_assert_uint_eq(pirq_closed, 9);
	struct evtchn_status s = status_of(b, far);
	ck_assert_uint_eq(s.status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(s.u.unbound.dom, 1);
	ck_assert_int_eq(evtchn_send(b, far), 0);
	AUDIT();
}
END_TEST

START_TEST(pirq_ports)
{
	world();
	uint32_t port, other;
	ck_assert_int_eq(evtchn_bind_pirq(control, 17, &port), 0);
	ck_assert_int_eq(evtchn_bind_pirq(control, 17, &other), -EEXIST);
	evtchn_raise_pirq(control, port);
	ck_assert(evtchn_port_is_pending(control, port));
	ck_assert_int_eq(evtchn_close(control, port), 0);
	evtchn_raise_pirq(control, port); /* late interrupt: nothing */
	ck_assert(!evtchn_port_is_pending(control, port));
	ck_assert_int_eq(evtchn_bind_pirq(control, 17, &other), 0);
	AUDIT();
}
END_TEST

/* Random operations of three domains; the audit judges. */
START_TEST(random_operations)
{
	world();
	struct domain *dom[] = {control, a, b};
	uint64_t seed = 42;
	for (unsigned n = 0; n < 8000; n++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		unsigned r = (unsigned)(seed >> 33);
		struct domain *d = dom[r % 3], *e = dom[r / 3 % 3];
		uint32_t x = r / 9 % 24, out;
		switch (r / 216 % 9) {
		case 0:
			(void)!evtchn_alloc_unbound(d, e->id, &out);
			break;
		case 1:
			(void)!evtchn_bind_interdomain(d, e->id, x, &out);
			break;
		case 2:
			(void)!evtchn_bind_virq(d, x, x % 3, &out);
			break;
		case 3:
			(void)!evtchn_bind_ipi(d, x % 3, &out);
			break;
		case 4:
			(void)!evtchn_close(d, x);
			break;
		case 5:
			(void)!evtchn_send(d, x);
			break;
		case 6:
			(void)!evtchn_bind_vcpu(d, x, x % 3);
			break;
		case 7:
			(void)!evtchn_bind_pirq(d, x, &out);
			break;
		default:
			if (x == 0)
				(void)!evtchn_reset(d);
			else
				(void)!evtchn_unmask(d, x);
		}
		AUDIT();
	}
}
END_TEST

CHECK_MAIN("evtchn", NULL, NULL, every_operation_in_every_state, bad_arguments,
	   only_the_named_domain_binds, closing_one_end_leaves_the_other_unbound, loopback_pair,
	   delivery_step_by_step, notifies_the_bound_vcpu, port_before_vcpu, virqs,
	   death_is_announced_from_any_context, table_is_full_at_its_limit,
	   reset_is_preemptible_and_complete, death_frees_the_peers, death_begins_at_the_first_port,
	   pirq_ports, random_operations)
