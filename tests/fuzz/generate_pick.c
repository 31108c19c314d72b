/* Operands out of the live state. Everything is looked up anew each time, through the tables of
 * the core itself: the generator remembers nothing that could be wrong. A pick that finds
 * nothing answers something arbitrary.
 *
 * Neighbours: generate_fill.c asks what each kind of operation wants, world.h has the pools. */
#include "hv/cpu/host/host.h"
#include "hv/event/table.h"
#include "hv/grant/table.h"
#include "hv/mem/table.h"
#include "tests/fuzz/generate_pick.h"

unsigned frame_use(unsigned slot, unsigned index)
{
	uint64_t m = world_frame(slot, index);
	if (m == NO_FRAME)
		return USE_ABSENT;
	struct frame *f = frame_of(mfn(m));
	if (!f)
		return USE_ABSENT;
	return USE(frame_type_now(f)) | (frame_is_pinned(f) ? USE_PINNED : 0);
}

unsigned pick_index(struct generator *g, unsigned slot, unsigned mask)
{
	if (chance(g, g->mood.focus)) {
		unsigned index = g->focus[below(g, 4)];
		if (frame_use(slot, index) & mask)
			return index;
	}
	unsigned start = below(g, POOL);
	for (unsigned i = 0; i < POOL; i++)
		if (frame_use(slot, (start + i) % POOL) & mask)
			return (start + i) % POOL;
	return POOL;
}

uint8_t pick_frame(struct generator *g, unsigned slot, unsigned mask)
{
	unsigned index = pick_index(g, slot, mask);
	return FRAME_OF(slot, index < POOL ? index : below(g, POOL));
}

uint8_t pick_special(struct generator *g, unsigned slot)
{
	return FRAME_SPECIAL(slot, below(g, SPECIAL_INVALID + 1));
}

bool frame_number(uint8_t f, uint64_t *m)
{
	unsigned slot = f >> 4 & 3;
	*m = NO_FRAME;
	if (!FRAME_IS_SPECIAL(f))
		*m = world_frame(slot, f & 15);
	else if ((f & 15) == SPECIAL_HOME && world_slot[slot].d)
		*m = world_slot[slot].home;
	return *m != NO_FRAME && frame_of(mfn(*m));
}

static const uint64_t *entries_of(uint8_t table)
{
	uint64_t m;
	return frame_number(table, &m) ? host_frame(mfn(m)) : NULL;
}

uint8_t pick_entry_index(struct generator *g, uint8_t table, enum entry_wish wish)
{
	const uint64_t *entry = entries_of(table);
	unsigned start = below(g, 8);

	for (unsigned i = 0; entry && wish != ENTRY_ANY && i < 8; i++) {
		unsigned at = (start + i) % 8;
		if (!!(entry[at] & PTE_PRESENT) == (wish == ENTRY_LIVE))
			return (uint8_t)at;
	}
	return (uint8_t)start;
}

/* --- domains --- */
unsigned pick_slot(struct generator *g)
{
	unsigned start = below(g, world_config.slots);
	for (unsigned i = 0; i < world_config.slots; i++)
		if (world_slot[(start + i) % world_config.slots].d)
			return (start + i) % world_config.slots;
	return 0;
}

unsigned pick_other(struct generator *g, unsigned slot)
{
	unsigned start = below(g, world_config.slots);
	for (unsigned i = 0; i < world_config.slots; i++) {
		unsigned at = (start + i) % world_config.slots;
		if (at != slot && world_slot[at].d)
			return at;
	}
	return slot;
}

unsigned pick_empty_slot(struct generator *g)
{
	unsigned start = below(g, world_config.slots);
	for (unsigned i = 0; i < world_config.slots; i++)
		if (!world_slot[(start + i) % world_config.slots].d)
			return (start + i) % world_config.slots;
	return SLOTS;
}

/* --- addresses --- */
/* Of @table's first 8 entries one that is present, from a random one on; 8: none. */
static unsigned live_entry(struct generator *g, const uint64_t *table)
{
	unsigned start = below(g, 8);
	for (unsigned i = 0; i < 8; i++)
		if (table[(start + i) % 8] & PTE_PRESENT)
			return (start + i) % 8;
	return 8;
}

bool has_address(unsigned slot, unsigned vcpu)
{
	struct domain *d = world_slot[slot].d;
	if (!d || !d->vcpu[vcpu] || !frame_of(d->vcpu[vcpu]->ctx.kernel_l4))
		return false;
	const uint64_t *l4 = host_frame(d->vcpu[vcpu]->ctx.kernel_l4);
	for (unsigned i = 0; i < 8; i++)
		if (l4[i] & PTE_PRESENT)
			return true;
	return false;
}

/* One step of a walk: an entry of @table (level @level) to go on with; prefers those that lead
 * to an L1. 8: none. */
static unsigned walk_step(struct generator *g, const uint64_t *table, unsigned level)
{
	unsigned first = live_entry(g, table);
	for (unsigned i = first; level > 1 && i < first + 8 && first < 8; i++) {
		if (!(table[i % 8] & PTE_PRESENT) || !frame_of(pte_mfn(table[i % 8])))
			continue;
		if (level == 2 || live_entry(g, host_frame(pte_mfn(table[i % 8]))) < 8)
			return i % 8;
	}
	return first;
}

/* An entry of an L1 that is empty, from @start on. */
static unsigned empty_entry(const uint64_t *table, unsigned start)
{
	for (unsigned i = start; i < start + 8; i++)
		if (!(table[i % 8] & PTE_PRESENT))
			return i % 8;
	return start;
}

void pick_address(struct generator *g, unsigned slot, unsigned vcpu, bool live, uint8_t v[2])
{
	struct domain *d = world_slot[slot].d;
	unsigned at[4] = {below(g, 8), below(g, 8), below(g, 8), below(g, 8)}; /* L1 .. L4 */

	mfn_t m = d && d->vcpu[vcpu] ? d->vcpu[vcpu]->ctx.kernel_l4 : mfn(NO_FRAME);
	for (unsigned level = 4; level > 0 && frame_of(m); level--) {
		const uint64_t *table = host_frame(m);
		unsigned i = level == 1 && !live ? empty_entry(table, at[0])
						 : walk_step(g, table, level);
		if (i == 8)
			break;
		at[level - 1] = i;
		m = pte_mfn(table[i]);
	}
	v[0] = (uint8_t)(at[1] << 3 | at[0]);
	v[1] = (uint8_t)(at[3] << 3 | at[2]);
	if (chance(g, 4))
		v[below(g, 2)] |= (uint8_t)(below(g, 4) << 6);
}

/* --- ports --- */
static const struct port *port_look(unsigned slot, unsigned port)
{
	struct domain *d = world_slot[slot].d;
	return d && d->events ? paged_at(&d->events->ports, port) : NULL;
}

uint8_t pick_port(struct generator *g, unsigned slot, unsigned states)
{
	unsigned start = below(g, PORTS);
	for (unsigned i = 0; i < PORTS; i++) {
		unsigned at = (start + i) % PORTS;
		const struct port *p = port_look(slot, at);
		if (p && states >> p->state & 1)
			return (uint8_t)at;
	}
	return (uint8_t)start;
}

bool has_port(unsigned slot, unsigned states)
{
	for (unsigned at = 0; at < PORTS; at++) {
		const struct port *p = port_look(slot, at);
		if (p && states >> p->state & 1)
			return true;
	}
	return false;
}

bool pick_unbound_for(struct generator *g, unsigned by, uint8_t *slot, uint8_t *port)
{
	unsigned start = below(g, world_config.slots * PORTS);
	for (unsigned i = 0; i < world_config.slots * PORTS; i++) {
		unsigned at = (start + i) % (world_config.slots * PORTS);
		const struct port *p = port_look(at / PORTS, at % PORTS);
		*slot = (uint8_t)(at / PORTS);
		*port = (uint8_t)(at % PORTS);
		if (p && p->state == PORT_UNBOUND && p->detail == world_slot[by].id)
			return true;
	}
	return false;
}

/* --- grants --- */
bool has_handle(unsigned slot)
{
	struct domain *d = world_slot[slot].d;
	return d && d->grants && d->grants->tracks_in_use;
}

uint8_t pick_handle(struct generator *g, unsigned slot)
{
	struct domain *d = world_slot[slot].d;
	unsigned start = below(g, HANDLES);

	for (unsigned i = 0; d && d->grants && i < HANDLES; i++) {
		unsigned at = (start + i) % HANDLES;
		const struct track *t =
			at < d->grants->track_end ? paged_at(&d->grants->tracks, at) : NULL;
		if (t && t->flags)
			return (uint8_t)at;
	}
	return (uint8_t)start;
}

bool pick_mapped(struct generator *g, unsigned slot, uint8_t at[2])
{
	struct domain *d = world_slot[slot].d;
	uint8_t handle = pick_handle(g, slot);
	const struct track *t = has_handle(slot) ? paged_at(&d->grants->tracks, handle) : NULL;

	for (unsigned i = 0; t && (t->flags & TRACK_HOST) && i < POOL; i++)
		if (world_frame(slot, i) == t->slot.a >> 12) {
			at[0] = FRAME_OF(slot, i);
			at[1] = (uint8_t)(t->slot.a % 4096 / 8);
			return true;
		}
	return false;
}

static const struct grant_entry_v1 *shared_entries(unsigned slot)
{
	struct domain *d = world_slot[slot].d;
	if (!d || !d->grants || !d->grants->frame_count)
		return NULL;
	return host_frame(mfn(d->grants->frame[0]));
}

uint8_t pick_granted(struct generator *g, unsigned slot, unsigned by, bool *writable)
{
	const struct grant_entry_v1 *e = shared_entries(slot);
	unsigned start = below(g, REFS);

	*writable = chance(g, 128);
	for (unsigned i = 0; e && i < REFS; i++) {
		unsigned at = (start + i) % REFS;
		if ((e[at].flags & GTF_type_mask) == GTF_permit_access &&
			e[at].domid == world_slot[by].id) {
			*writable = !(e[at].flags & GTF_readonly);
			return (uint8_t)at;
		}
	}
	return (uint8_t)start;
}

static bool grants_to(unsigned slot, unsigned by)
{
	const struct grant_entry_v1 *e = shared_entries(slot);
	for (unsigned r = 0; e && r < REFS; r++)
		if ((e[r].flags & GTF_type_mask) == GTF_permit_access &&
			e[r].domid == world_slot[by].id)
			return true;
	return false;
}

bool has_granter(unsigned by)
{
	for (unsigned slot = 0; slot < world_config.slots; slot++)
		if (grants_to(slot, by))
			return true;
	return false;
}

unsigned pick_granter(struct generator *g, unsigned by)
{
	unsigned start = below(g, world_config.slots);
	for (unsigned i = 0; i < world_config.slots; i++)
		if (grants_to((start + i) % world_config.slots, by))
			return (start + i) % world_config.slots;
	return pick_other(g, by);
}
