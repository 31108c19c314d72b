/* The hypervisor's doors, as a daemon holds them that serves guests' rings: rings by grant, ports, hypercalls. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/evtchn.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/privcmd.h"
#include "dom0/lib/ring_host.h"

struct door_map;

struct doors {
	struct ring_host host;	/* by these doors; they are its arg */
	struct evtchn events;
	struct gntdev grants;
	struct privcmd hypercalls;
	struct door_map *maps;
};

/* Open every door. On failure *@what names it. */
int doors_open(struct doors *d, const char **what) MUST_CHECK;
/* The host's way to map a ring, for one that has another for some domains. @doors: a struct doors. */
int doors_ring_map(void *doors, uint16_t domid, uint32_t ref, void **page) MUST_CHECK;

/* Take one port that fired, as evtchn_pending(). It is unmasked already: what comes while the caller looks at
 * what the event announces raises it again. */
int doors_event(struct doors *d, uint32_t *port) MUST_CHECK;
