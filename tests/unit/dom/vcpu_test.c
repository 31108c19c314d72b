/* vCPUs: hold bits, pausing against unpausing, blocking and polling against events, vcpu_info in a
 * frame of the guest. Races are played as interleavings, each step named. */
#include "protocol/event_channel.h"
#include "tests/unit/domain_machine.h"

static struct domain *d;
static struct vcpu *v;
static uint32_t port, other_port;

/* Domain 1 with one vCPU on CPU 0; CPU 1 is for those who send. */
static void world(void)
{
	machine_boot(2, 512);
	d = domain_start(1, 2);
	v = d->vcpu[0];
	vcpu_down(d->vcpu[1]);
	vcpu_run_on(v, 0);
	v->info->evtchn_upcall_mask = 0;
	ck_assert_int_eq(evtchn_bind_ipi(d, 0, &port), 0);
	ck_assert_int_eq(evtchn_bind_ipi(d, 0, &other_port), 0);
}

static void send_from_1(uint32_t p)
{
	host_cpu_select(1);
	ck_assert_int_eq(evtchn_send(d, p), 0);
	host_cpu_select(0);
}

START_TEST(up_down_hold)
{
	world();
	ck_assert(vcpu_is_up(v) && !vcpu_is_up(d->vcpu[1]));
	ck_assert_ptr_null(vcpu_find(d, 2));
	ck_assert_ptr_null(vcpu_find(d, ~0u));
	vcpu_down(v);
	ck_assert_ptr_null(cpu_step(0));
	ck_assert_int_eq(vcpu_up(v), 0);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), v);
	/* Any one bit is enough to stop, all must go to run. */
	vcpu_hold(v, HOLD_THROTTLED);
	vcpu_hold(v, HOLD_DOWN);
	ck_assert_ptr_null(cpu_step(0));
	vcpu_release(v, HOLD_DOWN);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
	vcpu_release(v, HOLD_THROTTLED);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), v);
	d->vcpu[1]->is_initialised = false;
	ck_assert_int_eq(vcpu_up(d->vcpu[1]), -EINVAL);
	struct vcpu *w;
	ck_assert_int_eq(vcpu_create(d, 1, &w), -EEXIST);
	ck_assert_int_eq(vcpu_create(d, 2, &w), -EINVAL);
	AUDIT();
}
END_TEST

START_TEST(pause_waits_for_the_other_cpu)
{
	world();
	ck_assert(v->is_running);
	host_cpu_select(1);
	vcpu_pause(v); /* others_step() lets CPU 0 come by */
	ck_assert(!v->is_running);
	vcpu_pause(v);
	vcpu_unpause(v);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
	host_cpu_select(1);
	vcpu_unpause(v);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), v);
}
END_TEST

/* Pausing twice and unpausing once in every order of the steps "count" and "act on it" ends
 * paused. */
START_TEST(unpause_does_not_undo_a_later_pause)
{
	world();
	vcpu_pause_nosync(v);
	cpu_step(0);
	host_cpu_select(1);
	/* unpause: count ... */
	ATOMIC_SUB(&v->pause_count, 1u);
	/* ... another CPU's pause comes in between ... */
	host_cpu_select(0);
	vcpu_pause_nosync(v);
	/* ... unpause: act. */
	host_cpu_select(1);
	sched_wake(v);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
	vcpu_unpause(v);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), v);
}
END_TEST

/* A wake-up while the vCPU is on its way out, before its CPU has let go of it. */
START_TEST(wake_while_leaving_is_not_lost)
{
	world();
	ATOMIC_OR(&v->hold, (uint32_t)HOLD_BLOCKED);
	sched_stop(v);
	host_cpu_select(1);
	v->info->evtchn_upcall_pending = 1;
	vcpu_kick(v); /* still running on CPU 0 */
	ck_assert(v->is_running && !(v->hold & HOLD_BLOCKED));
	ck_assert_ptr_eq(cpu_step(0), v); /* it never left */
	/* The same after it left. */
	v->info->evtchn_upcall_pending = 0;
	v->info->evtchn_upcall_mask = 0;
	vcpu_block(v);
	ck_assert_ptr_null(cpu_step(0));
	host_cpu_select(1);
	v->info->evtchn_upcall_pending = 1;
	vcpu_kick(v);
	ck_assert_ptr_eq(cpu_step(0), v);
}
END_TEST

START_TEST(block_and_event_in_both_orders)
{
	world();
	/* Event first: block does not block, but unmasks. */
	v->info->evtchn_upcall_mask = 1;
	send_from_1(port);
	vcpu_block(v);
	ck_assert_uint_eq(v->info->evtchn_upcall_mask, 0);
	ck_assert_uint_eq(v->hold, 0);
	unsigned before = deliveries;
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_uint_eq(deliveries, before + 1);
	/* Block first. */
	v->info->evtchn_upcall_pending = 0;
	v->info->evtchn_pending_sel = 0;
	vcpu_block(v);
	ck_assert_ptr_null(cpu_step(0));
	d->shared->evtchn_pending[0] = 0;
	send_from_1(port);
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_uint_eq(deliveries, before + 2);
}
END_TEST

START_TEST(masked_event_does_not_end_a_block)
{
	world();
	bit_test_and_set(d->shared->evtchn_mask, port);
	vcpu_block(v);
	ck_assert_ptr_null(cpu_step(0));
	send_from_1(port);
	ck_assert_ptr_null(cpu_step(0));
	host_cpu_select(1);
	ck_assert_int_eq(evtchn_unmask(d, port), 0);
	ck_assert_ptr_eq(cpu_step(0), v);
}
END_TEST

START_TEST(poll_sees_masked_ports)
{
	world();
	v->info->evtchn_upcall_mask = 1;
	bit_test_and_set(d->shared->evtchn_mask, port);
	/* Pending already: returns at once. */
	send_from_1(port);
	ck_assert_int_eq(vcpu_poll(v, &port, 1, 0), 0);
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_uint_eq(d->pollers, 0);
	/* Not pending: sleeps, ends by the event, though port and upcalls are masked. */
	d->shared->evtchn_pending[0] = 0;
	ck_assert_int_eq(vcpu_poll(v, &port, 1, 0), 0);
	ck_assert_ptr_null(cpu_step(0));
	ck_assert_uint_eq(d->pollers, 1);
	send_from_1(other_port);
	bit_test_and_clear(d->shared->evtchn_pending, other_port);
	send_from_1(port);
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_uint_eq(d->pollers, 0);
	AUDIT();
}
END_TEST

START_TEST(poll_of_one_port_ignores_others)
{
	world();
	v->info->evtchn_upcall_mask = 1;
	bit_test_and_set(d->shared->evtchn_mask, port);
	bit_test_and_set(d->shared->evtchn_mask, other_port);
	ck_assert_int_eq(vcpu_poll(v, &port, 1, 0), 0);
	ck_assert_ptr_null(cpu_step(0));
	send_from_1(other_port);
	ck_assert_ptr_null(cpu_step(0));
	send_from_1(port);
	ck_assert_ptr_eq(cpu_step(0), v);
	/* Several: any of them. */
	uint32_t both[] = {port, other_port};
	d->shared->evtchn_pending[0] = 0;
	ck_assert_int_eq(vcpu_poll(v, both, 2, 0), 0);
	ck_assert_ptr_null(cpu_step(0));
	send_from_1(other_port);
	ck_assert_ptr_eq(cpu_step(0), v);
}
END_TEST

START_TEST(poll_times_out)
{
	world();
	uint32_t bad = 4096;
	ck_assert_int_eq(vcpu_poll(v, &bad, 1, 0), -EINVAL);
	ck_assert_uint_eq(v->hold, 0);
	ck_assert_int_eq(vcpu_poll(v, &port, 1, cpu_time_ns() + 5 * MS), 0);
	ck_assert_ptr_null(cpu_step(0));
	host_time_advance(4 * MS);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
	host_time_advance(2 * MS);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), v);
	/* A deadline in the past does not sleep; 0 is none. */
	ck_assert_int_eq(vcpu_poll(v, &port, 1, 1), 0);
	ck_assert_ptr_eq(cpu_step(0), v);
	ck_assert_int_eq(vcpu_poll(v, &port, 1, 0), 0);
	host_time_advance(1000 * MS);
	machine_settle();
	ck_assert_ptr_null(cpu_step(0));
}
END_TEST

START_TEST(nmi_wakes_through_the_mask)
{
	world();
	vcpu_block(v);
	ck_assert_ptr_null(cpu_step(0));
	v->info->evtchn_upcall_mask = 1;
	host_cpu_select(1);
	vcpu_nmi(v);
	host_cpu_select(0);
	ck_assert_uint_eq(v->hold, 0);
	ck_assert(vcpu_has_event(v));
	v->nmi_masked = true;
	ck_assert(!vcpu_has_event(v));
}
END_TEST

START_TEST(running_elsewhere_is_kicked)
{
	world();
	host_cpu_select(0);
	host_kicked(0);
	send_from_1(port);
	ck_assert(host_kicked(0));
	ck_assert_uint_eq(v->info->evtchn_upcall_pending, 1);
	/* Pending already: no second kick. */
	send_from_1(other_port);
	ck_assert(!host_kicked(0));
}
END_TEST

START_TEST(info_moves_and_loses_nothing)
{
	world();
	struct space s = space_make(d, 2);
	mfn_t m = space_page(s, 1);
	AUDIT();
	v->info->evtchn_upcall_mask = 1;
	v->info->arch.cr2 = 0x1234;
	ck_assert_int_eq(vcpu_info_register(v, m, PAGE_SIZE - 63), -EINVAL);
	ck_assert_int_eq(vcpu_info_register(v, m, 4), -EINVAL);
	for (uint64_t left = 0; left < sizeof(struct vcpu_info); left += 8)	/* not a byte of the next frame */
		ck_assert_int_eq(vcpu_info_register(v, m, PAGE_SIZE - left), -EINVAL);
	ck_assert_int_eq(vcpu_info_register(v, m, ~7ull), -EINVAL);
	ck_assert_int_eq(vcpu_info_register(v, mfn(500000), 0), -EPERM);
	ck_assert_int_eq(vcpu_info_register(v, mfn(0), 0), -EPERM);
	ck_assert_int_eq(vcpu_info_register(v, s.l1, 0), -EBUSY);
	AUDIT();
	ck_assert_int_eq(vcpu_info_register(v, m, 128), 0);
	AUDIT();
	const struct vcpu_info *i = (void *)((char *)host_frame(m) + 128);
	ck_assert_ptr_eq(v->info, i);
	ck_assert_uint_eq(i->evtchn_upcall_mask, 1);
	ck_assert_uint_eq(i->evtchn_upcall_pending, 1);
	ck_assert_uint_eq(i->evtchn_pending_sel, ~0ull);
	ck_assert_uint_eq(i->arch.cr2, 0x1234);
	ck_assert_uint_ne(i->time.tsc_to_system_mul, 0);
	ck_assert_int_eq(vcpu_info_register(v, m, 0), -EBUSY);
	/* The frame cannot become a table while it is used so. */
	ck_assert_int_lt(frame_pin(&d->mem, m, FT_L1), 0);
	/* Another vCPU's only while it is down. */
	ck_assert_int_eq(vcpu_info_register(d->vcpu[1], m, 256), 0);
	AUDIT();
	domain_end(d);
	AUDIT();
}
END_TEST

START_TEST(info_of_a_running_vcpu_stays)
{
	world();
	struct space s = space_make(d, 1);
	host_cpu_select(1);
	ck_assert_int_eq(vcpu_info_register(v, space_page(s, 1), 0), -EINVAL);
	AUDIT();
}
END_TEST

CHECK_MAIN("vcpu", NULL, NULL, up_down_hold, pause_waits_for_the_other_cpu,
	   unpause_does_not_undo_a_later_pause, wake_while_leaving_is_not_lost,
	   block_and_event_in_both_orders, masked_event_does_not_end_a_block,
	   poll_sees_masked_ports, poll_of_one_port_ignores_others, poll_times_out,
	   nmi_wakes_through_the_mask, running_elsewhere_is_kicked, info_moves_and_loses_nothing,
	   info_of_a_running_vcpu_stays)
