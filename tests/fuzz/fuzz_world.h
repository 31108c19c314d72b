/* What the files of the world share: tests/fuzz/{world,run,judge}*.c. */
#pragma once
#include "hv/mem/audit.h"
#include "tests/fuzz/world.h"
#include "protocol/xen.h"

extern uint8_t world_window[SLOTS][VCPUS][WINDOW_PAGES * PAGE_SIZE];
extern unsigned world_cpu[SLOTS][VCPUS];	/* which CPU a vCPU has */

/* The window: arguments from its beginning, then code, handlers, and the stack downwards from its end. */
#define WINDOW_LISTS	0x800u			/* offset: lists that arguments point to */
#define WINDOW_CODE	(WINDOW_VA + 0x1400)
#define WINDOW_HANDLER	(WINDOW_VA + 0x1500)
#define WINDOW_AREA	(WINDOW_VA + 0x1600)	/* where a guest has its runstate written */
#define WINDOW_STACK	(WINDOW_VA + 0x1ff0)

/* world.c */
int world_birth(unsigned slot);			/* 0, -ENOMEM: nothing is left of the attempt */
void world_death(unsigned slot);
void world_windows_place(void);			/* each vCPU's window on the CPU it has now */
/* run.c */
void world_hooks_set(void);
void world_settle(void);			/* every CPU that was asked to comes by, until none is */
void world_come_by(void);			/* every other CPU that is not busy, once: what waiting does */
extern uint64_t world_busy;			/* mask of CPUs that pair.c runs */
bool world_is_harness(unsigned kind);
void world_act(const struct act *a, void (*between)(void *), void *arg, struct outcome *o);
/* judge.c: what no CPU may still reach; registered with the audit. */
const char *world_judge(void);

/* One hypercall in the making. */
struct request {
	struct vcpu *v;
	uint8_t *window;
	uint64_t nr, arg[6];
};
/* run_memory.c, run_domains.c: fill @r in for @a; false: there is nothing to do. After it returned: what it
 * answered, and what the guest remembers of it. */
bool request_memory(const struct act *a, struct request *r);
void answer_memory(const struct act *a, const struct request *r, struct outcome *o);
bool request_domains(const struct act *a, struct request *r);
void answer_domains(const struct act *a, const struct request *r, struct outcome *o);
/* run_guest.c: what a guest does without a hypercall, and what the harness does. */
void guest_access_run(const struct act *a, struct vcpu *v, struct outcome *o);
bool guest_plain_run(const struct act *a);
void harness_run(const struct act *a, struct outcome *o);
