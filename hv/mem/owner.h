/* An owner of frames: the memory side of a domain. Layer: mem. One per domain, embedded in
 * struct domain as d->mem; DOMID_IO and DOMID_XEN (ours) have one too. */
#pragma once
#include "hv/base/list.h"
#include "hv/core/lock.h"
#include "hv/cpu/cpu.h"

struct frame;
struct owner {
	domid_t domid;
	bool is_control;		/* may map device memory and, through mmu_update's foreigndom, others' frames */
	bool is_dying;			/* gate on every allocation and on new references by handlers */
	struct lock lock;		/* RANK_OWNER: type changes from zero, table contents, frame list */
	uint32_t first;			/* head of the list of owned frames: MFN, or FRAME_NONE */
	uint32_t pending;		/* stack of tables to devalidate, or FRAME_NONE: owner_run_pending() */
	uint32_t rotations;		/* owner_relinquish(): frames passed over since the last progress */
	uint64_t frame_count, frame_max;	/* frames not free yet (atomic); limit (max_mem) */
	uint64_t shared_count;		/* frames of ours shared with it, not free yet (atomic) */
	cpumask_t dirty_cpus;	/* CPUs that may hold our translations */
	uint64_t shared_info_mfn;	/* informational (getdomaininfo) */
};
void owner_init(struct owner *o, domid_t domid, bool is_control);
/* Make it findable by domid (-ENOMEM) / no longer. Callers serialise. */
int owner_register(struct owner *o) MUST_CHECK;
void owner_unregister(struct owner *o);
struct owner *owner_by_domid(domid_t domid);	/* NULL if none; caller keeps the domain alive */
bool owner_is_empty(const struct owner *o);	/* no frame names it any more: it may be freed */
extern struct owner owner_hv;	/* DOMID_XEN: the hypervisor's own and shared frames */
