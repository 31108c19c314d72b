/* Creating a guest, whole or not at all. */
#pragma once
#include <stdbool.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/host.h"

struct create_options {
	const char *cache_dir;   /* of unpacked kernels */
	const char *keep_dir;    /* where configurations of running guests are kept */
	const char *sysfs;       /* "/sys" */
	unsigned int timeout_ms; /* for each back end */
	bool paused;             /* leave it paused */
	void (*progress)(void *arg, const char *step); /* told of each step before it; or NULL */
	void *progress_arg;
};

/* Create @g. On success *domid names a guest that is complete and, unless options->paused, runs; *warning
 * points to a static text or is NULL. On failure nothing is left of it. If the process is killed on the
 * way, the next leftovers_remove() removes the rest.
 * Returns 0; -EEXIST, -EBUSY: a name, address or disk is taken; -ENOEXEC, -ENOSPC, -ENOENT, -EINVAL:
 * the image or its memory;
 * -ETIMEDOUT: a back end did not answer; -EINTR: a signal came; -Exxx of the step; always with @why. */
int guest_create(struct host *h, const struct guest_cfg *g, const struct create_options *options,
	uint16_t *domid, const char **warning, struct why *why);
