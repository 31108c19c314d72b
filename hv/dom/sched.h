/* The scheduler: proportional share by weight, with cap and affinity. Layer: dom.
 * Core: sched.c (run queues, hand-over), sched_place.c (which CPU), sched_params.c (weight, cap);
 * policy: sched_fair.c behind struct sched_policy (sched_policy.h). */
#pragma once
#include "hv/dom/vcpu.h"

#define SCHED_WEIGHT_DEFAULT 256
/* weight 1..65535, of each vCPU of the domain; cap of them together, in percent of one CPU, 0 =
 * none. */
struct sched_params { uint16_t weight, cap; };

/* Boot CPU: the dom layer's start (domain_init() too), its idle vCPU, which becomes current. */
void sched_init(void);
/* Per further CPU: memory, before it starts; then on the CPU itself (upcall_cpu_online): load the
 * idle vCPU, join. */
int sched_cpu_add(unsigned cpu) MUST_CHECK;
void sched_cpu_start(void);
int sched_domain_add(struct domain *d) MUST_CHECK;	/* by domain_create(): -ENOMEM */
void sched_domain_remove(struct domain *d);
int sched_vcpu_add(struct vcpu *v) MUST_CHECK;		/* by vcpu_create(): -ENOMEM */
void sched_vcpu_remove(struct vcpu *v);			/* it does not run and will not */
/* -EINVAL */
int sched_params_set(struct domain *d, const struct sched_params *p) MUST_CHECK;
void sched_params_get(struct domain *d, struct sched_params *p);
/* -EINVAL: no online CPU in the mask. */
int sched_affinity_set(struct vcpu *v, cpumask_t hard, cpumask_t soft) MUST_CHECK;
/* A reason not to run was removed, or added: look at the vCPU again. It may still run after
 * sched_stop(): then its CPU is told to reschedule. Needs no lock of rank SCHED or above held. */
void sched_wake(struct vcpu *v);
void sched_stop(struct vcpu *v);
void sched_give_way(struct vcpu *v);		/* the current one lets the next in its queue run */
/* WORK_RESCHED on this CPU: pick and load the next vCPU. */
void sched_run(void);
uint64_t sched_cpu_time_ns(const struct vcpu *v);	/* time it has run */
