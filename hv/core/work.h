/* Deferred work: bits per CPU, run from upcall_return() before a guest continues. Layer: core. */
#pragma once
#include "hv/base/types.h"

enum work { WORK_TIMER, WORK_RESCHED, WORK_CONSOLE, WORK_REAP, WORK_VIRQ, WORK_COUNT };

void work_register(enum work w, void (*fn)(void));	/* at boot */
void work_raise(unsigned cpu, enum work w);		/* kicks a remote CPU */
bool work_is_pending(void);				/* on this CPU; the cheap test on the exit path */
void work_run(void);					/* run all pending on this CPU, until none */
/* Should a long operation stop now? True if work or an interrupt is pending for this CPU.
 * Opens a preemption window. Call at least every 64 items / 512 entries (I16). */
bool preempt_needed(void);
/* Work items between two preempt_needed() calls, for the audit (I16): count one. */
void preempt_count(unsigned items);
/* A handler begins: nothing counted yet. */
void preempt_begin(void);
