/* A modelled machine with the layers up to events and grants, for hosted unit tests: CPUs that
 * schedule, domains without a guest kernel. The test plays the guests and says which CPU acts. */
#pragma once
#include "hv/base/errno.h"
#include "hv/core/timer.h"
#include "hv/core/work.h"
#include "hv/cpu/upcall.h"
#include "hv/dom/sched.h"
#include "hv/dom/time.h"
#include "hv/event/evtchn.h"
#include "hv/grant/grant.h"
#include "hv/mem/alloc.h"
#include "hv/mem/table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/host_machine.h"

#define MS 1000000ull

static unsigned machine_stops;	/* calls of machine_shutdown */
static unsigned machine_stop_code;
static unsigned deliveries;	/* upcalls delivered */

static inline void fake_machine_shutdown(unsigned code)
{
	machine_stops++;
	machine_stop_code = code;
}

/* What hv/pv does, as far as the layers below see it: the event mask is set on entry. */
static inline void fake_deliver(struct vcpu *v)
{
	ATOMIC_ADD(&deliveries, 1u);
	v->info->evtchn_upcall_mask = 1;
}

/* Check's assertions leave a mark each time they hold, which is slow in loops. */
#define REQUIRE(cond) do { \
	if (!(cond)) \
		ck_abort_msg("%s:%d: not %s", __FILE__, __LINE__, #cond); \
} while (0)
/* The audit after an operation. */
#define AUDIT() do { \
	const char *broken_ = host_machine_check(); \
	if (broken_) \
		ck_abort_msg("%s:%d: %s", __FILE__, __LINE__, broken_); \
} while (0)

static inline struct vcpu *cpu_step(unsigned cpu);

/* Whoever waits for another CPU sees it come by. */
static inline void others_step(void)
{
	unsigned self = cpu_id();
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (cpu != self)
			cpu_step(cpu);
	host_cpu_select(self);
}

static inline void machine_boot(unsigned cpus, uint64_t frames)
{
	host_machine_start(cpus, frames);
	timers_init();
	host_upcall_timer = upcall_timer;
	sched_init();
	evtchn_init();
	grant_init();
	for (unsigned cpu = 1; cpu < cpus; cpu++) {
		ck_assert_int_eq(sched_cpu_add(cpu), 0);
		host_cpu_select(cpu);
		sched_cpu_start();
	}
	host_cpu_select(0);
	vcpu_deliver_event = fake_deliver;
	machine_shutdown = fake_machine_shutdown;
	host_hook_relax = others_step;
	machine_stops = deliveries = 0;
}

/* @cpu passes its last stop: what it runs then, NULL when idle. */
static inline struct vcpu *cpu_step(unsigned cpu)
{
	host_cpu_select(cpu);
	host_kicked(cpu);
	struct cpu_context *ctx = return_try();
	REQUIRE(lock_held_count() == 0);
	return ctx ? vcpu_of(ctx) : NULL;
}

/* Every CPU passes until none is asked to come by any more. */
static inline void machine_settle(void)
{
	for (bool again = true; again;) {
		again = false;
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
			host_cpu_select(cpu);
			again |= work_is_pending();
			cpu_step(cpu);
		}
	}
	host_cpu_select(0);
}

/* A paused domain with @vcpus vCPUs, held down. */
static inline struct domain *domain_make(domid_t id, unsigned vcpus)
{
	struct domain_config c = { .max_vcpus = vcpus, .is_control = id == 0 };
	struct domain *d;
	struct vcpu *v;
	ck_assert_int_eq(domain_create(id, &c, &d), 0);
	for (unsigned i = 0; i < vcpus; i++) {
		ck_assert_int_eq(vcpu_create(d, i, &v), 0);
		v->ctx.kernel_mode = true;
	}
	return d;
}

/* The same, running. */
static inline struct domain *domain_start(domid_t id, unsigned vcpus)
{
	struct domain *d = domain_make(id, vcpus);
	for (unsigned i = 0; i < vcpus; i++) {
		d->vcpu[i]->is_initialised = true;
		ck_assert_int_eq(vcpu_up(d->vcpu[i]), 0);
	}
	ck_assert_int_eq(domain_control_unpause(d), 0);
	return d;
}

/* Make @v what @cpu runs, whatever else there is. */
static inline void vcpu_run_on(struct vcpu *v, unsigned cpu)
{
	ck_assert_int_eq(sched_affinity_set(v, 1ull << cpu, ~0ull), 0);
	for (unsigned i = 0; i < 1000; i++) {
		machine_settle();
		if (cpu_step(cpu) == v)
			return;
		host_time_advance(MS);
	}
	ck_abort_msg("vCPU %u of domain %u never ran", v->id, v->domain->id);
}

/* A domain's address space: L4, L3, L2 and one L1, which maps the domain's data frames i = 1..
 * writable at i * 4096. Every table is pinned through the L4 and not mapped itself. */
struct space { mfn_t l4, l3, l2, l1; };

static inline mfn_t frame_make(struct domain *d)
{
	mfn_t m;
	ck_assert_int_eq(frame_alloc(&d->mem, 0, 0, pfn(M2P_INVALID), &m), 0);
	return m;
}

static inline void entry_poke(mfn_t table, unsigned i, uint64_t entry)
{
	((uint64_t *)host_frame(table))[i] = entry;
}

static inline uint64_t entry_peek(mfn_t table, unsigned i)
{
	return ((uint64_t *)host_frame(table))[i];
}

static inline struct space space_make(struct domain *d, unsigned pages)
{
	const uint64_t flags = PTE_PRESENT | PTE_WRITE | PTE_USER;
	struct space s = { frame_make(d), frame_make(d), frame_make(d), frame_make(d) };
	for (unsigned i = 1; i <= pages; i++)
		entry_poke(s.l1, i, pte_make(frame_make(d), flags | PTE_NX));
	entry_poke(s.l2, 0, pte_make(s.l1, flags));
	entry_poke(s.l3, 0, pte_make(s.l2, flags));
	entry_poke(s.l4, 0, pte_make(s.l3, flags));
	int rc;
	while ((rc = frame_pin(&d->mem, s.l4, FT_L4)) == -ERESTART)
		machine_settle();
	REQUIRE(rc == 0);
	for (unsigned i = 0; i < d->max_vcpus; i++)
		d->vcpu[i]->ctx.kernel_l4 = s.l4;
	return s;
}

static inline mfn_t space_page(struct space s, unsigned i)
{
	return pte_mfn(entry_peek(s.l1, i));
}

/* Kill @d to the end and reap; the caller holds no reference. */
static inline void domain_end(struct domain *d)
{
	int rc;
	unsigned rounds = 0;
	domain_get(d);
	domain_pause_nosync(d);		/* the CPU we act on may run it */
	machine_settle();
	while ((rc = domain_kill(d)) == -ERESTART) {
		REQUIRE(rounds++ < 10000);
		machine_settle();
	}
	ck_assert_int_eq(rc, 0);
	domain_put(d);
	machine_settle();
}
