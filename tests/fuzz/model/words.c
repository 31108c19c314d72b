/* What frames contain, as far as it is followed: with tables of 8 entries the first 8 words and
 * the first words of the pending and mask bits of shared_info; with tables of 512 entries all.
 *
 * Some words are loose: the hypervisor writes them of its own accord (clocks, event flags), so
 * the comparison takes them over from the core instead of judging them. Copying a page copies
 * that quality.
 * Neighbours: table.c (entries), compare.c. */
#include "tests/fuzz/model/state.h"

#define SMALL_WORDS  10u
#define PAGE         4096u
#define INFO_WORDS   8u   /* of a vcpu_info */
#define PENDING_WORD 256u /* of shared_info */
#define MASK_WORD    320u
#define CLOCK_WORD   384u

static const uint16_t small_index[SMALL_WORDS] = { 0, 1, 2, 3, 4, 5, 6, 7, PENDING_WORD,
	MASK_WORD };

int word_slot(const struct model *m, unsigned index)
{
	if (m->stride == 512)
		return (int)(index & 511);
	if (index < 8)
		return (int)index;
	return index == PENDING_WORD ? 8 : index == MASK_WORD ? 9 : -1;
}

unsigned word_index(const struct model *m, unsigned slot)
{
	return m->stride == 512 ? slot : small_index[slot];
}

void word_set(struct model *m, uint64_t f, unsigned index, uint64_t value)
{
	int slot = word_slot(m, index);
	if (slot >= 0)
		words(m, f)[slot] = value;
	else if (value)
		m->f[f].junk = true;
}

uint64_t word_get(const struct model *m, uint64_t f, unsigned index)
{
	int slot = word_slot(m, index);
	return slot >= 0 ? words_of(m, f)[slot] : 0;
}

void words_zero(struct model *m, uint64_t f)
{
	memset(words(m, f), 0, m->stride * sizeof(uint64_t));
	memset(m->f[f].loose, 0, sizeof m->f[f].loose);
	m->f[f].junk = m->f[f].any_loose = false;
}

void loose_mark(struct m_frame *f, int slot)
{
	if (slot < 0) {
		f->junk = true;
		return;
	}
	f->loose[slot / 64] |= 1ull << slot % 64;
	f->any_loose = true;
}

static bool is_loose(const struct m_frame *f, unsigned slot)
{
	return f->loose[slot / 64] >> slot % 64 & 1;
}

/* The first @bytes of a page, whole words. */
void words_clone(struct model *m, uint64_t to, uint64_t from, unsigned bytes)
{
	const struct m_frame *source = &m->f[from];
	struct m_frame *f = &m->f[to];
	bool tainted = source->any_loose || f->any_loose;
	if (to == from || bytes == 0)
		return;
	if (bytes >= PAGE)
		f->junk = source->junk;
	else
		f->junk |= source->junk;
	for (unsigned i = 0; i < m->stride; i++) {
		if (word_index(m, i) * 8 + 8 > bytes)
			continue;
		words(m, to)[i] = words_of(m, from)[i];
		if (!tainted)
			continue;
		f->loose[i / 64] &= ~(1ull << i % 64);
		if (is_loose(source, i))
			loose_mark(f, (int)i);
	}
}

/* --- what is written by others --- */

static void range_loose(struct model *m, uint64_t f, unsigned byte, unsigned bytes)
{
	if (!is_ram(m, f))
		return;
	for (unsigned at = byte / 8; at < (byte + bytes + 7) / 8 && at < 512; at++)
		loose_mark(&m->f[f], word_slot(m, at));
}

/* Where the vCPU has its times written, if that is a page of its own that it maps writable. */
static void area_loose(
	struct model *m, const struct m_domain *d, const struct m_vcpu *v, uint64_t va)
{
	uint64_t l1;
	unsigned slot, bytes = 48;
	for (unsigned page = 0; page < 2; page++, va = (va & ~4095ull) + PAGE) {
		if (!va || !v->kernel || !va_is_guest(va) ||
			!leaf_find(m, v->kernel, va, &l1, &slot))
			return;
		uint64_t e = words_of(m, l1)[slot], f = e_frame(e);
		if (!(e & E_PRESENT) || !(e & E_WRITE) || (e & E_GRANT) || !is_ram(m, f) ||
			m->f[f].owner != d->id)
			return;
		range_loose(m, f, va % PAGE, bytes);
		if (va % PAGE + bytes <= PAGE)
			return;
		bytes -= PAGE - (unsigned)(va % PAGE);
	}
}

static void domain_loose(struct model *m, const struct m_domain *d)
{
	if (is_ram(m, d->shared_info) && m->f[d->shared_info].owner == d->id) {
		struct m_frame *f = &m->f[d->shared_info];
		range_loose(m, d->shared_info, 0, VCPUS * INFO_WORDS * 8);
		if (m->stride == 512)
			range_loose(m, d->shared_info, CLOCK_WORD * 8, 16);
		f->junk = m->stride != 512;
	}
	for (unsigned i = 0; i < VCPUS; i++) {
		const struct m_vcpu *v = &d->vcpu[i];
		if (v->info != NO_FRAME)
			range_loose(m, v->info, v->info_offset, INFO_WORDS * 8);
		area_loose(m, d, v, v->area[0]);
		area_loose(m, d, v, v->area[1]);
	}
}

void loose_mark_areas(struct model *m)
{
	for (unsigned i = 0; i < m->domain_end; i++)
		if (m->domain[i].used)
			domain_loose(m, &m->domain[i]);
}

/* --- snapshots --- */

void model_copy(struct model *to, const struct model *from)
{
	memcpy(to, from, offsetof(struct model, f));
	memcpy(to->f, from->f, from->limit.frames * sizeof from->f[0]);
	to->tracks = from->tracks;
	memcpy(to->track, from->track, from->tracks * sizeof from->track[0]);
	memcpy(to->word, from->word,
		(size_t)from->limit.frames * from->stride * sizeof from->word[0]);
}
