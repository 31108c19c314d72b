/* Mapping a granted frame, the back ends' hot path.
 *
 * An address is looked up before the tables' locks are taken; then the grant is pinned, once per half,
 * and the entry set where that led. Every failure undoes what came before it, in reverse.
 * Entries that are present are refused by the memory layer. host_addr 0 means "no host half" to
 * unmap, so nothing can be mapped there.
 * dev_bus_addr is answered also without device_map: Linux wants it for its p2m.
 * Spec: grant_table.h, GNTTABOP_map_grant_ref. */
#include "hv/base/errno.h"
#include "hv/grant/table.h"
#include "hv/mem/table.h"

static uint64_t entry_flags(uint32_t map_flags)
{
	uint64_t avail = map_flags >> _GNTMAP_guest_avail0;
	uint64_t flags = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | (avail & 7) << 9 | (avail >> 3 & 0x7f) << 52;
	if (!(map_flags & GNTMAP_readonly))
		flags |= PTE_WRITE;
	if (cpu_features.has_nx)
		flags |= PTE_NX;
	return flags;
}

static int slot_find(struct vcpu *v, const struct gnttab_map_grant_ref *op, maddr_t *slot)
{
	if (op->host_addr == 0)
		return -EINVAL;
	if (!(op->flags & GNTMAP_contains_pte))
		return table_slot_find(&v->domain->mem, v->ctx.kernel_l4, gva(op->host_addr), slot);
	*slot = maddr(op->host_addr);
	return 0;
}

static int slot_set(struct domain *d, struct domain *granter, maddr_t slot, const struct frame *f,
	uint32_t map_flags)
{
	int rc = table_grant_set(&d->mem, &granter->mem, slot, pte_make(frame_mfn(f), entry_flags(map_flags)));
	return rc == 0 ? GNTST_okay : rc == -EINVAL ? GNTST_bad_virt_addr : GNTST_general_error;
}

/* Both tables are locked. */
static int map_locked(
	struct domain *d, struct domain *granter, struct gnttab_map_grant_ref *op, maddr_t slot)
{
	struct grant_table *mine = d->grants, *theirs = granter->grants;
	unsigned halves = (op->flags & GNTMAP_host_map ? TRACK_HOST : 0) |
			  (op->flags & GNTMAP_device_map ? TRACK_DEVICE : 0);
	bool write = !(op->flags & GNTMAP_readonly);
	struct track *k;
	struct frame *f;
	if (domain_is_dying(granter))
		return GNTST_bad_domain;
	uint32_t handle = track_alloc(mine, &k);
	if (handle == HANDLE_NONE)
		return GNTST_no_device_space;
	int rc = grant_pin(theirs, op->ref, d->id, write, track_half_count(halves), &f);
	if (rc == GNTST_okay && (halves & TRACK_HOST)) {
		rc = slot_set(d, granter, slot, f, op->flags);
		if (rc != GNTST_okay)
			grant_unpin(theirs, op->ref, write, track_half_count(halves));
	}
	if (rc != GNTST_okay) {
		track_free(mine, handle);
		return rc;
	}
	*k = (struct track){.granter = granter,
		.host_addr = op->host_addr,
		.slot = slot,
		.ref = op->ref,
		.flags = (uint16_t)(halves | (write ? 0 : TRACK_READONLY))};
	domain_get(granter);
	op->handle = handle;
	op->dev_bus_addr = mfn_to_maddr(frame_mfn(f)).a;
	return GNTST_okay;
}

void grant_map(struct vcpu *v, struct gnttab_map_grant_ref *op)
{
	struct domain *d = v->domain;
	maddr_t slot = maddr(0);
	bool host = op->flags & GNTMAP_host_map;
	if (!host && !(op->flags & GNTMAP_device_map)) {
		op->status = GNTST_bad_gntref;
		return;
	}
	struct domain *granter = domain_find(op->dom == DOMID_SELF ? d->id : op->dom);
	if (!granter) {
		op->status = GNTST_bad_domain;
		return;
	}
	if (host && slot_find(v, op, &slot)) {
		op->status = GNTST_bad_virt_addr;
		domain_put(granter);
		return;
	}
	lock_pair(&d->grants->lock, d->id, &granter->grants->lock, granter->id);
	op->status = (int16_t)map_locked(d, granter, op, slot);
	unlock_pair(&d->grants->lock, &granter->grants->lock);
	domain_put(granter);
}
