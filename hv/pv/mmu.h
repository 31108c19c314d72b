/* What mmu_update.c and mmu_ext.c share. Layer: pv; only for them. */
#pragma once
#include "hv/pv/pv.h"

/* The owner that @id names for the caller @v: itself, or for a control domain any living other.
 * Device memory (DOMID_IO) is mapped as one's own. *d is referenced or NULL: mmu_owner_put(). -EPERM, -ESRCH. */
int mmu_owner_get(struct vcpu *v, domid_t id, struct owner **o, struct domain **d) MUST_CHECK;
void mmu_owner_put(struct domain *d);
/* One more request of a batch is done and others follow: should it stop here? */
bool mmu_preempt_check(void);
/* Flush @va (or everything if @all) on the CPUs where vCPUs of the bitmap at @mask may have translations. */
int mmu_flush_vcpus(struct vcpu *v, gva_t mask, bool all, gva_t va) MUST_CHECK;	/* -EFAULT */
void mmu_flush_local(bool all, gva_t va);
void mmu_flush_domain(struct vcpu *v, bool all, gva_t va);
