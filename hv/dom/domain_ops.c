/* The layers above the domain layer hang their state on domains and vCPUs: their constructors and
 * destructors, registered at boot, run from here.
 * Rules: construction in registration order, everything else in reverse; a failed construction
 * leaves nothing. The table is written at boot only. */
#include "hv/base/errno.h"
#include "hv/core/panic.h"
#include "hv/dom/domain_ops.h"

#define OPS_MAX 8
static const struct domain_ops *ops[OPS_MAX];
static unsigned ops_count;

void domain_ops_reset(void)
{
	ops_count = 0;
}

void domain_register_ops(const struct domain_ops *o)
{
	ASSERT(ops_count < OPS_MAX);
	ops[ops_count++] = o;
}

static void destroy_down_from(struct domain *d, unsigned n)
{
	while (n-- > 0)
		if (ops[n]->destroy)
			ops[n]->destroy(d);
}

static void vcpu_destroy_down_from(struct vcpu *v, unsigned n)
{
	while (n-- > 0)
		if (ops[n]->vcpu_destroy)
			ops[n]->vcpu_destroy(v);
}

int domain_ops_create(struct domain *d, const struct domain_config *config)
{
	for (unsigned i = 0; i < ops_count; i++) {
		int rc = ops[i]->create ? ops[i]->create(d, config) : 0;
		if (rc) {
			destroy_down_from(d, i);
			return rc;
		}
	}
	return 0;
}

int domain_ops_vcpu_create(struct vcpu *v)
{
	for (unsigned i = 0; i < ops_count; i++) {
		int rc = ops[i]->vcpu_create ? ops[i]->vcpu_create(v) : 0;
		if (rc) {
			vcpu_destroy_down_from(v, i);
			return rc;
		}
	}
	return 0;
}

int domain_ops_kill(struct domain *d)
{
	for (; d->kill_step < ops_count; d->kill_step++) {
		const struct domain_ops *o = ops[ops_count - 1 - d->kill_step];
		int rc = o->kill ? o->kill(d) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

void domain_ops_destroy(struct domain *d)
{
	destroy_down_from(d, ops_count);
}

void domain_ops_vcpu_destroy(struct vcpu *v)
{
	vcpu_destroy_down_from(v, ops_count);
}
