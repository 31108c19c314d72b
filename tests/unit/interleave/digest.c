/* What two runs must agree in: owner, counts, type and content of the guests' frames, ports, grants, vCPUs, domains, and
 * the guests' data. Not in it: which of the free frames was given out, which handle, the order of lists, flush
 * epochs, times, the hypervisor's own pages. Frames that were its owner's from the beginning are told apart by their
 * role; sums make the order of the others meaningless. */
#include "hv/event/table.h"
#include "hv/grant/table.h"
#include "hv/mem/frame_bits.h"
#include "protocol/xen.h"
#include "hv/cpu/host/host.h"
#include "tests/unit/interleave/world.h"

#define PORTS 8u
#define REFS 8u
#define HANDLES 8u

static uint64_t h;

static void mix(uint64_t x)
{
	h = (h ^ x) * 0x100000001b3ull;
	h ^= h >> 29;
}

/* --- frames --- */

#define NEW_FRAME 0xfff

static uint64_t role_of(mfn_t m)
{
	for (enum who w = DOM0; w < GUESTS; w++)
		for (enum what r = L4; r < FRAMES; r++)
			if (guest[w].m[r].n == m.n && frame_owner(frame_of(m)) == w)
				return (uint64_t)w << 4 | r;
	return m.n ? NEW_FRAME : 0;
}

static uint64_t frame_hash(const struct frame *f)
{
	uint64_t before = h, w = f->type & ~TY_FOREIGN, sum;
	h = role_of(frame_mfn(f));
	mix(f->owner);
	mix(f->refs);
	mix(m2p_get(frame_mfn(f)).n);
	mix(w & TY_COUNT ? w : 0);
	mix(w & TY_PARTIAL ? f->cursor : 0);
	const uint64_t *p = host_frame(frame_mfn(f));
	for (unsigned i = 0; ty_is_usable(w) && ty_type(w) >= FT_L1 && i < WORLD_ENTRIES; i++) {
		mix(role_of(pte_mfn(p[i])));
		mix(p[i] & ~(PTE_ADDR | PTE_ACCESSED | PTE_DIRTY));
	}
	sum = h;
	h = before;
	return sum;
}

static void frames_mix(void)
{
	uint64_t sum = 0;
	for (uint64_t m = 1; m < frame_max_mfn(); m++)
		if (frame_owner(frame_of(mfn(m))) < DOMID_FIRST_RESERVED)
			sum += frame_hash(frame_of(mfn(m)));
	mix(sum);
}

/* --- the rest --- */

static void ports_mix(const struct domain *d)
{
	for (uint32_t i = 1; i < PORTS; i++) {
		const struct port *p = port_at(d->events, i);
		if (!p)
			continue;
		mix(i);
		mix((uint64_t)p->state << 32 | (uint64_t)p->vcpu << 16 | p->detail);
		if (p->state == PORT_INTERDOMAIN)
			mix((uint64_t)p->remote->id << 32 | p->number);
	}
	mix(d->shared->evtchn_pending[0]);
	mix(d->shared->evtchn_mask[0]);
}

static void grants_mix(const struct domain *d)
{
	struct grant_table *t = d->grants;
	mix(t->frame_count);
	const uint64_t *entry = host_frame(mfn(t->frame[0]));
	for (uint32_t i = 0; i < REFS; i++) {
		const struct active *a = paged_at(&t->active, i);
		mix(entry[i]);
		mix(a ? (uint64_t)a->readers << 8 | a->writers : 0);
		if (a && a->readers + a->writers)
			mix((uint64_t)a->frame << 16 | a->domid);
	}
	mix(t->tracks_in_use);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < HANDLES; i++) {
		const struct track *k = t->tracks_in_use ? track_at(t, i) : NULL;
		if (k)
			sum += (k->host_addr ^ k->slot.a << 1 ^ k->ref ^ (uint64_t)k->flags << 40) * (k->granter->id + 3u);
	}
	mix(sum);
}

static void vcpu_mix(const struct vcpu *v)
{
	mix((uint64_t)v->hold << 32 | v->pause_count);
	mix(v->is_initialised);
	mix(v->info_mfn.n);
	mix(v->ctx.kernel_l4.n);
	mix(v->ctx.user_l4.n);
	mix(v->ctx.gdt[0].n);
	mix(v->info->evtchn_upcall_pending);
	mix(v->info->evtchn_pending_sel);
	mix(v->nmi_pending);
	for (unsigned i = 0; i < NR_VIRQS; i++)
		mix(v->virq_port[i]);
}

static void domain_mix(const struct domain *d)
{
	mix(d->id);
	mix((uint64_t)d->dying << 32 | d->pause_count);
	mix((uint64_t)d->is_shut_down << 16 | (uint64_t)d->paused_by_control << 8 | d->shutdown_code);
	mix(d->pollers);
	mix(d->refs);
	mix(d->vm_assist);
	mix(d->mem.frame_count);
	mix(d->mem.frame_max);
	ports_mix(d);
	grants_mix(d);
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_mix(d->vcpu[i]);
}

/* What others got meanwhile is not ours to look at. */
static void data_mix(enum who who)
{
	for (enum what w = DATA1; w < FRAMES; w++) {
		mfn_t m = guest[who].m[w];
		for (unsigned i = 0; i < WORLD_ENTRIES && frame_owner(frame_of(m)) == who; i++)
			mix(((uint64_t *)host_frame(m))[i]);
	}
}

uint64_t world_digest(void)
{
	h = 0xcbf29ce484222325ull;
	frames_mix();
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		domain_mix(d);
	}
	for (enum who w = DOM0; w < GUESTS; w++)
		data_mix(w);
	return h;
}
