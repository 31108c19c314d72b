/* Wait until the back ends have taken a new guest's devices. */
#pragma once
#include <stdint.h>

#include "dom0/lib/store_client.h"
#include "toolstack/config/guest_cfg.h"
#include "toolstack/why.h"

struct device_wait {
	struct store *store;
	uint16_t domid;
	const char *sysfs; /* "/sys" */
	unsigned int timeout_ms;
	struct why *why;
};

/* Until the back end has opened disk @d: from then on the block device or file is held by it.
 * Returns 0; -ETIMEDOUT; -EINTR; -EIO: the back end's own error, in @why. */
int disk_wait(const struct device_wait *w, const struct disk_spec *d);

/* Until netback has made interface @index; then put it onto its bridge and tell netback.
 * Returns as disk_wait(), or bridge_attach()'s error. */
int vif_wait(const struct device_wait *w, const struct vif_spec *v, uint32_t index);
