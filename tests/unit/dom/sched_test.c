/* The scheduler on a virtual clock: shares by weight, caps, affinity, work conservation, latency.
 * CPUs are stepped every 100 us; hogs always run, so that what a vCPU got is the policy's doing. */
#include "tests/unit/domain_machine.h"

#define TICK 100000ull

/* No vCPU is current on two CPUs, and those that run are runnable. */
static void check_currents(void)
{
	struct vcpu *on[MAX_CPUS];
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		on[cpu] = cpu_step(cpu);
		REQUIRE(!on[cpu] ||
			(vcpu_is_runnable(on[cpu]) && on[cpu]->is_running && on[cpu]->cpu == cpu));
		for (unsigned other = 0; on[cpu] && other < cpu; other++)
			REQUIRE(on[cpu] != on[other]);
	}
}

static void run_for(uint64_t ns)
{
	for (uint64_t t = 0; t < ns; t += TICK) {
		host_time_advance(TICK);
		machine_settle();
		check_currents();
	}
}

static uint64_t ran(const struct domain *d)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < d->max_vcpus; i++)
		sum += sched_cpu_time_ns(d->vcpu[i]);
	return sum;
}

/* @got is @want within one in @part. */
static void near(uint64_t got, uint64_t want, uint64_t part)
{
	uint64_t off = got > want ? got - want : want - got;
	ck_assert_msg(off <= want / part, "got %llu, want %llu", (unsigned long long)got,
		(unsigned long long)want);
}

/* @domains busy ones on @cpus get equal shares, within one in @part, of all the time there is. */
static void shares_are_equal(unsigned cpus, unsigned domains, uint64_t part)
{
	uint64_t ns = domains * 1000 * MS / cpus, sum = 0;
	struct domain *d[11];

	machine_boot(cpus, 256 + 256 * cpus);
	for (unsigned i = 0; i < domains; i++)
		d[i] = domain_start((domid_t)(i + 1), 1);
	run_for(ns);
	for (unsigned i = 0; i < domains; i++) {
		near(ran(d[i]), 1000 * MS, part);
		sum += ran(d[i]);
	}
	near(sum, ns * cpus, 200);
	AUDIT();
}

START_TEST(equal_shares_on_one_cpu)
{
	shares_are_equal(1, 3, 50);
}
END_TEST

START_TEST(shares_hold_over_all_cpus)
{
	shares_are_equal(2, 3, 20);
}
END_TEST

START_TEST(shares_hold_with_many_vcpus)
{
	shares_are_equal(4, 11, 10);
}
END_TEST

START_TEST(weights_divide_a_cpu)
{
	machine_boot(1, 512);
	struct domain *a = domain_start(1, 1), *b = domain_start(2, 1), *c = domain_start(3, 1);
	ck_assert_int_eq(sched_params_set(b, &(struct sched_params){.weight = 512}), 0);
	ck_assert_int_eq(sched_params_set(c, &(struct sched_params){.weight = 1024}), 0);
	run_for(7000 * MS);
	near(ran(a), 1000 * MS, 20);
	near(ran(b), 2000 * MS, 20);
	near(ran(c), 4000 * MS, 20);
	ck_assert_int_eq(sched_params_set(a, &(struct sched_params){.weight = 0}), -EINVAL);
}
END_TEST

START_TEST(cap_limits_a_domain_alone)
{
	machine_boot(2, 512);
	struct domain *a = domain_start(1, 2), *b = domain_start(2, 1);
	ck_assert_int_eq(sched_params_set(a, &(struct sched_params){.weight = 256, .cap = 30}), 0);
	run_for(3000 * MS);
	near(ran(a), 900 * MS, 20);
	/* While both of a's run, b waits: at most half of what a got. */
	ck_assert_uint_ge(ran(b), 2500 * MS);
	struct sched_params p;
	sched_params_get(a, &p);
	ck_assert_uint_eq(p.cap, 30);
	/* Lifting it lets the throttled go at once. */
	ck_assert_int_eq(sched_params_set(a, &(struct sched_params){.weight = 256}), 0);
	uint64_t before = ran(a);
	run_for(1000 * MS);
	ck_assert_uint_gt(ran(a) - before, 900 * MS);
}
END_TEST

START_TEST(cap_above_one_cpu)
{
	machine_boot(2, 512);
	struct domain *a = domain_start(1, 2);
	ck_assert_int_eq(sched_params_set(a, &(struct sched_params){.weight = 256, .cap = 150}), 0);
	run_for(2000 * MS);
	near(ran(a), 3000 * MS, 20);
}
END_TEST

/* What `make bench` measures on the machine: what a cap leaves, the others share by weight. */
START_TEST(weights_and_a_cap_divide_two_cpus)
{
	static const struct sched_params params[] = {{128, 0}, {256, 0}, {512, 0}, {512, 25}};
	static const uint64_t percent[] = {25, 50, 100, 25};
	struct domain *d[4];
	machine_boot(2, 1024);
	for (unsigned i = 0; i < 4; i++) {
		d[i] = domain_start((domid_t)(i + 1), 2);
		ck_assert_int_eq(sched_params_set(d[i], &params[i]), 0);
	}
	run_for(3000 * MS);
	for (unsigned i = 0; i < 4; i++)
		near(ran(d[i]), 30 * MS * percent[i], 33);
}
END_TEST

START_TEST(hard_affinity_is_kept)
{
	machine_boot(3, 512);
	struct domain *a = domain_start(1, 1), *b = domain_start(2, 1);
	ck_assert_int_eq(sched_affinity_set(a->vcpu[0], 1ull << 2, ~0ull), 0);
	ck_assert_int_eq(sched_affinity_set(b->vcpu[0], 1ull << 2, ~0ull), 0);
	for (unsigned i = 0; i < 2000; i++) {
		host_time_advance(TICK);
		machine_settle();
		REQUIRE(!cpu_step(0) && !cpu_step(1) && cpu_step(2));
	}
	near(ran(a), 100 * MS, 8);
	ck_assert_int_eq(sched_affinity_set(a->vcpu[0], 1ull << 40, ~0ull), -EINVAL);
	/* Moving a running one away takes effect at once, and both CPUs work. */
	struct vcpu *now = cpu_step(2);
	ck_assert_int_eq(sched_affinity_set(now, 1ull << 0, ~0ull), 0);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), now);
	ck_assert_ptr_nonnull(cpu_step(2));
}
END_TEST

START_TEST(soft_affinity_is_preferred_not_obeyed)
{
	machine_boot(2, 512);
	struct domain *a = domain_make(1, 1), *b = domain_make(2, 1);
	for (struct domain *d = a; d; d = d == a ? b : NULL) {
		d->vcpu[0]->is_initialised = true;
		ck_assert_int_eq(sched_affinity_set(d->vcpu[0], ~0ull, 1ull << 1), 0);
		ck_assert_int_eq(vcpu_up(d->vcpu[0]), 0);
	}
	ck_assert_int_eq(domain_control_unpause(a), 0);
	machine_settle();
	ck_assert_ptr_eq(cpu_step(1), a->vcpu[0]);
	ck_assert_ptr_null(cpu_step(0));
	/* A second one that likes the same CPU rather runs elsewhere than not at all. */
	ck_assert_int_eq(domain_control_unpause(b), 0);
	run_for(10 * MS);
	ck_assert_ptr_nonnull(cpu_step(0));
	ck_assert_ptr_nonnull(cpu_step(1));
}
END_TEST

START_TEST(idle_cpu_takes_waiting_work)
{
	machine_boot(2, 512);
	struct domain *a = domain_start(1, 1), *b = domain_start(2, 1);
	for (struct domain *d = a; d; d = d == a ? b : NULL)
		ck_assert_int_eq(sched_affinity_set(d->vcpu[0], 1ull << 0, ~0ull), 0);
	machine_settle();
	ck_assert_ptr_null(cpu_step(1));
	struct vcpu *waits = cpu_step(0) == a->vcpu[0] ? b->vcpu[0] : a->vcpu[0];
	waits->hard_affinity = ~0ull; /* nobody is told */
	host_cpu_select(1);
	work_raise(1, WORK_RESCHED);
	ck_assert_ptr_eq(cpu_step(1), waits);
	ck_assert_uint_eq(waits->cpu, 1);
}
END_TEST

static void sleeper_sleep(struct vcpu *v)
{
	v->info->evtchn_upcall_pending = 0;
	vcpu_block(v);
	machine_settle();
}

static void sleeper_wake(struct vcpu *v)
{
	host_cpu_select(v->cpu);
	v->info->evtchn_upcall_pending = 1;
	vcpu_kick(v);
	machine_settle();
}

/* A sleeper with its share unused runs at the first opportunity, however many hogs there are. */
START_TEST(wakeup_preempts_hogs)
{
	machine_boot(1, 1024);
	struct domain *hog[6];
	for (unsigned i = 0; i < 6; i++)
		hog[i] = domain_start((domid_t)(i + 1), 1);
	struct domain *s = domain_start(20, 1);
	struct vcpu *v = s->vcpu[0];
	vcpu_run_on(v, 0);
	for (unsigned round = 0; round < 50; round++) {
		sleeper_sleep(v);
		run_for(30 * MS + round * TICK);
		ck_assert_ptr_ne(cpu_step(0), v);
		sleeper_wake(v);
		ck_assert_ptr_eq(cpu_step(0), v);
	}
	ck_assert_uint_gt(ran(hog[0]), 100 * MS);
}
END_TEST

/* The same where one hog is held by its cap for most of each period: to be let go is not to wake
 * up, so that it runs in its turn, and not before all others until it has used its budget up. */
START_TEST(wakeup_preempts_a_capped_hog)
{
	machine_boot(1, 1024);
	struct domain *hog = domain_start(1, 1), *capped = domain_start(2, 1);
	struct vcpu *v = domain_start(20, 1)->vcpu[0];
	struct sched_params p = {.weight = 256, .cap = 25};
	ck_assert_int_eq(sched_params_set(capped, &p), 0);
	vcpu_run_on(v, 0);
	for (unsigned round = 0; round < 200; round++) {
		sleeper_sleep(v);
		run_for(10 * MS + round % 7 * TICK);
		sleeper_wake(v);
		ck_assert_ptr_eq(cpu_step(0), v);
	}
	near(ran(capped), cpu_time_ns() / 4, 20);
	ck_assert_uint_gt(ran(hog), ran(capped) * 2);
}
END_TEST

static bool runs(const struct vcpu *v)
{
	return cpu_step(0) == v || cpu_step(1) == v;
}

/* On two CPUs, one may just run a vCPU that came from the other and has time to make up for: the
 * sleeper waits for a slice's end at most. */
START_TEST(wakeup_is_soon_on_two_cpus)
{
	machine_boot(2, 1024);
	for (unsigned i = 0; i < 4; i++) {
		struct domain *d = domain_start((domid_t)(i + 1), 2);
		struct sched_params p = {.weight = (uint16_t)(128 << i % 3)};
		ck_assert_int_eq(sched_params_set(d, &p), 0);
	}
	struct vcpu *v = domain_start(20, 1)->vcpu[0];
	uint64_t late = 0;
	for (unsigned round = 0; round < 500; round++) {
		while (!runs(v))
			run_for(TICK);
		host_cpu_select(v->cpu);
		sleeper_sleep(v);
		run_for(10 * MS + round % 7 * TICK);
		sleeper_wake(v);
		uint64_t woken = cpu_time_ns();
		while (!runs(v))
			run_for(TICK);
		ck_assert_uint_le(cpu_time_ns() - woken, 3 * MS);
		late += cpu_time_ns() > woken;
		run_for(TICK);
	}
	ck_assert_uint_lt(late, 25);
}
END_TEST

/* Sleeping does not save up credit: after a long sleep, hogs still get their half. */
START_TEST(sleep_is_no_credit)
{
	machine_boot(1, 512);
	struct domain *hog = domain_start(1, 1), *s = domain_start(2, 1);
	vcpu_run_on(s->vcpu[0], 0);
	vcpu_block(s->vcpu[0]);
	run_for(5000 * MS);
	uint64_t before = ran(hog);
	host_cpu_select(0);
	s->vcpu[0]->info->evtchn_upcall_pending = 1;
	vcpu_kick(s->vcpu[0]);
	run_for(200 * MS);
	near(ran(hog) - before, 100 * MS, 10);
}
END_TEST

START_TEST(yield_lets_the_next_run)
{
	machine_boot(1, 512);
	struct domain *a = domain_start(1, 1), *b = domain_start(2, 1);
	machine_settle();
	for (unsigned i = 0; i < 20; i++) {
		struct vcpu *now = cpu_step(0);
		vcpu_yield(now);
		struct vcpu *next = cpu_step(0);
		ck_assert_ptr_ne(now, next);
		ck_assert(next == a->vcpu[0] || next == b->vcpu[0]);
		host_time_advance(TICK);
	}
	/* Alone, it goes on. */
	domain_pause(b);
	struct vcpu *v = a->vcpu[0];
	machine_settle();
	ck_assert_ptr_eq(cpu_step(0), v);
	vcpu_yield(v);
	ck_assert_ptr_eq(cpu_step(0), v);
}
END_TEST

START_TEST(runstates_add_up)
{
	machine_boot(1, 512);
	struct domain *a = domain_start(1, 1), *b = domain_start(2, 1);
	struct vcpu_runstate_info r;
	run_for(1000 * MS);
	runstate_get(a->vcpu[0], &r);
	near(r.time[RUNSTATE_running], 500 * MS, 20);
	near(r.time[RUNSTATE_runnable], 500 * MS, 20);
	ck_assert_uint_eq(r.time[0] + r.time[1] + r.time[2] + r.time[3], cpu_time_ns());
	domain_pause(b);
	run_for(100 * MS);
	runstate_get(b->vcpu[0], &r);
	ck_assert_int_eq(r.state, RUNSTATE_offline);
	near(r.time[RUNSTATE_offline], 100 * MS, 20);
	vcpu_run_on(a->vcpu[0], 0);
	vcpu_block(a->vcpu[0]);
	run_for(100 * MS);
	runstate_get(a->vcpu[0], &r);
	ck_assert_int_eq(r.state, RUNSTATE_blocked);
	near(r.time[RUNSTATE_blocked], 100 * MS, 20);
}
END_TEST

CHECK_MAIN("sched", NULL, NULL, equal_shares_on_one_cpu, shares_hold_over_all_cpus,
	   shares_hold_with_many_vcpus, weights_divide_a_cpu, cap_limits_a_domain_alone,
	   cap_above_one_cpu, weights_and_a_cap_divide_two_cpus, hard_affinity_is_kept,
	   soft_affinity_is_preferred_not_obeyed, idle_cpu_takes_waiting_work,
	   wakeup_preempts_hogs, wakeup_preempts_a_capped_hog, wakeup_is_soon_on_two_cpus,
	   sleep_is_no_credit, yield_lets_the_next_run, runstates_add_up)
