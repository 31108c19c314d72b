/* Taking the core's state over into the model: new domains, choices of the core, and everything
 * when an operation cannot be told (raw hypercalls, operations abandoned half way). What is
 * taken over has passed the audit. */
#include "hv/cpu/host/host.h"
#include "hv/event/table.h"
#include "hv/grant/table.h"
#include "hv/mem/table.h"
#include "tests/fuzz/model/adopt.h"
#include "tests/fuzz/model/state.h"
#include "tests/fuzz/world.h"

/* --- births --- */

static void birth_adopt(struct model *m, unsigned s)
{
	const struct slot *w = &world_slot[s];
	struct model_domain b = { .slot = s,
		.id = w->id,
		.home = w->home,
		.shared_info = w->d->shared_mfn.n,
		.grant_frame = w->d->grants->frame[0],
		.frame_max = w->d->mem.frame_max };
	memcpy(b.pool, w->pool, sizeof b.pool);
	model_birth(m, &b);
}

const char *adopt_births(struct model *m)
{
	for (unsigned s = 0; s < SLOTS; s++) {
		m->slot_id[s] = world_slot[s].id;
		if (world_slot[s].d && !domain_alive_at(m, s))
			birth_adopt(m, s);
	}
	return m->wrong;
}

void model_begin(struct model *m)
{
	const struct model_limits l = { world_config.frames, world_config.entries,
		world_config.count_limit };
	model_start(m, &l);
	(void)adopt_births(m);
}

/* --- the dead --- */

const char *adopt_reaped(struct model *m)
{
	settle(m);
	for (unsigned i = 0; i < m->domain_end; i++) {
		struct m_domain *d = &m->domain[i];
		if (!d->used || !d->dead)
			continue;
		const struct frame *f = &frame_table[d->shared_info];
		if (f->owner == d->id && BIT(f->refs, R_ALLOCATED))
			continue;
		if (!dead_may_go(m, d))
			return wrongf(
				"model: domain %u was cleared away while something refers to it",
				d->id);
		dead_go(m, d);
	}
	return NULL;
}

const char *adopt_grant_frames(struct model *m)
{
	for (unsigned s = 0; s < SLOTS; s++) {
		struct m_domain *d = domain_alive_at(m, s);
		for (unsigned i = 0; d && world_slot[s].d && i < d->grants; i++) {
			uint64_t f = world_slot[s].d->grants->frame[i];
			if (d->grant[i] != NO_FRAME)
				continue;
			if (i >= world_slot[s].d->grants->frame_count || !is_ram(m, f) ||
				m->f[f].owner != NOBODY)
				return "model: a grant table grew by a frame that was not free";
			d->grant[i] = f;
			m->f[f] = (struct m_frame){
				.owner = d->id, .allocated = true, .shared = true, .m2p = NO_FRAME
			};
			words_zero(m, f);
			m->stale = true;
		}
	}
	return NULL;
}

/* --- everything --- */

static void frame_adopt(struct model *m, uint64_t f)
{
	const struct frame *r = &frame_table[f];
	const uint64_t *real = host_frame(mfn(f));
	struct m_frame *p = &m->f[f];
	unsigned level = (unsigned)(r->type >> W_TYPE & 7) - FT_L1 + 1;
	*p = (struct m_frame){ .owner = r->owner, .m2p = m2p_table[f] };
	if (p->owner == NOBODY || p->owner == HYPERVISOR)
		return;
	p->allocated = BIT(r->refs, R_ALLOCATED);
	p->shared = BIT(r->refs, R_SHARED);
	p->pinned = (uint8_t)(BIT(r->type, W_PINNED) ? level : 0);
	if (BIT(r->type, W_PARTIAL)) {
		p->part = (uint8_t)level;
		p->part_holds = BIT(r->type, W_HOLDS);
		p->part_down = BIT(r->type, W_DOWN);
		p->part_top = BIT(r->type, W_TOP);
		p->part_queued = BIT(r->type, W_QUEUED);
		p->cursor = r->cursor;
		m->parts++;
	}
	for (unsigned i = 0; i < 512; i++)
		word_set(m, f, i, real[i]);
}

static void vcpu_adopt(struct m_vcpu *v, const struct vcpu *r)
{
	v->down = r->hold & HOLD_DOWN;
	v->asleep = (r->hold & (HOLD_BLOCKED | HOLD_POLLING)) != 0;
	v->kernel = r->ctx.kernel_l4.n;
	v->user = r->ctx.user_l4.n;
	memcpy(v->gdt, r->ctx.gdt, sizeof v->gdt);
	memcpy(v->ldt, r->ctx.ldt, sizeof v->ldt);
	v->gdt_pages = M_GDT;
	v->ldt_pages = M_LDT;
	v->info = r->info_mfn.n;
	v->info_offset = (unsigned)((uintptr_t)r->info & 4095);
	v->area[0] = r->runstate_area.a;
	v->area[1] = r->time_area.a;
}

static void ports_adopt(struct m_domain *mine, struct domain *d)
{
	for (unsigned i = 1; i < M_PORT_END; i++) {
		const struct port *r = paged_at(&d->events->ports, i);
		struct m_port *p = &mine->port[i];
		*p = (struct m_port){ .is = P_FREE };
		if (!r || r->state == PORT_FREE)
			continue;
		*p = (struct m_port){ r->state, r->vcpu, r->detail, 0, (uint16_t)r->number };
		if (r->state == PORT_INTERDOMAIN)
			p->remote = r->remote->id;
		for (unsigned k = 0; r->state == PORT_VIRQ && k < VCPUS; k++)
			if (d->vcpu[k]->virq_port[r->detail] == i)
				p->number = (uint16_t)k;
	}
}

static void tracks_adopt(struct model *m, const struct domain *d)
{
	for (uint32_t h = 0; h < d->grants->track_end; h++) {
		const struct track *k = paged_at(&d->grants->tracks, h);
		if (!k->flags || m->tracks == M_TRACKS)
			continue;
		const struct active *a = paged_at(&k->granter->grants->active, k->ref);
		m->track[m->tracks++] = (struct m_track){ .mapper = d->id,
			.granter = k->granter->id,
			.ref = k->ref,
			.handle = h,
			.frame = a->frame,
			.host_addr = k->host_addr,
			.slot = k->slot.a,
			.host = k->flags & TRACK_HOST,
			.device = (k->flags & TRACK_DEVICE) != 0,
			.readonly = (k->flags & TRACK_READONLY) != 0 };
	}
}

static void domain_adopt(struct model *m, struct m_domain *mine, struct domain *d)
{
	unsigned slot = SLOTS;
	for (unsigned s = 0; s < SLOTS; s++)
		if (world_slot[s].d == d)
			slot = s;
	*mine = (struct m_domain){ .used = true,
		.control = d->is_control,
		.id = d->id,
		.slot = (uint8_t)slot,
		.dying = d->dying != DOMAIN_ALIVE,
		.dead = d->dying == DOMAIN_DEAD || slot == SLOTS,
		.paused = d->paused_by_control,
		.shut = d->is_shut_down,
		.frame_max = d->mem.frame_max,
		.shared_info = d->shared_mfn.n,
		.odd = mine->odd,
		.grants = d->grants->frame_count };
	for (unsigned i = 0; i < mine->grants; i++)
		mine->grant[i] = d->grants->frame[i];
	for (unsigned i = 0; i < VCPUS; i++)
		vcpu_adopt(&mine->vcpu[i], d->vcpu[i]);
	ports_adopt(mine, d);
	tracks_adopt(m, d);
}

/* Domains by number: those of which the structure is whole. */
void model_adopt(struct model *m)
{
	bool odd[DOMID_LIMIT];
	unsigned n = 0;
	for (unsigned id = 0; id < DOMID_LIMIT; id++) {
		const struct m_domain *d = domain_named(m, id);
		odd[id] = d && d->odd;
	}
	m->tracks = m->parts = m->domain_end = 0;
	m->wrong = NULL;
	memset(m->domain, 0, sizeof m->domain);
	for (unsigned id = 0; id < DOMID_LIMIT && n < M_DOMAINS; id++) {
		struct owner *o = owner_by_domid((domid_t)id);
		struct domain *d = o ? domain_of_owner(o) : NULL;
		if (!d || !d->shared)
			continue; /* gone but for its number */
		m->domain_end = n + 1;
		m->domain[n].odd = odd[id];
		domain_adopt(m, &m->domain[n++], d);
	}
	for (unsigned s = 0; s < SLOTS; s++)
		m->slot_id[s] = world_slot[s].id;
	for (uint64_t f = 0; f < m->limit.frames; f++)
		frame_adopt(m, f);
	m->stale = true;
	settle(m);
}
