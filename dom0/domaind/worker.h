/* What a worker process does for one domain that ended. */
#pragma once
#include <stdint.h>
#include "dom0/domaind/policy.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/privcmd.h"

/* Perform @action on @domid over a store connection of our own. The exit code: 0 done, 1 try
 * again. */
int worker_run(struct privcmd *p, uint16_t domid, enum domain_action action) MUST_CHECK;
