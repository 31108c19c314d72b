/* Between domctl and sysctl. Layer: call, private. */
#pragma once
#include "hv/dom/vcpu.h"
#include "protocol/domctl.h"

void control_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *out);

/* Bitmaps of CPUs in the caller's memory, of any length: bits we have no CPU numbers for are
 * dropped when read and zero when written. -EFAULT; -EINVAL: absurdly long. */
int control_mask_read(const struct xenctl_bitmap *b, cpumask_t *mask) MUST_CHECK;
int control_mask_write(const struct xenctl_bitmap *b, cpumask_t mask) MUST_CHECK;

/* The PV policy as leaves and MSRs, as tools exchange it. The counts are room in, used out; an
 * address of 0 asks for the number. -ENOSPC: too little room; -EFAULT. */
struct control_policy { gva_t leaves, msrs; uint32_t nr_leaves, nr_msrs; };
int control_policy_write(struct control_policy *p) MUST_CHECK;
#define FEATURE_WORDS 19u
void control_features(uint32_t word[FEATURE_WORDS]);

/* domctl_vcpu.c: operations on one vCPU. -ESRCH: no such vCPU. -ENOSYS: not one of them. */
int domctl_vcpu(struct vcpu *caller, struct domain *d, struct xen_domctl *op, bool *reply);
/* Held by whoever creates, destroys or builds domains. RANK_DOMCTL. */
extern struct lock domctl_lock;
