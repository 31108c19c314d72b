/* Pairs of operations on two CPUs, interleaved.
 *
 *	interleave_test			a seeded sample of the schedules of every pair
 *	interleave_test all		every schedule with at most three preemptions (`make interleave`)
 *	interleave_test NAME		the same of one pair
 *	interleave_test NAME A|B P...	one schedule, told: who begins, and the points of the preemptions
 *
 * Every pair runs in a process of its own, so that an assertion or a sanitizer's report is one violation of it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hv/base/string.h"
#include "tests/unit/interleave/explore.h"

static struct tally *tally;	/* shared with the child */

/* Processor time of all pairs so far. */
static double seconds(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void child(const struct pair *p, const struct limits *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		explore(p, &l[i], tally);
	fflush(stdout);
	_exit(0);
}

/* Adds to @sum. */
static void pair_run(const struct pair *p, const struct limits *l, unsigned n, struct tally *sum)
{
	double start = seconds();
	int status;
	memset(tally, 0, sizeof *tally);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		child(p, l, n);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("interleave");
		exit(70);
	}
	if (status != 0) {
		tally->violations++;
		printf("  VIOLATION: the process ended at: interleave_test '%s' %c", p->name, "AB"[tally->now.first]);
		for (unsigned i = 0; i < tally->now.n; i++)
			printf(" %u", tally->now.at[i]);
		printf("\n");
	}
	printf("%-44s %4u + %4u points %8llu schedules %6llu missed %3llu violations %6.1f s\n", p->name,
	       tally->points[0], tally->points[1], (unsigned long long)tally->schedules,
	       (unsigned long long)tally->missed, (unsigned long long)tally->violations, seconds() - start);
	sum->schedules += tally->schedules;
	sum->violations += tally->violations;
}

static const struct pair *pair_named(const char *name)
{
	for (unsigned i = 0; i < pair_count; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return &pairs[i];
	fprintf(stderr, "there is no pair '%s'\n", name);
	exit(64);
}

static int schedule_run(char **arg)
{
	struct schedule s = { .first = arg[1][0] == 'B' };
	for (char **a = arg + 2; *a && s.n < PREEMPTIONS_MAX; a++)
		s.at[s.n++] = (unsigned)strtoul(*a, NULL, 10);
	explore_one(pair_named(arg[0]), &s);
	return 0;
}

/* Three preemptions at locks, flushes and atomic steps; two also before plain loads and stores. */
static const struct limits all[] = {
	{ .preemptions = 3, .grain = POINT_STEP },
	{ .preemptions = 2, .grain = POINT_LOOK },
}, all_long[] = {
	{ .preemptions = 2, .grain = POINT_STEP },
	{ .preemptions = 3, .grain = POINT_LOOK, .one_in = 60, .seed = 5 },
}, sample[] = {
	{ .preemptions = 3, .grain = POINT_STEP, .one_in = 9, .seed = 3 },
	{ .preemptions = 1, .grain = POINT_LOOK },
}, sample_long[] = {
	{ .preemptions = 2, .grain = POINT_STEP, .one_in = 60, .seed = 2 },
	{ .preemptions = 3, .grain = POINT_LOOK, .one_in = 600, .seed = 5 },
};

static const struct limits *limits_of(const struct pair *p, bool everything)
{
	if (p->flags & LONG)
		return everything ? all_long : sample_long;
	return everything ? all : sample;
}

int main(int argc, char **argv)
{
	const struct pair *only = argc > 1 && strcmp(argv[1], "all") != 0 ? pair_named(argv[1]) : NULL;
	struct tally sum = { .schedules = 0 };
	if (argc > 2)
		return schedule_run(argv + 1);
	tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		return 70;
	for (const struct pair *p = pairs; p < pairs + pair_count; p++)
		if (!only || p == only)
			pair_run(p, limits_of(p, argc > 1), 2, &sum);
	printf("%u pairs, %llu schedules, %llu violations, %.0f s of processor time\n", only ? 1 : pair_count,
	       (unsigned long long)sum.schedules, (unsigned long long)sum.violations, seconds());
	return sum.violations != 0;
}
