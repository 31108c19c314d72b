/* All guests' end, for the host goes down. */
#pragma once
#include "toolstack/host.h"

/* Noted in the store while the host goes down: domaind restarts and keeps nothing any more. */
#define HOST_STOPPING "/bothy/stopping"

/* Ask every guest to power off, side by side; those still there after @timeout_s are destroyed. From now on
 * until the host is started again no guest is started again. Says in one line each, or in an object of the
 * schema bothy.shutdown-host/1, how it ended.
 * Returns EXIT_DONE: no guest is left; else an exit code with c->why. */
enum exit_code host_stop(struct cli *c, struct host *h, unsigned int timeout_s);
