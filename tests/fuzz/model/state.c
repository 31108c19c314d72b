/* Who is who in the model, and the search for uses that everything else asks.
 *
 * A frame is a table of level n because it is pinned as one, is a base pointer, or is named by an
 * entry of a table of level n + 1, which is one for such a reason: found level by level from the
 * top.
 * Neighbours: table.c (taking one more use), words.c. */
#include <stdarg.h>
#include <stdio.h>
#include "tests/fuzz/model/state.h"

#define HV_SLOT_FIRST 256u /* of an L4 */
#define HV_SLOT_COUNT 16u

size_t model_size(void)
{
	return sizeof(struct model);
}

void model_start(struct model *m, const struct model_limits *l)
{
	memset(m, 0, offsetof(struct model, word));
	m->limit = *l;
	m->stride = l->entries == 512 ? 512 : 10;
	m->table_words = l->entries;
	for (unsigned s = 0; s < SLOTS; s++)
		m->slot_id[s] = (uint16_t)(M_ID_EMPTY + s);
	for (unsigned f = 0; f < l->frames; f++) {
		m->f[f] = (struct m_frame){ .owner = NOBODY };
		words_zero(m, f);
	}
	m->f[0].owner = HYPERVISOR;
	m->free_frames = l->frames;
}

/* --- texts --- */

const char *wrongf(const char *format, ...)
{
	static char text[160];
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return text;
}

const char *answer_check(int64_t want, int64_t got)
{
	return want == got ? NULL
			   : wrongf("model: answered %lld, expected %lld", (long long)got,
				     (long long)want);
}

/* --- domains --- */

struct m_domain *domain_alive_at(struct model *m, unsigned slot)
{
	for (unsigned i = 0; i < m->domain_end; i++)
		if (m->domain[i].used && !m->domain[i].dead && m->domain[i].slot == slot)
			return &m->domain[i];
	return NULL;
}

struct m_domain *domain_named(struct model *m, unsigned id)
{
	for (unsigned i = 0; i < m->domain_end; i++)
		if (m->domain[i].used && m->domain[i].id == id)
			return &m->domain[i];
	return NULL;
}

struct m_domain *domain_fresh(struct model *m)
{
	for (unsigned i = 0; i < M_DOMAINS; i++) {
		if (m->domain[i].used)
			continue;
		m->domain_end = i < m->domain_end ? m->domain_end : i + 1;
		return &m->domain[i];
	}
	return NULL;
}

int domain_target(struct model *m, struct m_domain *d, unsigned id, struct m_domain **out)
{
	*out = d;
	if (id == DOMID_SELF || id == d->id)
		return 0;
	if (!d->control)
		return M_EPERM;
	*out = domain_named(m, id);
	return *out ? 0 : M_ESRCH;
}

static void frame_born(struct model *m, uint64_t f, unsigned id, uint64_t m2p, bool shared)
{
	if (!is_ram(m, f) || (m->f[f].owner != NOBODY && m->f[f].owner != HYPERVISOR)) {
		m->wrong = wrongf("model: a new domain was given frame %llx of domain %u",
			(unsigned long long)f, is_ram(m, f) ? m->f[f].owner : 0);
		return;
	}
	m->f[f] = (struct m_frame){
		.owner = (uint16_t)id, .allocated = true, .shared = shared, .m2p = m2p
	};
	words_zero(m, f);
}

void model_birth(struct model *m, const struct model_domain *b)
{
	struct m_domain *d = domain_fresh(m);
	if (!d || domain_named(m, b->id)) {
		m->wrong = "model: no room for a domain, or its number is in use";
		return;
	}
	*d = (struct m_domain){ .used = true,
		.control = b->slot == 0,
		.id = b->id,
		.slot = (uint8_t)b->slot,
		.frame_max = b->frame_max,
		.shared_info = b->shared_info,
		.grants = 1 };
	m->slot_id[b->slot] = b->id;
	d->grant[0] = b->grant_frame;
	frame_born(m, b->shared_info, b->id, NO_FRAME, true);
	frame_born(m, b->grant_frame, b->id, NO_FRAME, true);
	frame_born(m, b->home, b->id, NO_FRAME, false);
	for (unsigned i = 0; i < POOL; i++)
		if (b->pool[i] != NO_FRAME)
			frame_born(m, b->pool[i], b->id, i, false);
	for (unsigned i = 0; i < VCPUS; i++)
		d->vcpu[i] = (struct m_vcpu){ .kernel = b->home, .info = NO_FRAME };
	m->stale = true;
	settle(m);
}

void model_death(struct model *m, unsigned slot)
{
	struct m_domain *d = domain_alive_at(m, slot);
	if (!d)
		return;
	grants_close(m, d);
	for (unsigned p = 1; p < M_PORT_END; p++)
		if (d->port[p].is != P_FREE)
			port_close(m, d, p);
	for (unsigned i = 0; i < VCPUS; i++)
		d->vcpu[i] = (struct m_vcpu){ .down = true, .info = NO_FRAME };
	for (unsigned f = 0; f < m->limit.frames; f++) {
		struct m_frame *p = &m->f[f];
		if (p->owner != d->id)
			continue;
		p->pinned = p->part = 0;
		p->allocated &= p->shared;
	}
	d->dying = d->dead = true;
	m->stale = true;
}

/* A dead domain is cleared away when nothing refers to it but perhaps mappings of what the
 * hypervisor shared with it. */
bool dead_may_go(const struct model *m, const struct m_domain *d)
{
	for (unsigned i = 0; i < m->tracks; i++)
		if (m->track[i].granter == d->id)
			return false;
	return d->dead && frames_owned(m, d->id) == 0;
}

void dead_go(struct model *m, struct m_domain *d)
{
	for (unsigned f = 0; f < m->limit.frames; f++)
		if (m->f[f].owner == d->id)
			m->f[f].allocated = false;
	d->used = false;
	while (m->domain_end && !m->domain[m->domain_end - 1].used)
		m->domain_end--;
	m->stale = true;
	settle(m);
}

/* --- uses --- */

struct worklist {
	unsigned n[5];
	uint32_t at[5][M_FRAMES];
}; /* tables by level */

static void use_add(
	struct model *m, struct worklist *w, uint64_t f, enum use t, unsigned refs, unsigned count)
{
	struct uses *u = &m->u;
	if (!is_ram(m, f))
		return;
	u->refs[f] = (uint16_t)(u->refs[f] + refs);
	if (!count)
		return;
	if (u->count[f] == 0) {
		u->type[f] = (uint8_t)t;
		if (t >= U_L1)
			w->at[t - U_L1 + 1][w->n[t - U_L1 + 1]++] = (uint32_t)f;
	} else if (u->type[f] != t) {
		m->wrong = wrongf("model: frame %llx is used as %u and as %u",
			(unsigned long long)f, u->type[f], t);
	}
	u->count[f] = (uint16_t)(u->count[f] + count);
}

static void frame_uses(struct model *m, struct worklist *w, uint64_t f)
{
	const struct m_frame *p = &m->f[f];
	if (p->owner == NOBODY || p->owner == HYPERVISOR)
		return;
	use_add(m, w, f, U_WRITABLE, p->allocated, p->allocated && p->shared);
	if (p->pinned)
		use_add(m, w, f, use_table(p->pinned), 1, 1);
	if (p->part && p->part_top)
		use_add(m, w, f, use_table(p->part), 1, 1);
	const struct uses *was = &pair_start->u;
	if (m->held && was->count[f] && was->type[f] >= U_L1)
		use_add(m, w, f, was->type[f], 1, 1);
}

static void vcpu_uses(struct model *m, struct worklist *w, const struct m_vcpu *v)
{
	if (v->kernel)
		use_add(m, w, v->kernel, U_L4, 1, 1);
	if (v->user)
		use_add(m, w, v->user, U_L4, 1, 1);
	if (v->info != NO_FRAME)
		use_add(m, w, v->info, U_WRITABLE, 1, 1);
	for (unsigned i = 0; i < v->gdt_pages; i++)
		use_add(m, w, v->gdt[i], U_SEGDESC, v->gdt[i] != 0, v->gdt[i] != 0);
	for (unsigned i = 0; i < v->ldt_pages; i++)
		use_add(m, w, v->ldt[i], U_SEGDESC, v->ldt[i] != 0, v->ldt[i] != 0);
}

static void track_uses(struct model *m, struct worklist *w, const struct m_track *t)
{
	unsigned halves = (t->host ? 1u : 0u) + (t->device ? 1u : 0u);
	use_add(m, w, t->frame, U_WRITABLE, halves, t->readonly ? 0 : halves);
}

static bool is_hv_slot(unsigned level, unsigned index)
{
	return level == 4 && index - HV_SLOT_FIRST < HV_SLOT_COUNT;
}

static void table_uses(struct model *m, struct worklist *w, uint64_t f, unsigned level)
{
	const struct m_frame *p = &m->f[f];
	const uint64_t *word = words_of(m, f);
	unsigned end = p->part ? p->cursor + (p->part_holds ? 1u : 0u) : m->table_words;
	for (unsigned i = 0; i < end; i++) {
		uint64_t e = word[i];
		if (!(e & E_PRESENT) || is_hv_slot(level, i))
			continue;
		if (level > 1)
			use_add(m, w, e_frame(e), use_table(level - 1), 1, 1);
		else
			use_add(m, w, e_frame(e), U_WRITABLE, 1, (e & E_WRITE) != 0);
	}
}

void uses_find(struct model *m)
{
	static struct worklist w;
	memset(w.n, 0, sizeof w.n);
	memset(&m->u, 0, sizeof m->u);
	for (unsigned f = 0; f < m->limit.frames; f++)
		frame_uses(m, &w, f);
	for (unsigned i = 0; i < m->domain_end; i++)
		for (unsigned k = 0; m->domain[i].used && k < VCPUS; k++)
			vcpu_uses(m, &w, &m->domain[i].vcpu[k]);
	for (unsigned i = 0; i < m->tracks; i++)
		track_uses(m, &w, &m->track[i]);
	for (unsigned level = 4; level >= 1; level--)
		for (unsigned i = 0; i < w.n[level]; i++)
			table_uses(m, &w, w.at[level][i], level);
	m->stale = false;
}

/* --- between operations --- */

void settle(struct model *m)
{
	if (!m->stale)
		return;
	uses_find(m);
	for (unsigned f = 0; f < m->limit.frames && !m->held; f++) {
		struct m_frame *p = &m->f[f];
		if (m->u.refs[f] == 0 && p->owner != NOBODY && p->owner != HYPERVISOR)
			*p = (struct m_frame){ .owner = NOBODY };
	}
}

uint64_t frames_owned(const struct model *m, unsigned id)
{
	uint64_t n = 0;
	for (unsigned f = 0; f < m->limit.frames; f++)
		n += m->f[f].owner == id && !m->f[f].shared;
	return n;
}

bool free_run(const struct model *m, unsigned order)
{
	unsigned want = 1u << order;
	for (unsigned f = 0; f + want <= m->limit.frames; f += want) {
		unsigned n = 0;
		while (n < want && m->f[f + n].owner == NOBODY)
			n++;
		if (n == want)
			return true;
	}
	return false;
}

bool memory_is_short(const struct model *m, unsigned order)
{
	return m->relaxed || !free_run(m, order);
}
