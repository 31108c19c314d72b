/* One-shot timers: a binary heap of pointers per CPU, earliest first.
 *
 * Rules: a queue and the timers in it are guarded by the queue's lock; a timer's ->cpu changes
 * only while it holds the locks of both queues. fn runs on the timer's CPU without locks; a queue
 * remembers which timer is running, so that timer_stop() on another CPU can wait for it.
 * The heap array is fixed: QUEUE_MAX timers on one CPU is beyond what the vCPU limits allow, so a
 * full queue is our own bug.
 * Neighbours: hv/core/work.c raises WORK_TIMER; upcall_timer() comes from the CPU. */
#include "hv/base/atomic.h"
#include "hv/core/lock.h"
#include "hv/core/panic.h"
#include "hv/core/timer.h"
#include "hv/core/work.h"
#include "hv/cpu/cpu.h"
#include "hv/cpu/upcall.h"

#define QUEUE_MAX 1024

static struct timer_queue {
	struct lock lock;
	struct timer *heap[QUEUE_MAX];	/* heap[0] is the earliest */
	uint32_t count;
	struct timer *running;
	uint64_t programmed_ns;		/* what the hardware is set to; 0 = unknown */
} queues[MAX_CPUS];

static struct timer_queue *queue_of(unsigned cpu)
{
	return &queues[cpu];
}

static void heap_place(struct timer_queue *q, uint32_t i, struct timer *t)
{
	q->heap[i] = t;
	t->slot = i + 1;
}

static void heap_up(struct timer_queue *q, uint32_t i)
{
	struct timer *t = q->heap[i];
	for (; i > 0 && t->deadline_ns < q->heap[(i - 1) / 2]->deadline_ns; i = (i - 1) / 2)
		heap_place(q, i, q->heap[(i - 1) / 2]);
	heap_place(q, i, t);
}

static void heap_down(struct timer_queue *q, uint32_t i)
{
	struct timer *t = q->heap[i];
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= q->count)
			break;
		if (child + 1 < q->count && q->heap[child + 1]->deadline_ns < q->heap[child]->deadline_ns)
			child++;
		if (q->heap[child]->deadline_ns >= t->deadline_ns)
			break;
		heap_place(q, i, q->heap[child]);
		i = child;
	}
	heap_place(q, i, t);
}

static void heap_remove(struct timer_queue *q, struct timer *t)
{
	uint32_t i = t->slot - 1;
	struct timer *last = q->heap[--q->count];
	t->slot = 0;
	if (last == t)
		return;
	heap_place(q, i, last);
	heap_up(q, i);
	heap_down(q, last->slot - 1);
}

static void heap_insert(struct timer_queue *q, struct timer *t)
{
	ASSERT(q->count < QUEUE_MAX);
	q->heap[q->count] = t;
	heap_up(q, q->count++);
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
	if (t->slot)
		heap_remove(q, t);
	t->deadline_ns = deadline_ns;
	heap_insert(q, t);
	bool first = q->heap[0] == t;
	unlock(&q->lock);
	if (first)
		work_raise(cpu, WORK_TIMER);
}

void timer_stop(struct timer *t)
{
	struct timer_queue *q = queue_lock(t);
	if (t->slot)
		heap_remove(q, t);
	unsigned cpu = t->cpu;
	unlock(&q->lock);
	while (cpu != cpu_id() && READ_ONCE(q->running) == t)
		cpu_relax();
}

bool timer_is_set(const struct timer *t)
{
	return READ_ONCE(t->slot) != 0;
}

void timer_migrate(struct timer *t, unsigned cpu)
{
	unsigned from = t->cpu;
	if (from == cpu)
		return;
	struct timer_queue *a = queue_of(from), *b = queue_of(cpu);
	lock_pair(&a->lock, from, &b->lock, cpu);
	bool set = t->slot != 0;
	if (set)
		heap_remove(a, t);
	t->cpu = (uint16_t)cpu;
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
	while (q->count > 0 && q->heap[0]->deadline_ns <= cpu_time_ns()) {
		struct timer *t = q->heap[0];
		heap_remove(q, t);
		q->running = t;
		unlock(&q->lock);
		t->fn(t->arg);
		lock(&q->lock);
		q->running = NULL;
	}
	uint64_t next = q->count > 0 ? q->heap[0]->deadline_ns : ~0ull;
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
		queues[cpu].count = 0;
		queues[cpu].running = NULL;
		queues[cpu].programmed_ns = 0;
		lock_init(&queues[cpu].lock, RANK_TIMER);
	}
	work_register(WORK_TIMER, timer_run);
}
