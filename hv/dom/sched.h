/* The scheduler: proportional share by weight, with cap and affinity. Layer: dom.
 * Core here (run queues, hand-over, accounting), policy behind struct sched_policy. */
#pragma once
#include "hv/dom/vcpu.h"

#define SCHED_WEIGHT_DEFAULT 256
struct sched_params { uint16_t weight, cap; };	/* weight 1..65535; cap in percent of one CPU, 0 = none */

void sched_init(void);				/* boot CPU: idle vCPU and queue */
int sched_cpu_add(unsigned cpu) MUST_CHECK;	/* per further CPU, before it is online */
int sched_vcpu_add(struct vcpu *v) MUST_CHECK;
void sched_vcpu_remove(struct vcpu *v);
int sched_params_set(struct domain *d, const struct sched_params *p) MUST_CHECK;	/* -EINVAL */
void sched_params_get(struct domain *d, struct sched_params *p);
/* -EINVAL: no online CPU in the mask. */
int sched_affinity_set(struct vcpu *v, cpumask_t hard, cpumask_t soft) MUST_CHECK;
void sched_wake(struct vcpu *v);		/* it became runnable */
void sched_stop(struct vcpu *v);		/* it ceased to be; it may still run: then its CPU is kicked */
/* WORK_RESCHED on this CPU: pick and load the next vCPU. */
void sched_run(void);
uint64_t sched_cpu_time_ns(const struct vcpu *v);	/* time it has run */
