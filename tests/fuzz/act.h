/* An operation with its operands looked up: frame numbers, domain numbers, addresses, values. What the world carries
 * out as a hypercall or access, and what the model predicts. One act is one operation of one vCPU.
 *
 * Fields are named by role; an operation uses those that its line in ops.def lists, in that order:
 * first f -> m, second -> m2; e -> val; i -> index; v -> va; first d -> domid, second -> domid2; first r -> ref, second
 * -> ref2; p -> port; h -> handle; c -> vcpu_id; s -> pfn, second pfn2; n -> n (further ones: raw[]). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "tests/fuzz/op.h"

#define NO_FRAME (~0ull)
#define LIST_MAX 40u

struct act {
	uint8_t kind;			/* enum op_kind */
	uint8_t slot, vcpu;		/* who acts */
	uint8_t n;
	uint16_t domid, domid2;		/* as the hypercall gets them: also DOMID_SELF and reserved ones */
	uint32_t index;			/* 0..511 */
	uint32_t ref, ref2, port, handle, vcpu_id;
	uint64_t m, m2;			/* machine frame numbers, any 64-bit number */
	uint64_t val;			/* the entry or value, exactly as the guest writes it */
	uint64_t va;
	uint64_t host_addr, bus_addr;	/* GRANT_MAP*, GRANT_UNMAP: as the hypercall gets them */
	uint64_t pfn, pfn2;		/* POPULATE: first slot of a free run, or NO_FRAME: there is none */
	uint8_t raw[OP_ARGS];
	unsigned count;			/* UPDATES: entries of list[], for m[index] and following (modulo entries) */
	uint64_t list[LIST_MAX];
};

/* What came of it. */
struct outcome {
	bool ran;			/* false: the vCPU could not act (down, blocked, paused, gone): nothing happened */
	bool crashed;			/* the actor's domain was crashed by it */
	bool failed_alloc;		/* an injected allocation failure was met */
	unsigned restarts;		/* times it was preempted and called again */
	int64_t rc;			/* what the hypercall returned in rax; LOAD, STORE: page-fault code or 0 */
	int32_t status;			/* GNTST_* of the one operation in a grant batch; else 0 */
	uint64_t done;			/* mmu_update, mmuext: operations counted as done */
	uint64_t value;			/* port, handle, word loaded or stored, ...: what it answered; a
					 * cmpxchg that was carried out for the guest: 1 if it found something else */
	uint64_t frame[8];		/* frames it gave: POPULATE, EXCHANGE; the frame a LOAD or STORE reached */
	unsigned frames;
};
