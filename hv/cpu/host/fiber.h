/* CPUs that take turns: each on a stack of its own, switched at points (yield.h). Layer: cpu; hosted
 * build only.
 *
 * What runs is decided by choose() alone, so a run is a function of its choices and replays. A switch
 * also selects the CPU (host_cpu_select()) and costs a few nanoseconds. */
#pragma once
#include "hv/base/types.h"
#include "hv/cpu/host/yield.h"

#define FIBERS_MAX 8u

struct fibers {
	/* What to run: fn(arg) on CPU @cpu. Different CPUs. */
	unsigned n;
	struct { void (*fn)(void *arg); void *arg; unsigned cpu; } fiber[FIBERS_MAX];
	/* At each point of @self: whoever goes on, one of ->live. At POINT_RELAX and POINT_END @self cannot;
	 * who names it gets the next live one. May not switch itself; points in it do not count. */
	unsigned (*choose)(struct fibers *s, unsigned self, enum host_point why);
	void *ctx;			/* choose()'s own */
	unsigned first;			/* who begins */
	uint64_t points_max;		/* more are FIBERS_ENDLESS; 0: no limit */

	/* Out, also during the run: */
	uint32_t live;			/* bit n: fiber n has not finished */
	uint64_t points;		/* all passed, the one asked about not yet */
	uint64_t points_of[FIBERS_MAX];
	uint64_t switches;

	unsigned self, idle_rounds;	/* private */
	unsigned at[FIBERS_MAX];	/* the CPU selected when it was left */
	void *sp[FIBERS_MAX + 1];
};

enum fibers_end {
	FIBERS_DONE,
	FIBERS_STUCK,		/* every live one waits in cpu_relax(): a deadlock */
	FIBERS_ENDLESS,
};
/* Run until all have finished. After another end than FIBERS_DONE the CPUs stand in the middle of what they
 * did: start over from host_reset(). The caller's CPU is selected again. Not reentrant. */
enum fibers_end fibers_run(struct fibers *s);
