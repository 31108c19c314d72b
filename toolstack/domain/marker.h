/* Marks of creations under way, so that one that was killed is noticed and removed.
 *
 *   /bothy/creating/UUID = "PID START NAME"      dom0 only; START: the process's start time
 *
 * The mark is set before the domain exists and taken away when it is whole. A mark whose process is gone
 * names, by UUID, a domain that is half-made. It also reserves the name while it stands. */
#pragma once
#include <stdint.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/host.h"

/* Set the mark of @g (its uuid is set), in one transaction with the check that no domain and no creation
 * has this name or UUID. Returns 0; -EEXIST with @why; the store's error. */
int marker_set(struct host *h, const struct guest_cfg *g, struct why *why);

/* Take it away. 0 also when there is none. */
int marker_clear(struct host *h, const uint8_t uuid[16]);

/* Remove what killed creations left: domain, store nodes, mark. Returns how many, or -Exxx. */
int leftovers_remove(struct host *h);
