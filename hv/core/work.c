/* Deferred work and preemption checks.
 *
 * Each CPU has a word of pending bits; upcall_return() runs them before a guest continues. A bit
 * raised for another CPU kicks it, so that it comes by. A preemption window takes interrupts; work that came
 * up in it is remembered until somebody who can be continued asks.
 * INVARIANT I16: at most PREEMPT_ENTRIES are counted between two windows of a CPU. */
#include "hv/base/atomic.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/cpu/cpu.h"

static void (*work_fn[WORK_COUNT])(void);
static struct cpu_work {
	uint64_t pending;
	unsigned counted;
	bool stop;		/* a window brought work, and nobody has stopped yet */
} ALIGNED(64) work_of[MAX_CPUS];

void work_register(enum work w, void (*fn)(void))
{
	work_fn[w] = fn;
}

void work_raise(unsigned cpu, enum work w)
{
	uint64_t old = ATOMIC_OR(&work_of[cpu].pending, 1ull << w);
	if (!(old & 1ull << w) && cpu != cpu_id())
		cpu_kick(cpu);
}

bool work_is_pending(void)
{
	return READ_ONCE(work_of[cpu_id()].pending) != 0;
}

void work_run(void)
{
	uint64_t pending;
	while ((pending = ATOMIC_XCHG(&work_of[cpu_id()].pending, 0ull)) != 0)
		for (unsigned w = 0; w < WORK_COUNT; w++)
			if ((pending & 1ull << w) && work_fn[w])
				work_fn[w]();
	preempt_begin();
}

/* --- preemption --- */

static void window(struct cpu_work *w)
{
	cpu_preempt_window();
	w->counted = 0;
	w->stop = work_is_pending();
}

static bool stop_take(struct cpu_work *w)
{
	bool stop = w->stop;
	w->stop = false;
	return stop;
}

void preempt_begin(void)
{
	struct cpu_work *w = &work_of[cpu_id()];
	w->counted = 0;
	w->stop = false;
}

void preempt_count(unsigned entries)
{
	struct cpu_work *w = &work_of[cpu_id()];
	ASSERT(entries <= PREEMPT_ENTRIES);
	if (w->counted + entries > PREEMPT_ENTRIES)
		window(w);
	w->counted += entries;
}

bool preempt_due(void)
{
	struct cpu_work *w = &work_of[cpu_id()];
	if (w->counted >= PREEMPT_ENTRIES)
		window(w);
	return stop_take(w);
}

unsigned preempt_room(void)
{
	struct cpu_work *w = &work_of[cpu_id()];
	if (w->counted >= PREEMPT_ENTRIES)
		window(w);
	return PREEMPT_ENTRIES - w->counted;
}

bool preempt_needed(void)
{
	struct cpu_work *w = &work_of[cpu_id()];
	window(w);
	return stop_take(w);
}

unsigned preempt_counted(void)
{
	return work_of[cpu_id()].counted;
}
