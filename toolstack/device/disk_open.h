/* A disk's target, opened as its entry says. */
#pragma once
#include "toolstack/config/disk_spec.h"
#include "toolstack/device/loop_device.h"

/* Open @d's target, as block_open() does, for whoever serves it, and see that it can have the sectors that are wanted: its
 * size a multiple, its own sectors no larger. An NBD target is the process's to open: *b holds nothing.
 * Returns 0 and *b; -EINVAL: the sectors; block_open()'s errors. */
int disk_open(struct block_handle *b, const struct disk_spec *d, struct why *why);
