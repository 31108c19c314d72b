/* A PV kernel's ELF file, the layout of a domain made of it, and the domain's memory.
 *
 * The input is the file. Bytes 8 to 15 of an ELF header mean nothing, so they choose the domain:
 * pages, size of the initrd, rings. Properties are those of elf.h, layout.h and build.h: what is
 * accepted lies in the file and below the address limit without overlap; the layout's pieces are
 * disjoint and inside the domain; the page tables, walked here from the L4, map the run to PFNs in
 * order, and no table writable. Neighbours: kernel.c finds the ELF inside a distribution's file. */
#include "tests/fuzz/targets/target.h"

#include "lib/pvbuild/build.h"

#define PADDR_LIMIT (1ull << 40)
#define BUILD_PAGES 4096u
#define PRESENT 1u
#define WRITE 2u

/* ---- the image ---- */

static void segment_check(const struct pv_image_info *in, unsigned int i, size_t size)
{
	const struct pv_image_segment *s = &in->segment[i];

	HOLDS(s->offset <= size && s->file_size <= size - s->offset);
	HOLDS(s->mem_size > 0 && s->file_size <= s->mem_size);
	HOLDS(s->paddr <= PADDR_LIMIT && s->mem_size <= PADDR_LIMIT - s->paddr);
	HOLDS(in->kernel_start <= s->paddr && s->paddr + s->mem_size <= in->kernel_end);
	for (unsigned int k = 0; k < i; k++)
		HOLDS(s->paddr >= in->segment[k].paddr + in->segment[k].mem_size ||
			s->paddr + s->mem_size <= in->segment[k].paddr);
}

static void image_check(const struct pv_image_info *in, size_t size)
{
	uint64_t start = ~0ull, end = 0;

	HOLDS(in->segment_count >= 1 && in->segment_count <= PV_IMAGE_SEGMENTS);
	for (unsigned int i = 0; i < in->segment_count; i++) {
		const struct pv_image_segment *s = &in->segment[i];

		segment_check(in, i, size);
		start = s->paddr < start ? s->paddr : start;
		end = s->paddr + s->mem_size > end ? s->paddr + s->mem_size : end;
	}
	HOLDS(in->kernel_start == start && in->kernel_end == end);
	HOLDS(in->virt_base % 4096 == 0 && in->virt_base + end > in->virt_base);
	HOLDS(in->entry - in->virt_base >= start && in->entry - in->virt_base < end);
	HOLDS(in->hypercall_page == PV_IMAGE_NO_VA ||
		(in->hypercall_page % 4096 == 0 && in->hypercall_page - in->virt_base >= start &&
			in->hypercall_page - in->virt_base + 4096 <= end));
	HOLDS(memchr(in->guest_os, 0, sizeof in->guest_os));
}

/* ---- the layout ---- */

static bool disjoint(const struct pv_piece *a, const struct pv_piece *b)
{
	return !a->count || !b->count || a->pfn + a->count <= b->pfn ||
	       b->pfn + b->count <= a->pfn;
}

static void layout_check(const struct pv_layout *l, const struct pv_layout_request *r)
{
	const struct pv_piece *p[] = { &l->kernel, &l->initrd, &l->p2m, &l->start_info, &l->store,
		&l->console, &l->run.frames, &l->stack, &l->apart.frames };
	const unsigned int n = sizeof p / sizeof p[0];

	HOLDS(l->end_pfn <= l->nr_pages && l->nr_pages == r->nr_pages);
	for (unsigned int i = 0; i < n; i++) {
		HOLDS(p[i]->count <= l->end_pfn);
		HOLDS(p[i]->count == 0 || p[i]->pfn <= l->end_pfn - p[i]->count);
		for (unsigned int k = 0; k < i; k++)
			HOLDS(disjoint(p[i], p[k]));
	}
	HOLDS(l->kernel.count * 4096 >= r->image->kernel_end && l->kernel.pfn == 0);
	HOLDS(l->initrd.count * 4096 >= r->initrd_size && l->p2m.count * 512 >= l->nr_pages);
	HOLDS(l->store.count == r->has_rings && l->console.count == r->has_rings);
	HOLDS(l->run.frames.count >= 4 && l->start_info.count == 1 && l->stack.count == 1);
	HOLDS(l->p2m_is_apart == (l->apart.frames.count != 0));
	for (uint64_t i = 0; i < pv_table_count(l); i++) {
		unsigned int level = 0;
		uint64_t pfn = pv_table_pfn(l, i, &level);

		HOLDS(level >= 1 && level <= 4);
		HOLDS(pfn - l->run.frames.pfn < l->run.frames.count ||
			pfn - l->apart.frames.pfn < l->apart.frames.count);
	}
}

/* ---- the domain's memory: frame n holds PFN n, at another number ---- */

#define MFN_OF(pfn) ((pfn) + 0x1234)
static void *pages[BUILD_PAGES];

static uint64_t memory_mfn(void *opaque, uint64_t pfn)
{
	HOLDS(pfn < *(uint64_t *)opaque);
	return MFN_OF(pfn);
}

static void *memory_map(void *opaque, uint64_t pfn)
{
	HOLDS(pfn < *(uint64_t *)opaque);
	if (!pages[pfn])
		pages[pfn] = calloc(1, 4096);
	return pages[pfn];
}

static void memory_unmap(void *opaque, void *page)
{
	(void)opaque;
	(void)page;
}

static bool is_table(const struct pv_layout *l, uint64_t pfn)
{
	return pfn - l->run.frames.pfn < l->run.frames.count ||
	       pfn - l->apart.frames.pfn < l->apart.frames.count;
}

/* The entry that maps @va, from the L4 down; 0: none. */
static uint64_t walk(const struct pv_layout *l, uint64_t va)
{
	uint64_t pfn = l->run.frames.pfn, entry = 0;

	for (unsigned int level = 4; level >= 1; level--) {
		const uint64_t *table = pages[pfn];

		HOLDS(table && is_table(l, pfn));
		entry = table[va >> (12 + 9 * (level - 1)) & 511];
		if (!(entry & PRESENT))
			return 0;
		pfn = (entry >> 12 & 0xffffffffffull) - MFN_OF(0);
		HOLDS(pfn < l->nr_pages);
	}
	return entry;
}

static void tables_check(const struct pv_layout *l)
{
	for (uint64_t pfn = 0; pfn <= l->end_pfn; pfn++) {
		uint64_t entry = walk(l, pv_va(l, pfn));
		uint64_t mapped = (l->run.va_end - l->run.va_start) >> 12;

		HOLDS(!entry == (pfn >= mapped));
		if (entry)
			HOLDS((entry >> 12 & 0xffffffffffull) == MFN_OF(pfn));
		if (entry && is_table(l, pfn))
			HOLDS(!(entry & WRITE));
	}
}

static void content_check(const struct pv_image_info *in, const uint8_t *file)
{
	for (unsigned int i = 0; i < in->segment_count; i++) {
		const struct pv_image_segment *s = &in->segment[i];

		for (uint64_t at = 0; at < s->mem_size; at++) {
			uint64_t to = s->paddr + at;
			const uint8_t *page = pages[to / 4096];
			uint8_t want = at < s->file_size ? file[s->offset + at] : 0;

			if (in->hypercall_page == PV_IMAGE_NO_VA ||
				in->hypercall_page - in->virt_base != (to & ~4095ull))
				HOLDS((page ? page[to % 4096] : 0) == want);
		}
	}
}

static void build_check(const struct pv_layout *l, const struct pv_image_info *in,
	const uint8_t *file)
{
	uint64_t nr_pages = l->nr_pages;
	struct pv_memory m = { &nr_pages, memory_mfn, memory_map, memory_unmap };
	struct pv_start_params s = { .command_line = "quiet", .store_port = 1, .console_port = 2 };
	struct vcpu_guest_context c;
	uint8_t *initrd = malloc(l->initrd_size + 1);

	HOLDS(initrd);
	memset(initrd, 0x77, l->initrd_size + 1);
	struct pv_content content = { file, in, initrd };
	HOLDS(!pv_build(l, &content, &s, &m));
	pv_context_fill(l, &m, &c);
	HOLDS(c.user_regs.rip == in->entry);
	tables_check(l);
	content_check(in, file);
	for (uint64_t i = 0; i < nr_pages; i++) {
		free(pages[i]);
		pages[i] = NULL;
	}
	free(initrd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pv_image_info in, twice;
	struct pv_layout l;

	memset(&in, 0x5a, sizeof in);
	memset(&twice, 0x5a, sizeof twice);
	if (pv_image_parse(data, size, &in)) {
		HOLDS(memcmp(&in, &twice, sizeof in) == 0);
		return 0;
	}
	image_check(&in, size);
	struct input choice = { data + 8, data + 16 };
	uint64_t shape = take(&choice, 4);
	struct pv_layout_request r = {
		.image = &in, .initrd_size = take(&choice, 3), .has_rings = take(&choice, 1) & 1 };
	uint64_t least = pv_layout_min_pages(&r);

	r.nr_pages = shape & 1 ? least + (shape >> 1 & 0x3ff) : shape >> 1 & 0xfffff;
	if (!pv_layout_make(&r, &l)) {
		layout_check(&l, &r);
		HOLDS(least && least <= r.nr_pages);
		if (l.nr_pages <= BUILD_PAGES)
			build_check(&l, &in, data);
	}
	if (least) {
		r.nr_pages = least;
		HOLDS(!pv_layout_make(&r, &l));
		r.nr_pages--;
		HOLDS(pv_layout_make(&r, &l));
	}
	return 0;
}
