/* vcpu_op(cmd, vcpu id, arg): bring-up, timers, areas the hypervisor keeps current.
 * Spec: vcpu.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

#define VCPUOP_initialise			0	/* arg: vcpu_guest_context */
#define VCPUOP_up				1
#define VCPUOP_down				2
#define VCPUOP_is_up				3	/* 1, 0, or -ENOENT: no such vCPU */
#define VCPUOP_get_runstate_info		4
#define VCPUOP_register_runstate_memory_area	5
#define VCPUOP_set_periodic_timer		6
#define VCPUOP_stop_periodic_timer		7
#define VCPUOP_set_singleshot_timer		8
#define VCPUOP_stop_singleshot_timer		9
#define VCPUOP_register_vcpu_info		10
#define VCPUOP_send_nmi				11
#define VCPUOP_get_physid			12
#define VCPUOP_register_vcpu_time_memory_area	13

#define RUNSTATE_running	0
#define RUNSTATE_runnable	1
#define RUNSTATE_blocked	2
#define RUNSTATE_offline	3

struct vcpu_runstate_info {
	int32_t state;			/* RUNSTATE_* */
	uint64_t state_entry_time;	/* ns; XEN_RUNSTATE_UPDATE is set while being written */
	uint64_t time[4];		/* ns spent in each state */
};
#define XEN_RUNSTATE_UPDATE	(1ull << 63)

struct vcpu_register_runstate_memory_area {
	union {
		uint64_t h;		/* guest virtual address */
		uint64_t v;
		uint64_t p;
	} addr;
};

struct vcpu_set_periodic_timer {
	uint64_t period_ns;
};

struct vcpu_set_singleshot_timer {
	uint64_t timeout_abs_ns;
	uint32_t flags;			/* VCPU_SSHOTTMR_* */
};
#define _VCPU_SSHOTTMR_future	0
#define VCPU_SSHOTTMR_future	(1u << _VCPU_SSHOTTMR_future)	/* -ETIME if already past */

struct vcpu_register_vcpu_info {
	uint64_t mfn;
	uint32_t offset;
	uint32_t rsvd;
};

struct vcpu_get_physid {
	uint64_t phys_id;		/* low 32 bits APIC id, high 32 bits ACPI id */
};

struct vcpu_register_time_memory_area {
	union {
		uint64_t h;		/* guest virtual address of a vcpu_time_info; 0: none */
		uint64_t v;
		uint64_t p;
	} addr;
};
