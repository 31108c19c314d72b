/* Guest loads and stores. Through its TLB a CPU may use translations that are no longer in the
 * tables, so the frame that was reached is the core's to tell; here it is judged whether the
 * guest may have reached it, and what a store left. A store that faulted on a write-protected L1
 * of the guest's own is carried out by the hypervisor as an update.
 * Neighbours: table.c. */
#include "tests/fuzz/model/state.h"

#define FAULT_PRESENT 1u
#define FAULT_WRITE   2u
#define STORE_BTR     3u

/* May @d read frame @f (write it)? Its own, one it has mapped by grant, a control domain any but
 * the hypervisor's; one that is free now was its own until somebody else gets it. */
static bool has_right(const struct model *m, const struct m_domain *d, uint64_t f, bool write)
{
	const struct m_frame *p = &m->f[f];
	if (p->owner == HYPERVISOR)
		return false;
	if (p->owner == d->id || p->owner == NOBODY || d->control)
		return true;
	for (unsigned i = 0; i < m->tracks; i++)
		if (m->track[i].mapper == d->id && m->track[i].frame == f &&
			!(write && m->track[i].readonly))
			return true;
	return false;
}

static uint64_t store_value(const struct act *a, uint64_t old)
{
	return a->n % STORE_COUNT == STORE_BTR ? old & ~2ull : a->val;
}

static const char *reached_apply(
	struct model *m, const struct m_domain *d, const struct act *a, const struct outcome *o)
{
	uint64_t f = o->frame[0];
	bool write = a->kind == OP_STORE;
	int slot = word_slot(m, (unsigned)(a->va & 0xfff) / 8);
	if (!is_ram(m, f))
		return d->control ? NULL : "model: a guest reached device memory";
	if (!has_right(m, d, f, write))
		return wrongf("model: domain %u reached frame %llx without a right", d->id,
			(unsigned long long)f);
	if (write && m->u.count[f] && m->u.type[f] >= U_SEGDESC)
		return wrongf("model: domain %u wrote table %llx", d->id, (unsigned long long)f);
	if (slot < 0 || m->f[f].owner == NOBODY)
		return NULL;
	uint64_t *word = &words(m, f)[slot];
	bool loose = m->f[f].loose[slot / 64] >> slot % 64 & 1;
	if (write)
		*word = o->value;
	else if (!loose && ((*word ^ o->value) & ~E_AD))
		return wrongf("model: loaded %llx, there was %llx", (unsigned long long)o->value,
			(unsigned long long)*word);
	return NULL;
}

/* The L1 entry that a store to @va aims at, if the hypervisor would carry it out. */
static bool entry_aimed_at(const struct model *m, const struct m_domain *d, const struct act *a,
	uint64_t *f, unsigned *slot)
{
	uint64_t l1;
	unsigned at;
	if (!va_is_guest(a->va) || !leaf_find(m, d->vcpu[a->vcpu].kernel, a->va, &l1, &at))
		return false;
	uint64_t e = words_of(m, l1)[at];
	if ((e & (E_PRESENT | E_WRITE)) != E_PRESENT || !is_ram(m, e_frame(e)))
		return false;
	*f = e_frame(e);
	*slot = (unsigned)word_slot(m, (unsigned)(a->va & 0xfff) / 8);
	return m->f[*f].owner == d->id && m->u.count[*f] && m->u.type[*f] == U_L1 && !m->f[*f].part;
}

/* The table may have been walked before an operation beside this one changed it. */
static bool emulated_entry(
	struct model *m, const struct m_domain *d, const struct act *a, uint64_t *f, unsigned *slot)
{
	if (!m->early && entry_aimed_at(m, d, a, f, slot))
		return true;
	return m->relaxed && entry_aimed_at(pair_start, d, a, f, slot) && m->f[*f].owner == d->id &&
	       m->u.count[*f] && m->u.type[*f] == U_L1;
}

static const char *fault_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	uint64_t f;
	unsigned slot, code = (unsigned)o->rc;
	bool may = a->kind == OP_STORE && (code & FAULT_PRESENT) && (code & FAULT_WRITE) &&
		   emulated_entry(m, d, a, &f, &slot);
	if (o->done && may && o->value)
		return NULL; /* a compare that found something else */
	int rc = may ? leaf_change(m, d, d, f, slot, store_value(a, words(m, f)[slot])) : M_EFAULT;
	if (o->done == (rc == 0))
		return NULL;
	return o->done ? wrongf("model: a store was carried out that is refused (%d)", rc)
		       : "model: a store to a page table was not carried out";
}

const char *access_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	return o->rc ? fault_apply(m, d, a, o) : reached_apply(m, d, a, o);
}
