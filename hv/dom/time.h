/* Guest time: the PV clock, wall clock, runstate areas, timers of a vCPU. Layer: dom. */
#pragma once
#include "hv/dom/vcpu.h"

void time_init(void);			/* by domain_init() */
/* Write v->info's (and the secondary area's) clock record; before a vCPU first runs, after its info
 * moved, and when parameters change. */
void time_update_vcpu(struct vcpu *v);
/* The same if the record may be out of date: before a vCPU runs. */
void time_update_if_stale(struct vcpu *v);
/* @d, all of whose vCPUs stand still, has been paused for a time that it will see go by at once. Their next
 * records say so (XEN_PVCLOCK_GUEST_STOPPED), or a kernel would take the leap for a lock-up and a stall. */
void time_stood_still(struct domain *d);
/* Fill wc_* of @d's shared_info from the host's wall clock. */
void time_update_wallclock(struct domain *d);
/* dom0 set the wall clock (platform settime64): seconds, nanoseconds at system time @system_ns. */
void time_set_wallclock(uint64_t sec, uint32_t nsec, uint64_t system_ns);
/* VCPUOP_register_vcpu_time_memory_area; -EFAULT if it cannot be written now. */
int time_area_register(struct vcpu *v, gva_t area) MUST_CHECK;
/* Copy runstate to the guest's area if it has one (failure to write is ignored); with the
 * update flag when the domain enabled vm_assist runstate_update_flag. Called by sched when @v is
 * loaded. */
void runstate_update_area(struct vcpu *v);
/* 0; an area that cannot be written is skipped */
int runstate_area_register(struct vcpu *v, gva_t area) MUST_CHECK;
void runstate_get(const struct vcpu *v, struct vcpu_runstate_info *out);	/* up to now */
/* Prepare and end a vCPU's timers (singleshot, periodic, poll). */
void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_stop(struct vcpu *v);
void vcpu_timers_migrate(struct vcpu *v, unsigned cpu);	/* to the CPU it runs on now */
/* Deadlines on the cpu_time_ns() scale; one in the past fires at once, or with @future gives
 * -ETIME. */
int vcpu_singleshot_set(struct vcpu *v, uint64_t deadline_ns, bool future) MUST_CHECK;
void vcpu_singleshot_stop(struct vcpu *v);
/* 0 stops; >= 1 ms else -EINVAL */
int vcpu_periodic_set(struct vcpu *v, uint64_t period_ns) MUST_CHECK;
