/* The state-aware generator: what to do next, chosen by looking at what there is. Deterministic
 * from its seed and the state of the machine: no time, no addresses.
 *
 * Each run has a mood: which kinds of operations are frequent, how often operands are wild,
 * entries flipped, allocations fail, operations are cut, or run beside another one. Scripts
 * (short sequences that build something) go through a queue, with other operations in between. */
#pragma once
#include "tests/fuzz/world.h"

#define QUEUE 64u			/* a power of two */

struct mood {
	uint16_t weight[OP_COUNT];
	uint32_t total;
	/* Chances of 256: */
	uint8_t flip;			/* an entry is a live one with a bit flipped */
	uint8_t wild;			/* the operands are random bytes */
	uint8_t cut, between, fail, with;
	uint8_t script;			/* begin a script when none runs */
	uint8_t focus;			/* a frame is one of the few that everybody uses now */
	uint8_t foreign;		/* a control domain works on another one's memory */
};

struct planned {
	struct op op;
	bool late;			/* operands are chosen when its turn comes */
};

struct generator {
	uint64_t rng;
	struct mood mood;
	struct planned queue[QUEUE];
	unsigned head, tail;
	uint8_t focus[4];		/* pool indices */
	unsigned focus_left;		/* operations until others come into focus */
};

/* @c: the world this seed wants. Call before world_start(c). */
void generate_start(struct generator *g, uint64_t seed, struct world_config *c);
/* The next operation, canonical, for the machine as it stands. */
void generate_next(struct generator *g, struct op *o);
