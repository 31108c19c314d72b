/* What the audit asks of the grant layer: the references that map-track holds, and statements
 * I8 (pins are the sums over map-track; a free handle has no flags), I9 (a grant entry equals a record of
 * where it stands) and I7's other half (every grant entry has one; not the reverse, since guests may clear
 * entries). Recomputed from the raw tables; the marks in shared entries are hostile memory and not
 * judged here. */
#include "hv/base/string.h"
#include "hv/grant/table.h"
#include "hv/mem/table.h"

typedef const char *visit_fn(struct domain *d, const struct track *k, void *arg);

/* Visit every track of every domain until one reports something. */
static const char *tracks_each(visit_fn *visit, void *arg)
{
	const char *broken = NULL;
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		for (uint32_t h = 0; !broken && d->grants && h < d->grants->track_end; h++)
			broken = visit(d, paged_at(&d->grants->tracks, h), arg);
	}
	return broken;
}

static const char *add_track(struct domain *d, const struct track *k, void *arg)
{
	audit_add_fn *add = *(audit_add_fn **)arg;
	unsigned halves = track_half_count(k->flags);
	(void)d;
	const struct active *a = halves && k->granter ? paged_at(&k->granter->grants->active, k->ref) : NULL;
	if (!a)
		return NULL; /* or broken: the check says so */
	if (k->flags & TRACK_READONLY)
		add(mfn(a->frame), halves, FT_NONE, 0);
	else
		add(mfn(a->frame), halves, FT_WRITABLE, halves);
	return NULL;
}

void grant_audit_enumerate(audit_add_fn *add)
{
	tracks_each(add_track, &add);
}

struct sum {
	const struct domain *granter;
	uint32_t ref, readers, writers;
	const struct active *active;
};

static const char *sum_track(struct domain *d, const struct track *k, void *arg)
{
	struct sum *s = arg;
	unsigned halves = track_half_count(k->flags);
	if (!halves || k->granter != s->granter || k->ref != s->ref)
		return NULL;
	*(k->flags & TRACK_READONLY ? &s->readers : &s->writers) += halves;
	return s->active->domid == d->id ? NULL
					 : "I8: a grant is mapped by a domain it was not made to";
}

static const char *check_active(struct domain *d, uint32_t ref)
{
	struct sum s = {.granter = d, .ref = ref, .active = paged_at(&d->grants->active, ref)};
	if (s.active->readers + s.active->writers == 0)
		return NULL;
	const char *broken = tracks_each(sum_track, &s);
	if (broken)
		return broken;
	if (s.readers != s.active->readers || s.writers != s.active->writers)
		return "I8: pins of a grant are not the sum over map-track";
	return NULL;
}

static const char *check_track(struct domain *d, const struct track *k, void *arg)
{
	(void)arg;
	(void)d;
	if (k->flags == 0)
		return k->granter || k->slot.a ? "I8: a free handle is not empty" : NULL;
	if (track_half_count(k->flags) == 0 || !k->granter)
		return "I8: a handle in use has no half";
	const struct active *a = paged_at(&k->granter->grants->active, k->ref);
	if (!a || (k->flags & TRACK_READONLY ? a->readers : a->writers) == 0)
		return "I8: a mapping without a pin";
	return NULL;
}

/* @pte, a grant entry, stands at @slot in a table of @d. */
static const char *check_entry(const struct domain *d, uint64_t slot, uint64_t pte)
{
	const char *broken = "I7: a grant entry without a map-track entry";
	for (uint32_t h = 0; d->grants && h < d->grants->track_end; h++) {
		const struct track *k = paged_at(&d->grants->tracks, h);
		if (!(k->flags & TRACK_HOST) || k->slot.a != slot)
			continue;
		const struct active *a = paged_at(&k->granter->grants->active, k->ref);
		if (pte_mfn(pte).n == a->frame && !(pte & PTE_WRITE) == !!(k->flags & TRACK_READONLY))
			return NULL;
		broken = "I9: a grant entry does not equal its record";
	}
	return broken;
}

/* Entries of an L1 that mean something: in a partial one (bit 54) those below its cursor. */
static unsigned entries_valid(const struct frame *f)
{
	return f->type >> 54 & 1 ? f->cursor : table_entries;
}

/* Grant entries in the tables of all domains. */
static const char *check_entries(void)
{
	const char *broken = NULL;
	uint64_t frames = frame_max_mfn();
	for (uint64_t m = 0; m < frames && !broken; m++) {
		const struct frame *f = frame_of(mfn(m));
		if (!f || frame_type_now(f) != FT_L1)
			continue;
		const uint64_t *table = frame_map(mfn(m));
		for (unsigned i = 0; i < entries_valid(f) && !broken; i++)
			if ((table[i] & (PTE_PRESENT | PTE_GRANT)) == (PTE_PRESENT | PTE_GRANT))
				broken = check_entry(domain_of_owner(owner_by_domid(f->owner)),
					m * PAGE_SIZE + i * sizeof *table, table[i]);
		frame_unmap(table);
	}
	return broken;
}

/* Of eight records; most of a page is unused, and the audit is in a hurry. */
static bool any_pinned(const struct active *a)
{
	static_assert(offsetof(struct active, readers) == 6 && sizeof *a == 8, "the pins are the upper 16 bits");
	uint64_t w[8];
	memcpy(w, a, sizeof w);
	return (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) >> 48;
}

static const char *check_domain_active(struct domain *d)
{
	const struct paged *p = &d->grants->active;
	const char *broken = NULL;
	for (uint32_t ref = paged_next(p, 0); ref < p->limit && !broken; ref = paged_next(p, ref)) {
		const struct active *a = paged_at(p, ref);
		for (uint32_t end = ref + p->per_page; ref < end && !broken; ref += 8, a += 8)
			for (uint32_t i = 0; any_pinned(a) && i < 8 && !broken; i++)
				broken = check_active(d, ref + i);
	}
	return broken;
}

const char *grant_check(void)
{
	const char *broken = tracks_each(check_track, NULL);
	if (!broken)
		broken = check_entries();
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		if (!broken && d->grants)
			broken = check_domain_active(d);
	}
	return broken;
}
