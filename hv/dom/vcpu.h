/* Virtual CPUs. Layer: dom. */
#pragma once
#include "hv/core/timer.h"
#include "hv/cpu/context.h"
#include "hv/dom/domain.h"
#include "protocol/vcpu.h"

struct vcpu_info;
struct pv_vcpu;
struct sched_vcpu;

/* Reasons not to run, a bit each in ->hold. Runnable: hold == 0, pause_count == 0 and the domain's
 * == 0. */
enum vcpu_hold {
	HOLD_DOWN	= 1 << 0,	/* not initialised or VCPUOP_down */
	HOLD_BLOCKED	= 1 << 1,	/* SCHEDOP_block, until an unmasked event */
	/* SCHEDOP_poll, until a port is pending or its timer fires */
	HOLD_POLLING	= 1 << 2,
	HOLD_THROTTLED	= 1 << 3,	/* its domain used up its cap; until the next period */
};

struct vcpu {
	struct cpu_context ctx;		/* first: upcalls hand us &v->ctx */
	struct domain *domain;
	unsigned id;
	bool is_initialised;		/* has a guest context (VCPUOP_initialise or domctl) */

	/* Scheduling: hold bits and pause_count change by atomic operations, each followed by
	 * sched_wake() or sched_stop(); the rest under the lock of ->cpu's run queue. */
	uint32_t hold;
	uint32_t pause_count;
	/* whose queue it belongs to: where it runs, waits or ran last */
	unsigned cpu;
	/* current on ->cpu, or its registers are not yet saved there */
	bool is_running;
	struct sched_vcpu *sched;
	cpumask_t hard_affinity, soft_affinity;

	/* Shared with the guest. */
	struct vcpu_info *info;		/* in shared_info or where registered; always valid */
	mfn_t info_mfn;			/* registered frame, MFN_INVALID if in shared_info */
	gva_t runstate_area;		/* 0 = none */
	gva_t time_area;		/* secondary time info, 0 = none */

	/* Time accounting (sched): */
	uint8_t runstate;		/* RUNSTATE_* */
	bool time_valid;		/* the guest's clock record is current */
	bool was_stopped;		/* its next one shall say that it stood still */
	uint32_t time_version;		/* of the record in time_area; atomic */
	uint64_t runstate_entry_ns, runstate_ns[4];

	struct timer singleshot;	/* fires VIRQ_TIMER */
	struct timer periodic;
	uint64_t periodic_ns;
	struct timer poll_timer;
	uint32_t poll_port;		/* the only polled port; 0: several */
	uint16_t virq_port[NR_VIRQS];		/* VIRQ -> port, 0 = unbound; under event lock, peeked at without */
	bool nmi_pending, nmi_masked;

	struct pv_vcpu *pv;		/* hv/pv */
};
static inline struct vcpu *vcpu_of(struct cpu_context *ctx) { return (struct vcpu *)(void *)ctx; }
struct vcpu *vcpu_current(void);	/* never NULL after boot; idle vCPUs have domain == NULL */

/* Allocate vCPU @id of @d (HOLD_DOWN, events masked). -EEXIST, -EINVAL, -ENOMEM. */
int vcpu_create(struct domain *d, unsigned id, struct vcpu **out) MUST_CHECK;
void vcpu_destroy(struct vcpu *v);	/* by domain_reap() */
struct vcpu *vcpu_find(struct domain *d, unsigned id);	/* NULL if none; bounds-safe */

/* set the bit; it stops at its next return; kicks */
void vcpu_hold(struct vcpu *v, enum vcpu_hold why);
void vcpu_release(struct vcpu *v, enum vcpu_hold why);	/* clear; wakes it if nothing else holds */
/* Its upcall became pending: wake it if it blocks or polls, else make the CPU it runs on look. */
void vcpu_kick(struct vcpu *v);
void vcpu_nmi(struct vcpu *v);		/* inject an NMI: it wakes up even with events masked */
/* counted; returns when it is off its CPU (not for the current one) */
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
/* until it is off its CPU, context saved; not for the current one */
void vcpu_wait_stopped(const struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
bool vcpu_is_runnable(const struct vcpu *v);
/* VCPUOP_down of the current vCPU or another, VCPUOP_up, VCPUOP_is_up. up: -EINVAL without a
 * context. */
void vcpu_down(struct vcpu *v);
int vcpu_up(struct vcpu *v) MUST_CHECK;
bool vcpu_is_up(const struct vcpu *v);

/* SCHEDOP_block / poll / yield of the current vCPU. They return at once; the vCPU stops at its next
 * return if it has to. poll: ports are the handler's copy; @timeout_ns absolute, 0: none; -EINVAL:
 * a port out of range. */
void vcpu_block(struct vcpu *v);
int vcpu_poll(struct vcpu *v, const uint32_t *ports, unsigned n, uint64_t timeout_ns) MUST_CHECK;
void vcpu_yield(struct vcpu *v);
/* @port of @d became pending, masked or not (event layer): wake the vCPUs that poll it. */
void vcpu_poll_wake(struct domain *d, uint32_t port);

/* Is an event deliverable now: pending and not masked (or NMI). */
bool vcpu_has_event(const struct vcpu *v);
/* Deliver it: set by hv/pv; builds the bounce frame in v->ctx. Called by upcall_return(). */
extern void (*vcpu_deliver_event)(struct vcpu *v);
/* One pass of upcall_return(): the context to resume, or NULL when this CPU has nothing to run. */
struct cpu_context *return_try(void);
/* Raise a per-vCPU VIRQ: set by hv/event. */
extern void (*vcpu_raise_virq)(struct vcpu *v, unsigned virq);

/* Point v->info at @offset in frame @m of the domain (VCPUOP_register_vcpu_info): copies
 * the old contents, marks all events pending. @v is current or down. -EINVAL: offset, or @v runs;
 * -EBUSY: already registered, or the frame is a page table; -EPERM: not the domain's frame. */
int vcpu_info_register(struct vcpu *v, mfn_t m, uint64_t offset) MUST_CHECK;
void vcpu_info_unregister(struct vcpu *v);	/* back to shared_info; at death */
