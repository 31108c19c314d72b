/* What the mains of devices' processes share: how they begin, and what they may do from then on. A failure ends the
 * process with a line in the log. */
#pragma once
#include "dom0/backend/link.h"
#include "dom0/lib/sandbox.h"

/* What a kind of process may ask of the kernel, beside what any may (dom0/lib/sandbox.h). */
struct process_rights {
	const char *calls;
	const unsigned int *requests;
};
extern const struct process_rights process_blkback, process_blkback_threads, process_blkback_nbd, process_netback;

/* Log as @name from now on, and hear what backendd says at first. */
struct link_start process_begin(const char *name);
/* Enter the sandbox: own uid, an empty root directory, bounded memory, and just these rights. */
void process_confine(const struct process_rights *rights, uid_t uid);
