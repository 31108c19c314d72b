/* Runs operations and judges each: the audit, and the model's answer and state. One engine per
 * process. */
#pragma once
#include "tests/fuzz/text.h"

#define ERRORS_KEPT 64u			/* error codes counted apart: 1..62; the last is "others" */
struct kind_stats {
	uint64_t ran, ok, crashed, restarts, no_memory;
	uint64_t error[ERRORS_KEPT];	/* by -rc, or -status of a grant operation */
};
struct engine_stats {
	uint64_t audited; /* operations that ran, with everything checked after them */
	uint64_t idle;			/* operations of vCPUs that could not act */
	uint64_t pairs;			/* ran inside or beside another */
	uint64_t unjudged; /* of these, the model took the result over without judging it */
	uint64_t runs;
	struct kind_stats kind[OP_COUNT];
};

struct verdict {
	bool broken;
	uint32_t step;			/* index of the operation */
	char text[224];
};

struct engine {
	bool use_model;
	struct engine_stats *stats;	/* may be NULL */
	/* Out: */
	struct verdict verdict;
	uint64_t digest;		/* of all that was answered: equal for equal runs */
	/* Private: */
	struct model *model;
	uint32_t step;
};

/* @use_model and @stats are set by the caller. */
void engine_start(struct engine *e, const struct world_config *c);
/* Carry out @o; @next, if not NULL, may run inside or beside it. Returns how many were consumed,
 * 1 or 2. e->verdict.broken: stop. */
unsigned engine_step(struct engine *e, const struct op *o, const struct op *next);
/* All die: I12. */
void engine_end(struct engine *e);
/* A whole list; *at: the operation under way, for whoever watches. */
void engine_list(struct engine *e, const struct oplist *l, volatile uint32_t *at);
/* What the generator makes of a seed: at most @count operations, recorded in @ops as they are
 * made. */
void engine_seed(struct engine *e, uint64_t seed, uint32_t count, struct op *ops,
	volatile uint32_t *made, volatile uint32_t *at);
