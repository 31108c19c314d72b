/* Operations on page tables and descriptor tables: mmu_update, update_va_mapping, mmuext_op,
 * set_gdt and update_descriptor. Checks stand in the order that the contracts in hv/mem/table.h,
 * frame.h and hv/pv/pv.h give.
 * Neighbours: table.c does the entries, access.c loads and stores, supply.c allocation. */
#include "tests/fuzz/model/state.h"

/* mmu_update's rule of whose tables and whose frames. */
static int owners_find(struct model *m, struct m_domain *d, unsigned tables_id, unsigned frames_id,
	struct m_domain **tables, struct m_domain **frames)
{
	unsigned id[2] = { tables_id, frames_id };
	struct m_domain *found[2];
	for (unsigned i = 0; i < 2; i++) {
		if (d->control && id[i] == DOMID_IO)
			id[i] = d->id;
		int rc = domain_target(m, d, id[i], &found[i]);
		if (rc)
			return rc;
		if (found[i] != d && domain_gone(found[i]))
			return M_ESRCH;
	}
	*tables = found[0];
	*frames = found[0] != d && found[1] == d ? found[0] : found[1];
	return found[0] != d && found[1] != d && found[0] != found[1] ? M_EPERM : 0;
}

static int update_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_domain *tables, *frames;
	unsigned of =
		UPDATE_TABLES(a->n) ? m->slot_id[(UPDATE_TABLES(a->n) - 1) % SLOTS] : DOMID_SELF;
	int rc = owners_find(m, d, of, a->domid, &tables, &frames);
	if (rc)
		return rc;
	parts_finish(m, tables);
	if (a->n & UPDATE_MISALIGN)
		return M_EINVAL;
	return entry_update(m, tables, frames, a->m & (E_ADDRESS >> 12), a->index, a->val,
		a->n & UPDATE_PRESERVE);
}

static const char *update_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	int rc = update_predict(m, d, a);
	if (o->done != (rc == 0))
		return wrongf("model: %llu updates counted, answer %lld, expected %d",
			(unsigned long long)o->done, (long long)o->rc, rc);
	return answer_check(rc, o->rc);
}

/* Did a table lose its last use since @before? It is released when the batch ends, so that until
 * then entries of the batch may still find it one, and find what only it still holds. */
static bool table_in_limbo(const struct model *m, const struct uses *before)
{
	for (unsigned f = 0; f < m->limit.frames; f++)
		if (before->count[f] && before->type[f] >= U_L1 && m->u.count[f] == 0)
			return true;
	return false;
}

static const char *updates_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	static struct uses before;
	bool limbo = false;
	int rc = 0;
	unsigned i;
	parts_finish(m, d);
	before = m->u;
	for (i = 0; i < a->count && rc == 0 && i <= o->done; i++) {
		rc = entry_update(m, d, d, a->m & (E_ADDRESS >> 12),
			(a->index + i) % m->limit.entries, a->count == 1 ? a->val : a->list[i],
			false);
		if (rc == 0 && i == o->done && o->rc != 0)
			break;
		settle(m);
		limbo = limbo || table_in_limbo(m, &before);
	}
	bool core_refused = o->rc == M_EBUSY || o->rc == M_EINVAL || o->rc == M_EOVERFLOW;
	bool model_refused = rc != 0 && o->done >= i;
	if (limbo && (core_refused || model_refused)) {
		m->in_doubt = true;		/* one of them went further, if only in a check that failed */
		return NULL;
	}
	if (o->done != (rc ? i - 1 : a->count))
		return wrongf("model: %llu updates counted of %u, %u passed, answer %lld, expected %d",
			(unsigned long long)o->done, a->count, i, (long long)o->rc, rc);
	return answer_check(rc, o->rc);
}

static int m2p_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	uint64_t f = a->m & (E_ADDRESS >> 12);
	parts_finish(m, d);
	int rc = ref_take(m, d->id, f);
	if (rc)
		return rc == M_ENOENT ? M_EINVAL : rc;
	use_drop(m, f, false);
	m->f[f].m2p = a->n;
	return 0;
}

static int va_update_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_domain *self, *frames;
	uint64_t l1;
	unsigned slot;
	parts_finish(m, d);
	int rc = owners_find(m, d, DOMID_SELF, a->domid, &self, &frames);
	if (rc)
		return rc;
	if (!va_is_guest(a->va) || !leaf_find(m, d->vcpu[a->vcpu].kernel, a->va, &l1, &slot))
		return M_EINVAL;
	return leaf_change(m, d, frames, l1, slot, a->val);
}

/* --- mmuext --- */

static int pin_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	unsigned level = a->n % 4 + 1;
	int rc = use_take(m, d->id, a->m, use_table(level));
	m->stale = true;
	if (rc == 0 && m->f[a->m].pinned)
		return M_EINVAL;
	if (rc == 0)
		m->f[a->m].pinned = (uint8_t)level;
	return rc;
}

static int unpin_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	int rc = ref_take(m, d->id, a->m);
	if (rc)
		return rc == M_EOVERFLOW ? rc : M_EINVAL;
	m->stale = true;
	if (!m->f[a->m].pinned)
		return M_EINVAL;
	m->f[a->m].pinned = 0;
	return 0;
}

static int base_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_vcpu *v = &d->vcpu[a->vcpu];
	if (a->m == 0 && a->kind == OP_BASE)
		return M_EINVAL;
	int rc = a->m ? use_take(m, d->id, a->m, U_L4) : 0;
	m->stale = true;
	if (rc == 0)
		*(a->kind == OP_BASE ? &v->kernel : &v->user) = a->m;
	return rc;
}

static int clear_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	int rc = use_take(m, d->id, a->m, U_WRITABLE);
	m->stale = true;
	if (rc == 0)
		words_zero(m, a->m);
	return rc;
}

static int copy_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	int rc = ref_take(m, d->id, a->m2);
	m->stale = true;
	if (rc == 0)
		rc = use_take(m, d->id, a->m, U_WRITABLE);
	if (rc == 0)
		words_clone(m, a->m, a->m2, 4096);
	return rc;
}

/* The frame of descriptors at @va, as @seen has it mapped. */
static int ldt_take(struct model *m, const struct model *seen, const struct m_domain *d, uint64_t kernel, uint64_t va,
	uint64_t *frame)
{
	uint64_t l1, e;
	unsigned slot;
	if (!leaf_find(seen, kernel, va, &l1, &slot) || !((e = words_of(seen, l1)[slot]) & E_PRESENT))
		return M_EFAULT;
	*frame = e_frame(e);
	return use_take(m, d->id, *frame, U_SEGDESC);
}

static int ldt_predict(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	struct m_vcpu *v = &d->vcpu[a->vcpu];
	unsigned pages = (a->n + 511u) / 512;
	uint64_t frame = 0;
	if (a->va % 4096 || (pages && !va_is_guest(a->va)))
		return M_EINVAL;
	int rc = pages ? ldt_take(m, m, d, v->kernel, a->va, &frame) : 0;
	/* It may have been looked up before an operation beside this one changed the table. */
	if (rc && m->relaxed && o->rc == 0 && ldt_take(m, pair_start, d, v->kernel, a->va, &frame) == 0)
		rc = 0;
	if (rc)
		return rc;
	memset(v->ldt, 0, sizeof v->ldt);
	v->ldt[0] = frame;
	v->ldt_pages = pages;
	m->stale = true;
	return 0;
}

static int mmuext_predict(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	parts_finish(m, d);
	switch (a->kind) {
	case OP_PIN:
		return pin_predict(m, d, a);
	case OP_UNPIN:
		return unpin_predict(m, d, a);
	case OP_BASE:
	case OP_USER_BASE:
		return base_predict(m, d, a);
	case OP_CLEAR:
		return clear_predict(m, d, a);
	case OP_COPY:
		return copy_predict(m, d, a);
	case OP_SET_LDT:
		return ldt_predict(m, d, a, o);
	default:
		return 0; /* flushes */
	}
}

static const char *mmuext_apply(
	struct model *m, struct m_domain *d, const struct act *a, const struct outcome *o)
{
	int rc = mmuext_predict(m, d, a, o);
	if (rc == M_ENOENT)
		rc = M_EINVAL;
	if (o->done != (rc == 0))
		return wrongf("model: %llu operations counted, answer %lld, expected %d",
			(unsigned long long)o->done, (long long)o->rc, rc);
	return answer_check(rc, o->rc);
}

/* --- descriptors --- */

static int gdt_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	struct m_vcpu *v = &d->vcpu[a->vcpu];
	uint64_t frame[2] = { a->m, a->m2 };
	unsigned pages = (a->n * 8u + 511) / 512;
	m->stale = true;
	for (unsigned i = 0; i < pages; i++) {
		int rc = frame[i] ? use_take(m, d->id, frame[i], U_SEGDESC) : M_ENOENT;
		if (rc)
			return rc == M_ENOENT ? M_EINVAL : rc;
	}
	memset(v->gdt, 0, sizeof v->gdt);
	memcpy(v->gdt, frame, pages * sizeof frame[0]);
	v->gdt_pages = pages;
	return 0;
}

/* Samples as the guest writes them, and what is stored; 0 for those that may not be. */
static bool descriptor_stored(unsigned n, uint64_t *stored)
{
	static const uint64_t samples[6] = { 0, 0x00affb000000ffffull, 0x00cff3000000ffffull, 0,
		0x00cff3000000ffffull, 0 };
	*stored = samples[n % 6];
	return n % 6 != 3 && n % 6 != 5;
}

static int descriptor_predict(struct model *m, struct m_domain *d, const struct act *a)
{
	uint64_t f = a->m & (E_ADDRESS >> 12), stored;
	if (!descriptor_stored(a->n, &stored))
		return M_EINVAL;
	int rc = ref_take(m, d->id, f);
	if (rc)
		return rc == M_ENOENT ? M_EINVAL : rc;
	m->stale = true;
	bool segdesc = m->u.count[f] && m->u.type[f] == U_SEGDESC;
	rc = type_take(m, f, segdesc ? U_SEGDESC : U_WRITABLE);
	if (rc == 0)
		word_set(m, f, a->index, stored);
	return rc;
}

const char *memory_apply(struct model *m, const struct act *a, const struct outcome *o)
{
	struct m_domain *d = domain_alive_at(m, a->slot);
	switch (a->kind) {
	case OP_UPDATE:
		return update_apply(m, d, a, o);
	case OP_UPDATES:
		return updates_apply(m, d, a, o);
	case OP_M2P:
		return answer_check(m2p_predict(m, d, a), o->rc);
	case OP_VA_UPDATE:
		return answer_check(va_update_predict(m, d, a), o->rc);
	case OP_SET_GDT:
		return answer_check(gdt_predict(m, d, a), o->rc);
	case OP_DESCRIPTOR:
		return answer_check(descriptor_predict(m, d, a), o->rc);
	default:
		return mmuext_apply(m, d, a, o);
	}
}
