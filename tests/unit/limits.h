/* The longest path between two preemption checks (I16), measured from outside: include after guest_world.h.
 * A stretch is what a CPU does from entering a hypercall, or from a window, to the next window or the exit.
 * Two measures: entries, as the handlers count them themselves (hv/core/work.h), and marked memory accesses
 * (hv/cpu/host/yield.h), which nobody can forget to count. And the caller says how many items there were: so
 * many need so many windows. */
#pragma once
#include "hv/cpu/host/yield.h"
#include "tests/unit/guest_world.h"

/* What an item or a stretch of entries may cost in marked accesses. */
#define LIMITS_ACCESSES 8192u

static struct {
	unsigned accesses;				/* of this stretch */
	unsigned most_accesses, most_entries;		/* of a stretch */
	unsigned windows, restarts;
} limits;

static inline void limits_stretch_end(void)
{
	if (limits.accesses > limits.most_accesses)
		limits.most_accesses = limits.accesses;
	if (preempt_counted() > limits.most_entries)
		limits.most_entries = preempt_counted();
	limits.accesses = 0;
}

static void limits_point(enum host_point why)
{
	if (why == POINT_WINDOW) {
		limits_stretch_end();
		limits.windows++;
	} else {
		limits.accesses++;
	}
}

static inline void limits_start(void)
{
	memset(&limits, 0, sizeof limits);
}

/* One pass through a handler, measured; the last one ends the preemption. */
static inline void limits_pass(struct vcpu *v)
{
	uint64_t rip = v->ctx.regs.rip;
	limits.accesses = 0;
	host_yield_hook = limits_point;
	call_dispatch(v);
	limits_stretch_end();
	host_yield_hook = NULL;
	if (v->ctx.regs.rip == rip) {
		world_preempt(0);
		return;
	}
	/* It advances: the longest of these has less than a million entries. */
	ck_assert_uint_lt(limits.restarts++, 100000);
	if (limits.restarts % 64 == 1)
		world_check();
}

/* A hypercall that is preempted at every @every-th window (0: never), until it is done. */
static inline int64_t limits_call6(struct vcpu *v, unsigned every, uint64_t nr, const uint64_t a[6])
{
	world_preempt(every);
	return call_by(limits_pass, v, nr, a);
}
#define limits_call(v, every, nr, ...) limits_call6((v), (every), (nr), (const uint64_t[6]){ __VA_ARGS__ })

/* Judge what was measured since limits_start(): @entries table entries and @items others were worked on, by
 * operations that cannot be continued and only let interrupts in. */
static inline void limits_judge_windows(const char *family, uint64_t entries, uint64_t items)
{
	uint64_t weight = entries + items * PREEMPT_ITEM;
	printf("%-48s %7llu %7llu %7u %7u %8u %8u\n", family, (unsigned long long)entries, (unsigned long long)items,
	       limits.windows, limits.restarts, limits.most_entries, limits.most_accesses);
	fflush(stdout);
	ck_assert_msg(limits.most_entries <= PREEMPT_ENTRIES, "%s: %u entries in a stretch", family, limits.most_entries);
	ck_assert_msg(limits.most_accesses <= LIMITS_ACCESSES, "%s: %u accesses in a stretch", family,
		      limits.most_accesses);
	ck_assert_msg((limits.windows + 2ull) * PREEMPT_ENTRIES >= weight, "%s: only %u windows", family,
		      limits.windows);
}

/* The same for those that stop when a window brought work, as each did. */
static inline void limits_judge(const char *family, uint64_t entries, uint64_t items)
{
	limits_judge_windows(family, entries, items);
	ck_assert_msg(limits.restarts * 2 >= limits.windows, "%s: stopped %u times", family, limits.restarts);
}

static inline void limits_title(const char *what)
{
	printf("%-48s %7s %7s %7s %7s %8s %8s\n", what, "entries", "items", "windows", "stops", "longest:", "longest:");
	printf("%-48s %7s %7s %7s %7s %8s %8s\n", "", "", "", "", "", "entries", "accesses");
}
