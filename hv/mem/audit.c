/* The oracle: every count recomputed from raw memory.
 *
 * Reads frame records and tables and nothing else of hv/mem; the numbers of bits are written again
 * here on purpose. First collect, for each frame, what the tables, pins, records and the
 * other layers say should be counted; then compare. Statements I1-I7, I11, I12 of the security
 * notes; I5's TLB part and the other layers' statements come as registered checks.
 * Neighbours: hv/mem/frame_type.c tells the rules in words. */
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/mem/audit.h"
#include "hv/mem/table.h"

enum {	/* bit numbers */
	R_ALLOCATED = 63, R_SHARED = 62,
	W_TYPE = 48, W_BUSY = 53, W_PARTIAL = 54, W_HOLDS = 55, W_DOWN = 56, W_TOP = 57, W_QUEUED = 58, W_PINNED = 59,
	E_PRESENT = 0, E_WRITE = 1, E_USER = 2, E_LARGE = 7, E_GLOBAL = 8, E_GRANT = 62,
};
#define COUNT_OF(word)	((word) & 0xffffffffffffull)
#define BIT(word, n)	((word) >> (n) & 1)
#define FRAME_OF(entry)	((entry) >> 12 & 0xffffffffffull)
#define NOBODY 0xfffe
#define NOT_RAM 0xffff

extern struct frame *frame_table;

static struct expected {
	uint32_t refs, count[8];
} expected[AUDIT_FRAMES_MAX];
/* What the records say each owner has. Tests have domains 0..64 and the reserved numbers. */
#define OWNERS 81u
static struct tally {
	const struct owner *o;
	uint64_t plain, shared, listed, queued;
} tally[OWNERS];
static uint64_t frames;			/* records to look at */
static char text[160];
static bool broken;
static void (*enumerators[8])(audit_add_fn *add);
static const char *(*checks[8])(void);

/* The first statement that does not hold is what the audit says. */
static void PRINTF_LIKE(1, 2) breaks(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!broken)
		format_string_v(text, sizeof text, fmt, ap);
	broken = true;
	va_end(ap);
}

void audit_register(void (*enumerate)(audit_add_fn *add))
{
	unsigned i = 0;
	while (i < ARRAY_COUNT(enumerators) && enumerators[i] && enumerators[i] != enumerate)
		i++;
	ASSERT(i < ARRAY_COUNT(enumerators));
	enumerators[i] = enumerate;
}

void audit_register_check(const char *(*check)(void))
{
	unsigned i = 0;
	while (i < ARRAY_COUNT(checks) && checks[i] && checks[i] != check)
		i++;
	ASSERT(i < ARRAY_COUNT(checks));
	checks[i] = check;
}

/* --- reading --- */

static struct frame *record(uint64_t m)
{
	return &frame_table[m];
}

static unsigned type_of(uint64_t m)
{
	return (unsigned)(record(m)->type >> W_TYPE & 7);
}

static bool in_table(uint64_t m)
{
	return m < frames && record(m)->owner != NOT_RAM;
}

static struct tally *tally_of(domid_t d)
{
	return d <= 64 ? &tally[d] : d >> 4 == 0x7ff ? &tally[65 + (d & 15)] : NULL;
}

static const struct owner *owner_of(uint64_t m)
{
	const struct tally *t = tally_of(record(m)->owner);
	return t ? t->o : owner_by_domid(record(m)->owner);
}

static void tallies_begin(void)
{
	for (unsigned i = 0; i < OWNERS; i++)
		tally[i] = (struct tally){ .o = owner_by_domid((domid_t)(i < 65 ? i : 0x7ff0 + i - 65)) };
}

static void add(mfn_t m, unsigned refs, enum frame_type t, unsigned type_count)
{
	if (!in_table(m.n)) {
		breaks("I1: a layer holds frame %llx, which is not RAM", (unsigned long long)m.n);
		return;
	}
	expected[m.n].refs += refs;
	expected[m.n].count[t] += type_count;
}

/* --- collecting: entries of tables --- */

static void leaf_collect(uint64_t table, unsigned i, uint64_t e)
{
	uint64_t m = FRAME_OF(e);
	const struct owner *o = owner_of(table);
	if (!in_table(m)) {
		if (!o || !o->is_control)
			breaks("I6: L1 %llx[%u] maps device memory %llx", (unsigned long long)table, i, (unsigned long long)m);
		return;
	}
	add(mfn(m), 1, FT_WRITABLE, BIT(e, E_WRITE));
	bool own = record(m)->owner == record(table)->owner;
	if ((e & 0x98) && !(own && o && o->is_control))
		breaks("I6: L1 %llx[%u] maps %llx not write-back", (unsigned long long)table, i, (unsigned long long)m);
	if (!own && !BIT(e, E_GRANT) && !(o && o->is_control))
		breaks("I7: L1 %llx[%u] maps foreign frame %llx", (unsigned long long)table, i, (unsigned long long)m);
}

static void inner_collect(uint64_t table, unsigned level, unsigned i, uint64_t e)
{
	uint64_t m = FRAME_OF(e);
	if (BIT(e, E_LARGE))
		breaks("I6: L%u %llx[%u] is a large page", level, (unsigned long long)table, i);
	if (!in_table(m) || record(m)->owner != record(table)->owner)
		breaks("I6: L%u %llx[%u] points to %llx", level, (unsigned long long)table, i, (unsigned long long)m);
	else
		add(mfn(m), 1, (enum frame_type)(FT_L1 + level - 2), 1);
}

static void entry_collect(uint64_t table, unsigned level, unsigned i, uint64_t e)
{
	if (!BIT(e, E_PRESENT)) {
		if (FRAME_OF(e) != 0 && FRAME_OF(e) < table_l1tf_limit)
			breaks("I6: L%u %llx[%u] not present, names RAM", level, (unsigned long long)table, i);
		return;
	}
	if (!BIT(e, E_USER) || BIT(e, E_GLOBAL) || (e & 0xffffffffff000ull) >> cpu_features.phys_bits)
		breaks("I6: L%u %llx[%u] has bits %llx", level, (unsigned long long)table, i, (unsigned long long)e);
	if (level == 1)
		leaf_collect(table, i, e);
	else
		inner_collect(table, level, i, e);
}

static void table_collect(uint64_t m)
{
	const struct frame *f = record(m);
	unsigned level = type_of(m) - FT_L1 + 1, end = table_entries;
	if (BIT(f->type, W_PARTIAL))
		end = f->cursor + (unsigned)BIT(f->type, W_HOLDS);
	const uint64_t *p = frame_map(mfn(m));
	for (unsigned i = 0; i < end; i++) {
		bool ours = level == 4 && i >= 256 && i < 272;
		if (!ours)
			entry_collect(m, level, i, p[i]);
		else if (!BIT(f->type, W_PARTIAL) && p[i] != (table_hv_slots ? table_hv_slots[i - 256] : 0))
			breaks("I6: L4 %llx slot %u is not the template's", (unsigned long long)m, i);
	}
	frame_unmap(p);
}

static void frame_collect(uint64_t m)
{
	const struct frame *f = record(m);
	unsigned t = type_of(m);
	add(mfn(m), (unsigned)BIT(f->refs, R_ALLOCATED), FT_NONE, 0);
	if (BIT(f->refs, R_SHARED) && BIT(f->refs, R_ALLOCATED))
		add(mfn(m), 0, FT_WRITABLE, 1);
	if (BIT(f->type, W_PINNED))
		add(mfn(m), 1, (enum frame_type)t, 1);
	if (BIT(f->type, W_TOP))
		add(mfn(m), 1, (enum frame_type)t, 1);
	if (COUNT_OF(f->type) > 0 && t >= FT_L1)
		table_collect(m);
}

/* --- comparing --- */

static void free_compare(uint64_t m)
{
	const struct frame *f = record(m);
	if (f->refs != 0 || COUNT_OF(f->type) != 0)
		breaks("I1: free frame %llx has references", (unsigned long long)m);
	if (m2p_table[m] != ~0ull)
		breaks("I11: free frame %llx has a pseudo-physical number", (unsigned long long)m);
	if (expected[m].refs != 0)
		breaks("I1: free frame %llx is in use", (unsigned long long)m);
}

static void type_compare(uint64_t m)
{
	const struct frame *f = record(m);
	unsigned t = type_of(m);
	uint64_t count = COUNT_OF(f->type);
	for (unsigned i = FT_WRITABLE; i < FT_COUNT; i++)
		if (i != t && expected[m].count[i] != 0)
			breaks("%s: frame %llx of type %u is used as type %u",
			       i == FT_WRITABLE && t >= FT_SEGDESC && count ? "I5" : "I3", (unsigned long long)m, t, i);
	if (count != (t == FT_NONE ? 0 : expected[m].count[t]) || count > COUNT_OF(f->refs))
		breaks("I2: frame %llx type %u count %llu, uses %u", (unsigned long long)m, t,
		       (unsigned long long)count, expected[m].count[t]);
	if (BIT(f->type, W_PINNED) && (t < FT_L1 || count == 0 || BIT(f->type, W_PARTIAL)))
		breaks("I4: frame %llx pinned, word %llx", (unsigned long long)m, (unsigned long long)f->type);
	if (BIT(f->type, W_PARTIAL) && (t < FT_L1 || count != 1 || f->cursor > table_entries))
		breaks("I4: frame %llx partial, word %llx", (unsigned long long)m, (unsigned long long)f->type);
	if (!BIT(f->type, W_PARTIAL) && (f->type >> W_HOLDS & 0xf & ~(1u << (W_PINNED - W_HOLDS))))
		breaks("I4: frame %llx has a record but is not partial", (unsigned long long)m);
	if (BIT(f->type, W_BUSY))
		breaks("I2: frame %llx is busy", (unsigned long long)m);
}

static void frame_compare(uint64_t m)
{
	const struct frame *f = record(m);
	if (f->owner == NOBODY) {
		free_compare(m);
		return;
	}
	if (!owner_of(m))
		breaks("I12: frame %llx belongs to domain %u, which is gone", (unsigned long long)m, f->owner);
	if (COUNT_OF(f->refs) == 0)
		breaks("I1: frame %llx owned but without reference", (unsigned long long)m);
	if (COUNT_OF(f->refs) != expected[m].refs)
		breaks("I1: frame %llx refs %llu, found %u", (unsigned long long)m,
		       (unsigned long long)COUNT_OF(f->refs), expected[m].refs);
	type_compare(m);
}

/* --- owners --- */

static void list_check(const struct owner *o, uint64_t listed)
{
	uint64_t n = 0;
	for (uint32_t m = o->first; m != FRAME_NONE && n <= listed; m = record(m)->next) {
		n++;
		if (record(m)->owner != o->domid || !BIT(record(m)->refs, R_ALLOCATED) ||
		    record(record(m)->next)->prev != m)
			breaks("I11: list of domain %u broken at %x", o->domid, m);
		if (record(m)->next == o->first)
			break;
	}
	if (n != listed)
		breaks("I11: list of domain %u has %llu frames of %llu", o->domid, (unsigned long long)n,
		       (unsigned long long)listed);
}

static void frame_tally(uint64_t m)
{
	const struct frame *f = record(m);
	struct tally *t = tally_of(f->owner);
	if (!t)
		return;
	if (BIT(f->refs, R_SHARED))
		t->shared++;
	else
		t->plain++;
	t->listed += BIT(f->refs, R_ALLOCATED) && !BIT(f->refs, R_SHARED);
	t->queued += BIT(f->type, W_QUEUED);
	if (COUNT_OF(f->type) > 0 && type_of(m) >= FT_L1 && !BIT(f->refs, R_ALLOCATED))
		breaks("I12: released frame %llx is a table", (unsigned long long)m);
}

static void owner_check(const struct tally *t)
{
	const struct owner *o = t->o;
	uint64_t queued = t->queued;
	if (t->plain != o->frame_count || t->shared != o->shared_count)
		breaks("I11: domain %u has %llu+%llu frames, counted %llu+%llu", o->domid,
		       (unsigned long long)t->plain, (unsigned long long)t->shared,
		       (unsigned long long)o->frame_count, (unsigned long long)o->shared_count);
	uint32_t m;
	for (m = o->pending; m != FRAME_NONE && queued > 0; m = record(m)->epoch, queued--)
		if (!BIT(record(m)->type, W_QUEUED))
			breaks("I4: pending frame %x is not queued", m);
	if (queued || m != FRAME_NONE)
		breaks("I4: domain %u has pending tables that are not queued, or the reverse", o->domid);
	if (o != &owner_hv)
		list_check(o, t->listed);
}

static void totals_check(uint64_t ram, uint64_t free_now)
{
	if (free_now != frame_free_count() || ram != frame_total_count())
		breaks("I11: %llu frames free, counted %llu", (unsigned long long)free_now,
		       (unsigned long long)frame_free_count());
	for (unsigned i = 0; i < OWNERS; i++)
		if (tally[i].o)
			owner_check(&tally[i]);
}

/* First what every layer holds, then each record against it. */
static void frames_check(void)
{
	uint64_t ram = 0, free_now = 0;
	for (uint64_t m = 0; m < frames; m++)
		if (in_table(m) && record(m)->owner != NOBODY)
			frame_collect(m);
	for (unsigned i = 0; i < ARRAY_COUNT(enumerators) && enumerators[i]; i++)
		enumerators[i](add);
	for (uint64_t m = 0; m < frames; m++) {
		if (!in_table(m))
			continue;
		ram++;
		free_now += record(m)->owner == NOBODY;
		frame_tally(m);
		frame_compare(m);
	}
	totals_check(ram, free_now);
}

const char *frame_audit(void)
{
	frames = frame_max_mfn();
	if (frames > AUDIT_FRAMES_MAX)
		return NULL;
	broken = false;
	memset(expected, 0, frames * sizeof expected[0]);
	tallies_begin();
	frames_check();
	for (unsigned i = 0; i < ARRAY_COUNT(checks) && checks[i] && !broken; i++) {
		const char *s = checks[i]();
		if (s)
			breaks("%s", s);
	}
	return broken ? text : NULL;
}

uint64_t frame_audit_digest(void)
{
	uint64_t h = 0xcbf29ce484222325ull;
	frames = frame_max_mfn();
	for (uint64_t m = 0; m < frames; m++) {
		const struct frame *f = record(m);
		uint64_t count = COUNT_OF(f->type), word = count ? f->type & ~(1ull << 60) : 0;
		uint64_t parts[] = { f->refs, word, f->owner, m2p_table[m], BIT(word, W_PARTIAL) ? f->cursor : 0 };
		for (unsigned i = 0; i < ARRAY_COUNT(parts); i++)
			h = (h ^ parts[i]) * 0x100000001b3ull;
		if (!in_table(m) || !count || type_of(m) < FT_L1 || BIT(word, W_PARTIAL))
			continue;
		const uint64_t *p = frame_map(mfn(m));
		for (unsigned i = 0; i < table_entries; i++)
			h = (h ^ (p[i] & ~0x60ull)) * 0x100000001b3ull;
		frame_unmap(p);
	}
	return h;
}
