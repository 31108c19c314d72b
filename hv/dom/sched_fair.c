/* Policy: weighted fair sharing by virtual time.
 *
 * A vCPU's virtual time advances with the time it runs, the slower the greater its domain's
 * weight; the one furthest behind goes first. Every queue has a floor, the least virtual time in
 * it, which never runs back.
 * INVARIANT S1: a vCPU that enters a queue is at most LAG_MAX behind or ahead of its floor, so
 * that one that comes from a CPU whose clock ran otherwise neither keeps the CPU nor starves; one
 * that slept is at most WAKE_BONUS behind, so sleeping saves up no more than that; and one that
 * was held, by its cap or a pause, is not behind at all: its budget used up in one go at the start
 * of each period would come before those that do sleep.
 * INVARIANT S2: latency of a wake-up: one that slept is behind the floor and preempts at once
 * whatever is more than PREEMPT_MARGIN ahead; one that used its share waits for those ahead of it,
 * a slice each, and slices shrink with the queue down to SLICE_MIN.
 * Neighbours: sched.c calls through struct sched_policy. */
#include "hv/base/atomic.h"
#include "hv/dom/sched_policy.h"

#define US        1000ull
#define SLICE_MAX (10000 * US)
#define SLICE_MIN (1000 * US)
#define LATENCY                                                                                    \
	(8000 * US) /* shared out among those that wait: vCPUs of one guest wait for each other */
#define WAKE_BONUS     (3000 * US)
#define LAG_MAX        (100000 * US)
#define PREEMPT_MARGIN (500 * US)
#define MOVE_MARGIN    (3000 * US)

static uint64_t weighted(const struct sched_vcpu *s, uint64_t ns)
{
	return ns * SCHED_WEIGHT_DEFAULT / READ_ONCE(s->vcpu->domain->sched->params.weight);
}

static void floor_advance(struct sched_queue *q)
{
	uint64_t least = ~0ull;
	if (!list_is_empty(&q->waiting))
		least = list_entry(q->waiting.next, struct sched_vcpu, link)->vtime;
	if (q->current != q->idle)
		least = min_u64(least, q->current->sched->vtime);
	if (least != ~0ull)
		WRITE_ONCE(q->floor, max_u64(q->floor, least));
}

/* A queue that had nothing to run starts at the clock of those that had, or its time would
 * look far behind theirs and it would keep what it gets. */
static void floor_adopt(struct sched_queue *q)
{
	cpumask_t busy = sched_cpus() & ~sched_idle_cpus() & ~(1ull << q->cpu);
	uint64_t least = ~0ull, greatest = 0;
	for (cpumask_t left = sched_cpus(); left; left &= left - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(left);
		uint64_t other = READ_ONCE(sched_queue_of(cpu)->floor);
		greatest = max_u64(greatest, other);
		if (busy >> cpu & 1)
			least = min_u64(least, other);
	}
	WRITE_ONCE(q->floor, max_u64(q->floor, busy ? least : greatest));
}

static void fair_enqueue(struct sched_queue *q, struct sched_vcpu *s, enum sched_entry entry)
{
	static const uint64_t behind_max[] = {
		[ENTRY_RAN] = LAG_MAX, [ENTRY_SLEPT] = WAKE_BONUS, [ENTRY_HELD] = 0};
	if (q->current == q->idle && list_is_empty(&q->waiting))
		floor_adopt(q);
	floor_advance(q);
	if (q->floor > behind_max[entry])
		s->vtime = max_u64(s->vtime, q->floor - behind_max[entry]);
	s->vtime = min_u64(s->vtime, q->floor + LAG_MAX);

	struct list *at = q->waiting.prev;
	while (at != &q->waiting && list_entry(at, struct sched_vcpu, link)->vtime > s->vtime)
		at = at->prev;
	list_add_head(&s->link, at);
}

static void fair_charge(struct sched_queue *q, struct sched_vcpu *s, uint64_t ns)
{
	s->vtime += weighted(s, ns);
	floor_advance(q);
}

static bool fair_goes_first(
	const struct sched_vcpu *s, const struct sched_vcpu *running, bool slice_over)
{
	return s->vtime + (slice_over ? 0 : PREEMPT_MARGIN) < running->vtime;
}

static uint64_t fair_slice_ns(const struct sched_queue *q)
{
	return max_u64(SLICE_MIN, min_u64(SLICE_MAX, LATENCY / (q->waiting_count + 1)));
}

static void fair_give_way(struct sched_vcpu *s, const struct sched_vcpu *other)
{
	s->vtime = max_u64(s->vtime, other->vtime + 1);
}

static bool fair_worth_moving(uint64_t waiting, uint64_t mine)
{
	return waiting < mine && mine - waiting > MOVE_MARGIN;
}

const struct sched_policy sched_fair = {
	.name = "fair",
	.enqueue = fair_enqueue,
	.charge = fair_charge,
	.goes_first = fair_goes_first,
	.slice_ns = fair_slice_ns,
	.give_way = fair_give_way,
	.worth_moving = fair_worth_moving,
};
