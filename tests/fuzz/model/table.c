/* Entries of page tables: what may be written, what becomes of it, and trees of tables checked
 * from the top.
 *
 * A use that is being taken is added to m->u at once, so that what comes later in the same
 * operation sees it; when something fails half way, the uses are found again from the state, and
 * only what the check changed in the words stays. Written from the contracts in
 * hv/mem/{frame,table,segdesc}.h and SECURITY's statements I1-I7.
 * Neighbours: state.c (the search for uses), memory.c (the operations). */
#include "tests/fuzz/model/state.h"

#define HV_SLOT_FIRST    256u
#define HV_SLOT_COUNT    16u
#define DEVICE_READ_ONLY 17u /* frames beyond RAM: the one even a control domain may only read */
#define SOFT             (E_AD | E_AVAIL)
#define IGNORED          (E_USER | E_GLOBAL | E_GRANT)

#define D_ACCESSED  (1ull << 40) /* of a segment descriptor */
#define D_CODE_DATA (1ull << 44)
#define D_DPL3      (3ull << 45)
#define D_PRESENT   (1ull << 47)

/* --- one more use --- */

int ref_take(struct model *m, unsigned id, uint64_t f)
{
	if (!is_ram(m, f))
		return M_ENOENT;
	if (m->f[f].owner != id)
		return M_EPERM;
	if (m->u.refs[f] >= m->limit.count_limit)
		return M_EOVERFLOW;
	m->u.refs[f]++;
	return 0;
}

static void type_add(struct model *m, uint64_t f, enum use t)
{
	m->u.type[f] = (uint8_t)t;
	m->u.count[f]++;
}

/* Every descriptor of the page up to the first bad one is made harmless. */
static bool descriptors_fix(struct model *m, uint64_t f)
{
	for (unsigned i = 0; i < m->stride; i++) {
		uint64_t *d = &words(m, f)[i];
		if (!(*d & D_PRESENT))
			continue;
		if (!(*d & D_CODE_DATA))
			return false;
		*d |= D_DPL3 | D_ACCESSED;
	}
	return true;
}

static bool table_up(struct model *m, uint64_t f, unsigned level);

/* The check of a table as a whole; a reference is held. */
static int table_take(struct model *m, uint64_t f, enum use t)
{
	struct m_frame *p = &m->f[f];
	if (p->part && (p->part_queued || !p->part_top))
		return M_EBUSY;
	if (!p->part) {
		if (!p->allocated)
			return M_EBUSY;
		type_add(m, f, t);
		m->u.refs[f]++; /* held by the check itself */
	}
	bool up = table_up(m, f, (unsigned)(t - U_L1) + 1);
	m->u.refs[f]--;
	m->stale = true;
	if (p->part)
		p->part = 0;
	return up ? 0 : M_EINVAL;
}

int type_take(struct model *m, uint64_t f, enum use t)
{
	const struct uses *u = &m->u;
	if (u->count[f] > 0 && u->type[f] != t)
		return M_EBUSY;
	if (t >= U_L1 && (u->count[f] == 0 || m->f[f].part))
		return table_take(m, f, t);
	if (u->count[f] >= m->limit.count_limit)
		return M_EOVERFLOW;
	if (u->count[f] == 0 && t == U_SEGDESC) {
		m->in_doubt |= m->f[f].junk;
		if (!descriptors_fix(m, f))
			return M_EINVAL;
	}
	type_add(m, f, t);
	m->stale = true;
	return 0;
}

int use_take(struct model *m, unsigned id, uint64_t f, enum use t)
{
	int rc = ref_take(m, id, f);
	if (rc)
		return rc;
	rc = type_take(m, f, t);
	if (rc) {
		m->u.refs[f]--;
		m->stale = true;
	}
	return rc;
}

void use_drop(struct model *m, uint64_t f, bool typed)
{
	m->u.refs[f]--;
	if (typed)
		m->u.count[f]--;
}

/* --- what an entry may be --- */

bool va_is_guest(uint64_t va)
{
	bool canonical = (uint64_t)((int64_t)(va << 16) >> 16) == va;
	return canonical && va >> 43 != 0x1ffff0; /* sixteen slots of the L4 from 256 on are ours */
}

static bool absent_is_harmless(const struct model *m, uint64_t val)
{
	return e_frame(val) == 0 || e_frame(val) >= m->limit.frames;
}

static bool address_fits(uint64_t val)
{
	return (val & E_ADDRESS) >> M_ADDRESS_BITS == 0;
}

static int device_leaf(const struct model *m, const struct m_domain *tables,
	const struct m_domain *frames, uint64_t val, uint64_t *stored)
{
	if (!tables->control || tables != frames)
		return M_EPERM;
	*stored = e_frame(val) == m->limit.frames + DEVICE_READ_ONLY ? val & ~E_WRITE : val;
	return 0;
}

int leaf_take(struct model *m, const struct m_domain *tables, const struct m_domain *frames,
	uint64_t val, uint64_t *stored)
{
	*stored = val;
	if (!(val & E_PRESENT))
		return val && !absent_is_harmless(m, val) ? M_EINVAL : 0;
	if (!address_fits(val))
		return M_EINVAL;
	val = (val | E_USER) & ~(E_GLOBAL | E_GRANT);
	if (!is_ram(m, e_frame(val)))
		return device_leaf(m, tables, frames, val, stored);
	int rc = val & E_WRITE ? use_take(m, frames->id, e_frame(val), U_WRITABLE)
			       : ref_take(m, frames->id, e_frame(val));
	if (rc)
		return rc;
	*stored = tables->control && tables == frames ? val : val & ~(E_CACHE | E_PSE);
	return 0;
}

/* Bits of an entry above L1. */
static bool upper_check(const struct model *m, uint64_t val, uint64_t *stored)
{
	*stored = val;
	if (!(val & E_PRESENT))
		return absent_is_harmless(m, val);
	*stored = (val | E_USER) & ~(E_GLOBAL | E_GRANT | E_CACHE);
	return !(val & E_PSE) && address_fits(val);
}

/* --- trees --- */

/* The table that an entry of its parent names, as part of the parent's check. */
static bool child_up(struct model *m, unsigned owner, uint64_t f, unsigned level)
{
	enum use t = use_table(level);
	if (ref_take(m, owner, f))
		return false;
	if (m->u.count[f] > 0) {
		if (m->u.type[f] != t || m->u.count[f] >= m->limit.count_limit || m->f[f].part)
			return false;
		type_add(m, f, t);
		return true;
	}
	if (!m->f[f].allocated)
		return false;
	type_add(m, f, t);
	return table_up(m, f, level);
}

static bool upper_up(struct model *m, uint64_t f, unsigned level, uint64_t *entry)
{
	uint64_t val = *entry;
	if (!upper_check(m, val, entry)) {
		*entry = val;
		return false;
	}
	return !(*entry & E_PRESENT) || child_up(m, m->f[f].owner, e_frame(*entry), level - 1);
}

static bool leaf_up(struct model *m, const struct m_domain *d, uint64_t *entry)
{
	uint64_t stored;
	if (leaf_take(m, d, d, *entry, &stored))
		return false;
	*entry = stored;
	return true;
}

/* Go on with a child that was on its way when the check was abandoned. */
static bool child_resume(struct model *m, uint64_t f, unsigned level)
{
	uint64_t child = e_frame(words_of(m, f)[m->f[f].cursor]);
	bool up = table_up(m, child, level - 1);
	m->f[child].part = 0;
	m->f[f].part_holds = false;
	return up;
}

static bool table_up(struct model *m, uint64_t f, unsigned level)
{
	struct m_domain *d = domain_named(m, m->f[f].owner);
	unsigned i = 0;
	if (m->f[f].part) {
		bool holds = m->f[f].part_holds;
		if (m->f[f].part_down || (holds && !child_resume(m, f, level)))
			return false;
		i = m->f[f].cursor + (holds ? 1u : 0u);
	}
	m->in_doubt |= m->f[f].any_loose;
	for (; i < m->table_words; i++) {
		uint64_t *entry = &words(m, f)[i];
		if (*entry == 0 || (level == 4 && i - HV_SLOT_FIRST < HV_SLOT_COUNT))
			continue;
		if (level == 1 ? !leaf_up(m, d, entry) : !upper_up(m, f, level, entry))
			return false;
	}
	for (unsigned h = HV_SLOT_FIRST;
		level == 4 && h < HV_SLOT_FIRST + HV_SLOT_COUNT && h < m->table_words; h++)
		words(m, f)[h] = 0;
	return true;
}

/* --- one entry --- */

static bool is_soft_change(uint64_t old, uint64_t val, uint64_t *stored)
{
	uint64_t soft = old & E_GRANT ? SOFT : SOFT | E_NX;
	if (!(old & E_PRESENT) || ((old ^ val) & ~(soft | IGNORED)))
		return false;
	*stored = (old & ~soft) | (val & soft);
	return true;
}

int leaf_change(struct model *m, struct m_domain *tables, struct m_domain *frames, uint64_t f,
	unsigned slot, uint64_t val)
{
	uint64_t *entry = &words(m, f)[slot], stored;
	if (is_soft_change(*entry, val, &stored)) {
		*entry = stored;
		return 0;
	}
	int rc = leaf_take(m, tables, frames, val, &stored);
	if (rc == 0)
		*entry = stored;
	m->stale = true;
	return rc;
}

static int upper_change(struct model *m, struct m_domain *tables, struct m_domain *frames,
	uint64_t f, unsigned level, unsigned index, uint64_t val)
{
	uint64_t *entry = &words(m, f)[word_slot(m, index)], stored;
	if (frames != tables || (level == 4 && index - HV_SLOT_FIRST < HV_SLOT_COUNT))
		return M_EPERM;
	if (!upper_check(m, val, &stored))
		return M_EINVAL;
	bool same = (*entry & E_PRESENT) && e_frame(*entry) == e_frame(stored);
	if ((stored & E_PRESENT) && !same) {
		int rc = use_take(m, tables->id, e_frame(stored), use_table(level - 1));
		if (rc)
			return rc == M_ENOENT ? M_EINVAL : rc;
	}
	*entry = stored;
	m->stale = true;
	return 0;
}

static int plain_change(struct model *m, struct m_domain *tables, uint64_t f, unsigned index,
	uint64_t val, bool preserve)
{
	int rc = use_take(m, tables->id, f, U_WRITABLE);
	if (rc)
		return rc;
	use_drop(m, f, true);
	if (preserve && (val & E_PRESENT))
		val |= word_get(m, f, index) & E_AD;
	word_set(m, f, index, val);
	return 0;
}

int entry_update(struct model *m, struct m_domain *tables, struct m_domain *frames, uint64_t f,
	unsigned index, uint64_t val, bool preserve)
{
	if (!is_ram(m, f) || index >= m->limit.entries)
		return M_EINVAL;
	if (m->f[f].owner != tables->id)
		return M_EPERM;
	unsigned t = m->u.count[f] ? m->u.type[f] : U_NONE;
	if (t < U_L1 || m->f[f].part)
		return plain_change(m, tables, f, index, val, preserve);
	if (t == U_L1)
		return leaf_change(m, tables, frames, f, (unsigned)word_slot(m, index), val);
	return upper_change(m, tables, frames, f, t - U_L1 + 1, index, val);
}

bool leaf_find(const struct model *m, uint64_t l4, uint64_t va, uint64_t *l1, unsigned *slot)
{
	uint64_t table = l4;
	for (unsigned level = 4; level >= 1; level--) {
		unsigned index = (unsigned)(va >> (12 + 9 * (level - 1))) & 511;
		if (index >= m->limit.entries || !is_ram(m, table))
			return false;
		*l1 = table;
		*slot = (unsigned)word_slot(m, index);
		uint64_t e = words_of(m, table)[*slot];
		if (level > 1 && !(e & E_PRESENT))
			return false;
		table = e_frame(e);
	}
	return true;
}

/* @f is no table any more, nor is what it was just dropping. */
static void part_forget(struct model *m, uint64_t f)
{
	while (m->f[f].part) {
		uint64_t child = e_frame(words_of(m, f)[m->f[f].cursor]);
		bool holds = m->f[f].part_holds;
		m->f[f].part = 0;
		m->f[f].part_holds = false;
		if (!holds)
			break;
		f = child;
	}
}

void parts_finish(struct model *m, const struct m_domain *d)
{
	if (m->parts == 0)
		return;
	for (unsigned f = 0; f < m->limit.frames; f++) {
		struct m_frame *p = &m->f[f];
		if (p->owner != d->id || !p->part || !p->part_queued)
			continue;
		part_forget(m, f);
		m->stale = true;
	}
	if (m->stale)
		settle(m);
}
