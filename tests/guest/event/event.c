/* event: event channels inside one domain.
 *
 * What is tested: ports are allocated, bound, sent to, masked, unmasked, polled, closed, and refuse
 * what is wrong with the documented error. An event comes exactly once per send while nothing else
 * is pending, never while masked, at once when unmasked; SCHEDOP_block and SCHEDOP_poll wake.
 *
 * How it is shown: the domain talks to itself: IPIs to its own vCPU, an interdomain channel with
 * both ends here, the timer's VIRQ. Counters in the upcall are compared with what was sent; the
 * bits in shared_info are read where delivery must not have happened. */
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/errno.h"
#include "protocol/event_channel.h"
#include "protocol/sched.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"

const char test_name[] = "event";

static evtchn_port_t port_of(long result, const char *what)
{
	if (result <= 0)
		test_error("%s: %ld", what, result);
	return (evtchn_port_t)result;
}

static long status(evtchn_port_t port, struct evtchn_status *s)
{
	*s = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
	return event_channel_op(EVTCHNOP_status, s);
}

static void ipi(void)
{
	evtchn_port_t p = port_of(event_bind_ipi(0), "bind_ipi");
	struct evtchn_status s;

	CHECK_EQ(status(p, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_ipi);
	CHECK_EQ(s.vcpu, 0);
	event_handle(p, 0, 0);
	events_enable();
	for (unsigned i = 1; i <= 10; i++) {
		CHECK_EQ(event_send(p), 0);
		CHECK_EQ(event_count(p), i);
	}
	/* With events disabled nothing comes, and all that was sent comes as one. */
	events_disable();
	CHECK_EQ(event_send(p), 0);
	CHECK_EQ(event_send(p), 0);
	CHECK_EQ(event_count(p), 10);
	CHECK_EQ(event_is_pending(p), 1);
	CHECK_EQ(vcpu_info_of(0)->evtchn_upcall_pending, 1);
	events_enable();
	CHECK_EQ(event_count(p), 11);
	events_disable();
	CHECK_EQ(event_close(p), 0);
	CHECK_EQ(event_send(p), -XEN_EINVAL);
	CHECK_EQ(event_close(p), -XEN_EINVAL);
}

static void masking(void)
{
	evtchn_port_t p = port_of(event_bind_ipi(0), "bind_ipi");

	event_handle(p, 0, 0);
	events_enable();
	event_mask(p);
	CHECK_EQ(event_send(p), 0);
	CHECK_EQ(event_count(p), 0);
	CHECK_EQ(event_is_pending(p), 1);
	event_unmask(p);
	CHECK_EQ(event_count(p), 1);
	CHECK_EQ(event_is_pending(p), 0);
	event_mask(p);
	event_unmask(p);
	CHECK_EQ(event_count(p), 1);
	events_disable();
	event_close(p);
}

/* Both ends in this domain. */
static void interdomain(void)
{
	evtchn_port_t a = port_of(event_alloc_unbound(DOMID_SELF), "alloc_unbound"), b;
	struct evtchn_status s;

	CHECK_EQ(status(a, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	b = port_of(event_bind_interdomain(DOMID_SELF, a), "bind_interdomain");
	CHECK_EQ(status(b, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.port, a);
	CHECK(event_is_pending(b), "a port just bound must be pending");
	CHECK(event_bind_interdomain(DOMID_SELF, a) < 0, "bound twice");
	event_clear(b);
	event_handle(a, 0, 0);
	event_handle(b, 0, 0);
	events_enable();
	CHECK_EQ(event_send(a), 0);
	CHECK_EQ(event_count(a), 0);
	CHECK_EQ(event_count(b), 1);
	CHECK_EQ(event_send(b), 0);
	CHECK_EQ(event_count(a), 1);
	events_disable();
	CHECK_EQ(event_close(a), 0);
	/* The other end falls back to unbound, and can be bound again. */
	CHECK_EQ(status(b, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	a = port_of(event_bind_interdomain(DOMID_SELF, b), "bind_interdomain again");
	event_clear(a);
	CHECK_EQ(event_close(b), 0);
	CHECK_EQ(event_close(a), 0);
}

static void virq(void)
{
	evtchn_port_t p = port_of(event_bind_virq(VIRQ_TIMER, 0), "bind_virq");
	struct evtchn_status s;

	CHECK_EQ(event_bind_virq(VIRQ_TIMER, 0), -XEN_EEXIST);
	CHECK(event_bind_virq(NR_VIRQS + 5, 0) < 0, "a VIRQ that does not exist was bound");
	CHECK(event_bind_virq(VIRQ_TIMER, 5000) < 0, "a VIRQ of vCPU 5000 was bound");
	CHECK_EQ(status(p, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_virq);
	CHECK_EQ(s.u.virq, VIRQ_TIMER);
	CHECK(event_send(p) < 0, "a VIRQ was sent");
	CHECK_EQ(event_close(p), 0);
}

static void bad_arguments(void)
{
	struct evtchn_status s;
	struct evtchn_bind_vcpu bind = { .port = 0, .vcpu = 0 };

	CHECK(event_send(0) < 0, "port 0 was sent to");
	CHECK(event_send(4095) < 0, "port 4095 was sent to");
	CHECK(event_send(0xffffffff) < 0, "port 0xffffffff was sent to");
	CHECK(event_close(0xfffff000) < 0, "port 0xfffff000 was closed");
	CHECK(event_bind_ipi(1000) < 0, "an IPI to vCPU 1000 was bound");
	CHECK(event_bind_interdomain(DOMID_SELF, 999) < 0, "bound to a free port");
	CHECK(event_bind_interdomain(0x7abc, 1) < 0, "bound to a domain that does not exist");
	CHECK(status(0xfffffff0, &s) < 0, "status of port 0xfffffff0");
	CHECK(event_channel_op(EVTCHNOP_bind_vcpu, &bind) < 0, "port 0 was bound to a vCPU");
	CHECK_EQ(hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (void *)0x1000),
		 -XEN_EFAULT);
	CHECK_EQ(event_channel_op(99, &s), -XEN_ENOSYS);
	if (start_info->flags & SIF_INITDOMAIN)
		return;
	s = (struct evtchn_status){ .dom = 0, .port = 1 };
	CHECK(event_channel_op(EVTCHNOP_status, &s) < 0, "status of another domain's port");
}

/* poll wakes by a pending port although it is masked and events are disabled. */
static void poll(void)
{
	evtchn_port_t p = port_of(event_bind_ipi(0), "bind_ipi");
	struct sched_poll arg = { .ports = (uint64_t)&p, .nr_ports = 1 };
	uint64_t start;

	event_mask(p);
	events_disable();
	CHECK_EQ(event_send(p), 0);
	CHECK_EQ(sched_op(SCHEDOP_poll, &arg), 0);
	event_clear(p);
	start = clock_ns();
	arg.timeout = start + 20000000;
	CHECK_EQ(sched_op(SCHEDOP_poll, &arg), 0);
	CHECK(clock_ns() >= start + 20000000, "poll ended %ld ns early",
	      (long)(start + 20000000 - clock_ns()));
	arg.nr_ports = 100000;
	CHECK(sched_op(SCHEDOP_poll, &arg) < 0, "poll of 100000 ports");
	arg.nr_ports = 1;
	p = 0xfffffff0;
	CHECK(sched_op(SCHEDOP_poll, &arg) < 0, "poll of port 0xfffffff0");
}

/* block enables events and sleeps until one is pending. */
static void block(void)
{
	evtchn_port_t p = port_of(event_bind_virq(VIRQ_TIMER, 0), "bind_virq");

	event_handle(p, 0, 0);
	events_disable();
	for (unsigned i = 1; i <= 5; i++) {
		CHECK_EQ(timer_set(clock_ns() + 3000000), 0);
		while (event_count(p) < i)
			sched_op(SCHEDOP_block, 0);
		events_disable();
	}
	CHECK_EQ(event_close(p), 0);
}

/* Ports until there are no more, then all of them back. */
static void exhaustion(void)
{
	unsigned n = 0;
	long first = 0, rc;

	while ((rc = event_alloc_unbound(DOMID_SELF)) > 0) {
		if (!first)
			first = rc;
		n++;
		if (n > 200000)
			break;
	}
	CHECK_EQ(rc, -XEN_ENOSPC);
	print("%u ports before %ld\n", n, rc);
	for (long p = first; n && p < 200000; p++)
		if (event_close((evtchn_port_t)p) == 0)
			n--;
	CHECK_EQ(n, 0);
	rc = event_alloc_unbound(DOMID_SELF);
	CHECK(rc > 0, "no port after all were closed: %ld", rc);
	event_close((evtchn_port_t)rc);
}

void test_main(void)
{
	ipi();
	masking();
	interdomain();
	virq();
	bad_arguments();
	poll();
	block();
	exhaustion();
}
