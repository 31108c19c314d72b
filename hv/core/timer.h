/* One-shot timers, one queue per CPU. Layer: core. */
#pragma once
#include "hv/base/types.h"

struct timer {
	uint64_t deadline_ns;		/* cpu_time_ns() scale */
	void (*fn)(void *arg);		/* runs on ->cpu, no locks held, from upcall_return() */
	void *arg;
	/* In its CPU's queue; under that queue's lock. */
	struct timer *child, *next;	/* pairing heap: first child, next sibling */
	struct timer **link;		/* what points to us; NULL = not set */
	uint16_t cpu;
};
void timer_init(struct timer *t, void (*fn)(void *), void *arg, unsigned cpu);
/* (Re)arm; a deadline in the past fires at the next return to a guest or idle. */
void timer_set(struct timer *t, uint64_t deadline_ns);
/* Disarm. On return fn is neither pending nor running on another CPU. */
void timer_stop(struct timer *t);
bool timer_is_set(const struct timer *t);
/* Move to another CPU (armed or not); nothing if fn is running. */
void timer_migrate(struct timer *t, unsigned cpu);
/* Run what is due on this CPU and program the hardware; called by upcall_return(). */
void timer_run(void);
/* Registers timer_run() as WORK_TIMER; at boot. */
void timers_init(void);
