/* time: the PV clock and the timers.
 *
 * What is tested: the clock never goes back, on any vCPU or between two; it is one that ticks at
 * the pace of the timers; singleshot timers fire neither early nor much too late; a deadline in the
 * past fires at once (a kernel that computed it too slowly must not sleep for ever), or is refused
 * if the caller asked for that; a stopped timer is silent; there is no periodic tick unless asked
 * for; the wall clock is after 2020; run states add up.
 *
 * How it is shown: VIRQ_TIMER is counted, and the clock read around it. */
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/errno.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/test.h"

const char test_name[] = "time";

#define MS 1000000ul

static evtchn_port_t timer;

static void monotonic(void)
{
	uint64_t last = clock_ns(), start = last, now;

	CHECK(last > 0, "the clock is 0");
	for (unsigned i = 0; i < 200000; i++) {
		now = clock_ns();
		if (now < last) {
			CHECK(0, "the clock went back by %lu ns", last - now);
			return;
		}
		last = now;
		if (i % 1000 == 0)
			sched_op(SCHEDOP_yield, 0);
	}
	CHECK(last > start, "the clock stands still");
}

/* Wait for the timer's next event; returns when it came. */
static uint64_t timer_wait(unsigned count)
{
	uint64_t patience = clock_ns() + 5000 * MS;

	while (event_count(timer) < count && clock_ns() < patience)
		sched_op(SCHEDOP_block, 0);
	return clock_ns();
}

static void singleshot(void)
{
	uint64_t worst = 0;

	for (unsigned i = 0; i < 20; i++) {
		unsigned count = event_count(timer);
		uint64_t deadline = clock_ns() + (1 + i % 5) * MS, came;

		events_disable();
		CHECK_EQ(timer_set(deadline), 0);
		came = timer_wait(count + 1);
		CHECK(event_count(timer) == count + 1, "%u events", event_count(timer) - count);
		CHECK(came >= deadline, "fired %lu ns early", deadline - came);
		if (came > deadline && came - deadline > worst)
			worst = came - deadline;
	}
	print("worst lateness %lu us\n", worst / 1000);
	CHECK(worst < 1000 * MS, "late by %lu ms", worst / MS);
}

static void past_deadlines(void)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = clock_ns() - 10 * MS };
	unsigned count = event_count(timer);
	uint64_t start = clock_ns();
	long rc;

	events_disable();
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	timer_wait(count + 1);
	CHECK_EQ(event_count(timer), count + 1);
	CHECK(clock_ns() - start < 500 * MS, "a past deadline took %lu ms",
	      (clock_ns() - start) / MS);
	t.timeout_abs_ns = 1;
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	timer_wait(count + 2);
	CHECK_EQ(event_count(timer), count + 2);
	t.flags = VCPU_SSHOTTMR_future;
	/* Refused, or fired at once: never forgotten. */
	rc = vcpu_op(VCPUOP_set_singleshot_timer, 0, &t);
	CHECK(rc == 0 || rc == -XEN_ETIME, "a past deadline with the future flag: %ld", rc);
	events_enable();
	sleep_until(clock_ns() + 5 * MS);
	CHECK_EQ(event_count(timer), count + (rc ? 2 : 3));
}

static void stopped(void)
{
	unsigned count = event_count(timer);

	CHECK_EQ(timer_set(clock_ns() + 10 * MS), 0);
	CHECK_EQ(vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
	events_enable();
	sleep_until(clock_ns() + 30 * MS);
	CHECK_EQ(event_count(timer), count);
	/* The last of two settings counts. */
	CHECK_EQ(timer_set(clock_ns() + 5 * MS), 0);
	CHECK_EQ(timer_set(clock_ns() + 15 * MS), 0);
	sleep_until(clock_ns() + 40 * MS);
	CHECK_EQ(event_count(timer), count + 1);
	/* The older interface. */
	CHECK_EQ(hypercall2(__HYPERVISOR_set_timer_op, clock_ns() + 5 * MS, 0), 0);
	sleep_until(clock_ns() + 20 * MS);
	CHECK_EQ(event_count(timer), count + 2);
	CHECK(vcpu_op(VCPUOP_set_singleshot_timer, 0, (void *)0x1000) < 0, "argument at 0x1000");
	CHECK(vcpu_op(VCPUOP_set_singleshot_timer, 900, 0) < 0, "timer of vCPU 900");
}

static void wall_clock(void)
{
	uint64_t sec = shared_info->wc_sec | (uint64_t)shared_info->wc_sec_hi << 32;

	CHECK((shared_info->wc_version & 1) == 0, "wc_version is odd");
	CHECK(sec + clock_ns() / 1000000000 > 1577836800, "the wall clock says %lu s", sec);
	CHECK(shared_info->wc_nsec < 1000000000, "wc_nsec is %u", shared_info->wc_nsec);
}

static void runstates(void)
{
	static struct vcpu_runstate_info r;
	struct vcpu_register_runstate_memory_area area = { .addr.v = (uint64_t)&r };
	uint64_t blocked, start;

	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area), 0);
	CHECK_EQ(__atomic_load_n(&r.state, __ATOMIC_RELAXED), RUNSTATE_running);
	blocked = __atomic_load_n(&r.time[RUNSTATE_blocked], __ATOMIC_RELAXED);
	start = clock_ns();
	sleep_until(start + 20 * MS);
	blocked = __atomic_load_n(&r.time[RUNSTATE_blocked], __ATOMIC_RELAXED) - blocked;
	CHECK(blocked >= 10 * MS && blocked <= clock_ns() - start,
	      "blocked for %lu us of a sleep of 20000", blocked / 1000);
	area.addr.v = 0;
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area), 0);
}

/* Two vCPUs exchange the latest time they saw: nobody may read an earlier one. Promised only where
 * the stable bit is set; without it kernels take the maximum themselves. */
static volatile uint64_t latest;
static volatile unsigned backwards, other_reads, stop;

static void compare(void)
{
	uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST), now = clock_ns();

	if (now < before)
		backwards++;
	while (now > before &&
	       !__atomic_compare_exchange_n(&latest, &before, now, 0, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
}

static void other_vcpu(void)
{
	while (!stop) {
		compare();
		other_reads++;
	}
	for (;;)
		vcpu_op(VCPUOP_down, vcpu_self(), 0);
}

static void two_vcpus(void)
{
	uint64_t end = clock_ns() + 300 * MS;

	if (vcpu_count() < 2) {
		print("one vCPU: not compared with another\n");
		return;
	}
	CHECK_EQ(vcpu_start(1, other_vcpu), 0);
	while (clock_ns() < end)
		compare();
	stop = 1;
	CHECK(other_reads > 0, "the other vCPU did not run");
	if (vcpu_info_of(0)->time.flags & XEN_PVCLOCK_TSC_STABLE_BIT)
		CHECK(backwards == 0, "%u readings behind those of the other vCPU", backwards);
	else
		print("not stable: %u readings behind those of the other vCPU\n", backwards);
}

void test_main(void)
{
	long port = event_bind_virq(VIRQ_TIMER, 0);

	if (port <= 0)
		test_error("bind_virq: %ld", port);
	timer = (evtchn_port_t)port;
	event_handle(timer, 0, 0);
	CHECK_EQ(vcpu_op(VCPUOP_stop_periodic_timer, 0, 0), 0);
	monotonic();
	CHECK_EQ(event_count(timer), 0);
	singleshot();
	past_deadlines();
	stopped();
	events_disable();
	wall_clock();
	runstates();
	two_vcpus();
}
