/* The model against the core: the only files of the model that know hv/ are this one and
 * adopt.c.
 *
 * After each operation every frame's owner, references, type, pin and first words, and every
 * domain's vCPUs, ports and mapped grants; words further on are looked at in turn. Taken over
 * from the core, where a contract leaves it open or time passes by itself: which frames are free
 * or the hypervisor's, accessed and dirty bits, clocks, pending bits of virtual interrupts, who
 * sleeps, when the dead are cleared away. */
#include "hv/cpu/host/host.h"
#include "hv/event/table.h"
#include "hv/grant/table.h"
#include "hv/mem/table.h"
#include "tests/fuzz/model/adopt.h"
#include "tests/fuzz/model/state.h"
#include "tests/fuzz/world.h"

#define PENDING_WORD   256u
#define COUNT_OF(word) ((word)&0xffffffffffffull)

/* What a check of a tree may change in entries and descriptors, valid or not in the end. */
#define FIXED_BITS (E_USER | E_GLOBAL | E_GRANT | E_CACHE | E_PSE | E_AD | 3ull << 45 | 1ull << 40)
#define NEAR_WORDS 8u /* looked at each time */
#define FAR_TURNS  16u

static unsigned turn;

_Static_assert(M_ID_EMPTY == DOMID_LIMIT, "numbers of slots never filled");
_Static_assert((unsigned)U_L4 == (unsigned)FT_L4 && (unsigned)U_SEGDESC == (unsigned)FT_SEGDESC,
	"one order of types");

/* --- words --- */

/* By a CPU, which has not flushed, that is: no table any more, and not yet anything else. */
static bool may_be_walked(const struct model *m, uint64_t f)
{
	return m->u.count[f] == 0 || m->u.type[f] >= U_L1;
}

/* Bits of a word that the core may change by itself. */
static uint64_t open_bits(const struct model *m, uint64_t f, unsigned slot)
{
	const struct m_frame *p = &m->f[f];
	uint64_t open = m->forgiving || m->walked[f] || may_be_walked(m, f) ? E_AD : 0;
	if (p->any_loose && (p->loose[slot / 64] >> slot % 64 & 1))
		return ~0ull;
	if (m->forgiving && m->u.count[f] == 0)
		open |= FIXED_BITS;
	if (!p->shared || word_index(m, slot) != PENDING_WORD)
		return open;
	for (unsigned i = 0; i < m->domain_end; i++)
		for (unsigned k = 1;
			m->domain[i].used && m->domain[i].shared_info == f && k < M_PORT_END; k++)
			open |= m->domain[i].port[k].is == P_VIRQ ? 1ull << k : 0;
	return open;
}

static const char *word_compare(struct model *m, uint64_t f, unsigned slot, uint64_t real)
{
	uint64_t *mine = &words(m, f)[slot];
	if (*mine == real)
		return NULL;
	if ((*mine ^ real) & ~open_bits(m, f, slot))
		return wrongf(
			"model: frame %llx of domain %u, type %u, word %u is %llx, expected %llx",
			(unsigned long long)f, m->f[f].owner, m->u.count[f] ? m->u.type[f] : 0,
			word_index(m, slot), (unsigned long long)real, (unsigned long long)*mine);
	*mine = real;
	return NULL;
}

static const char *words_compare(struct model *m, uint64_t f)
{
	const uint64_t *real = host_frame(mfn(f));
	struct m_frame *p = &m->f[f];
	/* Which of two came first is asked of every word: later nobody can tell. */
	bool far = m->stride == 512 || p->shared || m->relaxed || (f + turn) % FAR_TURNS == 0;
	unsigned end = far ? m->stride : NEAR_WORDS;
	if (!far && !p->any_loose && memcmp(real, words(m, f), NEAR_WORDS * sizeof *real) == 0)
		return NULL;
	const char *wrong = NULL;
	for (unsigned i = 0; i < end && !wrong; i++)
		wrong = word_compare(m, f, i, real[word_index(m, i)]);
	if (p->any_loose && far) {
		memset(p->loose, 0, sizeof p->loose);
		p->any_loose = false;
	}
	return wrong;
}

/* --- frames --- */

static bool is_nobodys(unsigned owner)
{
	return owner == NOBODY || owner == HYPERVISOR;
}

static const char *record_compare(const struct model *m, uint64_t f, const struct frame *r)
{
	const struct m_frame *p = &m->f[f];
	uint64_t count = COUNT_OF(r->type);
	unsigned type = (unsigned)(r->type >> W_TYPE & 7);
	if (COUNT_OF(r->refs) != m->u.refs[f] || BIT(r->refs, R_ALLOCATED) != p->allocated ||
		BIT(r->refs, R_SHARED) != p->shared)
		return wrongf("model: frame %llx of domain %u has %llu references (allocated %u), "
			      "expected %u (%u)",
			(unsigned long long)f, p->owner, (unsigned long long)COUNT_OF(r->refs),
			(unsigned)BIT(r->refs, R_ALLOCATED), m->u.refs[f], p->allocated);
	if (count != m->u.count[f] || (count && type != m->u.type[f]))
		return wrongf("model: frame %llx of domain %u is %llu times type %u, expected %u "
			      "times %u",
			(unsigned long long)f, p->owner, (unsigned long long)count, type,
			m->u.count[f], m->u.count[f] ? m->u.type[f] : 0);
	if (BIT(r->type, W_PINNED) != (p->pinned != 0) || BIT(r->type, W_PARTIAL) != (p->part != 0))
		return wrongf(
			"model: frame %llx of domain %u: pinned %u partial %u, expected %u %u",
			(unsigned long long)f, p->owner, (unsigned)BIT(r->type, W_PINNED),
			(unsigned)BIT(r->type, W_PARTIAL), p->pinned, p->part);
	if (m2p_table[f] != p->m2p)
		return wrongf("model: frame %llx of domain %u has number %llx, expected %llx",
			(unsigned long long)f, p->owner, (unsigned long long)m2p_table[f],
			(unsigned long long)p->m2p);
	return NULL;
}

/* Is there the check of a tree that nobody went on with, because the table it was for had
 * changed meanwhile? */
static bool check_was_left(const struct model *m)
{
	bool found = false;
	for (uint64_t f = 0; f < m->limit.frames; f++)
		found |= BIT(frame_table[f].type, W_PARTIAL) && !m->f[f].part &&
			 !is_nobodys(frame_table[f].owner);
	return found;
}

static const char *frames_compare(struct model *m)
{
	const char *wrong = NULL;
	turn++;
	m->free_frames = 0;
	for (uint64_t f = 0; f < m->limit.frames && !wrong; f++) {
		const struct frame *r = &frame_table[f];
		m->free_frames += r->owner == NOBODY;
		if (is_nobodys(r->owner) && is_nobodys(m->f[f].owner)) {
			m->f[f].owner = r->owner;
			continue;
		}
		if (r->owner != m->f[f].owner)
			return wrongf("model: frame %llx is domain %u's, expected %u's",
				(unsigned long long)f, r->owner, m->f[f].owner);
		wrong = record_compare(m, f, r);
		if (!wrong)
			wrong = words_compare(m, f);
	}
	return wrong;
}

/* --- domains --- */

static const char *vcpu_compare(struct m_domain *mine, const struct domain *d, unsigned i)
{
	struct m_vcpu *v = &mine->vcpu[i];
	const struct vcpu *r = d->vcpu[i];
	if (r->ctx.kernel_l4.n != v->kernel || r->ctx.user_l4.n != v->user)
		return wrongf(
			"model: vCPU %u of domain %u runs on %llx and %llx, expected %llx and %llx",
			i, mine->id, (unsigned long long)r->ctx.kernel_l4.n,
			(unsigned long long)r->ctx.user_l4.n, (unsigned long long)v->kernel,
			(unsigned long long)v->user);
	if (memcmp(r->ctx.gdt, v->gdt, sizeof v->gdt) || memcmp(r->ctx.ldt, v->ldt, sizeof v->ldt))
		return wrongf("model: descriptor tables of vCPU %u of domain %u", i, mine->id);
	if (r->info_mfn.n != v->info)
		return wrongf("model: vcpu_info of vCPU %u of domain %u", i, mine->id);
	if (((r->hold & HOLD_DOWN) != 0) != v->down)
		return wrongf(
			"model: vCPU %u of domain %u is down %u", i, mine->id, r->hold & HOLD_DOWN);
	v->asleep = (r->hold & (HOLD_BLOCKED | HOLD_POLLING)) != 0;
	return NULL;
}

static const char *ports_compare(const struct m_domain *mine, struct domain *d)
{
	for (unsigned i = 1; i < M_PORT_END; i++) {
		const struct m_port *p = &mine->port[i];
		const struct port *r = paged_at(&d->events->ports, i);
		unsigned is = r ? r->state : PORT_FREE;
		bool same = is == p->is;
		if (same && is != PORT_FREE)
			same = r->vcpu == p->vcpu &&
			       (is == PORT_INTERDOMAIN || r->detail == p->detail);
		if (same && is == PORT_INTERDOMAIN)
			same = r->remote->id == p->remote && r->number == p->number;
		if (!same)
			return wrongf("model: port %u of domain %u is in state %u, expected %u, or "
				      "differs",
				i, mine->id, is, p->is);
	}
	return NULL;
}

static const struct m_track *track_of(const struct model *m, unsigned id, uint32_t handle)
{
	for (unsigned i = 0; i < m->tracks; i++)
		if (m->track[i].mapper == id && m->track[i].handle == handle)
			return &m->track[i];
	return NULL;
}

static const char *tracks_compare(const struct model *m, const struct domain *d)
{
	unsigned mine = 0, real = 0;
	for (unsigned i = 0; i < m->tracks; i++)
		mine += m->track[i].mapper == d->id;
	for (uint32_t h = 0; h < d->grants->track_end; h++) {
		const struct track *k = paged_at(&d->grants->tracks, h);
		if (!k->flags)
			continue;
		const struct m_track *t = track_of(m, d->id, h);
		const struct active *a = paged_at(&k->granter->grants->active, k->ref);
		real++;
		if (!t || t->granter != k->granter->id || t->ref != k->ref ||
			t->frame != a->frame || t->host != (k->flags & TRACK_HOST) ||
			t->device != ((k->flags & TRACK_DEVICE) != 0) ||
			t->readonly != ((k->flags & TRACK_READONLY) != 0) ||
			(t->host && t->slot != k->slot.a))
			return wrongf("model: mapped grant %u of domain %u differs", h, d->id);
	}
	return mine == real ? NULL
			    : wrongf("model: domain %u has %u grants mapped, expected %u", d->id,
				      real, mine);
}

static const char *domain_compare(struct model *m, struct m_domain *mine, struct domain *d)
{
	const char *wrong = NULL;
	/* Without handlers the next event or fault crashes it, whoever causes that. */
	mine->shut |= mine->odd && d->is_shut_down;
	if (d->is_shut_down != mine->shut || d->paused_by_control != mine->paused)
		return wrongf("model: domain %u is shut %u paused %u", mine->id, d->is_shut_down,
			d->paused_by_control);
	if (d->mem.frame_max != mine->frame_max || d->grants->frame_count != mine->grants)
		return wrongf("model: domain %u may have %llu frames, grant frames %u", mine->id,
			(unsigned long long)d->mem.frame_max, d->grants->frame_count);
	for (unsigned i = 0; i < VCPUS && !wrong; i++)
		wrong = vcpu_compare(mine, d, i);
	if (!wrong)
		wrong = ports_compare(mine, d);
	return wrong ? wrong : tracks_compare(m, d);
}

static const char *domains_compare(struct model *m)
{
	const char *wrong = NULL;
	for (unsigned s = 0; s < SLOTS && !wrong; s++) {
		struct m_domain *mine = domain_alive_at(m, s);
		if (!mine != !world_slot[s].d || (mine && mine->id != world_slot[s].id))
			return wrongf("model: slot %u has domain %d, expected %d", s,
				world_slot[s].d ? world_slot[s].id : -1, mine ? mine->id : -1);
		if (mine)
			wrong = domain_compare(m, mine, world_slot[s].d);
	}
	return wrong;
}

static const char *compare_all(struct model *m)
{
	const char *wrong = adopt_reaped(m);
	if (!wrong)
		wrong = adopt_births(m);
	if (!wrong)
		wrong = adopt_grant_frames(m);
	settle(m);
	loose_mark_areas(m);
	if (!wrong)
		wrong = frames_compare(m);
	return wrong ? wrong : domains_compare(m);
}

const char *model_compare(struct model *m)
{
	bool blind = m->lost;
	const char *wrong = blind ? NULL : compare_all(m);
	if (!wrong && !blind)
		wrong = m->wrong;
	if (wrong && (m->in_doubt || m->parts || (m->relaxed && check_was_left(m)))) {
		blind = true;
		wrong = NULL;
	}
	if (blind) {
		m->blind++;
		model_adopt(m);
	}
	for (uint64_t f = 0; f < m->limit.frames; f++)
		m->walked[f] = may_be_walked(m, f);
	m->in_doubt = m->lost = false;
	return wrong;
}
