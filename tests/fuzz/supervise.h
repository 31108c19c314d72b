/* Processes that run the engine, watched by a parent that survives what they do not: an
 * assertion, a sanitizer's report, a signal, a loop without end. What a worker is about to do
 * lies in memory shared with the parent. */
#pragma once
#include <sys/types.h>
#include "tests/fuzz/engine.h"

#define RUN_OPS_MAX 8192u
#define SAID_MAX 8192u
struct worker {
	pid_t pid;			/* 0: none */
	int said_fd;			/* its stderr */
	volatile uint64_t seed;		/* under way */
	volatile uint32_t made, at;	/* operations recorded; the one under way */
	struct verdict verdict;		/* written before it ends with WORKER_BROKEN */
	struct engine_stats stats;
	struct op ops[RUN_OPS_MAX];
};
enum { WORKER_DONE = 4, WORKER_BROKEN = 3 };	/* not 0: nothing else may end a worker unnoticed */

struct fuzz_options {
	unsigned seconds;		/* 0: no limit */
	uint64_t runs;			/* 0: no limit */
	uint64_t first_seed;
	uint32_t ops;			/* of each run */
	unsigned jobs;
	bool use_model, keep_going, list_seeds, show, json;
	unsigned shrink_seconds;
	const char *folder;		/* where lists of failing runs go */
};

struct worker *worker_new(void);
/* Forget what it said, then fork. True in the child, whose stderr is recorded. */
bool worker_fork(struct worker *w);
/* Wait for its end, at most until it stood still for @patience seconds; the verdict on how it
 * ended. */
void worker_judge(struct worker *w, int status, bool stuck);
bool worker_wait(
	struct worker *w, unsigned patience, int *status); /* false: it was stuck, and is killed */
/* The class of a verdict: the same for the same fault with other numbers. @class has 96 bytes. */
void verdict_class(const char *text, char *class);

/* All workers until the time is over or something broke. Returns how many violations; sums up in
 * @sum. */
unsigned supervise(const struct fuzz_options *o, struct engine_stats *sum, double *seconds);
/* Run one list in a child process. */
void run_list(
	const struct oplist *l, bool use_model, struct engine_stats *stats, struct verdict *v);
