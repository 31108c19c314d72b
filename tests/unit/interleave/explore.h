/* All schedules of a pair of operations with a limited number of preemptions, each from a fresh world, and the judge of
 * what came of it. */
#pragma once
#include "hv/cpu/host/yield.h"
#include "tests/unit/interleave/world.h"

#define BEFORE_MAX 8u
#define PREEMPTIONS_MAX 3u

enum pair_flag {
	MAY_MISS = 1,	/* one may fail with -EBUSY or -EAGAIN (grants: general error) and change nothing: its caller tries again */
	PARTS = 2,	/* not one step each: results and end state may be of either order, independently, and a result any error */
	LAST_WINS = 4,	/* with PARTS: the end state may also be that of either alone, the other's being undone or overwritten */
	AUDITED = 8,	/* both may succeed where one after the other only one does: the end state is judged by the audit alone */
	LONG = 16,	/* hundreds of points: every schedule with two preemptions, a sample of those with three */
	SLICES = 32,	/* tables are taken up and down in slices of 3 entries, and CPU 0 has an interrupt after each */
};
struct pair {
	const char *name;
	struct act a, b;
	unsigned flags;			/* enum pair_flag */
	unsigned touch;			/* both look at this page first, so that their TLBs have it */
	struct act before[BEFORE_MAX];	/* preparations, until fn is NULL */
};
extern const struct pair pairs[];
extern const unsigned pair_count;

/* A schedule: who begins, and the points (counted over both) where the other one goes on although this one could. */
struct schedule {
	unsigned first, n;
	unsigned at[PREEMPTIONS_MAX];
};
struct limits {
	unsigned preemptions;
	enum host_point grain;	/* POINT_STEP: not before mere loads and stores; POINT_LOOK: before these too */
	unsigned one_in;	/* take only one of so many schedules, by chance */
	uint64_t seed;
};
struct tally {
	uint64_t schedules, violations, missed;
	unsigned points[2];		/* of each alone */
	struct schedule now;		/* under way: told if the process ends */
};
/* Adds to @t; prints what is violated. */
void explore(const struct pair *p, const struct limits *l, struct tally *t);
/* One schedule, told point by point. */
void explore_one(const struct pair *p, const struct schedule *s);
