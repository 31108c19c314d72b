/* The hypervisor's layers from timers to hypercalls, started as hv/boot does it, for worlds of hosted tests. */
#pragma once
#include "hv/call/call.h"
#include "hv/core/panic.h"
#include "hv/core/timer.h"
#include "hv/cpu/host/host.h"
#include "hv/cpu/upcall.h"
#include "hv/dom/sched.h"
#include "hv/event/evtchn.h"
#include "hv/grant/grant.h"
#include "hv/irq/irq.h"
#include "hv/pv/pv.h"

/* @ecam: PCI configuration by memory; 0: by ports. */
static inline void layers_start(maddr_t ecam)
{
	timers_init();
	sched_init();
	evtchn_init();
	grant_init();
	pv_init();
	irq_init(NULL, 0, NULL, 0, ecam);
	call_init();
	host_upcall_irq = upcall_irq;
	host_upcall_timer = upcall_timer;
}

/* CPUs 1 to @count - 1 schedule, too. */
static inline void layers_start_cpus(unsigned count)
{
	for (unsigned cpu = 1; cpu < count; cpu++) {
		int rc = sched_cpu_add(cpu);
		ASSERT(rc == 0);
		host_cpu_select(cpu);
		sched_cpu_start();
	}
	host_cpu_select(0);
}
