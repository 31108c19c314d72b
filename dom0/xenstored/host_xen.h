/* What the store takes from the hypervisor and dom0's kernel. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/doors.h"
#include "dom0/xenstored/domain.h"

struct host_xen {
	struct doors doors;
	int backend_fd;		/* /dev/xen/xenbus_backend: dom0's own ring and port */
	void *kernel_ring;
	uint32_t kernel_port;	/* dom0's kernel's end of its store channel */
	uint32_t virq_port;	/* VIRQ_DOM_EXC */
};

/* Open every door and bind VIRQ_DOM_EXC. On failure *@what names the door. */
int store_host_open(struct host_xen *h, const char **what) MUST_CHECK;
/* For domains_open(). */
enum domain_life store_host_life(void *doors, uint16_t domid);
