/* Spin locks with a rank. Layer: core.
 *
 * The hypervisor runs with interrupts disabled, except at preemption windows and when idle,
 * so a lock never has to care for them. Whoever spins answers TLB-flush requests of other
 * CPUs meanwhile (cpu_poll), so that a holder may wait for a flush.
 * Order: a CPU takes locks in rising rank only; two of one rank only through lock_pair.
 * The rank checker (CONFIG_DEBUG, every hosted build, and the image that tests/guest boots) panics on a violation.
 * Fair: tickets. */
#pragma once
#include "hv/base/types.h"

enum lock_rank {
	RANK_DOMCTL = 1,	/* serialises creation, destruction, control operations */
	RANK_DOMAIN_LIST,	/* the table of domains (writers) */
	RANK_DOMAIN,		/* struct domain: shutdown, pause, vCPU array */
	RANK_GRANT,		/* one domain's grant table and map-track (pair by domid) */
	RANK_EVTCHN,		/* one domain's port table (pair by domid) */
	RANK_IRQ,		/* vector and PIRQ tables, IO-APIC, PCI config window */
	RANK_OWNER,		/* one owner's memory: type changes from zero, table contents, page lists (pair by domid) */
	RANK_SCHED,		/* one CPU's run queue (pair by CPU number) */
	RANK_TIMER,		/* one CPU's timers */
	RANK_HEAP,		/* small-object allocator */
	RANK_PAGES,		/* page allocator */
	RANK_LOG,		/* log ring and console */
	RANK_COUNT
};

/* Thread-safety attributes: clang checks them, gcc ignores them. */
#if defined(__clang__)
#define CAPABILITY	__attribute__((capability("mutex")))
#define ACQUIRES(...)	__attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASES(...)	__attribute__((release_capability(__VA_ARGS__)))
#define REQUIRES(...)	__attribute__((requires_capability(__VA_ARGS__)))
#else
#define CAPABILITY
#define ACQUIRES(...)
#define RELEASES(...)
#define REQUIRES(...)
#endif

struct CAPABILITY lock {
	uint32_t next, serving;	/* tickets */
	uint16_t rank;
	int16_t cpu;		/* holder, -1 if free; for the checker and for panics */
};
#define LOCK_INIT(r) { .rank = (r), .cpu = -1 }

void lock_init(struct lock *l, enum lock_rank rank);
void lock(struct lock *l) ACQUIRES(l);
bool trylock(struct lock *l);
void unlock(struct lock *l) RELEASES(l);
/* Two locks of one rank, in the order of their keys (domid, CPU); a == b takes one. */
void lock_pair(struct lock *a, uint64_t key_a, struct lock *b, uint64_t key_b);
void unlock_pair(struct lock *a, struct lock *b);
bool lock_is_held(const struct lock *l);	/* by this CPU */
/* How many locks this CPU holds: 0 at every exit to a guest (I15). */
unsigned lock_held_count(void);
