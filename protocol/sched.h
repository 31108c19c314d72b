/* sched_op(cmd, arg). Spec: sched.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

#define SCHEDOP_yield		0
#define SCHEDOP_block		1	/* clears the upcall mask, sleeps until an event */
#define SCHEDOP_shutdown	2
#define SCHEDOP_poll		3	/* sleeps until a listed port is pending, masked or not */
#define SCHEDOP_remote_shutdown	4
#define SCHEDOP_shutdown_code	5
#define SCHEDOP_watchdog	6
#define SCHEDOP_pin_override	7

struct sched_shutdown {
	uint32_t reason;		/* SHUTDOWN_* */
};

struct sched_poll {
	uint64_t ports;			/* guest address of evtchn_port_t[nr_ports] */
	uint32_t nr_ports;
	uint64_t timeout;		/* absolute ns; 0: never */
};

struct sched_remote_shutdown {
	domid_t domain_id;
	uint32_t reason;
};

struct sched_watchdog {
	uint32_t id;			/* 0: a new one */
	uint32_t timeout;		/* seconds */
};

struct sched_pin_override {
	int32_t pcpu;
};

#define SHUTDOWN_poweroff	0
#define SHUTDOWN_reboot		1
#define SHUTDOWN_suspend	2
#define SHUTDOWN_crash		3
#define SHUTDOWN_watchdog	4
#define SHUTDOWN_soft_reset	5
#define SHUTDOWN_MAX		5
