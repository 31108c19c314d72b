/* Memory, page-table and event-channel operations on behalf of another domain: what a domain
 * builder needs beside domctl.h. Spec: memory.h, xen.h (mmuext_op), event_channel.h. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/privcmd.h"

/* One record of a guest's memory map; laid out as in the firmware's e820 call (20 bytes). */
struct mem_range {
	uint64_t start, size;	/* bytes */
	uint32_t type;		/* 1 RAM, 2 reserved */
} __attribute__((packed));

/* Give @domid @count extents of 2^@order frames. @pfn[]: the guest frame of each extent's first
 * frame; @mfn[] receives its machine frame (may be the same array). M2P is set by the hypervisor.
 * All or nothing is NOT promised: *@done is always written. -ENOMEM: fewer than asked. */
int memctl_populate(struct privcmd *p, uint16_t domid, const uint64_t *pfn, uint64_t *mfn,
		    uint32_t count, unsigned int order, uint32_t *done) MUST_CHECK;
/* Set the map that @domid's XENMEM_memory_map will return; at most 128 ranges. */
int memctl_set_memory_map(struct privcmd *p, uint16_t domid, const struct mem_range *range,
			  uint32_t count) MUST_CHECK;
/* Claim @pages for @domid ahead of population (0: drop the claim). */
int memctl_claim(struct privcmd *p, uint16_t domid, uint64_t pages) MUST_CHECK;

/* Pin @mfn of @domid as a top-level (L4) page table; drop the pin. Validation is preemptible and
 * continues inside the call. -EINVAL: a bad entry, or a writable mapping of a table is left. */
int memctl_pin_l4(struct privcmd *p, uint16_t domid, uint64_t mfn) MUST_CHECK;
int memctl_unpin(struct privcmd *p, uint16_t domid, uint64_t mfn) MUST_CHECK;

/* Allocate a port in @domid that @remote may bind. */
int evtchn_alloc_unbound(struct privcmd *p, uint16_t domid, uint16_t remote,
			 uint32_t *port) MUST_CHECK;
/* Free frames of the host, in 4 KiB frames, come from sysctl_physinfo(). */
