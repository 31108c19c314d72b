/* vCPUs (areas, up and down, waiting) and what a control domain does to domains, with the end of
 * one. When a vCPU sleeps and wakes is followed from the core; that nothing runs that is down,
 * paused or shut down is not.
 * Spec: public headers vcpu.h, sched.h, domctl.h; contracts in hv/dom/{domain,vcpu}.h. */
#include "tests/fuzz/model/state.h"

#define PORTS_OF_THE_ABI 4096u
#define INFO_BYTES       64u

static int info_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_vcpu *v = a->vcpu_id < VCPUS ? &d->vcpu[a->vcpu_id] : NULL;
	unsigned offset = a->n * INFO_BYTES;
	if (!v)
		return M_ENOENT;
	if (offset > 4096 - INFO_BYTES || (a->vcpu_id != a->vcpu && !v->down))
		return M_EINVAL;
	if (v->info != NO_FRAME)
		return M_EBUSY;
	int rc = use_take(m, d->id, a->m, U_WRITABLE);
	m->stale = true;
	if (rc)
		return rc == M_ENOENT ? M_EPERM : rc;
	v->info = a->m;
	v->info_offset = offset;
	return 0;
}

static int area_predict(struct m_domain *d, const struct act *a)
{
	if (a->vcpu_id >= VCPUS)
		return M_ENOENT;
	/* An address outside a guest's range is never written; one inside is the harness's,
	 * where no page is. */
	d->vcpu[a->vcpu_id].area[0] = 0;
	return 0;
}

static int down_predict(struct m_domain *d, const struct act *a)
{
	unsigned up = 0;
	if (a->vcpu_id >= VCPUS)
		return M_ENOENT;
	d->vcpu[a->vcpu_id].down = true;
	for (unsigned i = 0; i < VCPUS; i++)
		up += !d->vcpu[i].down;
	if (up == 0 && !d->control)
		d->shut = true;
	return 0;
}

static int up_predict(struct m_domain *d, const struct act *a)
{
	if (a->vcpu_id >= VCPUS)
		return M_ENOENT;
	d->vcpu[a->vcpu_id].down = false;
	return 0;
}

static int shutdown_predict(struct m_domain *d, const struct act *a)
{
	if (a->n % 16)
		return M_EFAULT;
	d->shut = true;
	return 0;
}

const char *vcpus_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	switch (a->kind) {
	case OP_VCPU_INFO:
		return answer_check(info_predict(m, d, a), o->rc);
	case OP_RUNSTATE:
		return answer_check(area_predict(d, a), o->rc);
	case OP_VCPU_DOWN:
		return answer_check(down_predict(d, a), o->rc);
	case OP_VCPU_UP:
		return answer_check(up_predict(d, a), o->rc);
	case OP_POLL:
		return answer_check(a->port >= PORTS_OF_THE_ABI ? M_EINVAL : 0, o->rc);
	case OP_SHUTDOWN:
		return answer_check(shutdown_predict(d, a), o->rc);
	default:
		return answer_check(0, o->rc); /* BLOCK, TIMER */
	}
}

/* --- control --- */

static int info_query(const struct model *m, const struct act *a)
{
	for (unsigned i = 0; i < m->domain_end; i++)
		if (m->domain[i].used && m->domain[i].id >= a->domid)
			return 0;
	return M_ESRCH;
}

static int destroy_predict(struct model *m, struct m_domain *d, struct m_domain *of)
{
	if (of == d)
		return M_EINVAL;
	if (!of->dead)
		model_death(m, of->slot);
	return 0;
}

static int control_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_domain *of;
	if (!d->control)
		return M_EPERM;
	if (a->kind == OP_INFO)
		return info_query(m, a);
	int rc = domain_target(m, d, a->domid, &of);
	if (rc)
		return rc;
	switch (a->kind) {
	case OP_MAX_MEM:
		of->frame_max = a->n;
		return 0;
	case OP_DESTROY:
		return destroy_predict(m, d, of);
	case OP_PAUSE:
		if (of != d)
			of->paused = true;
		return of == d ? M_EINVAL : 0;
	default:
		if (of == d || !of->paused)
			return M_EINVAL;
		of->paused = false;
		return 0;
	}
}

const char *control_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	return answer_check(control_predict(m, domain_alive_at(m, a->slot), a), o->rc);
}
