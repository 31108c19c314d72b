/* Running what the layers above registered for domains and vCPUs. Layer: dom; only for hv/dom. */
#pragma once
#include "hv/dom/vcpu.h"

void domain_ops_reset(void);
/* In registration order; what was created is destroyed again on failure. */
int domain_ops_create(struct domain *d, const struct domain_config *config) MUST_CHECK;
int domain_ops_vcpu_create(struct vcpu *v) MUST_CHECK;
/* In reverse order. kill goes on at d->kill_step: 0, or -ERESTART. */
int domain_ops_kill(struct domain *d) MUST_CHECK;
void domain_ops_destroy(struct domain *d);
void domain_ops_vcpu_destroy(struct vcpu *v);

/* domain.c, for domain_death.c. */
/* Take a dead domain that nobody refers to out of the table. NULL: none now; *waiting: a dead one
 * remains. */
struct domain *domain_take_dead(bool *waiting);
/* Free all but the struct and its owner, which last while a frame names them. */
void domain_strip(struct domain *d);
void domain_reap_init(void);	/* domain_death.c */
