/* Deferred work: bits per CPU, run from upcall_return() before a guest continues. Layer: core. */
#pragma once
#include "hv/base/types.h"

enum work { WORK_TIMER, WORK_RESCHED, WORK_CONSOLE, WORK_REAP, WORK_VIRQ, WORK_COUNT };

void work_register(enum work w, void (*fn)(void));	/* at boot */
void work_raise(unsigned cpu, enum work w);		/* kicks a remote CPU */
bool work_is_pending(void);				/* on this CPU; the cheap test on the exit path */
void work_run(void);					/* run all pending on this CPU, until none */

/* Preemption checks (I16). What is done between two of them is counted per CPU, whatever loops it is spread
 * over: in table entries, of which an operation on anything else (a frame, port, grant, request) is worth
 * PREEMPT_ITEM. Whoever does the work counts it; whoever can be continued asks after each step.
 * A window is opened in both; no lock may be held that an interrupt's handler takes (RANK_EVTCHN and up). */
#define PREEMPT_ENTRIES	512u
#define PREEMPT_ITEM	8u
/* @entries (at most PREEMPT_ENTRIES) are about to be worked on in one piece: opens a window if they do not fit. */
void preempt_count(unsigned entries);
/* Should the operation stop here and be continued? True if the window that became due, now or in
 * preempt_count(), brought work for this CPU. */
bool preempt_due(void);
/* How many entries fit before the next check: at least 1. */
unsigned preempt_room(void);
/* The same as preempt_due(), with a window now. */
bool preempt_needed(void);
/* A handler begins: nothing counted yet. */
void preempt_begin(void);
/* Counted since the last window. */
unsigned preempt_counted(void);
