/* The explorer: depth first over preemptions, and comparison with the operations one after the other.
 *
 * A run with preemptions p1 < p2 < ... tells at which later points one more would be possible; each of these is the
 * next schedule. A preemption after which the other one, which was waiting, still waits, changes nothing and is not
 * followed up. A run is right if the audit finds nothing, nobody waits for ever, and results and end state are those
 * of one operation after the other in either order (or what the pair's flags say).
 * Neighbours: hv/cpu/host/fiber.h, world.c, digest.c, pairs.c. */
#include <stdio.h>
#include "hv/base/errno.h"
#include "hv/core/panic.h"
#include "hv/base/string.h"
#include "hv/cpu/host/fiber.h"
#include "hv/cpu/host/host.h"
#include "tests/unit/interleave/acts.h"
#include "tests/unit/interleave/explore.h"

#define POINTS_MAX 6000u
#define TOLD_MAX 3u
#define SLICE 3u
#define REAP_NS 150000000ull	/* by then the reaper has looked at the dead again */
#define GRANT_ERROR (-1)	/* GNTST_general_error */

struct outcome {
	int64_t rc[2];
	uint64_t digest;
	const char *broken;
};

static struct run {
	const struct schedule *schedule;
	enum host_point grain;
	const struct act *act[2];
	bool done[2], tells;
	unsigned used;			/* preemptions so far */
	enum host_point last[2];	/* point that each passed last */
	unsigned fresh;			/* just resumed by a preemption while it waited: 1 + who */
	bool is_idle;			/* the last preemption changed nothing */
	struct outcome out;
} run;

/* --- one run --- */

static const char *const point_name[] = {
	[POINT_LOOK] = "look", [POINT_STEP] = "step", [POINT_FLUSH] = "flush", [POINT_WINDOW] = "window",
	[POINT_GUEST] = "guest", [POINT_RELAX] = "relax", [POINT_END] = "end",
};

/* Which points may be preempted, by depth; filled in while running. */
static uint8_t candidate[PREEMPTIONS_MAX + 1][POINTS_MAX];
static unsigned points;

static bool may_preempt(const struct fibers *s, unsigned self, enum host_point why)
{
	unsigned other = self ^ 1;
	return s->points > 0 && (s->live >> other & 1) && !run.done[other] && !run.done[self] &&
	       why >= run.grain && why < POINT_RELAX;
}

static void note_waiting(unsigned self, enum host_point why)
{
	if (run.fresh == self + 1 && why != POINT_LOOK) {
		run.is_idle = why == POINT_RELAX;
		run.fresh = 0;
	}
	if (why != POINT_LOOK)
		run.last[self] = why;
}

static unsigned choose(struct fibers *s, unsigned self, enum host_point why)
{
	const struct schedule *plan = run.schedule;
	unsigned other = self ^ 1, p = (unsigned)s->points;
	note_waiting(self, why);
	if (run.tells)
		printf("%5u  %c  %s\n", p, "AB"[self], point_name[why]);
	bool can = p < POINTS_MAX && may_preempt(s, self, why);
	if (p < POINTS_MAX)
		candidate[plan->n][p] = can;
	if (!can || run.used == plan->n || p != plan->at[run.used])
		return self;
	run.used++;
	run.fresh = run.last[other] == POINT_RELAX ? other + 1 : 0;
	if (run.tells)
		printf("       -- preempted\n");
	return other;
}

/* The vCPU of each CPU executes its operation, if it has one to do and is not stopped before; then the CPU looks after
 * what others ask of it. */
static void act_run(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	const struct act *a = run.act[i];
	(void)come_by();
	if (!run.done[i])
		run.out.rc[i] = a->fn(a->x, a->y);
	run.done[i] = true;
	while (!run.done[i ^ 1])
		if (!come_by())
			cpu_relax();
}

static void world_prepare(const struct pair *p)
{
	world_build(&p->a, &p->b);
	for (unsigned i = 0; i < BEFORE_MAX && p->before[i].fn; i++)
		prepare(p->before[i].who, p->before[i].fn, p->before[i].x, p->before[i].y);
	for (unsigned cpu = 0; cpu < 2 && p->touch; cpu++) {
		host_cpu_select(cpu);
		if (act_touch(p->touch, 0))
			panic("page %u is not mapped", p->touch);
	}
	host_cpu_select(0);
	if (p->flags & SLICES) {
		table_slice = SLICE;
		world_preempted_cpu = 0;
	}
}

/* A table that somebody let go of last is taken apart by the owner's next operation on tables. */
static void pending_finish(void)
{
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		while (owner_run_pending(&d->mem))
			world_settle();
	}
}

/* Run both (@who 0) or one of them (1, 2) as @s says. */
static struct outcome run_pair(const struct pair *p, const struct schedule *s, enum host_point grain, unsigned who)
{
	struct fibers f = { .choose = choose, .points_max = POINTS_MAX };
	bool tells = run.tells;
	run = (struct run){ .schedule = s, .grain = grain, .act = { &p->a, &p->b }, .tells = tells };
	world_prepare(p);
	for (unsigned i = 0; i < 2; i++) {
		run.done[i] = who == 2 - i;
		f.fiber[f.n].fn = act_run;
		f.fiber[f.n].arg = (void *)(uintptr_t)i;
		f.fiber[f.n++].cpu = i;
	}
	f.first = s->first;
	enum fibers_end end = fibers_run(&f);
	points = (unsigned)f.points;
	if (end != FIBERS_DONE)
		panic("%s", end == FIBERS_STUCK ? "both wait for ever" : "no end");
	world_preempted_cpu = -1;
	world_settle();
	pending_finish();
	host_time_advance(REAP_NS);
	world_settle();
	run.out.broken = world_judge();
	run.out.digest = world_digest();
	return run.out;
}

/* --- the judge --- */

static struct reference {
	struct outcome serial[2];	/* A then B, B then A */
	struct outcome alone[2];
	uint64_t start;
} reference;

static void reference_make(const struct pair *p, struct tally *t)
{
	const struct schedule first[2] = { { .first = 0 }, { .first = 1 } };
	for (unsigned i = 0; i < 2; i++) {
		reference.serial[i] = run_pair(p, &first[i], POINT_LOOK, 0);
		reference.alone[i] = run_pair(p, &first[0], POINT_LOOK, i + 1);
		t->points[i] = points;
		if (reference.serial[i].broken || reference.alone[i].broken)
			panic("%s: one after the other: %s", p->name,
			      reference.serial[i].broken ? reference.serial[i].broken : reference.alone[i].broken);
	}
	world_prepare(p);
	reference.start = world_digest();
}

static bool is_missed(int64_t rc)
{
	return rc == -EBUSY || rc == -EAGAIN || rc == GRANT_ERROR;
}

static bool state_is_known(const struct outcome *o, unsigned flags)
{
	const struct outcome *s = reference.serial, *alone = reference.alone;
	return (flags & AUDITED) || o->digest == s[0].digest || o->digest == s[1].digest ||
	       ((flags & LAST_WINS) && (o->digest == alone[0].digest || o->digest == alone[1].digest));
}

static bool is_serial(const struct outcome *o, unsigned flags)
{
	const struct outcome *s = reference.serial;
	bool known = (flags & (PARTS | AUDITED)) && state_is_known(o, flags);
	for (unsigned i = 0; i < 2; i++) {
		if (o->rc[0] == s[i].rc[0] && o->rc[1] == s[i].rc[1] && o->digest == s[i].digest)
			return true;
		known = known && (o->rc[i] < 0 || o->rc[i] == s[0].rc[i] || o->rc[i] == s[1].rc[i]);
	}
	return known;
}

/* One has failed for now, as if it had not been; or both. */
static bool is_transient(const struct outcome *o)
{
	for (unsigned i = 0; i < 2; i++)
		if (is_missed(o->rc[i ^ 1]) && o->rc[i] == reference.alone[i].rc[i] &&
		    o->digest == reference.alone[i].digest)
			return true;
	return is_missed(o->rc[0]) && is_missed(o->rc[1]) && o->digest == reference.start;
}

static void outcome_tell(const char *name, const struct outcome *o)
{
	printf("    %-14s A %lld, B %lld, state %016llx\n", name, (long long)o->rc[0], (long long)o->rc[1],
	       (unsigned long long)o->digest);
}

static void violation_tell(const struct pair *p, const struct schedule *s, const struct outcome *o)
{
	printf("  VIOLATION: interleave_test '%s' %c", p->name, "AB"[s->first]);
	for (unsigned i = 0; i < s->n; i++)
		printf(" %u", s->at[i]);
	printf("\n    %s\n", o->broken ? o->broken : "neither A then B nor B then A");
	outcome_tell("this schedule:", o);
	outcome_tell("A then B:", &reference.serial[0]);
	outcome_tell("B then A:", &reference.serial[1]);
	outcome_tell("A alone:", &reference.alone[0]);
	outcome_tell("B alone:", &reference.alone[1]);
	fflush(stdout);
}

static void judge(const struct pair *p, const struct schedule *s, struct tally *t)
{
	const struct outcome *o = &run.out;
	t->schedules++;
	if (!o->broken && is_serial(o, p->flags))
		return;
	if (!o->broken && (p->flags & MAY_MISS) && is_transient(o)) {
		t->missed++;
		return;
	}
	if (t->violations++ < TOLD_MAX)
		violation_tell(p, s, o);
}

/* --- all of them --- */

static uint64_t chance;

static bool is_taken(const struct limits *l)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return l->one_in <= 1 || chance % l->one_in == 0;
}

/* Depth first, without recursion: s->n is the depth; ->at[] the path. */
static void explore_from(const struct pair *p, const struct limits *l, unsigned first, struct tally *t)
{
	struct schedule s = { .first = first };
	unsigned end[PREEMPTIONS_MAX + 1], next[PREEMPTIONS_MAX + 1];
	for (;;) {
		t->now = s;
		(void)run_pair(p, &s, l->grain, 0);
		judge(p, &s, t);
		bool goes_on = s.n < l->preemptions && !run.is_idle && !run.out.broken;
		end[s.n] = goes_on ? (points < POINTS_MAX ? points : POINTS_MAX) : 0;
		next[s.n] = s.n ? s.at[s.n - 1] + 1 : 0;
		for (;;) {	/* the next point at this depth, or one up */
			while (next[s.n] < end[s.n] &&
			       !(candidate[s.n][next[s.n]] && (s.n < 1 || is_taken(l))))
				next[s.n]++;
			if (next[s.n] < end[s.n])
				break;
			if (s.n == 0)
				return;
			s.n--;
		}
		unsigned at = next[s.n]++;
		s.at[s.n++] = at;
	}
}

void explore(const struct pair *p, const struct limits *l, struct tally *t)
{
	chance = l->seed * 0x9e3779b97f4a7c15ull | 1;
	reference_make(p, t);
	for (unsigned first = 0; first < 2; first++)
		explore_from(p, l, first, t);
}

void explore_one(const struct pair *p, const struct schedule *s)
{
	struct tally t = { .schedules = 0 };
	reference_make(p, &t);
	run.tells = true;
	struct outcome o = run_pair(p, s, POINT_LOOK, 0);
	run.tells = false;
	violation_tell(p, s, &o);
}
