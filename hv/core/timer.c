/* One-shot timers: a pairing heap per CPU, linked through the timers themselves, so that their number
 * has no limit that a guest could reach.
 *
 * Rules: a queue and the timers in it are guarded by the queue's lock; a timer's ->cpu changes
 * only while it holds the locks of both queues, and not while fn runs. fn runs on the timer's CPU without
 * locks; a queue remembers which timer is running, so that timer_stop() on another CPU can wait for it.
 * The heap: a timer is never later than its children. Setting one is O(1); taking the earliest merges
 * its children pairwise, amortised O(log n).
 * Neighbours: hv/core/work.c raises WORK_TIMER; upcall_timer() comes from the CPU. */
#include "hv/base/atomic.h"
#include "hv/core/lock.h"
#include "hv/core/panic.h"
#include "hv/core/timer.h"
#include "hv/core/work.h"
#include "hv/cpu/cpu.h"
#include "hv/cpu/upcall.h"

static struct timer_queue {
	struct lock lock;
	struct timer *first;		/* the earliest: root of the heap */
	struct timer *running;
	uint64_t programmed_ns;		/* what the hardware is set to; 0 = unknown */
} queues[MAX_CPUS];

static struct timer_queue *queue_of(unsigned cpu)
{
	return &queues[cpu];
}

/* Put @t where *link points. */
static void link_set(struct timer **link, struct timer *t)
{
	*link = t;
	if (t)
		WRITE_ONCE(t->link, link);
}

/* One heap of two, either may be empty; its root has neither sibling nor link. */
static struct timer *heap_merge(struct timer *a, struct timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->deadline_ns < a->deadline_ns) {
		struct timer *later = a;
		a = b;
		b = later;
	}
	link_set(&b->next, a->child);
	link_set(&a->child, b);
	return a;
}

/* One heap of a list of siblings: pairs from left to right, then all of these. */
static struct timer *heap_merge_list(struct timer *t)
{
	struct timer *pairs = NULL, *all = NULL;
	while (t) {
		struct timer *a = t, *b = t->next;
		t = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = heap_merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *rest = pairs->next;
		pairs->next = NULL;
		all = heap_merge(all, pairs);
		pairs = rest;
	}
	return all;
}

static void heap_remove(struct timer_queue *q, struct timer *t)
{
	bool was_first = q->first == t;
	link_set(t->link, t->next);
	struct timer *children = heap_merge_list(t->child);
	link_set(&q->first, was_first ? children : heap_merge(q->first, children));
	t->child = t->next = NULL;
	WRITE_ONCE(t->link, NULL);
}

static void heap_insert(struct timer_queue *q, struct timer *t)
{
	link_set(&q->first, heap_merge(q->first, t));
}

/* The queue of @t, locked. t->cpu may change until we hold the lock. */
static struct timer_queue *queue_lock(const struct timer *t)
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->cpu);
		struct timer_queue *q = queue_of(cpu);
		lock(&q->lock);
		if (t->cpu == cpu)
			return q;
		unlock(&q->lock);
	}
}

void timer_init(struct timer *t, void (*fn)(void *), void *arg, unsigned cpu)
{
	*t = (struct timer){ .fn = fn, .arg = arg, .cpu = (uint16_t)cpu };
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
	struct timer_queue *q = queue_lock(t);
	unsigned cpu = t->cpu;
	if (t->link)
		heap_remove(q, t);
	t->deadline_ns = deadline_ns;
	heap_insert(q, t);
	bool first = q->first == t;
	unlock(&q->lock);
	if (first)
		work_raise(cpu, WORK_TIMER);
}

void timer_stop(struct timer *t)
{
	for (;;) {	/* again if fn has set it meanwhile */
		struct timer_queue *q = queue_lock(t);
		if (t->link)
			heap_remove(q, t);
		bool runs = q->running == t && q != queue_of(cpu_id());
		unlock(&q->lock);
		if (!runs)
			return;
		while (LOAD_ACQUIRE(&q->running) == t)
			cpu_relax();
	}
}

bool timer_is_set(const struct timer *t)
{
	return READ_ONCE(t->link) != NULL;
}

void timer_migrate(struct timer *t, unsigned cpu)
{
	unsigned from = READ_ONCE(t->cpu);
	if (from == cpu)
		return;
	struct timer_queue *a = queue_of(from), *b = queue_of(cpu);
	lock_pair(&a->lock, from, &b->lock, cpu);
	bool moves = a->running != t, set = moves && t->link;
	if (set)
		heap_remove(a, t);
	if (moves)
		WRITE_ONCE(t->cpu, (uint16_t)cpu);
	if (set)
		heap_insert(b, t);
	unlock_pair(&a->lock, &b->lock);
	if (set)
		work_raise(cpu, WORK_TIMER);
}

void timer_run(void)
{
	struct timer_queue *q = queue_of(cpu_id());
	lock(&q->lock);
	while (q->first && q->first->deadline_ns <= cpu_time_ns()) {
		struct timer *t = q->first;
		heap_remove(q, t);
		WRITE_ONCE(q->running, t);
		unlock(&q->lock);
		t->fn(t->arg);
		lock(&q->lock);
		STORE_RELEASE(&q->running, (struct timer *)NULL);
	}
	uint64_t next = q->first ? q->first->deadline_ns : ~0ull;
	bool change = next != q->programmed_ns;
	q->programmed_ns = next;
	unlock(&q->lock);
	if (change)
		cpu_timer_set(next);
}

void upcall_timer(void)
{
	queue_of(cpu_id())->programmed_ns = 0;
	work_raise(cpu_id(), WORK_TIMER);
}

void timers_init(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		queues[cpu].first = NULL;
		queues[cpu].running = NULL;
		queues[cpu].programmed_ns = 0;
		lock_init(&queues[cpu].lock, RANK_TIMER);
	}
	work_register(WORK_TIMER, timer_run);
}
