/* The scheduler and event delivery with a thread for each CPU: tokens travel from vCPU to vCPU as
 * events and NMIs, each hop a block, a wake-up and often a move to another CPU, while another thread pauses,
 * moves and caps them. A lost wake-up stops a token, which the test sees as a standstill. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/unit/domain_machine.h"

#define CPUS   4 /* the last one is the control domain's, without a vCPU */
#define VCPUS  6
#define TOKENS 2
#define HOPS   60000u

static struct domain *d;
static uint32_t port[VCPUS];
static uint32_t hops; /* atomic */
static bool stop;

static void hop(struct vcpu *v)
{
	unsigned next = (v->id + 1) % VCPUS;
	if (ATOMIC_ADD(&hops, 1u) % 3 == 0)
		vcpu_nmi(d->vcpu[next]);
	else if (evtchn_send(d, port[next]))
		abort();
}

/* What a guest does when it runs: handle its events, then wait for more in one of the ways. */
static void guest_runs(struct vcpu *v, unsigned *seed)
{
	struct vcpu_info *i = v->info;
	i->evtchn_upcall_mask = 1;
	if (ATOMIC_XCHG(&v->nmi_pending, false))
		hop(v);
	while (ATOMIC_XCHG(&i->evtchn_upcall_pending, (uint8_t)0)) {
		uint64_t sel = ATOMIC_XCHG(&i->evtchn_pending_sel, 0ull);
		if ((sel & 1) && bit_test_and_clear(d->shared->evtchn_pending, port[v->id]))
			hop(v);
	}
	switch (rand_r(seed) % 8) {
	case 0:
		vcpu_yield(v);
		/* fall through */
	case 1:
		i->evtchn_upcall_mask = 0; /* goes on running */
		break;
	case 2:
		/* Masked, as a spinning kernel polls; woken by the pending bit. */
		if (vcpu_poll(v, &port[v->id], 1, 0))
			abort();
		break;
	default:
		vcpu_block(v);
	}
}

static void *cpu_thread(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg, seed = cpu;
	host_cpu_select(cpu);
	while (!READ_ONCE(stop)) {
		host_interrupts();
		struct cpu_context *ctx = return_try();
		if (lock_held_count())
			abort();
		if (ctx)
			guest_runs(vcpu_of(ctx), &seed);
		else
			sched_yield();
	}
	return NULL;
}

/* The CPU without a guest: disturbs. */
static void disturb(unsigned n)
{
	struct vcpu *v = d->vcpu[n % VCPUS];
	struct sched_params p = {.weight = 256, .cap = n % 3 ? 0 : 250};
	host_time_set(cpu_time_ns() + 50000);
	host_interrupts();
	(void)return_try();
	switch (n % 5) {
	case 0:
		vcpu_pause(v);
		if (READ_ONCE(v->is_running))
			abort();
		vcpu_unpause(v);
		break;
	case 1:
		if (sched_affinity_set(v, 1ull << (n / 5 % 3) | 1ull << (n / 7 % 3), ~0ull))
			abort();
		break;
	case 2:
		domain_pause(d);
		for (unsigned i = 0; i < VCPUS; i++)
			if (READ_ONCE(d->vcpu[i]->is_running))
				abort();
		domain_unpause(d);
		break;
	case 3:
		if (sched_params_set(d, &p))
			abort();
		break;
	default:
		(void)sched_cpu_time_ns(v);
	}
}

static void breathe(void)
{
	sched_yield();
}

START_TEST(tokens_never_stop)
{
	pthread_t thread[CPUS - 1];
	machine_boot(CPUS, 512);
	host_hook_relax = breathe;
	WRITE_ONCE(stop, false);
	d = domain_make(1, VCPUS);
	for (unsigned i = 0; i < VCPUS; i++) {
		d->vcpu[i]->is_initialised = true;
		ck_assert_int_eq(
			sched_affinity_set(d->vcpu[i], 7, ~0ull), 0); /* never the last CPU */
		ck_assert_int_eq(evtchn_bind_ipi(d, i, &port[i]), 0);
		ck_assert_int_eq(vcpu_up(d->vcpu[i]), 0);
	}
	ck_assert_int_eq(domain_control_unpause(d), 0);
	for (unsigned i = 0; i < TOKENS; i++)
		ck_assert_int_eq(evtchn_send(d, port[i * VCPUS / TOKENS]), 0);
	for (uintptr_t cpu = 0; cpu < CPUS - 1; cpu++)
		pthread_create(&thread[cpu], NULL, cpu_thread, (void *)cpu);
	host_cpu_select(CPUS - 1);
	uint32_t last = 0;
	for (unsigned n = 0, still = 0; READ_ONCE(hops) < HOPS; n++) {
		disturb(n);
		usleep(200);
		still = READ_ONCE(hops) == last ? still + 1 : 0;
		last = READ_ONCE(hops);
		if (still > 20000)
			ck_abort_msg("tokens stand still after %u hops", last);
	}
	WRITE_ONCE(stop, true);
	for (unsigned cpu = 0; cpu < CPUS - 1; cpu++)
		pthread_join(thread[cpu], NULL);
	machine_settle();
	AUDIT();
}
END_TEST

static void *clock_thread(void *arg)
{
	host_cpu_select(1);
	while (!READ_ONCE(stop)) {
		time_update_vcpu(arg);
		time_update_wallclock(d);
	}
	return NULL;
}

/* Two vCPUs of a guest may name one place for what the hypervisor writes for both: one's clock is written
 * while the other's registration copies. It must be told by marked accesses that this is meant. */
START_TEST(records_in_one_place)
{
	pthread_t thread;
	machine_boot(2, 512);
	d = domain_make(1, 2);
	mfn_t m = frame_make(d);
	ck_assert_int_eq(vcpu_info_register(d->vcpu[0], m, 256), 0);
	WRITE_ONCE(stop, false);
	pthread_create(&thread, NULL, clock_thread, d->vcpu[0]);
	for (unsigned i = 0; i < 20000; i++) {
		REQUIRE(vcpu_info_register(d->vcpu[1], m, 256) == 0);
		vcpu_info_unregister(d->vcpu[1]);
	}
	WRITE_ONCE(stop, true);
	pthread_join(thread, NULL);
	AUDIT();
}
END_TEST

CHECK_MAIN("threads", NULL, NULL, records_in_one_place, tokens_never_stop)
