/* The reference model: what every operation must return and leave behind, told naively. Flat sets and arrays, no
 * reference counts, no flags of progress: whether a frame may be a table, written, or given away is searched for
 * among all uses each time it is asked. Shares nothing with hv/ but the public ABI headers.
 *
 * The model is one plain struct without pointers: assign it to snapshot it. */
#pragma once
#include "tests/fuzz/act.h"

struct model;
size_t model_size(void);

struct model_domain {			/* a birth, as the world arranged it */
	unsigned slot;
	uint16_t id;
	uint64_t home, shared_info;	/* MFNs */
	uint64_t pool[POOL];		/* MFN or NO_FRAME */
};
struct model_limits { unsigned frames, entries, frame_max; uint64_t count_limit; };

void model_start(struct model *m, const struct model_limits *l);
void model_birth(struct model *m, const struct model_domain *d);
void model_death(struct model *m, unsigned slot);
/* Apply @a. @o is what the core answered: where the contract leaves a choice (which frame, which port or handle,
 * whether a preempted operation ended early because its vCPU stopped) the model follows it, if it is a choice
 * the contract allows. NULL: answered right; else what is wrong. After an injected allocation failure an answer that
 * says "no memory" is right, and then nothing changes. */
const char *model_apply(struct model *m, const struct act *a, const struct outcome *o);
/* Compare with the core's whole state: owners, types, pins, contents of tables and pool frames, grants, ports, base
 * pointers, machine-to-physical numbers. NULL, or the first difference. (compare.c: reads hv/.) */
const char *model_compare(const struct model *m);
