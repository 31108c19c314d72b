/* Deaths: found by looking at everything, handled one worker process each.
 *
 * Truth is in the hypervisor's list and in the store: /bothy/domain/D is what the toolstack
 * recorded, /bothy/restart/D is a creation still owed for the dead domain D. Whatever is killed in
 * between, the next look finds what is left to do. Once there is /bothy/stopping the host goes down:
 * whatever ends is reaped, nothing is restarted or kept. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "dom0/domaind/policy.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/privcmd.h"
#include "dom0/lib/store_client.h"

/* A crash this soon after the start is not followed by a restart: the next would crash as well. */
#define YOUNG_NS 3000000000u
/* Workers at once, and the pause before a failed job is tried again. */
#define WORKERS_MAX 8
#define RETRY_NS 2000000000u

enum job_kind { JOB_END, JOB_RESTART };

struct job {
	struct job *next;
	enum job_kind kind;
	uint16_t domid;
	enum domain_action action;	/* JOB_END */
	const char *ending;		/* JOB_END: how it ended, for the log */
	pid_t pid;			/* its worker; 0: none, waiting for retry_ns */
	bool asked;			/* JOB_RESTART: the executor has it */
	uint64_t retry_ns;
	unsigned int failures;
};

struct deaths {
	struct loop *loop;
	struct store *store;
	struct privcmd *hypercalls;
	int executor_fd;
	bool stopping;			/* at the latest look */
	struct job *jobs;
	unsigned int workers;
};

/* Look at every domain and start what is to be done. */
void deaths_scan(struct deaths *d);
/* A worker ended. */
void deaths_child(struct deaths *d, pid_t pid, int status);
/* The executor answered about @domid. */
void deaths_executed(struct deaths *d, uint16_t domid, int status);
/* Is anything left of @domid: in the hypervisor, in the records, or to be done? */
bool deaths_pending(struct deaths *d, uint16_t domid);
