/* Unmapping, in two steps around one TLB flush.
 *
 * Step one checks everything, clears the L1 entry, unless it is gone already (the guest may clear it itself,
 * and give up its table), and marks the halves as closing; the granter's
 * frame stays pinned, so that nobody can use it for anything else while a CPU may still write it
 * through a stale translation. Step two, after the flush, unpins.
 * Each batch unpins exactly the halves it closed itself: another CPU's may not be flushed yet.
 * Spec: grant_table.h, GNTTABOP_unmap_grant_ref. */
#include "hv/core/panic.h"
#include "hv/grant/table.h"
#include "hv/mem/table.h"

/* Which halves @op names; GNTST_*. */
static int halves_named(const struct gnttab_unmap_grant_ref *op, struct track *k,
	const struct frame *f, unsigned *halves)
{
	*halves = 0;
	if (op->host_addr) {
		if (!(k->flags & TRACK_HOST) || op->host_addr != k->host_addr)
			return GNTST_bad_virt_addr;
		*halves |= TRACK_HOST;
	}
	if (op->dev_bus_addr && (k->flags & TRACK_DEVICE)) {
		if (op->dev_bus_addr != mfn_to_maddr(frame_mfn(f)).a)
			return GNTST_bad_dev_addr;
		*halves |= TRACK_DEVICE;
	}
	return GNTST_okay;
}

static int unmap_locked(
	struct domain *d, const struct gnttab_unmap_grant_ref *op, struct grant_unmap_batch *b)
{
	struct track *k = track_at(d->grants, op->handle);
	if (!k || !(k->flags & TRACK_HALVES))
		return GNTST_bad_handle;
	/* Our pin keeps the active record as it is. */
	struct frame *f = grant_pinned_frame(k->granter->grants, k->ref);
	unsigned halves;
	int rc = halves_named(op, k, f, &halves);
	if (rc || !halves)
		return rc;
	if (halves & TRACK_HOST) {
		table_grant_clear(&d->mem, k->slot, frame_mfn(f));
		b->flush |= READ_ONCE(d->mem.dirty_cpus);
	}
	k->flags = (uint16_t)((k->flags & ~halves) | TRACK_CLOSING(halves));
	b->item[b->n].handle = op->handle;
	b->item[b->n++].halves = (uint16_t)halves;
	return GNTST_okay;
}

void grant_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op, struct grant_unmap_batch *b)
{
	ASSERT(b->n < GRANT_BATCH);
	lock(&d->grants->lock);
	op->status = (int16_t)unmap_locked(d, op, b);
	unlock(&d->grants->lock);
}

/* Both tables are locked. */
static void finish_locked(struct domain *d, struct track *k, uint32_t handle, unsigned halves)
{
	grant_unpin(
		k->granter->grants, k->ref, !(k->flags & TRACK_READONLY), track_half_count(halves));
	k->flags = (uint16_t)(k->flags & ~TRACK_CLOSING(halves));
	if (!(k->flags & (TRACK_HALVES | TRACK_CLOSING(TRACK_HALVES))))
		track_free(d->grants, handle);
}

void grant_unmap_finish(struct domain *d, struct grant_unmap_batch *b)
{
	if (b->flush)
		cpu_tlb_flush(b->flush);
	for (unsigned i = 0; i < b->n; i++) {
		uint32_t handle = b->item[i].handle;
		/* The closing halves keep track and granter. */
		struct track *k = paged_at(&d->grants->tracks, handle);
		struct domain *granter = k->granter;
		lock_pair(&d->grants->lock, d->id, &granter->grants->lock, granter->id);
		finish_locked(d, k, handle, b->item[i].halves);
		bool gone = k->flags == 0;
		unlock_pair(&d->grants->lock, &granter->grants->lock);
		if (gone)
			domain_put(granter);
	}
	b->n = 0;
	b->flush = 0;
}
