/* Grant tables: creation, growth, death.
 *
 * A domain lets another one map or copy a frame of its by an entry in its shared table. Rules:
 * INVARIANT G1: the shared entry is hostile memory. It is read by one 64-bit load; what that said
 *   is kept in the active record, which alone counts while the grant is in use.
 * INVARIANT G2: readers and writers of an active record are the sums over the map-track halves
 *   that name it (and the copy that holds the lock).
 * INVARIANT G3: each half holds one reference on the granted frame, one writable count if it is
 *   not read-only, and its track a reference to the granting domain. The L1 entry has its own of
 *   both, as long as the mapper lets it stand: it may clear or replace it and give up the table. That ends
 *   no grant: what a TLB may still reach stays pinned until the handle is unmapped.
 * INVARIANT G4: between clearing the entry and the flush a half is closing: still counted.
 * INVARIANT G5: shared and active storage only grows, up to limits fixed at creation.
 * Start with pin.c (what using a grant means), then map.c, unmap.c, copy.c. */
#include "hv/base/errno.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/grant/table.h"
#include "hv/mem/alloc.h"

#define FRAMES_DEFAULT       64u
#define FRAMES_MAX           1024u
#define TRACK_FRAMES_DEFAULT 1024u
#define TRACK_FRAMES_MAX     16384u

/* By one frame. Under the lock. */
static bool table_grow(struct grant_table *t)
{
	mfn_t m;
	if (frame_alloc_shared(&t->domain->mem, &m))
		return false;
	t->frame[t->frame_count++] = (uint32_t)m.n;
	return true;
}

int grant_setup_table(struct domain *d, unsigned frames)
{
	struct grant_table *t = d->grants;
	if (frames > t->frame_limit)
		return GNTST_general_error;
	for (;;) {
		lock(&t->lock);
		bool enough = t->frame_count >= frames;
		bool well = !domain_is_dying(d) && (enough || table_grow(t));
		unlock(&t->lock);
		if (enough || !well)
			return well ? GNTST_okay : GNTST_general_error;
		preempt_count(PREEMPT_ITEM);
		if (preempt_due())
			return -ERESTART;
	}
}

mfn_t grant_frame(struct domain *d, unsigned i)
{
	struct grant_table *t = d->grants;
	lock(&t->lock);
	mfn_t m = i < t->frame_count ? mfn(t->frame[index_nospec(i, t->frame_count)]) : MFN_INVALID;
	unlock(&t->lock);
	return m;
}

void grant_query_size(struct domain *d, uint32_t *frames, uint32_t *max)
{
	*frames = READ_ONCE(d->grants->frame_count);
	*max = d->grants->frame_limit;
}

/* --- with the domain --- */

static void table_free(struct grant_table *t)
{
	ASSERT(t->tracks_in_use == 0);
	for (uint32_t i = 0; i < t->frame_count; i++) {
		preempt_count(PREEMPT_ITEM);
		frame_free_shared(&t->domain->mem, mfn(t->frame[i]));
	}
	heap_free(t->frame);
	paged_free_all(&t->active);
	paged_free_all(&t->tracks);
	heap_free(t);
}

static void table_destroy(struct domain *d)
{
	table_free(d->grants);
	d->grants = NULL;
}

static int table_parts(struct grant_table *t, const struct domain_config *config)
{
	uint32_t track_frames =
		config->max_maptrack_frames ? config->max_maptrack_frames : TRACK_FRAMES_DEFAULT;
	t->frame_limit = config->max_grant_frames ? config->max_grant_frames : FRAMES_DEFAULT;
	if (t->frame_limit > FRAMES_MAX || track_frames > TRACK_FRAMES_MAX)
		return -EINVAL;
	t->track_limit = track_frames * (uint32_t)(PAGE_SIZE / sizeof(struct track));
	t->frame = heap_alloc(t->frame_limit * sizeof *t->frame);
	if (!t->frame || !table_grow(t))
		return -ENOMEM;
	return paged_init(&t->active, sizeof(struct active), t->frame_limit * REFS_PER_FRAME);
}

static int table_create(struct domain *d, const struct domain_config *config)
{
	struct grant_table *t = heap_alloc(sizeof *t);
	if (!t)
		return -ENOMEM;
	lock_init(&t->lock, RANK_GRANT);
	t->domain = d;
	t->track_free = HANDLE_NONE;
	int rc = table_parts(t, config);
	if (rc) {
		table_free(t);
		return rc;
	}
	d->grants = t;
	return 0;
}

void grant_init(void)
{
	static const struct domain_ops ops = {
		.name = "grant",
		.create = table_create,
		.kill = tracks_close_all,
		.destroy = table_destroy,
	};
	static_assert(
		sizeof(struct track) == 32 && sizeof(struct active) == 8, "they divide a page");
	domain_register_ops(&ops);
	audit_register(grant_audit_enumerate);
	audit_register_check(grant_check);
}
