/* Who gets frames and gives them back: memory_op's reservations and exchange. Which free frames
 * are given is the core's choice; that they were free, a run, aligned, and zero is checked
 * (their content by the comparison). Neighbours: state.c, compare.c. */
#include "tests/fuzz/model/state.h"

static int64_t decrease_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_domain *of;
	int rc = domain_target(m, d, a->domid, &of);
	if (rc)
		return rc;
	if (ref_take(m, of->id, a->m))
		return 0;
	m->stale = true;
	struct m_frame *p = &m->f[a->m];
	if (!p->allocated || p->shared || (m->u.count[a->m] && m->u.type[a->m] >= U_L1))
		return 0;
	p->allocated = false;
	p->m2p = NO_FRAME;
	return 1;
}

/* The dead are cleared away when time permits, perhaps only now. */
static bool frame_is_free(struct model *m, uint64_t f)
{
	if (!is_ram(m, f))
		return false;
	struct m_domain *d = m->f[f].shared ? domain_named(m, m->f[f].owner) : NULL;
	if (d && dead_may_go(m, d))
		dead_go(m, d);
	return m->f[f].owner == NOBODY || m->f[f].owner == HYPERVISOR;
}

/* Frames that were answered become @d's. */
static const char *frames_give(struct model *m, const struct m_domain *d, const struct outcome *o,
	unsigned count, uint64_t pfn)
{
	if (o->frames != count)
		return wrongf("model: %u frames given, %u expected", o->frames, count);
	for (unsigned i = 0; i < count; i++) {
		uint64_t f = o->frame[i];
		if (!frame_is_free(m, f) || f != o->frame[0] + i || o->frame[0] % count)
			return wrongf("model: frame %llx was given and is not free, or out of line",
				(unsigned long long)f);
	}
	for (unsigned i = 0; i < count; i++) {
		uint64_t f = o->frame[i];
		m->f[f] = (struct m_frame){ .owner = d->id, .allocated = true, .m2p = pfn + i };
		words_zero(m, f);
	}
	m->stale = true;
	return NULL;
}

static const char *populate_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	struct m_domain *of;
	unsigned order = a->n % 3, count = 1u << order;
	int rc = domain_target(m, d, a->domid, &of);
	if (rc)
		return answer_check(rc, o->rc);
	uint64_t have = frames_owned(m, of->id);
	bool fits = !domain_gone(of) && have <= of->frame_max && count <= of->frame_max - have &&
		    a->pfn + count <= M_PFN_LIMIT;
	if (o->rc == 0 && fits && !o->failed_alloc && !memory_is_short(m, order))
		return "model: there was memory for the extent";
	if (o->rc == 0)
		return NULL;
	return fits && o->rc == 1 ? frames_give(m, of, o, count, a->pfn) : answer_check(0, o->rc);
}

/* What is given in an exchange is not held against the quota. */
static const char *exchange_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	if (!d->control)
		return answer_check(M_EPERM, o->rc);
	bool fit = is_ram(m, a->m) && m->f[a->m].owner == d->id && m->f[a->m].allocated &&
		   !m->f[a->m].shared;
	/* One that was mapped after the check is given back like any other that is mapped. */
	if (fit && !(m->relaxed && o->rc == 0))
		fit = m->u.refs[a->m] == 1;
	if (o->rc == M_ENOMEM && (o->failed_alloc || memory_is_short(m, 2)))
		return NULL;
	if (!fit || o->rc)
		return answer_check(fit ? 0 : M_EINVAL, o->rc);
	const char *wrong = frames_give(m, d, o, 1, a->pfn2);
	m->f[a->m].allocated = false;
	m->f[a->m].m2p = NO_FRAME;
	return wrong;
}

const char *supply_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	switch (a->kind) {
	case OP_DECREASE:
		return answer_check(decrease_predict(m, d, a), o->rc);
	case OP_POPULATE:
		return populate_apply(m, d, a, o);
	default:
		return exchange_apply(m, d, a, o);
	}
}
