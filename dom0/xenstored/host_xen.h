/* What the store takes from the hypervisor and dom0's kernel. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/evtchn.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/privcmd.h"
#include "dom0/xenstored/domain.h"

struct host_map;

struct host_xen {
	struct domain_host ops;
	struct evtchn events;
	struct gntdev grants;
	struct privcmd hypercalls;
	int backend_fd;		/* /dev/xen/xenbus_backend: dom0's own ring and port */
	struct xenstore_domain_interface *kernel_ring;
	uint32_t kernel_port;	/* dom0's kernel's end of its store channel */
	uint32_t virq_port;	/* VIRQ_DOM_EXC */
	struct host_map *maps;
};

/* Open every door and bind VIRQ_DOM_EXC. On failure *@what names the door. */
int store_host_open(struct host_xen *h, const char **what) MUST_CHECK;
