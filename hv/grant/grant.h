/* Grant tables, version 1. Layer: grant. Rules G1..: grant.c.
 * The shared entry is read once by a 64-bit load; while an entry is mapped or being copied the
 * active record is authoritative. Map-track halves and pins are exact functions of each other.
 * Locks: each table's RANK_GRANT lock; granter's and mapper's by lock_pair in domid order. */
#pragma once
#include "hv/dom/vcpu.h"

struct gnttab_map_grant_ref;
struct gnttab_unmap_grant_ref;
struct gnttab_copy;

void grant_init(void);			/* registers domain_ops, audit enumerator and check */

/* One operation each for the calling domain @d; op is the handler's copy, the result is in
 * op->status (GNTST_*), which the caller copies out. They never fail otherwise.
 * @v is the calling vCPU: host_addr given as a virtual address is looked up in its kernel L4. */
void grant_map(struct vcpu *v, struct gnttab_map_grant_ref *op);
void grant_copy(struct domain *d, struct gnttab_copy *op);

/* Unmapping takes two steps, so that a batch needs one TLB flush: grant_unmap() removes the mapping
 * and notes it in @b (zeroed by the caller); grant_unmap_finish() flushes, then lets the granters
 * have their frames back. Call it when b->n reaches GRANT_BATCH, and at the end of the batch,
 * before any status is written out and before a preemption. */
#define GRANT_BATCH 64
struct grant_unmap_batch {
	unsigned n;
	cpumask_t flush;
	struct { uint32_t handle; uint16_t halves; } item[GRANT_BATCH];
};
void grant_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op, struct grant_unmap_batch *b);
void grant_unmap_finish(struct domain *d, struct grant_unmap_batch *b);

/* Grow @d's table to at least @frames shared frames. GNTST_okay; GNTST_general_error: over its
 * limit, dying, or no memory (nothing changed but what was grown); -ERESTART: call again. */
int grant_setup_table(struct domain *d, unsigned frames) MUST_CHECK;
/* MFN_INVALID past the end */
mfn_t grant_frame(struct domain *d, unsigned i);
void grant_query_size(struct domain *d, uint32_t *frames, uint32_t *max);
