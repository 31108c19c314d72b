/* What must hold between operations beyond the audit of the frame table: nothing is held (I15), and no CPU can reach
 * through its TLB what its domain has no right to (I5, I7, I14).
 *
 * A cached translation belongs to the address space (L4) it was walked from. While that is a live L4, its owner
 * must have a right to the frame: own it, have it mapped by grant, or be a control domain; a free frame is
 * nobody's yet, and its next owner is protected by the flush that comes first. Written from the statements, not from the
 * code that keeps them. */
#include "hv/base/string.h"
#include "hv/core/lock.h"
#include "hv/cpu/host/host.h"
#include "hv/grant/table.h"
#include "tests/fuzz/fuzz_world.h"

#define NOBODY 0xfffe
#define OURS 0x7ff2

static char text[128];

static void broken(const char *what, unsigned cpu, uint64_t m, uint64_t va)
{
	(void)format_string(text, sizeof text, "%s: CPU %u, frame %llx, at %llx", what, cpu, (unsigned long long)m,
			    (unsigned long long)va);
}

/* Has the domain @o a live grant mapping of frame @m (writable if @write)? */
static bool granted(domid_t o, uint64_t m, bool write)
{
	struct domain *d = domain_find(o);
	bool found = false;
	const struct grant_table *t = d ? d->grants : NULL;
	for (uint32_t h = 0; t && h < t->track_end && !found; h++) {
		const struct track *k = paged_at(&t->tracks, h);
		if (!k->flags || (write && (k->flags & TRACK_READONLY)))
			continue;
		const struct active *a = paged_at(&k->granter->grants->active, k->ref);
		found = a->frame == m;
	}
	if (d)
		domain_put(d);
	return found;
}

static bool is_table(const struct frame *f)
{
	return (f->type & 0xffffffffffff) > 0 && (f->type >> 48 & 7) >= FT_SEGDESC;
}

static void leaf_judge(const struct host_tlb_entry *e)
{
	const struct frame *f = frame_of(e->m), *l4 = frame_of(e->l4);
	if (!f || !l4)
		return;
	if (e->writable && is_table(f))
		broken("I5: a table can be written", e->cpu, e->m.n, e->va);
	if (frame_type_now(l4) != FT_L4)
		return;
	const struct owner *o = owner_by_domid(l4->owner);
	if (f->owner == l4->owner || f->owner == NOBODY || (o && o->is_control && f->owner != OURS))
		return;
	if (!granted(l4->owner, e->m.n, e->writable))
		broken("I7: a frame can be reached without a right", e->cpu, e->m.n, e->va);
}

static void table_judge(unsigned cpu, uint64_t va, mfn_t m)
{
	const struct frame *f = frame_of(m);
	if (f && (f->type & 0xffffffffffff) > 0 && (f->type >> 48 & 7) == FT_WRITABLE)
		broken("I5: a writable frame is walked as a table", cpu, m.n, va);
}

const char *world_judge(void)
{
	text[0] = 0;
	host_tlb_each(leaf_judge);
	host_tlb_tables_each(table_judge);
	return text[0] ? text : NULL;
}

const char *world_check(void)
{
	if (lock_held_count() != 0)
		return "I15: a lock is held";
	if (host_maps_outstanding() != 0)
		return "I15: a frame is mapped";
	return frame_audit();
}
