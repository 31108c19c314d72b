/* What a new guest may not share with those that are there. */
#pragma once
#include "dom0/lib/store_client.h"
#include "toolstack/config/guest_cfg.h"
#include "toolstack/device/loop_device.h"

/* Draw a MAC (00:16:3e and three random bytes) for every interface without one, unused on this host; and
 * refuse a given one that is in use. Returns 0; -EEXIST with @why; the store's error. */
int macs_settle(struct store *s, struct guest_cfg *g, struct why *why);

/* Refuse a disk that another guest writes, or that this one would write while another has it: two kernels
 * on one file system destroy it. Returns 0; -EBUSY with @why; the store's error. */
int disk_check_shared(
	struct store *s, const struct disk_spec *d, const struct block_handle *b, struct why *why);

/* Refuse disk @index of @g if an earlier one is the same and one of the two is written. Returns 0; -EINVAL with
 * @why. */
int disk_check_own(const struct guest_cfg *g, size_t index, struct why *why);

/* A random (version 4) UUID. Returns 0, -Exxx. */
int uuid_draw(uint8_t uuid[16]);
