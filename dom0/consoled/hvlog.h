/* The hypervisor's log, copied into hypervisor.log as it grows. */
#pragma once
#include <stdint.h>
#include "dom0/consoled/logfile.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/privcmd.h"

struct hvlog {
	struct privcmd *hypercalls;
	struct logfile file;
	uint32_t index;		/* how far we read */
	int index_fd;		/* where that is kept for a successor; -1: nowhere */
};

/* @index_fd: a file that holds the index as text, or is empty. */
int hvlog_open(struct hvlog *h, struct privcmd *p, int log_dir, int index_fd) MUST_CHECK;
/* The log grew: copy what is new. */
void hvlog_read(struct hvlog *h);
