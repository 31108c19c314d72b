/* One CPU in the middle of an operation, another acts: for hosted tests of what a compare-exchange or a second look
 * is there for. RACE() repeats an operation, each time letting the other CPU go first at one more of its points
 * (hv/cpu/host/yield.h), until it has no more. What is explored in depth: tests/unit/interleave. */
#pragma once
#include <check.h>
#include "hv/cpu/host/fiber.h"
#include "hv/cpu/host/host.h"

static uint64_t race_at;	/* the point of fiber 0 where fiber 1 begins */
static bool race_fired;		/* there was one */

static void race_fiber(void *fn)
{
	((void (*)(void))(uintptr_t)fn)();
}

static unsigned race_choose(struct fibers *s, unsigned self, enum host_point why)
{
	if (why == POINT_RELAX || why == POINT_END)
		return 1 - self;	/* for the other to let go of something, or because there is nobody else */
	if (self == 0 && !race_fired && s->points_of[0] > race_at) {
		race_fired = true;
		return 1;
	}
	return self;
}

/* @operation on CPU 0, @other on CPU 1. */
static inline void race_run(void (*operation)(void), void (*other)(void))
{
	struct fibers s = { .n = 2, .choose = race_choose };
	s.fiber[0].fn = s.fiber[1].fn = race_fiber;
	s.fiber[0].arg = (void *)(uintptr_t)operation;
	s.fiber[1].arg = (void *)(uintptr_t)other;
	s.fiber[1].cpu = 1;
	race_fired = false;
	ck_assert_int_eq(fibers_run(&s), FIBERS_DONE);
}

/* @prepare and @judge are statements. */
#define RACE(prepare, operation, other, judge) do { \
	race_fired = true; \
	for (race_at = 0; race_fired; race_at++) { \
		prepare; \
		race_run(operation, other); \
		judge; \
	} \
} while (0)
