/* Where every piece of a new PV domain lies.
 *
 * The number of page tables depends on the end of the mapping, which depends on the number of page
 * tables: run_place() repeats with the count it found until the count is enough. It grows by at
 * most a few frames a round and cannot oscillate, since a larger guess never needs fewer frames.
 * Rules:
 *  L1 pieces are disjoint, in rising PFN order, and below nr_pages;
 *  L2 the run stays inside one L2 table's gigabyte when it starts at one (Linux copies only that
 *  L2);
 *  L3 every VA of the run and of the list is canonical and outside the hypervisor's slots. All
 *  arithmetic is on counts below 2^40 (image and nr_pages are checked first), so nothing wraps. */
#include "lib/pvbuild/layout.h"
#include "lib/image/bytes.h"

#define PAGES_MAX	(1ull << 32)	/* 16 TiB: PFNs fit the ABI's and our 32-bit fields */
#define PADDING_PAGES	128u		/* 512 KiB */
#define ROUND_PAGES	1024u		/* 4 MiB */
#define RUN_PAGES_MAX	(1ull << 18)	/* 1 GiB */
#define HV_START	0xffff800000000000ull
#define HV_END		0xffff880000000000ull

static uint64_t round_up(uint64_t x, uint64_t to) { return (x + to - 1) & ~(to - 1); }
static uint64_t bytes_to_pages(uint64_t n) { return (n >> 12) + ((n & 0xfff) != 0); }

static bool va_range_is_usable(uint64_t start, uint64_t pages)
{
	uint64_t last = start + (pages << 12) - 1;

	if (last < start || ((int64_t)(start << 16) >> 16) != (int64_t)start ||
	    ((int64_t)(last << 16) >> 16) != (int64_t)last)
		return false;
	if ((start >> 47) != (last >> 47))	/* would span the non-canonical hole */
		return false;
	return last < HV_START || start >= HV_END;
}

/* How many tables of @level map [start, end): each covers 512 << (9 * (level - 1)) pages. */
static uint64_t tables_needed(uint64_t start, uint64_t end, unsigned level)
{
	unsigned shift = 12 + 9 * level;
	return ((end - 1) >> shift) - (start >> shift) + 1;
}

static void tables_count(struct pv_tables *t, unsigned top)
{
	t->frames.count = 0;
	for (unsigned level = 1; level <= 4; level++) {
		t->count[level] = level > top  ? 0
				  : level == 4 ? 1
					       : tables_needed(t->va_start, t->va_end, level);
		t->frames.count += t->count[level];
	}
}

static struct pv_piece piece_take(uint64_t *at, uint64_t count)
{
	struct pv_piece p = { .pfn = *at, .count = count };
	*at += count;
	return p;
}

/* Place the run with room for @tables frames. Returns the frames really needed. */
static uint64_t run_place(struct pv_layout *l, const struct pv_layout_request *r, uint64_t tables)
{
	uint64_t at = 0;

	l->kernel = piece_take(&at, bytes_to_pages(r->image->kernel_end));
	if (l->initrd_is_mapped)
		l->initrd = piece_take(&at, bytes_to_pages(r->initrd_size));
	if (!l->p2m_is_apart)
		l->p2m = piece_take(&at, bytes_to_pages(l->nr_pages * 8));
	l->start_info = piece_take(&at, 1);
	l->store = piece_take(&at, r->has_rings);
	l->console = piece_take(&at, r->has_rings);
	struct pv_piece frames = piece_take(&at, tables);
	l->stack = piece_take(&at, 1);
	/* A domain too small for the rounding is mapped to its end; the padding it always has. */
	at += PADDING_PAGES;
	uint64_t end = round_up(at, ROUND_PAGES);
	l->end_pfn = end > l->nr_pages && at <= l->nr_pages ? l->nr_pages : end;
	l->run = (struct pv_tables){ .va_start = l->virt_base, .va_end = pv_va(l, l->end_pfn) };
	tables_count(&l->run, 4);
	uint64_t needed = l->run.frames.count;
	l->run.frames = frames;
	return needed;
}

/* What lies outside the mapping: initrd, then list and its tables (Linux takes first_p2m_pfn for
 * the end of what it may use, so they come last). */
static const char *apart_place(struct pv_layout *l)
{
	if (!l->initrd_is_mapped && l->initrd_size)
		l->initrd = piece_take(&l->end_pfn, bytes_to_pages(l->initrd_size));
	if (!l->p2m_is_apart) {
		l->p2m_va = pv_va(l, l->p2m.pfn);
		return NULL;
	}
	uint64_t pages = bytes_to_pages(l->nr_pages * 8);
	if (!va_range_is_usable(l->p2m_va, pages))
		return "kernel's INIT_P2M is not a usable address";
	l->apart = (struct pv_tables){ .va_start = l->p2m_va, .va_end = l->p2m_va + (pages << 12) };
	if (l->apart.va_start >> 39 != (l->apart.va_end - 1) >> 39 ||
		l->apart.va_start >> 39 == l->virt_base >> 39)
		return "kernel's INIT_P2M shares its 512 GiB with something else";
	tables_count(&l->apart, 3);
	l->p2m = piece_take(&l->end_pfn, pages);
	l->apart.first_pfn = l->p2m.pfn;
	l->apart.frames = piece_take(&l->end_pfn, l->apart.frames.count);
	return NULL;
}

static const char *request_check(const struct pv_layout_request *r)
{
	const struct pv_image_info *in = r->image;

	if (r->nr_pages == 0 || r->nr_pages > PAGES_MAX)
		return "memory size is out of range";
	if (bytes_to_pages(in->kernel_end) > r->nr_pages)
		return "kernel does not fit into the domain's memory";
	if (bytes_to_pages(r->initrd_size) > r->nr_pages)
		return "initrd does not fit into the domain's memory";
	if (in->virt_base & 0xfff)
		return "kernel's VIRT_BASE is not page-aligned";
	return NULL;
}

const char *pv_layout_make(const struct pv_layout_request *r, struct pv_layout *out)
{
	const char *why = request_check(r);
	if (why)
		return why;
	struct pv_layout l = {
		.virt_base = r->image->virt_base, .entry = r->image->entry, .nr_pages = r->nr_pages,
		.initrd_size = r->initrd_size,
		.initrd_is_mapped = r->initrd_size != 0 && !r->image->mod_start_pfn,
		.p2m_is_apart = r->image->init_p2m != PV_IMAGE_NO_VA, .p2m_va = r->image->init_p2m,
	};
	uint64_t tables = 4, needed;
	while ((needed = run_place(&l, r, tables)) > tables)
		tables = needed;
	if (l.end_pfn > l.nr_pages)
		return "kernel, initrd and page tables do not fit into the domain's memory";
	uint64_t in_gib = (l.virt_base & ((1ull << 30) - 1)) >> 12;
	if (l.end_pfn + in_gib > RUN_PAGES_MAX || !va_range_is_usable(l.virt_base, l.end_pfn))
		return "kernel, initrd and p2m list do not fit into the boot mapping";
	why = apart_place(&l);
	if (!why && l.end_pfn > l.nr_pages)
		why = "initrd and p2m list do not fit into the domain's memory";
	if (!why)
		*out = l;
	return why;
}

uint64_t pv_layout_min_pages(const struct pv_layout_request *r)
{
	struct pv_layout_request q = *r;
	struct pv_layout l;
	uint64_t low = 1, high = PAGES_MAX;

	/* Success is not monotonic at the top: a list inside the run can outgrow it. Find a size
	 * that works by doubling, then bisect below it. */
	for (q.nr_pages = 1024; q.nr_pages <= PAGES_MAX && pv_layout_make(&q, &l); q.nr_pages *= 2)
		low = q.nr_pages;
	if (q.nr_pages > PAGES_MAX)
		return 0;
	high = q.nr_pages;
	while (low + 1 < high) {
		q.nr_pages = low + (high - low) / 2;
		if (pv_layout_make(&q, &l))
			low = q.nr_pages;
		else
			high = q.nr_pages;
	}
	return high;
}

uint64_t pv_table_count(const struct pv_layout *l)
{
	return l->run.frames.count + l->apart.frames.count;
}

uint64_t pv_table_pfn(const struct pv_layout *l, uint64_t index, unsigned *level)
{
	const struct pv_tables *t = &l->run;

	if (index >= t->frames.count) {
		index -= t->frames.count;
		t = &l->apart;
	}
	uint64_t pfn = t->frames.pfn + index;
	unsigned n = 4;
	while (n > 1 && index >= t->count[n])
		index -= t->count[n--];
	*level = n;
	return pfn;
}
