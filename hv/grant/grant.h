/* Grant tables, version 1. Layer: grant. Rules G1..: grant.c.
 * The shared entry is read once by a 64-bit load; while an entry is mapped or being copied the
 * active record is authoritative. Map-track halves and pins are exact functions of each other. */
#pragma once
#include "hv/dom/domain.h"

void grant_init(void);			/* registers domain_ops, audit enumerator and check */
struct gnttab_map_grant_ref;
struct gnttab_unmap_grant_ref;
struct gnttab_copy;
/* One operation each, called for the current domain @d; the result is op->status, which the
 * caller copies out. They never fail otherwise. @l4: the current kernel address space, for host_addr
 * given as a virtual address. The TLB flush an unmap needs is collected in *flush (a CPU mask) and done by
 * the caller once per batch, before any status is visible to others... frames stay pinned until then:
 * grant_unmap_finish() after the flush drops them. */
struct grant_unmap_batch { unsigned n; cpumask_t flush; struct frame *frame[64]; };
void grant_map(struct domain *d, struct gnttab_map_grant_ref *op);
void grant_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op, struct grant_unmap_batch *b);
void grant_unmap_finish(struct domain *d, struct grant_unmap_batch *b);
void grant_copy(struct domain *d, struct gnttab_copy *op);
/* Grow @d's table to @frames and report frame @i. Status is GNTST_*. */
int grant_setup_table(struct domain *d, unsigned frames) MUST_CHECK;	/* GNTST_* */
mfn_t grant_frame(struct domain *d, unsigned i);			/* MFN_INVALID past the end */
void grant_query_size(struct domain *d, uint32_t *frames, uint32_t *max);
