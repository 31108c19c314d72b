/* The reference model: what every operation must return and leave behind, told naively. Flat
 * sets and arrays, no reference counts, no flags of progress: whether a frame may be a table,
 * written, or given away is searched for among all uses each time it is asked. Shares nothing
 * with hv/ but the public ABI headers.
 *
 * The model is one plain struct without pointers: assign it to snapshot it. Where it lives:
 * tests/fuzz/model/. */
#pragma once
#include <stddef.h>
#include "tests/fuzz/act.h"

struct model;
size_t model_size(void);

/* --- all that an engine needs --- */
/* The machine as world_start() left it. */
void model_begin(struct model *m);
/* @a was carried out: is the answer right, and the core's state? NULL, or what is wrong. */
const char *model_step(struct model *m, const struct act *a, const struct outcome *o);
/* @a and @b overlapped: is there an explanation? */
const char *model_step_pair(struct model *m, const struct act *a, const struct outcome *oa,
			    const struct act *b, const struct outcome *ob);
/* Steps after which the core's state was taken over unjudged (raw hypercalls, operations
 * abandoned half way). */
uint64_t model_blind(const struct model *m);

/* --- the parts, also for tests of the model itself --- */
struct model_domain {			/* a birth, as the world arranged it */
	unsigned slot;
	uint16_t id;
	uint64_t home, shared_info, grant_frame;	/* MFNs */
	uint64_t pool[POOL];		/* MFN or NO_FRAME */
	uint64_t frame_max;
};
struct model_limits { unsigned frames, entries; uint64_t count_limit; };

void model_start(struct model *m, const struct model_limits *l);
void model_birth(struct model *m, const struct model_domain *d);
void model_death(struct model *m, unsigned slot);
/* Apply @a. @o is what the core answered: where the contract leaves a choice (which frame, which
 * port or handle) the model follows it, if it is a choice the contract allows. NULL: answered
 * right; else what is wrong. After an injected allocation failure an answer that says "no
 * memory" is right, and then nothing changes. */
const char *model_apply(struct model *m, const struct act *a, const struct outcome *o);
/* Compare with the core's whole state: owners, references, types, pins, contents of tables and
 * pool frames, grants, ports, base pointers, machine-to-physical numbers. NULL, or the first
 * difference. Takes over from the core what is open (compare.c). */
const char *model_compare(struct model *m);
/* Take the core's whole state over. */
void model_adopt(struct model *m);
