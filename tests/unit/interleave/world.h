/* Three small domains on two CPUs, of which one vCPU each acts: what the pairs of operations run in. Built anew for
 * every schedule; the same each time, frame numbers included.
 *
 * DOM0 is the control domain, ALICE and BOB are guests, of two vCPUs each. Tables have 8 entries. */
#pragma once
#include "hv/dom/vcpu.h"
#include "hv/mem/table.h"
#include "protocol/hypercall.h"

enum who { DOM0, ALICE, BOB, GUESTS };
enum what {			/* a guest's frames, by role; none is pinned */
	L4, L3, L2, L1,		/* what its vCPUs run on: page i at i << 12, DATA1..DATA3 writable at 1..3, the rest empty */
	S4, S3, S2, S1,		/* another tree, of no type yet: S1[0] maps DATA1, S1[1] DATA2 writable */
	DATA1, DATA2, DATA3,
	FREE1, FREE2,		/* mapped nowhere; neighbours */
	FRAMES
};
#define SLOT_MAPS 4u		/* empty entries of L1: for grant mappings, for other ones */
#define SLOT_MORE 5u
#define WORLD_ENTRIES 8u

struct guest {
	struct domain *d;
	mfn_t m[FRAMES];
};
extern struct guest guest[GUESTS];

/* An operation: fn(x, y), as vCPU 0 or 1 of @who on that CPU. Its result is compared. */
typedef int64_t act_fn(unsigned x, unsigned y);
struct act { enum who who; act_fn *fn; unsigned x, y; };

#define ACT_CUT 0x7fffffffl	/* result: its vCPU was stopped before it returned to the guest */

/* Build; then @a's vCPU runs on CPU 0 and @b's on CPU 1. */
void world_build(const struct act *a, const struct act *b);
/* What the guests now can tell from the machine, and what it holds for them. */
uint64_t world_digest(void);
/* Judge: NULL, or what is broken. */
const char *world_judge(void);
/* Every CPU comes by until none is asked to. */
void world_settle(void);
/* The machine takes an interrupt at every preemption window of @cpu; -1: of none. */
extern int world_preempted_cpu;

/* For acts, on the CPU that acts: its vCPU; its guest's argument pages; a hypercall, called again until it is done. */
struct guest *self(void);
struct vcpu *self_vcpu(void);
void *argument(size_t offset);
#define ARGUMENT_VA 0x7f0000000000ull
int64_t hyper(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
/* An act by itself, before the others: on CPU 0 as @a's actor would. Must succeed. */
void prepare(enum who who, act_fn *fn, unsigned x, unsigned y);
/* CPU looks after what it was asked to. True: there was something. */
bool come_by(void);
