/* Using a grant: the check of the shared entry and the active record.
 *
 * The first pin reads the shared entry and marks it in use by compare-exchange of flags and domid
 * together, so that a grant taken back meanwhile is not used; a first writer beside readers
 * marks again, but the frame stays the one the active record holds. The last pin of a kind clears
 * its mark. The granter may scribble over the entry at any time: that misleads only itself.
 * Spec: grant_table.h, GTF_*. */
#include "hv/base/atomic.h"
#include "hv/grant/table.h"

#define MARK_TRIES 5 /* a granter that keeps changing the entry gets an error, not our time */

union entry {
	uint64_t whole;
	struct {
		uint32_t marks; /* flags and domid, which change together */
		uint32_t frame;
	};
};

static union entry *entry_map(struct grant_table *t, uint32_t ref)
{
	union entry *frame = frame_map(mfn(t->frame[ref / REFS_PER_FRAME]));
	return frame + ref % REFS_PER_FRAME;
}

static bool entry_permits(uint64_t entry, domid_t domid, bool write)
{
	uint16_t flags = (uint16_t)entry;
	return (flags & GTF_type_mask) == GTF_permit_access && (domid_t)(entry >> 16) == domid &&
	       !(write && (flags & GTF_readonly));
}

/* Mark the entry in use. *frame: what it granted at that moment. */
static bool entry_mark(
	struct grant_table *t, uint32_t ref, domid_t domid, bool write, uint32_t *frame)
{
	union entry *entry = entry_map(t, ref);
	uint32_t mark = GTF_reading | (write ? GTF_writing : 0);
	bool marked = false;
	for (unsigned i = 0; i < MARK_TRIES && !marked; i++) {
		uint64_t seen = READ_ONCE(entry->whole); /* hostile: once */
		uint32_t expected = (uint32_t)seen;
		if (!entry_permits(seen, domid, write))
			break;
		marked = ATOMIC_CAS(&entry->marks, &expected, expected | mark);
		*frame = (uint32_t)(seen >> 32);
	}
	frame_unmap(entry);
	return marked;
}

static void entry_unmark(struct grant_table *t, uint32_t ref, uint32_t mark)
{
	union entry *entry = entry_map(t, ref);
	ATOMIC_AND(&entry->marks, ~mark);
	frame_unmap(entry);
}

static int hold_frame(
	struct grant_table *t, uint32_t number, bool write, unsigned times, struct frame **f)
{
	struct owner *o = &t->domain->mem;
	for (unsigned i = 0; i < times; i++) {
		int rc = write ? frame_get_with_type(o, mfn(number), FT_WRITABLE, f)
			       : frame_get(o, mfn(number), f);
		if (!rc)
			continue;
		while (i-- > 0)
			write ? frame_put_with_type(*f) : frame_put(*f);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

/* Clear the marks that no pin justifies. */
static void marks_drop(
	struct grant_table *t, uint32_t ref, const struct active *a, bool was_written)
{
	uint32_t mark = was_written && a->writers == 0 ? GTF_writing : 0;
	if (a->readers + a->writers == 0)
		mark |= GTF_reading;
	if (mark)
		entry_unmark(t, ref, mark);
}

int grant_pin(struct grant_table *t, uint32_t ref, domid_t domid, bool write, unsigned times,
	struct frame **f)
{
	if (ref >= t->frame_count * REFS_PER_FRAME)
		return GNTST_bad_gntref;
	ref = (uint32_t)index_nospec(ref, t->frame_count * REFS_PER_FRAME);
	struct active *a = paged_make(&t->active, ref);
	if (!a)
		return GNTST_no_space;
	bool first = a->readers + a->writers == 0;
	uint32_t frame = a->frame, ignored;
	if (!first && a->domid != domid)
		return GNTST_general_error;
	uint8_t *pins = write ? &a->writers : &a->readers;
	if (*pins + times > PINS_MAX)
		return GNTST_no_space;
	if ((first || (write && a->writers == 0)) &&
		!entry_mark(t, ref, domid, write, first ? &frame : &ignored))
		return GNTST_general_error;
	int rc = hold_frame(t, frame, write, times, f);
	if (rc) {
		marks_drop(t, ref, a, write);
		return rc;
	}
	/* Commit. */
	a->frame = frame;
	a->domid = domid;
	*pins = (uint8_t)(*pins + times);
	return GNTST_okay;
}

struct frame *grant_pinned_frame(struct grant_table *t, uint32_t ref)
{
	const struct active *a = paged_at(&t->active, ref);
	return frame_of(mfn(a->frame));
}

void grant_unpin(struct grant_table *t, uint32_t ref, bool write, unsigned times)
{
	struct active *a = paged_at(&t->active, ref);
	struct frame *f = frame_of(mfn(a->frame));
	uint8_t *pins = write ? &a->writers : &a->readers;
	*pins = (uint8_t)(*pins - times);
	for (unsigned i = 0; i < times; i++)
		write ? frame_put_with_type(f) : frame_put(f);
	marks_drop(t, ref, a, write);
}
