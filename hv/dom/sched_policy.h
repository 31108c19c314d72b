/* Between the scheduler's core and its policy. Layer: dom; only for hv/dom/sched*.c.
 *
 * The core owns run queues, hand-over between CPUs and accounting; the policy orders the
 * waiting vCPUs of one queue and says how long one may run. Its functions run under the queue's
 * lock. */
#pragma once
#include "hv/base/list.h"
#include "hv/dom/sched.h"

struct sched_vcpu {
	struct vcpu *vcpu;
	struct list link;		/* in its CPU's queue while waiting */
	bool is_queued;
	bool yields;			/* wants to go behind the next one, once */
	/* policy: virtual time used, ns at weight SCHED_WEIGHT_DEFAULT */
	uint64_t vtime;
	uint64_t charged_ns;		/* running: time up to which it has been charged */
	uint64_t slice_end_ns;		/* running: when others of its rank may go first */
};

struct sched_domain {
	struct sched_params params;
	/* The cap's budget, for all vCPUs together; atomic. */
	int64_t budget_ns;		/* may become negative: a debt */
	uint64_t period_end_ns;
	struct timer refill;		/* armed while any vCPU is throttled */
};

struct sched_queue {
	/* RANK_SCHED: everything here but the hints, and ->cpu of its vCPUs */
	struct lock lock;
	unsigned cpu;
	struct list waiting;		/* in the policy's order, first to run first */
	unsigned waiting_count;		/* also a hint for others */
	struct vcpu *current;		/* what this CPU runs; its idle vCPU when nothing */
	struct vcpu *idle;
	/* policy: a clock of the queue's virtual time; never runs back */
	uint64_t floor;
	uint64_t first_vtime;		/* hint: of the first waiting one, ~0 if none */
	struct timer slice;
};

/* Why a vCPU enters a queue. */
enum sched_entry {
	ENTRY_RAN,			/* it was preempted, or moved */
	ENTRY_SLEPT,			/* it wakes up */
	ENTRY_HELD,			/* it was throttled by its cap, paused or down */
};

struct sched_policy {
	const char *name;
	/* Put @s into @q's order. */
	void (*enqueue)(struct sched_queue *q, struct sched_vcpu *s, enum sched_entry entry);
	/* @s ran for @ns more. */
	void (*charge)(struct sched_queue *q, struct sched_vcpu *s, uint64_t ns);
	/* Should the waiting @s run instead of @running (charged up to now)? */
	bool (*goes_first)(const struct sched_vcpu *s, const struct sched_vcpu *running,
			   bool slice_over);
	/* How long may the one chosen run before others of its rank go first. */
	uint64_t (*slice_ns)(const struct sched_queue *q);
	/* @s gives way: order it behind @other. */
	void (*give_way)(struct sched_vcpu *s, const struct sched_vcpu *other);
	/* Is it worth moving a vCPU with virtual time @waiting here, where @mine would run next? */
	bool (*worth_moving)(uint64_t waiting, uint64_t mine);
};
extern const struct sched_policy sched_fair;
extern const struct sched_policy *const sched_policy;	/* the one in force */

struct sched_queue *sched_queue_of(unsigned cpu);
/* The queue that @v belongs to, locked. */
struct sched_queue *sched_queue_lock(const struct vcpu *v);
cpumask_t sched_cpus(void);		/* CPUs that schedule */
cpumask_t sched_idle_cpus(void);	/* those that run their idle vCPU: a hint */
/* CPUs @v may run on: hard affinity among those that schedule; all, if none is left. */
cpumask_t sched_allowed(const struct vcpu *v);

/* sched.c, for sched_place.c; under @q's lock. */
void sched_enqueue(struct sched_queue *q, struct vcpu *v, enum sched_entry entry);
void sched_dequeue(struct sched_queue *q, struct vcpu *v);

/* sched_place.c */
unsigned sched_place(const struct vcpu *v);	/* where a vCPU that became runnable should wait */
/* Move a waiting vCPU of another CPU here. @mine: virtual time of what would run next, ~0: nothing.
 * No lock held. */
bool sched_pull(struct sched_queue *q, uint64_t mine);

/* sched_params.c: the cap. charge: @v ran for @ns; sets HOLD_THROTTLED when the budget is gone. */
void sched_cap_charge(struct vcpu *v, uint64_t ns, uint64_t now_ns);
/* the slice, cut to the budget left */
uint64_t sched_cap_limit(const struct vcpu *v, uint64_t slice_ns);
