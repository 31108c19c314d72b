/* The scheduler's core: run queues, choosing, hand-over, accounting.
 *
 * There are no threads: sched_run() picks the next vCPU and makes its context the loaded one;
 * upcall_return() then resumes it. A runnable vCPU is in exactly one of two places: current on its
 * CPU, or waiting in the queue of ->cpu.
 * INVARIANT S3: a waiting vCPU is never running: the CPU it leaves queues it only after its
 * context was saved and is_running cleared, so whoever finds it in a queue may load it.
 * INVARIANT S4: whoever changes one of the reasons that vcpu_is_runnable() looks at calls
 * sched_wake() or sched_stop() afterwards; both look again under the queue's lock, and so does
 * the CPU that leaves a vCPU. So no order of the three loses a wake-up.
 * ->cpu changes under the lock of the queue it names, and only of a vCPU in neither place. Who then locks
 * the new queue may never have held the old one's lock: so the store releases, and reading it acquires.
 * Neighbours: sched_fair.c (order), sched_place.c (which CPU), sched_params.c (weights, caps),
 * return.c. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/dom/sched_policy.h"
#include "hv/dom/time.h"
#include "hv/mem/alloc.h"

static struct sched_queue queues[MAX_CPUS];
const struct sched_policy *const sched_policy = &sched_fair;
static cpumask_t ready_cpus, idle_cpus; /* atomic */

struct sched_queue *sched_queue_of(unsigned cpu)
{
	return &queues[cpu];
}

cpumask_t sched_cpus(void)
{
	return READ_ONCE(ready_cpus);
}

cpumask_t sched_idle_cpus(void)
{
	return READ_ONCE(idle_cpus);
}

cpumask_t sched_allowed(const struct vcpu *v)
{
	cpumask_t mask = READ_ONCE(v->hard_affinity) & sched_cpus();
	return mask ? mask : sched_cpus();
}

struct sched_queue *sched_queue_lock(const struct vcpu *v)
{
	for (;;) {
		struct sched_queue *q = &queues[LOAD_ACQUIRE(&v->cpu)];
		lock(&q->lock);
		if (READ_ONCE(v->cpu) == q->cpu)	/* then nobody changes it */
			return q;
		unlock(&q->lock);
	}
}

/* --- accounting --- */

static void runstate_enter(struct vcpu *v, uint8_t state, uint64_t now)
{
	v->runstate_ns[v->runstate] += now - v->runstate_entry_ns;
	v->runstate_entry_ns = now;
	v->runstate = state;
}

/* The state of a vCPU that does not run. */
static uint8_t runstate_waiting(const struct vcpu *v)
{
	uint32_t hold = READ_ONCE(v->hold);
	if ((hold & HOLD_DOWN) || READ_ONCE(v->pause_count) || READ_ONCE(v->domain->pause_count))
		return RUNSTATE_offline;
	return hold & (HOLD_BLOCKED | HOLD_POLLING) ? RUNSTATE_blocked : RUNSTATE_runnable;
}

static void charge_current(struct sched_queue *q, uint64_t now)
{
	struct vcpu *v = q->current;
	if (v == q->idle || now <= v->sched->charged_ns)
		return;
	uint64_t ns = now - v->sched->charged_ns;
	v->sched->charged_ns = now;
	sched_policy->charge(q, v->sched, ns);
	sched_cap_charge(v, ns, now);
}

/* --- queues --- */

static void hints_update(struct sched_queue *q)
{
	bool empty = list_is_empty(&q->waiting);
	WRITE_ONCE(q->first_vtime,
		empty ? ~0ull : list_entry(q->waiting.next, struct sched_vcpu, link)->vtime);
}

void sched_enqueue(struct sched_queue *q, struct vcpu *v, enum sched_entry entry)
{
	sched_policy->enqueue(q, v->sched, entry);
	v->sched->is_queued = true;
	WRITE_ONCE(q->waiting_count, q->waiting_count + 1);
	hints_update(q);
}

void sched_dequeue(struct sched_queue *q, struct vcpu *v)
{
	list_remove(&v->sched->link);
	v->sched->is_queued = false;
	WRITE_ONCE(q->waiting_count, q->waiting_count - 1);
	hints_update(q);
}

/* Should the current vCPU of @q make room for @s, which has just been queued? */
static bool should_reschedule(struct sched_queue *q, const struct sched_vcpu *s)
{
	if (q->current == q->idle)
		return true;
	charge_current(q, cpu_time_ns());
	return sched_policy->goes_first(s, q->current->sched, false) ||
	       !vcpu_is_runnable(q->current);
}

/* Queue @v, which belongs to @q and is in neither place. True: @q's CPU should reschedule. */
static bool wait_in(struct sched_queue *q, struct vcpu *v, enum sched_entry entry)
{
	runstate_enter(v, RUNSTATE_runnable, cpu_time_ns());
	sched_enqueue(q, v, entry);
	return should_reschedule(q, v->sched);
}

void sched_wake(struct vcpu *v)
{
	struct sched_queue *q;
	for (bool moved = false;; moved = true) {
		q = sched_queue_lock(v);
		bool placed = v->sched->is_queued || v->is_running;
		if (placed || !vcpu_is_runnable(v)) {
			if (!placed)
				runstate_enter(v, runstate_waiting(v), cpu_time_ns());
			unlock(&q->lock);
			return;
		}
		unsigned cpu = moved ? v->cpu : sched_place(v);
		if (cpu == v->cpu)
			break;
		STORE_RELEASE(&v->cpu, cpu);
		unlock(&q->lock);
	}
	bool slept = v->runstate == RUNSTATE_blocked;
	bool tell = wait_in(q, v, slept ? ENTRY_SLEPT : ENTRY_HELD);
	unlock(&q->lock);
	if (tell)
		work_raise(q->cpu, WORK_RESCHED);
}

void sched_stop(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);
	if (v->sched->is_queued && !vcpu_is_runnable(v))
		sched_dequeue(q, v);
	if (!v->is_running && !v->sched->is_queued)
		runstate_enter(v, runstate_waiting(v), cpu_time_ns());
	bool running = v->is_running;
	unlock(&q->lock);
	if (running)
		work_raise(q->cpu, WORK_RESCHED);
}

void sched_give_way(struct vcpu *v)
{
	v->sched->yields = true;
	work_raise(cpu_id(), WORK_RESCHED);
}

/* --- choosing and handing over --- */

static bool may_stay(const struct sched_queue *q)
{
	const struct vcpu *v = q->current;
	return v != q->idle && vcpu_is_runnable(v) && (sched_allowed(v) >> q->cpu & 1);
}

/* The next to run, out of the queue. Under its lock. */
static struct vcpu *choose(struct sched_queue *q, uint64_t now)
{
	bool stays = may_stay(q);
	struct sched_vcpu *mine = stays ? q->current->sched : NULL;
	if (list_is_empty(&q->waiting))
		return stays ? q->current : q->idle;
	struct sched_vcpu *first = list_entry(q->waiting.next, struct sched_vcpu, link);
	if (stays && mine->yields)
		sched_policy->give_way(mine, first);
	else if (stays && !sched_policy->goes_first(first, mine, now >= mine->slice_end_ns))
		return q->current;
	sched_dequeue(q, first->vcpu);
	return first->vcpu;
}

/* Would it pay to look for work elsewhere? Always when there is none here; else at a slice's
 * end. */
static bool look_elsewhere(const struct sched_queue *q, uint64_t now, uint64_t *mine)
{
	bool stays = may_stay(q);
	*mine = q->first_vtime;
	if (stays)
		*mine = min_u64(*mine, q->current->sched->vtime);
	return *mine == ~0ull || (stays && now >= q->current->sched->slice_end_ns);
}

static void slice_begin(struct sched_queue *q, struct vcpu *v, uint64_t now)
{
	struct sched_vcpu *s = v->sched;
	s->yields = false;
	if (now >= s->slice_end_ns)
		s->slice_end_ns = now + sched_cap_limit(v, sched_policy->slice_ns(q));
	/* A timer set too early costs one look; setting it at each switch would cost more. */
	if (!timer_is_set(&q->slice) || q->slice.deadline_ns > s->slice_end_ns)
		timer_set(&q->slice, s->slice_end_ns);
}

/* Make @next current, on paper. Under the lock. */
static void appoint(struct sched_queue *q, struct vcpu *next, uint64_t now)
{
	struct vcpu *prev = q->current;
	q->current = next;
	if (prev != q->idle)
		runstate_enter(prev, runstate_waiting(prev), now);
	if (next == q->idle) {
		ATOMIC_OR(&idle_cpus, 1ull << q->cpu);
		return;
	}
	if (prev == q->idle)
		ATOMIC_AND(&idle_cpus, ~(1ull << q->cpu));
	WRITE_ONCE(next->is_running, true);
	next->sched->charged_ns = now;
	next->sched->slice_end_ns = now;
	runstate_enter(next, RUNSTATE_running, now);
}

/* @prev's context is saved: queue it if it is runnable, here or elsewhere. When is_running is clear
 * it may run on another CPU, or its domain may be destroyed: that store is the last access. */
static void let_go(struct sched_queue *q, struct vcpu *prev)
{
	struct sched_queue *to = &queues[sched_place(prev)];
	bool tell = false;
	lock_pair(&q->lock, q->cpu, &to->lock, to->cpu);
	if (vcpu_is_runnable(prev)) {
		STORE_RELEASE(&prev->cpu, to->cpu);
		tell = wait_in(to, prev, ENTRY_RAN);
	}
	STORE_RELEASE(&prev->is_running, false);
	unlock_pair(&q->lock, &to->lock);
	if (tell)
		work_raise(to->cpu, WORK_RESCHED);
}

/* Load @next, let go of @prev. */
static void hand_over(struct sched_queue *q, struct vcpu *prev, struct vcpu *next)
{
	cpu_context_switch(&next->ctx);
	if (prev != q->idle) {
		cpu_context_sync(&prev->ctx);
		runstate_update_area(prev);
		let_go(q, prev);
	}
	if (next != q->idle) {
		vcpu_timers_migrate(next, q->cpu);
		time_update_if_stale(next);
		runstate_update_area(next);
	}
}

void sched_run(void)
{
	struct sched_queue *q = &queues[cpu_id()];
	uint64_t now = cpu_time_ns(), mine;
	lock(&q->lock);
	charge_current(q, now);
	if (look_elsewhere(q, now, &mine)) {
		unlock(&q->lock);
		sched_pull(q, mine);
		lock(&q->lock);
	}
	struct vcpu *prev = q->current, *next = choose(q, now);
	if (next != prev)
		appoint(q, next, now);
	if (next != q->idle)
		slice_begin(q, next, now);
	unlock(&q->lock);
	if (next != prev)
		hand_over(q, prev, next);
}

uint64_t sched_cpu_time_ns(const struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);
	uint64_t ns = v->runstate_ns[RUNSTATE_running];
	if (v->runstate == RUNSTATE_running)
		ns += cpu_time_ns() - v->runstate_entry_ns;
	unlock(&q->lock);
	return ns;
}

/* --- vCPUs and CPUs come and go --- */

int sched_vcpu_add(struct vcpu *v)
{
	struct sched_vcpu *s = heap_alloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	s->vcpu = v;
	list_init(&s->link);
	v->sched = s;
	v->hard_affinity = v->soft_affinity = ~0ull;
	v->runstate = RUNSTATE_offline;
	v->runstate_entry_ns = cpu_time_ns();
	v->cpu = sched_place(v);
	return 0;
}

void sched_vcpu_remove(struct vcpu *v)
{
	ASSERT(!v->is_running && !v->sched->is_queued);
	heap_free(v->sched);
	v->sched = NULL;
}

static void slice_over(void *arg)
{
	(void)arg;
	work_raise(cpu_id(), WORK_RESCHED);
}

int sched_cpu_add(unsigned cpu)
{
	struct sched_queue *q = &queues[cpu];
	struct vcpu *idle = heap_alloc(sizeof *idle);
	if (!idle)
		return -ENOMEM;
	idle->cpu = cpu;
	idle->ctx.is_idle = true;
	*q = (struct sched_queue){.cpu = cpu, .current = idle, .idle = idle, .first_vtime = ~0ull};
	lock_init(&q->lock, RANK_SCHED);
	list_init(&q->waiting);
	timer_init(&q->slice, slice_over, NULL, cpu);
	return 0;
}

void sched_cpu_start(void)
{
	struct sched_queue *q = &queues[cpu_id()];
	cpu_context_switch(&q->idle->ctx);
	ATOMIC_OR(&idle_cpus, 1ull << q->cpu);
	ATOMIC_OR(&ready_cpus, 1ull << q->cpu);
	work_raise(q->cpu, WORK_RESCHED);
}

void sched_init(void)
{
	ready_cpus = idle_cpus = 0;
	domain_init();
	work_register(WORK_RESCHED, sched_run);
	if (sched_cpu_add(cpu_id()))
		panic("no memory for the boot CPU's run queue");
	sched_cpu_start();
}
