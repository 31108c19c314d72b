/* Grants: what is mapped is a flat set of tracks; whether a reference is in use, by whom and for
 * what, is asked of that set. The shared entries are words of the granter's grant frame, which
 * it may write at any time: they are looked at when a reference gets its first reader or first
 * writer, and carry the marks of use.
 * Spec: public header grant_table.h; contracts in hv/grant/{grant,table}.h. */
#include "protocol/grant_table.h"
#include "tests/fuzz/model/state.h"

struct pin {
	uint16_t granter, mapper;
	uint32_t ref;
	uint64_t frame;
	bool write;
};
struct active {
	unsigned readers, writers;
	uint16_t domid;
	uint64_t frame;
};

static void active_add(
	struct active *a, uint16_t mapper, uint64_t frame, bool write, unsigned halves)
{
	*(write ? &a->writers : &a->readers) += halves;
	a->domid = mapper;
	a->frame = frame;
}

/* Who uses the reference: all tracks, and the pin that a copy under way holds. */
static struct active active_of(
	const struct model *m, unsigned granter, uint32_t ref, const struct pin *held)
{
	struct active a = { 0 };
	for (unsigned i = 0; i < m->tracks; i++) {
		const struct m_track *t = &m->track[i];
		if (t->granter == granter && t->ref == ref)
			active_add(&a, t->mapper, t->frame, !t->readonly,
				(t->host ? 1u : 0u) + (t->device ? 1u : 0u));
	}
	if (held && held->granter == granter && held->ref == ref)
		active_add(&a, held->mapper, held->frame, held->write, 1);
	return a;
}

static uint64_t *entry_of(struct model *m, const struct m_domain *d, uint32_t ref)
{
	return &words(m, d->grant[ref / M_REFS_PER_FRAME])[word_slot(m, ref % M_REFS_PER_FRAME)];
}

/* Marks that nobody justifies go. */
static void marks_drop(struct model *m, const struct m_domain *d, uint32_t ref, bool was_written,
	const struct pin *held)
{
	struct active a = active_of(m, d->id, ref, held);
	uint64_t mark = was_written && a.writers == 0 ? GTF_writing : 0;
	if (a.readers + a.writers == 0)
		mark |= GTF_reading;
	*entry_of(m, d, ref) &= ~mark;
}

static bool entry_mark(struct model *m, const struct m_domain *d, uint32_t ref, unsigned domid,
	bool write, uint64_t *frame)
{
	uint64_t *entry = entry_of(m, d, ref);
	if ((*entry & GTF_type_mask) != GTF_permit_access || (*entry >> 16 & 0xffff) != domid ||
		(write && (*entry & GTF_readonly)))
		return false;
	*frame = *entry >> 32;
	*entry |= GTF_reading | (write ? GTF_writing : 0);
	return true;
}

static bool frame_hold(struct model *m, unsigned owner, uint64_t f, bool write, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		if ((write ? use_take(m, owner, f, U_WRITABLE) : ref_take(m, owner, f)) == 0)
			continue;
		while (i-- > 0)
			use_drop(m, f, write);
		return false;
	}
	return true;
}

/* @p: granter, mapper, ref and write; its frame is found. GNTST_*. */
static int pin_take(struct model *m, const struct m_domain *d, struct pin *p, unsigned times,
	const struct pin *held)
{
	uint64_t ignored;
	if (p->ref >= d->grants * M_REFS_PER_FRAME)
		return GNTST_bad_gntref;
	struct active a = active_of(m, d->id, p->ref, held);
	bool first = a.readers + a.writers == 0;
	p->frame = a.frame;
	if (!first && a.domid != p->mapper)
		return GNTST_general_error;
	if ((p->write ? a.writers : a.readers) + times > M_PINS)
		return GNTST_no_space;
	if ((first || (p->write && a.writers == 0)) &&
		!entry_mark(m, d, p->ref, p->mapper, p->write, first ? &p->frame : &ignored))
		return GNTST_general_error;
	m->stale = true;
	if (frame_hold(m, d->id, p->frame, p->write, times))
		return GNTST_okay;
	marks_drop(m, d, p->ref, p->write, held);
	return GNTST_general_error;
}

/* --- mapping --- */

/* A grant can need two pages: for the pins of either side of a copy, or for those and the handle. */
static bool pages_are_short(const struct model *m)
{
	return m->relaxed || m->free_frames < 2;
}

/* Where the entry is to be. */
static bool slot_find(const struct model *m, const struct m_domain *d, const struct act *a, uint64_t *at)
{
	uint64_t l1;
	unsigned slot;
	*at = a->host_addr;
	if (a->host_addr == 0 || a->kind != OP_GRANT_MAP)
		return a->host_addr != 0;
	if (!va_is_guest(a->va) || !leaf_find(m, d->vcpu[a->vcpu].kernel, a->va, &l1, &slot))
		return false;
	*at = l1 << 12 | word_index(m, slot) * 8u;
	return true;
}

static uint64_t *slot_entry(struct model *m, uint64_t at)
{
	return &words(m, at >> 12)[word_slot(m, (unsigned)(at & 0xfff) / 8)];
}

/* Is @f an L1 of domain @id? It may be one half way. */
static bool is_l1(const struct model *m, unsigned id, uint64_t f)
{
	return is_ram(m, f) && m->f[f].owner == id && m->u.count[f] && m->u.type[f] == U_L1;
}

/* The entry of the mapping, with its own reference. GNTST_*. */
static int slot_set(struct model *m, const struct pin *p, uint64_t at)
{
	uint64_t l1 = at >> 12;
	if (!is_l1(m, p->mapper, l1) || m->f[l1].part || at % 8 || at % 4096 / 8 >= m->limit.entries)
		return GNTST_bad_virt_addr;
	uint64_t *entry = slot_entry(m, at);
	if (*entry & E_PRESENT)
		return GNTST_general_error;
	int rc = p->write ? use_take(m, p->granter, p->frame, U_WRITABLE)
			  : ref_take(m, p->granter, p->frame);
	if (rc)
		return GNTST_general_error;
	*entry = p->frame << 12 | E_PRESENT | E_USER | E_GRANT | E_NX | E_AD |
		 (p->write ? E_WRITE : 0);
	return GNTST_okay;
}

/* The guest may have cleared it, and the frame be anything else by now. */
static void slot_clear(struct model *m, const struct m_track *t)
{
	uint64_t l1 = t->slot >> 12;
	if (!is_l1(m, t->mapper, l1) || (m->f[l1].part && (t->slot & 0xfff) / 8 >= m->f[l1].cursor))
		return;
	uint64_t *entry = slot_entry(m, t->slot);
	if ((*entry & E_PRESENT) && (*entry & E_GRANT) && e_frame(*entry) == t->frame)
		*entry = 0;
}

static struct m_track *track_find(struct model *m, const struct m_domain *d, uint64_t handle)
{
	for (unsigned i = 0; i < m->tracks; i++)
		if (m->track[i].mapper == d->id && m->track[i].handle == handle)
			return &m->track[i];
	return NULL;
}

static bool tracks_full(const struct model *m, const struct m_domain *d)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->tracks; i++)
		n += m->track[i].mapper == d->id;
	return n >= M_HANDLES;
}

static int map_predict(struct model *m, struct m_domain *d, const struct act *a, struct m_track *t)
{
	struct m_domain *granter = domain_named(m, a->domid == DOMID_SELF ? d->id : a->domid);
	struct pin p = { .mapper = d->id, .ref = a->ref, .write = !(a->n & MAP_READONLY) };
	*t = (struct m_track){ .mapper = d->id,
		.ref = a->ref,
		.host_addr = a->host_addr,
		.readonly = !p.write,
		.host = !(a->n & MAP_NO_HOST),
		.device = a->n & MAP_DEVICE };
	if (!t->host && !t->device)
		return GNTST_bad_gntref;
	if (!granter)
		return GNTST_bad_domain;
	if (t->host && !slot_find(m, d, a, &t->slot))
		return GNTST_bad_virt_addr;
	if (domain_gone(granter))
		return GNTST_bad_domain;
	if (tracks_full(m, d))
		return GNTST_no_device_space;
	p.granter = t->granter = granter->id;
	int status = pin_take(m, granter, &p, (t->host ? 1u : 0u) + (t->device ? 1u : 0u), NULL);
	if (status != GNTST_okay)
		return status;
	t->frame = p.frame;
	status = t->host ? slot_set(m, &p, t->slot) : GNTST_okay;
	if (status != GNTST_okay)
		marks_drop(m, granter, p.ref, p.write, NULL);
	return status;
}

static const char *map_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	struct m_track t;
	bool no_memory = o->status == GNTST_no_device_space || o->status == GNTST_no_space;
	if (no_memory && (o->failed_alloc || pages_are_short(m)))
		return NULL;
	int status = map_predict(m, d, a, &t);
	if (status != o->status)
		return answer_check(status, o->status);
	if (status != GNTST_okay)
		return NULL;
	/* One that an operation beside this gives up may be given already. */
	bool taken = !m->relaxed && track_find(m, d, o->value);
	if (o->value >= M_HANDLES || taken || m->tracks == M_TRACKS)
		return wrongf(
			"model: handle %llu was given and is in use", (unsigned long long)o->value);
	t.handle = (uint32_t)o->value;
	m->track[m->tracks++] = t;
	return NULL;
}

/* --- unmapping --- */

/* Halves of @t end. */
static void track_end(struct model *m, struct m_track *t, bool host, bool device)
{
	struct m_domain *granter = domain_named(m, t->granter);
	uint32_t ref = t->ref;
	bool write = !t->readonly;
	if (host)
		slot_clear(m, t);
	t->host = t->host && !host;
	t->device = t->device && !device;
	if (!t->host && !t->device)
		*t = m->track[--m->tracks];
	if (granter)
		marks_drop(m, granter, ref, write, NULL);
	m->stale = true;
}

void grants_close(struct model *m, const struct m_domain *d)
{
	for (unsigned i = m->tracks; i-- > 0;)
		if (m->track[i].mapper == d->id)
			track_end(m, &m->track[i], m->track[i].host, m->track[i].device);
}

static int unmap_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_track *t = track_find(m, d, a->handle);
	bool host = a->host_addr != 0;
	if (!t)
		return GNTST_bad_handle;
	bool device = a->bus_addr && t->device;
	if (host && (!t->host || a->host_addr != t->host_addr))
		return GNTST_bad_virt_addr;
	if (device && a->bus_addr != t->frame << 12)
		return GNTST_bad_dev_addr;
	if (!host && !device)
		return GNTST_okay;
	track_end(m, t, host, device);
	return GNTST_okay;
}

/* --- copying --- */

struct side {
	unsigned id;
	uint32_t ref;
	uint64_t m;
	bool by_ref, write;
};

static int side_find(
	struct model *m, struct m_domain *d, const struct side *s, struct m_domain **of)
{
	bool self = s->id == DOMID_SELF || s->id == d->id;
	if (!s->by_ref && !self)
		return GNTST_permission_denied;
	*of = self ? d : domain_named(m, s->id);
	return *of ? GNTST_okay : GNTST_bad_domain;
}

static int side_hold(struct model *m, struct m_domain *d, struct m_domain *of, const struct side *s,
	struct pin *p, const struct pin *held)
{
	*p = (struct pin){ of->id, d->id, s->ref, s->m, s->write };
	if (domain_gone(of))
		return GNTST_bad_domain;
	if (s->by_ref)
		return pin_take(m, of, p, 1, held);
	m->stale = true;
	int rc = s->write ? use_take(m, of->id, s->m, U_WRITABLE) : ref_take(m, of->id, s->m);
	return rc ? GNTST_bad_page : GNTST_okay;
}

static int copy_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	const struct side from = { a->domid2, a->ref2, a->m2, a->n & COPY_SRC_REF, false };
	const struct side to = { a->domid, a->ref, a->m, a->n & COPY_DST_REF, true };
	struct m_domain *source, *dest;
	struct pin p, q;
	unsigned length = COPY_LENGTH(a->n);
	if (length + (a->n & COPY_FAR ? 4000u : 0u) > 4096)
		return GNTST_bad_copy_arg;
	int status = side_find(m, d, &from, &source);
	if (status == GNTST_okay)
		status = side_find(m, d, &to, &dest);
	if (status == GNTST_okay)
		status = side_hold(m, d, source, &from, &p, NULL);
	if (status != GNTST_okay)
		return status;
	status = side_hold(m, d, dest, &to, &q, from.by_ref ? &p : NULL);
	if (status == GNTST_okay) {
		words_clone(m, q.frame, p.frame, length);
		if (to.by_ref)
			marks_drop(m, dest, to.ref, true, from.by_ref ? &p : NULL);
	}
	if (from.by_ref)
		marks_drop(m, source, from.ref, false, NULL);
	return status;
}

static const char *copy_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	if (o->status == GNTST_no_space && (o->failed_alloc || pages_are_short(m))) {
		m->in_doubt = true; /* of the second side: the first one's marks came and went */
		return NULL;
	}
	return answer_check(copy_predict(m, d, a), o->status);
}

/* --- the table --- */

static const char *setup_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	unsigned want = a->n % 4;
	int status = want <= M_GRANT_FRAMES ? GNTST_okay : GNTST_general_error;
	if (o->status == GNTST_general_error && want > d->grants &&
		(o->failed_alloc || memory_is_short(m, 0)))
		return NULL;
	for (; status == GNTST_okay && d->grants < want; d->grants++)
		d->grant[d->grants] = NO_FRAME; /* the core tells */
	return answer_check(status, o->status);
}

static const char *grant_write(struct model *m, const struct m_domain *d, const struct act *a)
{
	static const uint16_t flags[] = { GTF_invalid, GTF_permit_access,
		GTF_permit_access | GTF_readonly, GTF_accept_transfer };
	*entry_of(m, d, a->ref) = flags[a->n % 4] | (uint64_t)a->domid << 16 | a->m << 32;
	return NULL;
}

const char *grants_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	if (a->kind == OP_GRANT)
		return grant_write(m, d, a);
	if (o->rc)
		return answer_check(0, o->rc);
	switch (a->kind) {
	case OP_GRANT_SETUP:
		return setup_apply(m, d, a, o);
	case OP_GRANT_UNMAP:
		return answer_check(unmap_predict(m, d, a), o->status);
	case OP_GRANT_COPY:
		return copy_apply(m, d, a, o);
	default:
		return map_apply(m, d, a, o);
	}
}
