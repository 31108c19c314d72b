/* The machine under test: the hosted hypervisor with up to four small domains of two vCPUs, each on a CPU of its own, that
 * execute operations. Everything is small, so that corner cases are near.
 *
 * A domain starts with pool frames 0..9 (zero, unmapped, of no type), pseudo-physical number = index, and its vCPUs
 * run on a home L4 that is empty but for our slots. Hypercall arguments and code lie in a window of guest addresses
 * that is no RAM (host_window): no page table maps it and no guest can lose it. A guest's plain store to one of its
 * own frames is an UPDATE of it. Slot 0 is the control domain and is never destroyed. */
#pragma once
#include "hv/dom/vcpu.h"
#include "tests/fuzz/act.h"

struct world_config {
	unsigned frames;		/* RAM; default 120 */
	unsigned slots;			/* 2..SLOTS domains */
	unsigned entries;		/* per table: 8; 512 for lists that replay under QEMU */
	unsigned slice;			/* table_slice: 1..512 */
	uint64_t count_limit;		/* frame_count_limit: 15 or 1 << 40 */
	unsigned frame_max;		/* quota of each guest in frames: 14 */
};
extern const struct world_config world_default;

#define WINDOW_VA	0x00007fff00000000ull	/* WINDOW_PAGES pages for each vCPU, the same address in each */
#define WINDOW_PAGES	2u
#define POOL_START	10u		/* frames a new domain has */
#define DOMID_LIMIT	48u		/* numbers are taken in turn from 1 up to here */

struct slot {
	struct domain *d;		/* NULL: empty slot */
	domid_t id;			/* also of the last one that lived here */
	uint64_t home;			/* MFN */
	uint64_t pool[POOL];		/* MFN or NO_FRAME */
	uint64_t released;		/* last MFN given back, or NO_FRAME */
	struct { uint64_t host_addr, bus_addr; } handle[HANDLES];	/* as mapped; what the guest remembers */
};
extern struct slot world_slot[SLOTS];
extern struct world_config world_config;	/* of the current run */

/* A fresh machine with slots 0..slots-1 filled. */
void world_start(const struct world_config *c);
/* Look the operands of @o up in the present state. */
void world_resolve(const struct op *o, struct act *a);
/* Carry @a out on its vCPU's CPU, to the end or until the vCPU can no longer act. @o: how (cut, fail). Between the
 * first cut and the re-entry @between(arg) runs, if not NULL. Updates world_slot. */
void world_run(const struct act *a, const struct op *how, void (*between)(void *), void *arg, struct outcome *out);
/* What world_check() said first at a preemption inside an operation, or empty; the caller clears it. */
extern char world_cut_broken[160];
/* Two acts of different vCPUs at once, switched as @seed says. NULL, or how they hung; then start over. Only what
 * world_can_pair() allows; neither is cut nor fails an allocation. */
bool world_can_pair(const struct act *a, const struct act *b);
const char *world_run_pair(const struct act *a, struct outcome *oa, const struct act *b, struct outcome *ob, uint8_t seed);
/* Can this vCPU execute guest code now? */
bool world_can_act(unsigned slot, unsigned vcpu);
/* The frame number that a frame operand names now, the address that a pair of bytes does, the slot a domain number
 * names (NULL: none). */
uint64_t world_resolve_frame(uint8_t f);
uint64_t world_address(uint8_t low, uint8_t high);
struct slot *world_slot_of(uint16_t domid, unsigned self);
extern uint64_t world_hv_frame;	/* a frame of the hypervisor's own */
/* Everything that must hold between operations: frame_audit() with the other layers' checks, I15, and that no CPU can
 * reach a frame through its TLB that its domain has no right to. NULL, or what is broken. */
const char *world_check(void);
/* All domains but 0 die; then the machine must be as after world_start(): I12. NULL, or what is broken. */
const char *world_end(void);
/* The number a pool slot's frame has, and whether it is in use, for generators. */
static inline uint64_t world_frame(unsigned slot, unsigned index) { return world_slot[slot].pool[index % POOL]; }
