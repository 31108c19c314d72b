/* The hypervisor's half of a new guest: domain, memory, image, event channels, grants, first vCPU.
 * Nothing here touches the store. Spec: domctl.h, memory.h, grant_table.h, xen.h. */
#pragma once
#include <stdint.h>

#include "dom0/lib/privcmd.h"
#include "toolstack/config/guest_cfg.h"
#include "toolstack/image/kernel_cache.h"
#include "toolstack/why.h"

/* What the store must tell guest and daemons. */
struct guest_rings {
	uint64_t store_mfn, console_mfn;
	uint32_t store_port, console_port;
};

/* Files of a guest, mapped before anything exists, so that a wrong one costs nothing. */
struct guest_image {
	struct mapped_file kernel, ramdisk; /* ramdisk.size 0: none */
};

/* Map kernel (through the cache in @cache_dir) and ramdisk, and check that they fit into the memory that
 * @g asks for. Returns 0 and *i, or -Exxx with @why and nothing held. */
int guest_image_open(
	struct guest_image *i, const struct guest_cfg *g, const char *cache_dir, struct why *why);
void guest_image_close(struct guest_image *i);

/* Create the paused, empty domain with @g's handle and limits. *domid is valid on success only. */
int guest_domain_create(
	struct privcmd *hv, const struct guest_cfg *g, uint16_t *domid, struct why *why);

/* Fill it: memory, image, start information, ports, grants, vCPU 0. It stays paused. On failure the
 * domain is half-made and good for nothing but to be destroyed; nothing of it stays mapped. */
int guest_domain_build(struct privcmd *hv, uint16_t domid, const struct guest_cfg *g,
	const struct guest_image *image, struct guest_rings *rings, struct why *why);
