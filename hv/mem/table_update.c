/* Changing one entry of a page table: mmu_update, update_va_mapping, emulated writes and grants end here.
 *
 * The owner's lock keeps a usable table usable and its entries ours alone, except for the accessed
 * and dirty bits, which CPUs set at any time. Order: take what the new value needs, exchange, unlock,
 * drop what the old value held. Only whitelisted bits may change without taking anew.
 * A target that is a table of L2..L4 can need validation, which drops the lock; so its count is taken
 * first, without the lock, and the table is looked at again.
 *
 * Entries of grant mappings are entries like others: they hold what their bits say, and go when the guest
 * replaces them or their table goes, while the grant stays pinned until it is unmapped. So a grant's handle
 * only remembers where its entry was set, and holds nothing there. By the time it is unmapped the frame may have
 * become anything; what is cleared then is an entry of a table of the same owner that maps the same frame by
 * grant. That can be another handle's, set in the same place since; but it is one that the guest may
 * clear at any time, what goes is what it held, and the other handle keeps its pin. A mapping of the frame that is
 * not by grant (a control domain's, by the frame's number) is not marked, and stays.
 * Neighbours: table_entry.c (what an entry may hold), table_run.c, table_slot.c. */
#include "hv/mem/frame_bits.h"
#include "hv/mem/table_entry.h"
#include "hv/mem/table_slot.h"

#define SOFT_BITS	(PTE_ACCESSED | PTE_DIRTY | (PTE_AVAIL & ~PTE_GRANT))
#define IGNORED_BITS	(PTE_USER | PTE_GLOBAL | PTE_GRANT)	/* in what guests write */

struct update {
	struct owner *o, *fo;
	uint64_t val;
	bool preserve_ad;
	uint64_t grant;		/* PTE_GRANT: an entry of a grant, where none is present; or 0 */
	uint64_t *expected;	/* NULL: whatever is there */
	uint64_t dropped;	/* out: the old entry, to be dropped after unlocking; 0 if nothing */
};

/* Put @want over @old. False: @expected was given and something else is there. */
static inline bool entry_store(struct update *u, uint64_t *p, uint64_t *old, uint64_t want)
{
	if (u->expected) {
		if (ATOMIC_CAS(p, old, want))
			return true;
		*u->expected = *old;
		return false;
	}
	if (!u->preserve_ad || !(want & PTE_PRESENT)) {
		*old = ATOMIC_XCHG(p, want);
		return true;
	}
	while (!ATOMIC_CAS(p, old, want | (*old & (PTE_ACCESSED | PTE_DIRTY))))
		;
	return true;
}

/* Same frame, nothing that counts or grants rights changes. True: *want is what to store. */
static inline bool l1_is_soft_change(uint64_t old, uint64_t val, uint64_t *want)
{
	uint64_t soft = old & PTE_GRANT ? SOFT_BITS : SOFT_BITS | PTE_NX;
	if (!(old & PTE_PRESENT) || ((old ^ val) & ~(soft | IGNORED_BITS)))
		return false;
	*want = (old & ~soft) | (val & soft);
	return true;
}

static inline int l1_change(struct update *u, uint64_t *p)
{
	uint64_t old = READ_ONCE(*p), want;
	if (u->expected && old != *u->expected) {
		*u->expected = old;
		return -EAGAIN;
	}
	if (u->grant && (old & PTE_PRESENT))
		return -EBUSY;
	if (l1_is_soft_change(old, u->val, &want))
		return entry_store(u, p, &old, want) ? 0 : -EAGAIN;
	int rc = l1_entry_take(u->o, u->fo, u->val, &want);
	if (UNLIKELY(rc))
		return rc;
	want |= u->grant;
	if (UNLIKELY(!entry_store(u, p, &old, want))) {
		u->dropped = want;
		return -EAGAIN;
	}
	u->dropped = old;
	return 0;
}

/* Lock held: @f is a usable table of type @t of the owner. */
static inline bool table_is(const struct owner *o, const struct frame *f, enum frame_type t)
{
	return READ_ONCE(f->owner) == o->domid && ty_is_usable_as(type_word(f), t);
}

/* -ERANGE: not a usable L1 of the owner. */
static inline int l1_update(struct update *u, struct frame *table, maddr_t at)
{
	int rc = -ERANGE;
	lock(&u->o->lock);
	if (LIKELY(table_is(u->o, table, FT_L1))) {
		uint64_t *p = frame_map(maddr_to_mfn(at));
		rc = l1_change(u, p + at.a % PAGE_SIZE / 8);
		frame_unmap(p);
	}
	unlock(&u->o->lock);
	if (u->dropped & PTE_PRESENT)
		l1_entry_drop(u->dropped);
	return rc;
}

/* --- L2..L4 --- */

/* -ERANGE: the table is no longer one. -EAGAIN: the new target's count is needed and @child is NULL. */
static int upper_change(struct update *u, struct frame *table, enum frame_type t, unsigned index,
			uint64_t want, struct frame *child)
{
	int rc = -ERANGE;
	lock(&u->o->lock);
	if (table_is(u->o, table, t)) {
		uint64_t *p = (uint64_t *)frame_map(frame_mfn(table)) + index, old = READ_ONCE(*p);
		bool same = (old & PTE_PRESENT) && ((old ^ want) & PTE_ADDR) == 0;
		if ((want & PTE_PRESENT) && !same && !child) {
			rc = -EAGAIN;
		} else {
			(void)entry_store(u, p, &old, want);
			u->dropped = same && (want & PTE_PRESENT) && !child ? 0 : old;
			rc = 0;
		}
		frame_unmap(p);
	}
	unlock(&u->o->lock);
	return rc;
}

static int upper_update(struct update *u, struct frame *table, enum frame_type t, unsigned index)
{
	struct frame *child = NULL;
	uint64_t want;
	if (u->fo != u->o || (t == FT_L4 && l4_slot_is_hv(index)))
		return -EPERM;
	int rc = upper_entry_check(u->val, &want);
	if (rc)
		return rc;
	rc = upper_change(u, table, t, index, want, NULL);
	if (rc == -EAGAIN) {
		rc = frame_get_with_type(u->o, pte_mfn(want), t - 1, &child);
		if (rc)
			return rc == -ENOENT ? -EINVAL : rc;
		rc = upper_change(u, table, t, index, want, child);
		if (rc)
			frame_put_with_type(child);
	}
	if (u->dropped & PTE_PRESENT)
		frame_put_with_type(frame_of(pte_mfn(u->dropped)));
	return rc;
}

/* --- frames that are no table now --- */

static int plain_update(struct update *u, mfn_t m, unsigned index)
{
	struct frame *f;
	int rc = frame_get_with_type(u->o, m, FT_WRITABLE, &f);
	if (rc)
		return rc;
	uint64_t *p = (uint64_t *)frame_map(m) + index, old = READ_ONCE(*p);
	(void)entry_store(u, p, &old, u->val);
	frame_unmap(p);
	frame_put_with_type(f);
	return 0;
}

/* Everything but L1 tables: -ERANGE if it has become one. */
static int other_update(struct update *u, struct frame *f, maddr_t at)
{
	unsigned index = (unsigned)(at.a % PAGE_SIZE / 8);
	uint64_t w = type_word(f);
	if (READ_ONCE(f->owner) != u->o->domid)
		return -EPERM;
	if (!ty_is_usable(w) || ty_type(w) < FT_L1)
		return plain_update(u, maddr_to_mfn(at), index);
	return ty_type(w) == FT_L1 ? -ERANGE : upper_update(u, f, ty_type(w), index);
}

static bool slot_is_valid(maddr_t at)
{
	return at.a % 8 == 0 && at.a % PAGE_SIZE / 8 < table_entries;
}

int table_entry_update(struct owner *o, struct owner *fo, maddr_t at, uint64_t val, bool preserve_ad)
{
	struct update u = { .o = o, .fo = fo, .val = val, .preserve_ad = preserve_ad };
	struct frame *f = frame_lookup(maddr_to_mfn(at).n);
	int rc;
	if (UNLIKELY(!f || !slot_is_valid(at)))
		return -EINVAL;
	do {	/* until it does not change under us */
		rc = l1_update(&u, f, at);
		if (UNLIKELY(rc == -ERANGE))
			rc = other_update(&u, f, at);
	} while (UNLIKELY(rc == -ERANGE));
	return rc;
}

/* -EINVAL: no entry of an L1. */
static int l1_only_update(struct update *u, maddr_t at)
{
	struct frame *f = frame_lookup(maddr_to_mfn(at).n);
	if (!f || !slot_is_valid(at))
		return -EINVAL;
	int rc = l1_update(u, f, at);
	return rc == -ERANGE ? -EINVAL : rc;
}

int table_entry_cas(struct owner *o, maddr_t at, uint64_t *expected, uint64_t val)
{
	struct update u = { .o = o, .fo = o, .val = val, .expected = expected };
	return l1_only_update(&u, at);
}

int table_grant_set(struct owner *o, struct owner *fo, maddr_t at, uint64_t val)
{
	struct update u = { .o = o, .fo = fo, .val = val, .grant = PTE_GRANT };
	return l1_only_update(&u, at);
}

/* Lock held: the entry @index of @f, an L1 of the owner, holds what its bits say. */
static bool l1_entry_counts(const struct owner *o, const struct frame *f, unsigned index)
{
	uint64_t w = type_word(f);
	if (READ_ONCE(f->owner) != o->domid || !(w & TY_COUNT) || ty_type(w) != FT_L1)
		return false;
	return !(w & TY_PARTIAL) || index < f->cursor;
}

void table_grant_clear(struct owner *o, maddr_t at, mfn_t m)
{
	const struct frame *f = frame_at((uint32_t)maddr_to_mfn(at).n);
	unsigned index = (unsigned)(at.a % PAGE_SIZE / 8);
	uint64_t entry = 0;
	lock(&o->lock);
	if (l1_entry_counts(o, f, index)) {
		uint64_t *p = (uint64_t *)frame_map(maddr_to_mfn(at)) + index, seen = READ_ONCE(*p);
		if ((seen & PTE_PRESENT) && (seen & PTE_GRANT) && mfn_eq(pte_mfn(seen), m))
			entry = ATOMIC_XCHG(p, 0ull);
		frame_unmap(p);
	}
	unlock(&o->lock);
	l1_entry_drop(entry);
}

int table_va_update(struct owner *o, struct owner *fo, mfn_t l4, gva_t va, uint64_t val)
{
	struct update u = { .o = o, .fo = fo, .val = val };
	mfn_t table;
	lock(&o->lock);
	int rc = table_find_l1(o, l4, va, &table);
	if (rc == 0) {
		uint64_t *p = frame_map(table);
		rc = l1_change(&u, p + (va.a >> PAGE_SHIFT) % 512);
		frame_unmap(p);
	}
	unlock(&o->lock);
	if (u.dropped & PTE_PRESENT)
		l1_entry_drop(u.dropped);
	return rc;
}
