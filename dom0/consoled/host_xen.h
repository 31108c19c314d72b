/* What consoled takes from the hypervisor. */
#pragma once
#include <stdint.h>
#include "dom0/consoled/guest.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/evtchn.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/privcmd.h"

struct host_map;

struct host_xen {
	struct console_host ops;
	struct evtchn events;
	struct gntdev grants;
	struct privcmd hypercalls;
	uint32_t virq_port;	/* VIRQ_CON_RING */
	struct host_map *maps;
};

/* Open every door and bind VIRQ_CON_RING. On failure *@what names the door. */
int console_host_open(struct host_xen *h, const char **what) MUST_CHECK;
