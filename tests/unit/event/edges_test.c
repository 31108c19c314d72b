/* The ends of event channels: no memory, a far end that dies or changes while a port is closed, numbers out of range,
 * vCPUs that are not there. */
#include "hv/event/table.h"
#include "tests/unit/domain_machine.h"
#include "tests/unit/race.h"

static struct domain *control, *a, *b;
static uint32_t near, far;
static int rc, other_rc;

static void setup(void)
{
	machine_boot(2, 1024);
	host_hook_relax = NULL;
	control = domain_start(0, 1);
	a = domain_start(1, 2);
	b = domain_start(2, 1);
	evtchn_pirq_closed = NULL;
	machine_settle();
	AUDIT();
}

static unsigned refuse_after;

/* So many allocations work, and then none. */
static bool refuses(void)
{
	return refuse_after == 0 || refuse_after-- == 0;
}

START_TEST(no_memory)
{
	uint32_t port = 99;
	struct domain_config c = { .max_vcpus = 1 };
	struct domain *d;
	alloc_refuse = refuses;
	refuse_after = 0;	/* the page that port is in */
	ck_assert_int_eq(evtchn_alloc_unbound(a, 2, &port), -ENOMEM);
	ck_assert_uint_eq(port, 99);
	alloc_refuse = NULL;
	AUDIT();
	ck_assert_int_eq(evtchn_alloc_unbound(b, 1, &far), 0);
	alloc_refuse = refuses;
	refuse_after = 0;
	ck_assert_int_eq(evtchn_bind_interdomain(a, 2, far, &near), -ENOMEM);
	refuse_after = 0;
	ck_assert_int_eq(evtchn_bind_virq(a, VIRQ_TIMER, 0, &port), -ENOMEM);
	alloc_refuse = NULL;
	AUDIT();
	/* A domain that cannot be made whole is not made: every allocation of it fails once. */
	unsigned n;
	for (n = 0, rc = -ENOMEM; rc; n++) {
		ck_assert_uint_lt(n, 100);
		uint64_t heap = heap_pages_in_use();
		alloc_refuse = refuses;
		refuse_after = n;
		rc = domain_create(9, &c, &d);
		alloc_refuse = NULL;
		ck_assert(rc == 0 || rc == -ENOMEM);
		if (rc)
			ck_assert_uint_le(heap_pages_in_use(), heap + 1);	/* the list of owners stays */
		AUDIT();
	}
	ck_assert_uint_gt(n, 6);
}
END_TEST

START_TEST(far_end_dies)
{
	uint32_t port;
	ck_assert_int_eq(evtchn_alloc_unbound(b, 1, &far), 0);
	b->dying = DOMAIN_DYING;
	ck_assert_int_eq(evtchn_bind_interdomain(a, 2, far, &near), -ESRCH);
	b->dying = DOMAIN_ALIVE;
	a->dying = DOMAIN_DYING;
	ck_assert_int_eq(evtchn_bind_interdomain(a, 2, far, &near), -ESRCH);
	ck_assert_int_eq(evtchn_bind_ipi(a, 0, &port), -ESRCH);
	a->dying = DOMAIN_ALIVE;
	AUDIT();
	ck_assert_int_eq(evtchn_bind_interdomain(a, 2, far, &near), 0);
	AUDIT();
}
END_TEST

START_TEST(out_of_range)
{
	uint32_t port = 99;
	struct domain_config c = { .max_vcpus = 2, .max_ports = 100000 };
	struct domain *d;
	struct vcpu *v;
	ck_assert_int_eq(evtchn_bind_pirq(a, EVTCHN_PIRQS, &port), -EINVAL);
	ck_assert_int_eq(domain_create(9, &c, &d), 0);
	ck_assert_uint_eq(d->events->ports.limit, EVTCHN_PORTS);
	ck_assert_int_eq(evtchn_bind_pirq(d, 5, &port), -ENOENT);	/* nobody to tell */
	evtchn_raise_global_virq(d, VIRQ_CONSOLE);
	evtchn_raise_global_virq(NULL, VIRQ_CONSOLE);
	ck_assert_int_eq(vcpu_create(d, 0, &v), 0);
	/* A bound VIRQ is found among the vCPUs that there are. */
	ck_assert_int_eq(evtchn_bind_virq(d, VIRQ_TIMER, 0, &port), 0);
	AUDIT();
	ck_assert_int_eq(evtchn_close(d, port), 0);
	AUDIT();
	ck_assert_uint_eq(v->virq_port[VIRQ_TIMER], 0);
	/* Nobody is told of a PIRQ's end if there are no lines. */
	ck_assert_int_eq(evtchn_bind_pirq(a, 5, &port), 0);
	ck_assert_int_eq(evtchn_bind_pirq(a, 5, &near), -EEXIST);
	ck_assert_int_eq(evtchn_close(a, port), 0);
	AUDIT();
	ck_assert_int_eq(evtchn_bind_pirq(a, 5, &port), 0);
	/* An interrupt whose port means something else by now. */
	ck_assert_int_eq(evtchn_alloc_unbound(a, 2, &near), 0);
	evtchn_raise_pirq(a, near);
	evtchn_raise_pirq(a, EVTCHN_PORTS - 1);
	ck_assert(!evtchn_port_is_pending(a, near));
	ck_assert(!evtchn_port_is_pending(a, EVTCHN_PORTS));
	evtchn_raise_pirq(a, port);
	ck_assert(evtchn_port_is_pending(a, port));
	AUDIT();
}
END_TEST

START_TEST(last_port)
{
	uint32_t port;
	for (uint32_t i = 1; i < EVTCHN_PORTS; i++)
		REQUIRE(evtchn_alloc_unbound(a, 2, &port) == 0 && port == i);
	REQUIRE(evtchn_alloc_unbound(a, 2, &port) == -ENOSPC);
	REQUIRE(evtchn_alloc_unbound(b, 1, &far) == 0);
	REQUIRE(evtchn_bind_interdomain(a, 2, far, &near) == -ENOSPC);
	REQUIRE(evtchn_bind_virq(a, VIRQ_TIMER, 0, &port) == -ENOSPC);
	REQUIRE(a->vcpu[0]->virq_port[VIRQ_TIMER] == 0);
	AUDIT();
	const uint32_t freed[] = { 4095, 64, 63, 2000 };
	for (unsigned i = 0; i < ARRAY_COUNT(freed); i++) {
		REQUIRE(evtchn_close(a, freed[i]) == 0);
		REQUIRE(evtchn_alloc_unbound(a, 2, &port) == 0 && port == freed[i]);
	}
	AUDIT();
}
END_TEST

/* --- while a port is closed, the far end acts: both tables are looked at twice --- */

static void closes(void) { rc = evtchn_close(b, far); }
static void resets(void) { rc = evtchn_reset(b); }
static void other_closes_far(void) { other_rc = evtchn_close(b, far); }
static void other_closes_near(void) { other_rc = evtchn_close(a, near); }
static void other_joins_again(void)
{
	uint32_t third;
	if (evtchn_close(a, near))
		return;
	/* The far end is unbound to us again, and somebody else's before the first CPU looks. */
	other_rc = evtchn_close(b, far) ? 1 : evtchn_alloc_unbound(control, 2, &third);
	if (!other_rc)
		other_rc = evtchn_bind_interdomain(b, 0, third, &third);
}

static void join(void)
{
	REQUIRE(evtchn_alloc_unbound(b, 1, &far) == 0);
	REQUIRE(evtchn_bind_interdomain(a, 2, far, &near) == 0);
	rc = other_rc = 1;
}

static void part(void)
{
	AUDIT();
	REQUIRE(evtchn_reset(a) == 0 && evtchn_reset(b) == 0 && evtchn_reset(control) == 0);
	AUDIT();
}

START_TEST(both_ends_closed)
{
	unsigned lost = 0;
	RACE(join(), closes, other_closes_near, {
		REQUIRE(rc == 0 && other_rc == 0);	/* each end is closed once, whoever is first */
		part();
	});
	RACE(join(), closes, other_closes_far, {
		REQUIRE((rc == 0) + (other_rc == 0) == 1);
		REQUIRE(rc == 0 || rc == -EINVAL);
		lost += rc != 0;
		part();
	});
	ck_assert_uint_gt(lost, 0);
	lost = 0;
	RACE(join(), resets, other_closes_far, {
		REQUIRE(rc == 0);
		lost += other_rc == 0;
		part();
	});
	ck_assert_uint_gt(lost, 0);
}
END_TEST

START_TEST(far_end_joined_to_another)
{
	RACE(join(), closes, other_joins_again, {
		REQUIRE(rc == 0 || rc == -EINVAL);
		part();
	});
}
END_TEST

CHECK_MAIN("event edges", setup, NULL, no_memory, far_end_dies, out_of_range, last_port,
	   both_ends_closed, far_end_joined_to_another)
