/* Marks of creations under way, so that one that was killed is noticed and removed.
 *
 *   /bothy/creating/UUID = "PID START NAME"      dom0 only; START: the process's start time
 *
 * The mark is set before anything is made and taken away when the domain is whole. A mark whose process is gone
 * names, by UUID, a domain that is half-made. It also reserves the name while it stands. */
#pragma once
#include <stdint.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/host.h"

/* Set the mark of @g (its uuid is set), in one transaction with the check that no domain and no creation
 * has this name or UUID. Returns 0; -EEXIST with @why; the store's error. */
int marker_set(struct host *h, const struct guest_cfg *g, struct why *why);

/* Inside a transaction that renames domain @self: the same check of the name alone. Returns 0; -EEXIST with
 * @why; another error without. */
int marker_check_name(
	struct host *h, uint32_t tx, uint16_t self, const char *name, struct why *why);

/* Take it away. 0 also when there is none. */
int marker_clear(struct host *h, const uint8_t uuid[16]);

/* All marks, as store_list() gives them. */
int marker_list(struct host *h, char ***uuids, unsigned int *count);

/* Make the mark @uuid, whose process is gone, ours: we remove what it stands for, and nobody else does, nor
 * can the name or the UUID be taken meanwhile. Returns 0; -EBUSY: its process lives; -ENOENT: no such mark
 * any more; the store's error. */
int marker_take_over(struct host *h, char *uuid);

/* marker_clear() by the mark's own name, which may be no UUID. */
int marker_forget(struct host *h, const char *uuid);
