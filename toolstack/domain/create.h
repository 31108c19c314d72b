/* Creating a guest, whole or not at all. */
#pragma once
#include <stdbool.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/host.h"
#include "toolstack/places.h"

struct create_options {
	const struct places *places;
	bool paused;                                   /* leave it paused */
	void (*progress)(void *arg, const char *step); /* told of each step before it; or NULL */
	void *progress_arg;
};

/* Create @g. On success *domid names a guest that is complete and, unless options->paused, runs; *warning
 * points to a static text or is NULL. On failure nothing is left of it. If the process is killed on the
 * way, the next leftovers_remove() removes the rest.
 * Returns 0; -EEXIST, -EBUSY: a name, address or disk is taken; -ENOMEM: the host has too little memory;
 * -ENOEXEC, -ENOENT, -ENOTDIR, -EISDIR, -EACCES, -EROFS, -EINVAL, -ENODEV, -ENOTBLK: what the configuration asks
 * for is wrong or not there;
 * -ETIMEDOUT: a back end did not answer; -EINTR: a signal came; -Exxx of the step; always with @why. */
int guest_create(struct host *h, const struct guest_cfg *g, const struct create_options *options,
	uint16_t *domid, const char **warning, struct why *why);
