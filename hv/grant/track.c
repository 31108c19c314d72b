/* Map-track: the handles a domain has for what it mapped. Free ones form a list; the table is made
 * at first use, since most domains map nothing. */
#include "hv/base/errno.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/grant/table.h"

uint32_t track_alloc(struct grant_table *t, struct track **out)
{
	if (!t->tracks.page && paged_init(&t->tracks, sizeof(struct track), t->track_limit))
		return HANDLE_NONE;
	uint32_t handle = t->track_free;
	struct track *k;
	if (handle != HANDLE_NONE) {
		k = paged_at(&t->tracks, handle);
		t->track_free = k->ref;
	} else {
		handle = t->track_end;
		k = paged_make(&t->tracks, handle);
		if (!k)
			return HANDLE_NONE;
		t->track_end++;
	}
	*k = (struct track){.flags = 0};
	t->tracks_in_use++;
	*out = k;
	return handle;
}

void track_free(struct grant_table *t, uint32_t handle)
{
	struct track *k = paged_at(&t->tracks, handle);
	*k = (struct track){.ref = t->track_free};
	t->track_free = handle;
	t->tracks_in_use--;
}

struct track *track_at(struct grant_table *t, uint32_t handle)
{
	struct track *k = handle < t->track_end ? paged_at(&t->tracks, handle) : NULL;
	return k && k->flags ? k : NULL;
}

#define KILL_BATCH (GRANT_BATCH / 2) /* handles in use, and */
#define KILL_SEEN  (PREEMPT_ENTRIES / 2) /* handles looked at, in one round */

/* The domain is dying and none of its vCPUs runs, so the table changes no more but through us. */
int tracks_close_all(struct domain *d)
{
	struct grant_table *t = d->grants;
	while (t->tracks_in_use > 0) {
		ASSERT(t->kill_cursor < t->track_end);
		struct grant_unmap_batch b = {.n = 0};
		uint32_t end = t->kill_cursor + KILL_SEEN;
		preempt_count(PREEMPT_ENTRIES);
		for (; b.n < KILL_BATCH && t->kill_cursor < t->track_end && t->kill_cursor < end;
			t->kill_cursor++) {
			const struct track *k = track_at(t, t->kill_cursor);
			if (!k)
				continue;
			struct gnttab_unmap_grant_ref op = {.handle = t->kill_cursor};
			if (k->flags & TRACK_HOST)
				op.host_addr = k->host_addr;
			if (k->flags & TRACK_DEVICE)
				op.dev_bus_addr = mfn_to_maddr(
					frame_mfn(grant_pinned_frame(k->granter->grants, k->ref)))
							  .a;
			grant_unmap(d, &op, &b);
			ASSERT(op.status == GNTST_okay);
		}
		grant_unmap_finish(d, &b);
		if (preempt_due())
			return -ERESTART;
	}
	t->track_end = 0;
	return paged_free(&t->tracks);
}
