/* The layout's promises, over many sizes: pieces disjoint and inside memory, padding, one L2,
 * the order the ABI prescribes; and its refusals. */
#include <stdlib.h>
#include "lib/pvbuild/layout.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

static struct pv_image_info linux_like(void)
{
	return (struct pv_image_info){.virt_base = MAKE_VIRT_BASE,
		.entry = MAKE_VIRT_BASE + 0x1000000,
		.init_p2m = MAKE_P2M,
		.hypercall_page = PV_IMAGE_NO_VA,
		.kernel_start = 0x1000000,
		.kernel_end = 0x4a00000,
		.mod_start_pfn = true};
}

static void piece_check(const struct pv_piece *p, uint64_t *at, const struct pv_layout *l)
{
	if (p->count == 0)
		return;
	ck_assert_uint_ge(p->pfn, *at);
	*at = p->pfn + p->count;
	ck_assert_uint_le(*at, l->nr_pages);
}

static void layout_check(const struct pv_layout *l, const struct pv_layout_request *r)
{
	uint64_t at = 0, run_end = (l->run.va_end - l->virt_base) >> 12;

	piece_check(&l->kernel, &at, l);
	ck_assert_uint_ge(at << 12, r->image->kernel_end);
	if (l->initrd_is_mapped)
		piece_check(&l->initrd, &at, l);
	if (!l->p2m_is_apart)
		piece_check(&l->p2m, &at, l);
	piece_check(&l->start_info, &at, l);
	piece_check(&l->store, &at, l);
	piece_check(&l->console, &at, l);
	piece_check(&l->run.frames, &at, l);
	piece_check(&l->stack, &at, l);
	ck_assert_uint_ge(run_end, at + 128);
	ck_assert_uint_le(run_end, l->nr_pages);
	ck_assert(run_end % 1024 == 0 || run_end == l->nr_pages);
	ck_assert_uint_eq(l->virt_base >> 30, (l->run.va_end - 1) >> 30);
	at = run_end;
	if (!l->initrd_is_mapped)
		piece_check(&l->initrd, &at, l);
	if (l->p2m_is_apart) {
		piece_check(&l->p2m, &at, l);
		piece_check(&l->apart.frames, &at, l);
		ck_assert_uint_eq(l->apart.frames.pfn, l->p2m.pfn + l->p2m.count);
	}
	ck_assert_uint_eq(l->end_pfn, at);
	ck_assert_uint_ge(l->p2m.count * 512, l->nr_pages);
	ck_assert_uint_ge(l->initrd.count << 12, r->initrd_size);
	ck_assert_uint_eq(l->store.count, r->has_rings);
	/* Enough L1s for every page of the run. */
	ck_assert_uint_ge(l->run.count[1] * 512, run_end);
}

START_TEST(many_sizes)
{
	uint32_t seed = 3;
	unsigned good = 0;

	for (unsigned i = 0; i < 15000; i++) {
		struct pv_image_info in = linux_like();
		in.mod_start_pfn = make_random(&seed) % 2;
		if (make_random(&seed) % 2)
			in.init_p2m = PV_IMAGE_NO_VA;
		if (make_random(&seed) % 4 == 0)
			in.kernel_end = 0x1000000 + make_random(&seed) % 0x2000000;
		struct pv_layout_request r = {.image = &in,
			.nr_pages = 5000 + make_random(&seed) % 60000,
			.initrd_size = make_random(&seed) % 3 ? make_random(&seed) % 50000000 : 0,
			.has_rings = make_random(&seed) % 2};
		struct pv_layout l;
		if (pv_layout_make(&r, &l) == NULL) {
			layout_check(&l, &r);
			good++;
		}
	}
	ck_assert_uint_gt(good, 3000);
}
END_TEST

START_TEST(big_domain)
{
	struct pv_image_info in = linux_like();
	struct pv_layout_request r = {
		.image = &in, .nr_pages = 256ull << 18, .initrd_size = 900ull << 20};
	struct pv_layout l;

	ck_assert_ptr_null(
		pv_layout_make(&r, &l)); /* 256 GiB, a list of 512 MiB, unmapped initrd */
	layout_check(&l, &r);
	ck_assert_uint_eq(l.p2m_va, MAKE_P2M);
	in.init_p2m = PV_IMAGE_NO_VA;
	r.nr_pages = 600ull << 18;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "boot mapping"));
}
END_TEST

START_TEST(refusals)
{
	struct pv_image_info in = linux_like();
	struct pv_layout_request r = { .image = &in, .nr_pages = 0 };
	struct pv_layout l;

	ck_assert_ptr_nonnull(pv_layout_make(&r, &l));
	r.nr_pages = ~0ull;
	ck_assert_ptr_nonnull(pv_layout_make(&r, &l));
	r.nr_pages = 1000;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "kernel does not fit"));
	r.nr_pages = 100000, r.initrd_size = ~0ull;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "initrd does not fit"));
	r.initrd_size = 0;
	in.init_p2m = 0xffff800000000000ull;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "INIT_P2M"));
	in.init_p2m = 0xffffff8000000000ull;	/* the run's own L4 slot */
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "INIT_P2M"));
	in.init_p2m = 0x0000800000000000ull;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "INIT_P2M"));
	in = linux_like();
	in.virt_base = 0xffff800000000000ull;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "boot mapping"));
	in.virt_base = 0x00007ffffff00000ull;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "boot mapping"));
	in.virt_base = 0xffffffffbf000000ull;
	ck_assert_ptr_nonnull(strstr(pv_layout_make(&r, &l), "boot mapping"));
}
END_TEST

START_TEST(minimum)
{
	struct pv_image_info in = linux_like();
	struct pv_layout_request r = { .image = &in, .initrd_size = 3000000, .has_rings = true };
	struct pv_layout l;

	for (unsigned i = 0; i < 4; i++) {
		in.mod_start_pfn = i & 1;
		in.init_p2m = i & 2 ? MAKE_P2M : PV_IMAGE_NO_VA;
		r.nr_pages = pv_layout_min_pages(&r);
		ck_assert_uint_gt(r.nr_pages, 0);
		ck_assert_ptr_null(pv_layout_make(&r, &l));
		layout_check(&l, &r);
		r.nr_pages--;
		ck_assert_ptr_nonnull(pv_layout_make(&r, &l));
	}
	in.virt_base = 0xffff800000000000ull;
	ck_assert_uint_eq(pv_layout_min_pages(&r), 0);
}
END_TEST

START_TEST(table_positions)
{
	struct pv_image_info in = linux_like();
	struct pv_layout_request r = { .image = &in, .nr_pages = 40000, .has_rings = true };
	struct pv_layout l;
	unsigned level, last = 4;

	ck_assert_ptr_null(pv_layout_make(&r, &l));
	ck_assert_uint_eq(pv_table_pfn(&l, 0, &level), l.run.frames.pfn);
	ck_assert_uint_eq(level, 4);
	for (uint64_t i = 0; i < l.run.frames.count; i++, last = level) {
		ck_assert_uint_eq(pv_table_pfn(&l, i, &level), l.run.frames.pfn + i);
		ck_assert_uint_le(level, last);
	}
	ck_assert_uint_eq(level, 1);
	ck_assert_uint_eq(pv_table_pfn(&l, l.run.frames.count, &level), l.apart.frames.pfn);
	ck_assert_uint_eq(level, 3);
	ck_assert_uint_eq(l.apart.frames.count, 3);	/* 40000 entries: one table of each level */
	ck_assert_uint_eq(pv_table_count(&l), l.run.frames.count + 3);
}
END_TEST

CHECK_MAIN("layout", NULL, NULL, many_sizes, big_domain, refusals, minimum, table_positions)
