/* Network interfaces of dom0, set up by one request to the kernel each. Spec: rtnetlink(7). */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"

struct interface_setting {
	const uint8_t *mac;		/* NULL: as it is */
	const char *bridge;		/* to be a port of; NULL: as it is */
	uint32_t queue_packets;		/* that it lets wait; 0: as it is */
	uint32_t gso_bytes;		/* packets that are cut into segments later are smaller; 0: as it is */
};

/* Set interface @name so, and up. -ENODEV: there is none, or no such bridge; -Exxx. */
int interface_set(const char *name, const struct interface_setting *s) MUST_CHECK;
/* -ENODEV: there is none. */
int interface_remove(const char *name) MUST_CHECK;
