/* Grant copies: every direction, and everything that must be refused without a trace. */
#include "tests/unit/check_main.h"
#include "tests/unit/grant/grants.h"

START_TEST(copy_every_direction)
{
	world();
	mfn_t gp = space_page(gs, 1), gq = space_page(gs, 2), mp = space_page(ms, 1),
	      mq = space_page(ms, 2);
	char *g = host_frame(gp), *m = host_frame(mp);
	grant(9, gp, GTF_permit_access);
	grant(10, gq, GTF_permit_access);
	(void)map(9, 0, GNTMAP_device_map); /* the active page exists from here on */
	memcpy(g + 100, "from the granter", 16);
	ck_assert_int_eq(copy(copy_op(9, 100, mp.n, 4000, 16, GNTCOPY_source_gref)), GNTST_okay);
	ck_assert_mem_eq(m + 4000, "from the granter", 16);
	memcpy(m, "from the mapper", 15);
	ck_assert_int_eq(copy(copy_op(mp.n, 0, 10, 4081, 15, GNTCOPY_dest_gref)), GNTST_okay);
	ck_assert_mem_eq((char *)host_frame(gq) + 4081, "from the mapper", 15);
	ck_assert_int_eq(copy(copy_op(9, 0, 10, 0, 4096, GNTCOPY_source_gref | GNTCOPY_dest_gref)),
		GNTST_okay);
	ck_assert_mem_eq(host_frame(gq), g, 4096);
	ck_assert_int_eq(copy(copy_op(mp.n, 0, mq.n, 0, 4096, 0)), GNTST_okay);
	ck_assert_mem_eq(host_frame(mq), m, 4096);
	ck_assert_int_eq(copy(copy_op(9, 0, 9, 8, 4088, GNTCOPY_source_gref | GNTCOPY_dest_gref)),
		GNTST_okay);
	ck_assert_mem_eq(g + 108, "from the granter", 16);
	ck_assert_int_eq(copy(copy_op(9, 4096, mp.n, 0, 0, GNTCOPY_source_gref)), GNTST_okay);
	ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access);
}
END_TEST

START_TEST(copy_refusals)
{
	world();
	mfn_t gp = space_page(gs, 1), mp = space_page(ms, 1);
	grant(9, gp, GTF_permit_access | GTF_readonly);
	grant(10, gs.l1, GTF_permit_access);
	(void)map(9, 0, GNTMAP_device_map | GNTMAP_readonly);
	ck_assert_int_eq(
		copy(copy_op(9, 4090, mp.n, 0, 7, GNTCOPY_source_gref)), GNTST_bad_copy_arg);
	ck_assert_int_eq(
		copy(copy_op(9, 0, mp.n, 65535, 65535, GNTCOPY_source_gref)), GNTST_bad_copy_arg);
	ck_assert_int_eq(copy(copy_op(mp.n, 0, 9, 0, 8, GNTCOPY_dest_gref)), GNTST_general_error);
	ck_assert_int_eq(copy(copy_op(mp.n, 0, 10, 0, 8, GNTCOPY_dest_gref)), GNTST_general_error);
	ck_assert_int_eq(copy(copy_op(10, 0, mp.n, 0, 8, GNTCOPY_source_gref)), GNTST_okay);
	ck_assert_int_eq(
		copy(copy_op(11, 0, mp.n, 0, 8, GNTCOPY_source_gref)), GNTST_general_error);
	ck_assert_int_eq(copy(copy_op(600, 0, mp.n, 0, 8, GNTCOPY_source_gref)), GNTST_bad_gntref);
	/* Frames by number must be the caller's, and no tables when written. */
	ck_assert_int_eq(copy(copy_op(gp.n, 0, mp.n, 0, 8, 0)), GNTST_bad_page);
	ck_assert_int_eq(copy(copy_op(mp.n, 0, gp.n, 0, 8, 0)), GNTST_bad_page);
	ck_assert_int_eq(copy(copy_op(mp.n, 0, ms.l1.n, 0, 8, 0)), GNTST_bad_page);
	ck_assert_int_eq(copy(copy_op(~0ull, 0, mp.n, 0, 8, 0)), GNTST_bad_page);
	struct gnttab_copy op = copy_op(gp.n, 0, mp.n, 0, 8, 0);
	op.source.domid = granter->id;
	ck_assert_int_eq(copy(op), GNTST_permission_denied);
	op = copy_op(9, 0, mp.n, 0, 8, GNTCOPY_source_gref);
	op.source.domid = 55;
	ck_assert_int_eq(copy(op), GNTST_bad_domain);
	op = copy_op(mp.n, 0, 9, 0, 8, GNTCOPY_dest_gref);
	op.dest.domid = 0x7ff2;
	ck_assert_int_eq(copy(op), GNTST_bad_domain);
}
END_TEST

/* Every sum of an offset and a length that leaves the page, also one that comes back to zero in 16 bits. */
START_TEST(copy_beyond_the_page)
{
	static const uint16_t at[] = { 0, 1, 4000, 4095, 4096, 4097, 0x7fff, 0x8000, 0xf000, 0xf001, 0xffff };
	world();
	mfn_t gp = space_page(gs, 1), mp = space_page(ms, 1);
	grant(9, gp, GTF_permit_access);
	(void)map(9, 0, GNTMAP_device_map); /* the active page exists from here on */
	for (unsigned i = 0; i < ARRAY_COUNT(at); i++)
		for (unsigned n = 0; n < ARRAY_COUNT(at); n++) {
			bool fits = (uint32_t)at[i] + at[n] <= PAGE_SIZE;
			uint16_t len = at[n], off = at[i];
			ck_assert_int_eq(copy(copy_op(9, off, mp.n, 0, len, GNTCOPY_source_gref)),
				fits ? GNTST_okay : GNTST_bad_copy_arg);
			ck_assert_int_eq(copy(copy_op(9, 0, mp.n, off, len, GNTCOPY_source_gref)),
				fits ? GNTST_okay : GNTST_bad_copy_arg);
		}
}
END_TEST

CHECK_MAIN("copy", NULL, NULL, copy_every_direction, copy_refusals, copy_beyond_the_page)
