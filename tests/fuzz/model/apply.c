/* One operation to the model, or two that overlapped.
 *
 * Two are right if one after the other, in some order, gives both answers and the state. Also
 * right: a batch in two parts with the other between them; and one that met a table in the
 * middle of the other's work and was told so (-EBUSY, or that a tree with such a table in it is
 * not valid), and did nothing. What cannot be told at all (raw hypercalls, a domain's death in
 * parts, an operation abandoned half way) is counted in .blind and the core's state taken over.
 * Neighbours: memory.c, access.c, supply.c, grants.c, events.c, vcpus.c; compare.c. */
#include <stdio.h>
#include "protocol/grant_table.h"
#include "tests/fuzz/model/state.h"

static bool is_harness(unsigned kind)
{
	return kind == OP_CREATE || kind == OP_REVIVE || kind == OP_MIGRATE || kind == OP_ADVANCE;
}

/* Operations that the world may decline to make, whatever the vCPU's state. */
static bool may_be_declined(unsigned kind)
{
	return kind == OP_POPULATE || kind == OP_SET_GDT || kind == OP_SHUTDOWN || kind == OP_RAW ||
	       kind == OP_GRANT || kind == OP_PORT_MASK;
}

static bool can_act(const struct m_domain *d, unsigned vcpu)
{
	const struct m_vcpu *v = &d->vcpu[vcpu];
	return !d->paused && !d->shut && !d->dying && !v->down && !v->asleep;
}

static struct m_domain *harness_target(struct model *m, const struct act *a)
{
	if (a->domid == DOMID_SELF)
		return domain_alive_at(m, a->slot);
	struct m_domain *d = domain_named(m, a->domid);
	return d && !d->dead ? d : NULL;
}

static void harness_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = harness_target(m, a);
	if (a->kind != OP_REVIVE || !o->ran || !d || a->vcpu_id >= VCPUS)
		return;
	d->vcpu[a->vcpu_id].down = false;
	d->paused = false;
}

static const char *guest_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	switch (a->kind) {
	case OP_LOAD:
	case OP_STORE:
		return access_apply(m, a, o);
	case OP_DECREASE:
	case OP_POPULATE:
	case OP_EXCHANGE:
		return supply_apply(m, a, o);
	case OP_PAUSE:
	case OP_UNPAUSE:
	case OP_MAX_MEM:
	case OP_INFO:
	case OP_DESTROY:
		return control_apply(m, a, o);
	default:
		if (a->kind < OP_DECREASE)
			return memory_apply(m, a, o);
		if (a->kind <= OP_GRANT_COPY)
			return grants_apply(m, a, o);
		return a->kind <= OP_PORT_RESET ? events_apply(m, a, o) : vcpus_apply(m, a, o);
	}
}

/* The dead are cleared away when time permits, also between two operations that overlapped. */
static void dead_go_meanwhile(struct model *m)
{
	for (unsigned i = 0; i < m->domain_end; i++)
		if (m->domain[i].used && dead_may_go(m, &m->domain[i]))
			dead_go(m, &m->domain[i]);
}

/* The vCPU did not act, or not to the end. */
static const char *idle_apply(
	struct model *m, const struct m_domain *d, const struct act *a, const struct outcome *o)
{
	if (o->restarts)
		m->lost = true;
	else if (!m->relaxed && d && can_act(d, a->vcpu) && !may_be_declined(a->kind))
		return "model: the vCPU should have been able to act";
	return NULL;
}

const char *model_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	if (is_harness(a->kind)) {
		harness_apply(m, a, o);
		return NULL;
	}
	if (!o->ran)
		return o->crashed && d && !d->odd && !d->shut ? "model: the domain was crashed"
							      : idle_apply(m, d, a, o);
	if (!d || (!m->relaxed && !can_act(d, a->vcpu)))
		return "model: the vCPU should not have been able to act";
	bool asked = a->kind == OP_SHUTDOWN || d->shut;
	if (o->crashed && !d->odd && !asked)
		return "model: the domain was crashed";
	if (a->kind == OP_RAW || (o->crashed && !asked)) {
		d->odd = m->lost = true;
		return NULL;
	}
	if (o->failed_alloc && o->rc == M_ENOMEM)
		return NULL;
	if (m->relaxed && (o->rc == M_ESRCH || o->status == GNTST_bad_domain))
		dead_go_meanwhile(m);
	loose_mark_areas(m);
	const char *wrong = guest_apply(m, a, o);
	settle(m);
	if (!wrong)
		wrong = m->wrong;
	/* A check that was preempted keeps a reference of its own, which can be the one too many
	 * when it goes on. */
	bool crowded = o->restarts && o->rc == M_EOVERFLOW;
	m->lost = m->lost || (wrong && (m->in_doubt || crowded));
	return m->lost ? NULL : wrong;
}

const char *model_step(struct model *m, const struct act *a, const struct outcome *o)
{
	m->relaxed = false;
	const char *wrong = model_apply(m, a, o);
	return wrong ? wrong : model_compare(m);
}

/* --- two at once --- */

struct half {
	const struct act *a;
	const struct outcome *o;
};

static struct model before;
const struct model *const pair_start = &before;

static const char *explained(struct model *m, const struct half *h, unsigned n)
{
	const char *wrong = NULL;
	model_copy(m, &before);
	m->relaxed = true;
	for (unsigned i = 0; i < n && !wrong; i++)
		wrong = model_apply(m, h[i].a, h[i].o);
	m->stale |= m->held;
	m->held = false;
	return wrong ? wrong : model_compare(m);
}

/* The first @i entries of a batch, or ports of a reset, and the rest. */
static void split(const struct half *h, unsigned i, struct act part[2], struct outcome out[2])
{
	part[0] = part[1] = *h->a;
	out[0] = out[1] = *h->o;
	if (h->a->kind == OP_PORT_RESET) {
		part[0].handle = part[1].port = i;
		return;
	}
	part[0].count = i;
	part[1].count = h->a->count - i;
	part[1].index = (h->a->index + i) % before.limit.entries;
	memmove(part[1].list, h->a->list + i, part[1].count * sizeof part[1].list[0]);
	part[0].val = part[0].list[0];
	part[1].val = part[1].list[0];
	out[0].done = i;
	out[0].rc = 0;
	out[1].done = h->o->done - i;
}

/* The batch or reset @a in two parts with @b between them. */
static bool explained_in_parts(struct model *m, struct half a, struct half b)
{
	struct act part[2];
	struct outcome out[2];
	const struct half three[3] = { { &part[0], &out[0] }, b, { &part[1], &out[1] } };
	bool reset = a.a->kind == OP_PORT_RESET;
	uint64_t end = reset ? M_PORT_END : a.o->done < a.a->count ? a.o->done + 1 : a.a->count;
	if (!a.o->ran || (!reset && a.a->kind != OP_UPDATES))
		return false;
	for (unsigned i = reset ? 2 : 1; i < end; i++) {
		split(&a, i, part, out);
		if (!explained(m, three, 3))
			return true;
	}
	return false;
}

/* May this be the answer of one that met a frame in the middle of the other's work? */
static bool is_transient(const struct half *h)
{
	const struct outcome *o = h->o;
	if (!h->o->ran)
		return false;
	switch (h->a->kind) {
	case OP_UPDATE:
	case OP_UPDATES:
		/* EPERM: still a table, whose entries may not be what a word of a page may. */
		return o->rc == M_EBUSY || o->rc == M_EINVAL || o->rc == M_EOVERFLOW || o->rc == M_EPERM;
	case OP_PIN:
	case OP_BASE:
	case OP_USER_BASE:
		return o->rc == M_EBUSY || o->rc == M_EINVAL || o->rc == M_EOVERFLOW;
	case OP_DECREASE:
		return o->rc == 0;
	case OP_GRANT_MAP:
	case OP_GRANT_MAP_PTE:
		return o->status == GNTST_general_error || o->status == GNTST_bad_virt_addr;
	case OP_GRANT_COPY:
		return o->status == GNTST_general_error || o->status == GNTST_bad_page;
	case OP_EXCHANGE:
		return o->rc == M_EINVAL;
	case OP_STORE:
		return o->rc != 0 && !o->done;
	default:
		return o->rc == M_EBUSY || o->rc == M_EOVERFLOW;
	}
}

/* What @h did before it was turned away: the entries of a batch that were done. False: nothing. */
static bool part_done(const struct half *h, struct act *part, struct outcome *out)
{
	*part = *h->a;
	*out = *h->o;
	part->count = (unsigned)out->done;
	part->val = part->list[0];
	out->rc = 0;
	return part->kind == OP_UPDATES && part->count;
}

/* @told was turned away by the state in between; what it did before that, as far as it is a
 * batch, counts. */
static bool explained_as_transient(struct model *m, struct half told, struct half other)
{
	struct act part;
	struct outcome out;
	if (!is_transient(&told))
		return false;
	bool batch = part_done(&told, &part, &out);
	const struct half two[3] = { { &part, &out }, other, { &part, &out } };
	before.forgiving = true;
	bool ok = batch ? !explained(m, two, 2) || !explained(m, two + 1, 2)
			: !explained(m, &other, 1);
	before.forgiving = m->forgiving = false;
	return ok;
}

/* Each was turned away by what the other had under way. */
static bool explained_as_both_transient(struct model *m, const struct half ab[2])
{
	struct act part[2];
	struct outcome out[2];
	struct half done[2];
	unsigned n = 0;
	if (!is_transient(&ab[0]) || !is_transient(&ab[1]))
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (part_done(&ab[i], &part[n], &out[n])) {
			done[n] = (struct half){ &part[n], &out[n] };
			n++;
		}
	before.forgiving = true;
	bool ok = !explained(m, done, n);
	before.forgiving = m->forgiving = false;
	return ok;
}

/* One of them took its reference to a frame before the other dropped the last, and made use of it afterwards; or wrote
 * into a table, as entries are written, that the other was just letting go. */
static bool explained_as_held(struct model *m, const struct half ab[2], const struct half ba[2])
{
	before.held = before.forgiving = true;
	bool ok = !explained(m, ab, 2) || !explained(m, ba, 2);
	before.held = before.forgiving = m->held = m->forgiving = false;
	return ok;
}

/* Stores to page tables, each through what was mapped where it aims at the beginning. */
static bool explained_as_walked_early(struct model *m, const struct half ab[2], const struct half ba[2])
{
	before.early = true;
	bool ok = !explained(m, ab, 2) || !explained(m, ba, 2);
	before.early = m->early = false;
	return ok;
}

static bool is_copy(const struct half *h)
{
	return h->a->kind == OP_COPY || h->a->kind == OP_GRANT_COPY;
}

/* A table was copied while the other one was walked through it: accessed and dirty bits are of
 * any moment. */
static bool explained_as_copy(struct model *m, const struct half ab[2], const struct half ba[2])
{
	if (!is_copy(&ab[0]) && !is_copy(&ab[1]))
		return false;
	before.forgiving = true;
	bool ok = !explained(m, ab, 2) || !explained(m, ba, 2);
	before.forgiving = m->forgiving = false;
	return ok;
}

/* What no order of whole operations can tell. */
static bool is_beyond(const struct half *h)
{
	return h->a->kind == OP_RAW || h->a->kind == OP_DESTROY || (!h->o->ran && h->o->restarts);
}

const char *model_step_pair(struct model *m, const struct act *a, const struct outcome *oa,
	const struct act *b, const struct outcome *ob)
{
	const struct half ab[2] = { { a, oa }, { b, ob } }, ba[2] = { ab[1], ab[0] };
	static char first[160];
	model_copy(&before, m);
	const char *wrong = explained(m, ab, 2);
	(void)snprintf(first, sizeof first, "%s", wrong ? wrong : "");
	if (!wrong || !explained(m, ba, 2))
		return NULL;
	if (explained_in_parts(m, ab[0], ab[1]) || explained_in_parts(m, ab[1], ab[0]))
		return NULL;
	if (explained_as_transient(m, ab[0], ab[1]) || explained_as_transient(m, ab[1], ab[0]))
		return NULL;
	if (explained_as_walked_early(m, ab, ba) || explained_as_both_transient(m, ab))
		return NULL;
	if (explained_as_copy(m, ab, ba) || explained_as_held(m, ab, ba))
		return NULL;
	if (is_beyond(&ab[0]) || is_beyond(&ab[1])) {
		model_copy(m, &before);
		m->lost = true;
		return model_compare(m);
	}
	return first;
}

uint64_t model_blind(const struct model *m)
{
	return m->blind;
}
