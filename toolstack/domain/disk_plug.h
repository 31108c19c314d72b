/* Disks of a guest that runs: plugged in and out. Its configuration, as it is kept for a restart, stays as it was. */
#pragma once
#include "toolstack/config/disk_spec.h"
#include "toolstack/host.h"
#include "toolstack/places.h"

/* Give guest @domid the disk @d, as its creation would, and wait until the back end has it. Whatever fails, nothing is
 * left of it. Returns 0; -EEXIST: the guest has a disk of that number; -EBUSY, -ETIMEDOUT ..., with @why. */
int disk_plug(struct host *h, const struct places *p, uint16_t domid, const struct disk_spec *d, struct why *why);

/* Take the disk of number @vdev_nr from guest @domid: the guest is asked, and has some seconds to stop using it; with
 * @force it is not asked. Returns 0, the disk's target free; -ENOENT: there is none; -ETIMEDOUT: the guest still uses it, and
 * it goes when it does not; -EBUSY: the back end does not let go; -EINTR; with @why. */
int disk_unplug(struct host *h, const struct places *p, uint16_t domid, uint32_t vdev_nr, bool force, struct why *why);
