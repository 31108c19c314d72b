/* Deferred work and preemption checks.
 *
 * Each CPU has a word of pending bits; upcall_return() runs them before a guest continues. A bit
 * raised for another CPU kicks it, so that it comes by. preempt_needed() opens a window in
 * which interrupts are taken, then says whether anything came up.
 * INVARIANT I16: no handler processes more than PREEMPT_ITEMS between two checks. */
#include "hv/base/atomic.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/cpu/cpu.h"

#define PREEMPT_ITEMS 1024

static void (*work_fn[WORK_COUNT])(void);
static struct { uint64_t pending; unsigned items; } ALIGNED(64) work_of[MAX_CPUS];

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
	return __atomic_load_n(&work_of[cpu_id()].pending, __ATOMIC_RELAXED) != 0;
}

void work_run(void)
{
	uint64_t pending;
	while ((pending = ATOMIC_XCHG(&work_of[cpu_id()].pending, 0ull)) != 0)
		for (unsigned w = 0; w < WORK_COUNT; w++)
			if ((pending & 1ull << w) && work_fn[w])
				work_fn[w]();
	work_of[cpu_id()].items = 0;
}

bool preempt_needed(void)
{
	work_of[cpu_id()].items = 0;
	cpu_preempt_window();
	return work_is_pending();
}

void preempt_begin(void)
{
	work_of[cpu_id()].items = 0;
}

void preempt_count(unsigned items)
{
	unsigned *n = &work_of[cpu_id()].items;
	*n += items;
	ASSERT(*n <= PREEMPT_ITEMS);
}
