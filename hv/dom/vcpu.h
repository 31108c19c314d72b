/* Virtual CPUs. Layer: dom. */
#pragma once
#include "hv/core/timer.h"
#include "hv/cpu/context.h"
#include "hv/dom/domain.h"

struct vcpu_info;
struct pv_vcpu;
struct sched_vcpu;

enum vcpu_runstate { RUNSTATE_running, RUNSTATE_runnable, RUNSTATE_blocked, RUNSTATE_offline };

/* Reasons not to run, a bit each in ->hold; runnable when 0. */
enum vcpu_hold {
	HOLD_DOWN	= 1 << 0,	/* not initialised or VCPUOP_down */
	HOLD_BLOCKED	= 1 << 1,	/* SCHEDOP_block, until an unmasked event */
	HOLD_POLLING	= 1 << 2,	/* SCHEDOP_poll, until a port is pending or its timer fires */
	HOLD_PAUSED	= 1 << 3,	/* vcpu_pause count > 0 or the domain is paused */
	HOLD_SHUTDOWN	= 1 << 4,
};

struct vcpu {
	struct cpu_context ctx;		/* first: upcalls hand us &v->ctx */
	struct domain *domain;
	unsigned id;
	bool is_initialised;		/* has a guest context (VCPUOP_initialise or domctl) */

	/* Scheduling: hold bits change by atomic or/and; the rest under the run-queue lock (hv/dom/sched.h). */
	_Atomic uint32_t hold;
	unsigned cpu;			/* where it runs or will run */
	bool is_running;		/* loaded as current on ->cpu (also lazily: see sched) */
	_Atomic int pause_count;
	struct sched_vcpu *sched;
	cpumask_t hard_affinity, soft_affinity;

	/* Shared with the guest. */
	struct vcpu_info *info;		/* in shared_info or where registered; always valid */
	mfn_t info_mfn;			/* registered frame, 0 if in shared_info */
	gva_t runstate_area;		/* 0 = none */
	gva_t time_area;		/* secondary time info, 0 = none */

	/* Time accounting (sched): */
	enum vcpu_runstate runstate;
	uint64_t runstate_entry_ns, runstate_ns[4];

	struct timer singleshot;	/* fires VIRQ_TIMER */
	struct timer periodic;
	uint64_t periodic_ns;
	struct timer poll_timer;
	uint32_t poll_port;		/* >0: the only polled port; 0: several or none */
	uint16_t virq_port[24];		/* VIRQ -> port, 0 = unbound; under event lock */
	bool nmi_pending, nmi_masked;

	struct pv_vcpu *pv;		/* hv/pv */
};
static inline struct vcpu *vcpu_of(struct cpu_context *ctx) { return (struct vcpu *)(void *)ctx; }
struct vcpu *vcpu_current(void);	/* never NULL after boot; idle vCPUs have domain == NULL */

/* Allocate vCPU @id of @d (HOLD_DOWN). -EEXIST, -EINVAL, -ENOMEM. */
int vcpu_create(struct domain *d, unsigned id, struct vcpu **out) MUST_CHECK;
struct vcpu *vcpu_find(struct domain *d, unsigned id);	/* NULL if none; bounds-safe */

void vcpu_hold(struct vcpu *v, enum vcpu_hold why);	/* set the bit; it stops at its next return; kicks */
void vcpu_release(struct vcpu *v, enum vcpu_hold why);	/* clear; wakes it if nothing else holds */
void vcpu_kick(struct vcpu *v);		/* make it look at its events: wake if blocked, IPI if running elsewhere */
void vcpu_pause(struct vcpu *v);	/* counted; returns when it is off its CPU (not for the current one) */
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
bool vcpu_is_runnable(const struct vcpu *v);

/* SCHEDOP_block / poll / yield of the current vCPU. */
void vcpu_block(struct vcpu *v);
int vcpu_poll(struct vcpu *v, const uint32_t *ports, unsigned n, uint64_t timeout_ns) MUST_CHECK;
void vcpu_yield(struct vcpu *v);
/* An event became pending for @v (event layer): if polling @port (0: any), stop polling. */
void vcpu_poll_wake(struct vcpu *v, uint32_t port);

/* Is an event deliverable now: pending and not masked (or NMI). */
bool vcpu_has_event(const struct vcpu *v);
/* Deliver it: set by hv/pv; builds the bounce frame in v->ctx. Called by upcall_return(). */
extern void (*vcpu_deliver_event)(struct vcpu *v);
/* Raise a per-vCPU VIRQ: set by hv/event. */
extern void (*vcpu_raise_virq)(struct vcpu *v, unsigned virq);

/* Point v->info at @offset in frame @m of the domain (VCPUOP_register_vcpu_info): copies
 * the old contents, marks all events pending. -EINVAL, -EBUSY (already registered), -EPERM. */
int vcpu_info_register(struct vcpu *v, mfn_t m, uint64_t offset) MUST_CHECK;
