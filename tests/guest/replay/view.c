/* The hosted world's state as the coordinator knows it, for the code shared with the hosted world (shared_*.c), and one
 * operation from operands to outcome.
 *
 * world_slot is filled with domains that have nothing but what that code looks at: number, shared_info, base tables.
 * Frames are looked into by mapping them for a moment, read-only, by dom0's right to map any domain's.
 * Where the domains here differ from the hosted ones, numbers are changed on the way: limits of frames are higher by the
 * frames that the kernel itself has; grant tables may grow; the third vCPU of slot 0 is not one; and ports beyond the hosted limit are closed
 * again at once and answered like there. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/grant/grant.h"
#include "hv/mem/table.h"
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/hypercall.h"
#include "tests/guest/replay/coordinator.h"
#include "tests/guest/replay/hosted.h"

#define CONTROL_FRAME_MAX 24u	/* of slot 0, hosted */
#define DEVICE_RO	0xfec00u	/* the I/O interrupt controller: dom0 may only read it */
#define GRANT_FRAMES	64u	/* the most a domain can have; hosted: 2 */
#define MAPS		4u

struct world_config world_config;
struct slot world_slot[SLOTS];
uint64_t world_hv_frame, replay_window_va;

static struct birth births[SLOTS];
static struct domain domains[SLOTS];
static struct vcpu vcpus[SLOTS][VCPUS];
static void *map_page[MAPS];
static bool map_used[MAPS];
static uint8_t nothing[PAGE_SIZE] ALIGNED(4096);

/* --- doors of the shared code --- */

static int slot_of_frame(uint64_t m)
{
	for (unsigned s = 0; s < SLOTS; s++) {
		if (!world_slot[s].d)
			continue;
		for (unsigned i = 0; i < POOL; i++)
			if (world_slot[s].pool[i] == m)
				return (int)s;
		if (world_slot[s].home == m || domains[s].shared_mfn.n == m || births[s].box->grant_frame == m)
			return (int)s;
	}
	return -1;
}

void *frame_map(mfn_t m)
{
	int slot = slot_of_frame(m.n);
	for (unsigned i = 0; i < MAPS && slot >= 0; i++) {
		if (map_used[i])
			continue;
		if (!map_page[i])
			map_page[i] = control_page();
		if (!control_map(map_page[i], world_slot[slot].id, m.n, false))
			break;
		map_used[i] = true;
		return map_page[i];
	}
	return nothing;		/* nobody's, or gone */
}

void frame_unmap(const void *p)
{
	for (unsigned i = 0; i < MAPS; i++)
		if (map_page[i] == p && p) {
			(void)control_map(map_page[i], 0, NO_FRAME, false);
			map_used[i] = false;
		}
}

int table_walk(mfn_t l4, gva_t va, uint64_t *pte, unsigned *level)
{
	mfn_t table = l4;
	for (unsigned l = 4;; l--) {
		const uint64_t *p = frame_map(table);
		uint64_t entry = p[va.a >> (PAGE_SHIFT + 9 * (l - 1)) & 511];
		frame_unmap(p);
		if (l == 1 || !(entry & PTE_PRESENT)) {
			*pte = entry;
			*level = l;
			return 0;
		}
		table = pte_mfn(entry);
	}
}

mfn_t grant_frame(struct domain *d, unsigned i)
{
	return i == 0 ? mfn(births[d - domains].box->grant_frame) : MFN_INVALID;
}

struct trace_frame trace_frame_of(unsigned slot, uint64_t m)
{
	struct trace_frame f;
	f.level = control_frame_level(world_slot[slot].id, m, &f.pinned);
	return f;
}

uint64_t trace_pfn_of(uint64_t m)
{
	return ((volatile const uint64_t *)M2P_VIRT)[m];
}

/* --- beginning and end of domains --- */

void view_start(const struct replay_list *l, uint64_t hv_frame)
{
	world_config = (struct world_config){ .frames = DEVICE_RO - 17, .slots = l->slots, .entries = 512,
					      .frame_max = l->frame_max };
	world_hv_frame = hv_frame;
	for (unsigned s = 0; s < SLOTS; s++) {
		world_slot[s].id = (domid_t)(DOMID_LIMIT + s);
		world_slot[s].home = world_slot[s].released = NO_FRAME;
		for (unsigned i = 0; i < POOL; i++)
			world_slot[s].pool[i] = NO_FRAME;
	}
}

void view_birth(unsigned slot, const struct birth *b)
{
	struct slot *s = &world_slot[slot];
	births[slot] = *b;
	s->id = b->domid;
	s->home = b->box->home;
	memcpy(s->pool, b->box->pool, sizeof s->pool);
	s->d = &domains[slot];
	s->d->id = b->domid;
	s->d->shared_mfn = mfn(b->shared_info);
	for (unsigned v = 0; v < VCPUS; v++) {
		vcpus[slot][v].ctx.kernel_l4 = mfn(s->home);
		vcpus[slot][v].domain = s->d;
		s->d->vcpu[v] = &vcpus[slot][v];
	}
	control_max_frames(b->domid, (slot ? world_config.frame_max : CONTROL_FRAME_MAX) + b->overhead);
}

void world_death(unsigned slot)
{
	struct slot *s = &world_slot[slot];
	s->d = NULL;
	s->home = s->released = NO_FRAME;
	for (unsigned i = 0; i < POOL; i++)
		s->pool[i] = NO_FRAME;
	memset(s->handle, 0, sizeof s->handle);
}

/* A dying domain is gone only when we have let go of its box. */
static void box_map(unsigned slot, bool mapped)
{
	uint8_t *at = (uint8_t *)births[slot].box;
	uint64_t page[BOX_PAGES];
	memcpy(page, births[slot].box->page, sizeof page);
	for (unsigned i = BOX_PAGES; i-- > 0;)
		if (!control_map(at + i * PAGE_SIZE, world_slot[slot].id, mapped ? page[i] : NO_FRAME, true))
			control_end("cannot map a box");
}

/* --- one operation --- */

struct play {
	struct act a;
	struct outcome out;
	struct request r;
	struct box *box;
	struct seat *seat;
};

static bool turn(struct play *p)
{
	p->out.ran = true;
	if (control_turn(p->seat, world_slot[p->a.slot].id, p->a.vcpu)) {
		p->out.rc = p->seat->rc;
		return true;
	}
	p->out.crashed = control_info(world_slot[p->a.slot].id).crashed;
	return false;
}

/* Numbers that mean something else here. */
static void request_adapt(struct play *p)
{
	struct xen_domctl op;
	struct gnttab_setup_table setup;
	if (p->a.kind == OP_GRANT_SETUP) {
		memcpy(&setup, p->r.window, sizeof setup);
		if (setup.nr_frames > 2)
			setup.nr_frames = GRANT_FRAMES + 1;
		memcpy(p->r.window, &setup, sizeof setup);
	}
	const struct slot *s = world_slot_of(p->a.domid, p->a.slot);
	if (p->a.kind != OP_MAX_MEM || !s)
		return;
	memcpy(&op, p->r.window, sizeof op);
	op.u.max_mem.max_memkb += births[s - world_slot].overhead * 4;
	memcpy(p->r.window, &op, sizeof op);
}

/* More ports than hosted domains can have. */
static void ports_limit(struct play *p)
{
	struct evtchn_close c = { (uint32_t)p->out.value };
	bool binds = p->a.kind >= OP_PORT_UNBOUND && p->a.kind <= OP_PORT_IPI;
	if (!binds || p->out.rc || p->out.value <= PORTS)
		return;
	memcpy(p->r.window, &c, sizeof c);
	p->seat->arg[0] = EVTCHNOP_close;
	if (turn(p)) {
		p->out.rc = -ENOSPC;
		p->out.value = 0;
	}
}

static void call_play(struct play *p)
{
	bool memory = p->a.kind <= OP_GRANT_COPY;
	p->r.window = p->box->window[p->a.vcpu];
	p->r.v = world_slot[p->a.slot].d->vcpu[p->a.vcpu];
	/* The kernel's image is the same in all domains, and so are its windows' addresses. */
	replay_window_va = (uint64_t)box.window[p->a.vcpu];
	if (!(memory ? request_memory(&p->a, &p->r) : request_domains(&p->a, &p->r)))
		return;
	request_adapt(p);
	p->seat->what = p->a.kind == OP_BASE ? SEAT_BASE : p->a.kind == OP_COPY ? SEAT_COPY : SEAT_CALL;
	p->seat->val = p->a.m;
	p->seat->nr = p->r.nr;
	memcpy(p->seat->arg, p->r.arg, sizeof p->seat->arg);
	if (!turn(p))
		return;
	(memory ? answer_memory : answer_domains)(&p->a, &p->r, &p->out);
	ports_limit(p);
	if (p->a.kind == OP_BASE && p->out.rc == 0)
		p->r.v->ctx.kernel_l4 = mfn(p->a.m);
}

static void access_play(struct play *p)
{
	p->seat->what = p->a.kind == OP_LOAD ? SEAT_LOAD : SEAT_STORE;
	p->seat->n = p->a.n;
	p->seat->va = p->a.va;
	p->seat->val = p->a.val;
	if (!turn(p))
		return;
	p->out.value = p->seat->value;
}

/* The guest's own page, written for it by its number. */
static bool grant_play(const struct act *a, struct box *b)
{
	static const uint16_t flags[] = { GTF_invalid, GTF_permit_access, GTF_permit_access | GTF_readonly,
					  GTF_accept_transfer };
	union { struct grant_entry_v1 e; uint64_t word; } entry = {
		.e = { flags[a->n % 4], a->domid, (uint32_t)a->m } };
	static void *page;
	if (a->ref >= REFS)
		return false;
	page = page ? page : control_page();
	if (!control_map(page, world_slot[a->slot].id, b->grant_frame, true))
		control_end("cannot map a grant table");
	volatile uint64_t *at = (volatile uint64_t *)page + a->ref;
	bool write = !(*at & (GTF_reading | GTF_writing)) || (a->n & 0x80);
	if (write)
		*at = entry.word;
	(void)control_map(page, 0, NO_FRAME, false);
	return write;
}

static bool mask_play(const struct act *a)
{
	static void *page;
	if (a->port > PORTS)
		return false;
	page = page ? page : control_page();
	if (!control_map(page, world_slot[a->slot].id, births[a->slot].shared_info, true))
		control_end("cannot map shared_info");
	__atomic_fetch_or(&((struct shared_info *)page)->evtchn_mask[a->port / 64], 1ull << a->port % 64, __ATOMIC_SEQ_CST);
	(void)control_map(page, 0, NO_FRAME, false);
	return true;
}

/* What keeps a vCPU from acting: here only a pause or that it is down, and then another one can bring it up, for slot 0
 * our own. */
static bool revive_play(struct play *p)
{
	const struct slot *s = world_slot_of(p->a.domid, p->a.slot);
	if (!s || p->a.vcpu_id >= VCPUS)
		return false;
	struct seat *other = &births[s - world_slot].box->seat[1 - p->a.vcpu_id];
	(void)control_unpause(s->id);
	if (s == world_slot)
		control_up(p->a.vcpu_id);
	if (control_vcpu(s->id, p->a.vcpu_id).online || !control_vcpu(s->id, 1 - p->a.vcpu_id).online)
		return true;
	other->what = SEAT_CALL;
	other->nr = __HYPERVISOR_vcpu_op;
	other->arg[0] = VCPUOP_up;
	other->arg[1] = p->a.vcpu_id;
	other->arg[2] = 0;
	return control_turn(other, s->id, 1 - p->a.vcpu_id);
}

/* A domain is destroyed by its number: let go of it before. */
static void destroy_play(struct play *p)
{
	const struct slot *s = world_slot_of(p->a.domid, p->a.slot);
	unsigned slot = s ? (unsigned)(s - world_slot) : 0;
	bool deadly = p->a.slot == 0 && slot != 0;
	if (deadly)
		box_map(slot, false);
	call_play(p);
	if (deadly && world_slot[slot].d)
		control_end("a domain is not destroyed");
}

static void play(struct play *p)
{
	switch (p->a.kind) {
	case OP_REVIVE:
		p->out.ran = revive_play(p);
		break;
	case OP_GRANT:
		p->out.ran = grant_play(&p->a, p->box);
		break;
	case OP_PORT_MASK:
		p->out.ran = mask_play(&p->a);
		break;
	case OP_LOAD:
	case OP_STORE:
		access_play(p);
		break;
	case OP_DESTROY:
		destroy_play(p);
		break;
	default:
		call_play(p);
	}
}

void view_play(unsigned i, const struct op *o, bool dump)
{
	static struct play p;
	memset(&p, 0, sizeof p);
	world_resolve(o, &p.a);
	if (p.a.slot == 0 && p.a.vcpu_id == VCPUS)
		p.a.vcpu_id = 31;
	if (world_slot[p.a.slot].d && !(o->cut & REPLAY_SKIP)) {
		p.box = births[p.a.slot].box;
		p.seat = &p.box->seat[p.a.vcpu];
		play(&p);
	}
	trace_outcome(i, &p.a, &p.out);
	trace_state(i, dump);
}

/* Players' clocks. */
uint64_t cpu_time_ns(void)
{
	return control_time_ns();
}
