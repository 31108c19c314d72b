/* The ends of grants: no memory at any allocation, a granter that will not keep still, an entry that is gone, frames
 * that cannot be held. */
#include "hv/grant/table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/grant/grants.h"
#include "tests/unit/race.h"

static unsigned refuse_after;

/* So many allocations work, and then none. */
static bool refuses(void)
{
	return refuse_after == 0 || refuse_after-- == 0;
}

static void refuse(unsigned after)
{
	refuse_after = after;
	alloc_refuse = refuses;
}

static struct gnttab_map_grant_ref map_raw(uint32_t ref, uint64_t at, uint32_t flags)
{
	struct gnttab_map_grant_ref op = { .host_addr = at, .flags = flags, .ref = ref, .dom = granter->id };
	host_cpu_select(0);
	grant_map(v, &op);
	alloc_refuse = NULL;
	AUDIT();
	return op;
}

START_TEST(no_memory)
{
	grant(10, space_page(gs, 1), GTF_permit_access);
	unsigned n, failed = 0;
	for (n = 0; n < 20; n++) {
		refuse(n);
		int status = map_raw(10, VA(100), GNTMAP_host_map).status;
		if (!status)
			break;
		ck_assert(status == GNTST_no_device_space || status == GNTST_no_space);
		ck_assert_uint_eq(refs(space_page(gs, 1)), 2);	/* what was made for later stays, nothing else */
		ck_assert_uint_eq(entry_peek(ms.l1, 100), 0);
		ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access);
		failed++;
	}
	ck_assert_uint_ge(failed, 2);	/* the pages of the handle and of the record */

	/* The records of another page of references. */
	ck_assert_int_eq(grant_setup_table(granter, 2), GNTST_okay);
	grant(600, space_page(gs, 1), GTF_permit_access);
	refuse(0);
	ck_assert_int_eq(map_raw(600, VA(101), GNTMAP_host_map).status, GNTST_no_space);
	refuse(0);
	ck_assert_int_eq(grant_setup_table(granter, 3), GNTST_general_error);
	refuse(2);	/* one of two */
	int rc = grant_setup_table(granter, 9);
	alloc_refuse = NULL;
	ck_assert_int_eq(rc, GNTST_general_error);
	AUDIT();
	ck_assert_int_eq(grant_setup_table(granter, 9), GNTST_okay);
	AUDIT();
}
END_TEST

START_TEST(limits_of_a_new_domain)
{
	const struct domain_config bad[] = { { .max_vcpus = 1, .max_grant_frames = 1025 },
					     { .max_vcpus = 1, .max_maptrack_frames = 16385 } };
	struct domain *d;
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(domain_create(9, &bad[i], &d), -EINVAL);
		AUDIT();
	}
	const struct domain_config good = { .max_vcpus = 1, .max_grant_frames = 1024, .max_maptrack_frames = 16384 };
	ck_assert_int_eq(domain_create(9, &good, &d), 0);
	AUDIT();
	domain_end(d);
	AUDIT();
}
END_TEST

/* --- a granter that changes its entry all the time --- */

static struct gnttab_map_grant_ref op;

static void maps(void)
{
	op = (struct gnttab_map_grant_ref){ .host_addr = VA(100), .flags = GNTMAP_host_map, .ref = 10, .dom = granter->id };
	grant_map(v, &op);
}

static void takes_back(void)
{
	ATOMIC_AND(&entry(granter, 10)->flags, (uint16_t)~GTF_type_mask);
}

static void changes_a_flag(void)
{
	ATOMIC_OR(&entry(granter, 10)->flags, (uint16_t)0x800);
}

START_TEST(granter_changes_its_mind)
{
	unsigned taken_back = 0;
	host_hook_relax = NULL;
	RACE(grant(10, space_page(gs, 1), GTF_permit_access), maps, takes_back, {
		AUDIT();
		ck_assert(op.status == GNTST_okay || op.status == GNTST_general_error);
		taken_back += op.status != GNTST_okay;
		if (op.status == GNTST_okay)
			ck_assert_int_eq(unmap(VA(100), 0, op.handle), GNTST_okay);
	});
	ck_assert_uint_gt(taken_back, 0);
	RACE(grant(10, space_page(gs, 1), GTF_permit_access), maps, changes_a_flag, {
		AUDIT();
		ck_assert_int_eq(op.status, GNTST_okay);
		ck_assert_int_eq(unmap(VA(100), 0, op.handle), GNTST_okay);
	});
}
END_TEST

static unsigned scribbles;
static struct grant_entry_v1 *scribbled;

/* At each point of the mapper another bit of the entry changes. */
static void scribbler(enum host_point why)
{
	if (why != POINT_STEP)
		return;
	host_yield_hook = NULL;
	scribbled->flags = (uint16_t)(scribbled->flags ^ 0x100u << (scribbles++ % 7));
	host_yield_hook = scribbler;
}

START_TEST(granter_never_stops)
{
	grant(10, space_page(gs, 1), GTF_permit_access);
	host_cpu_select(0);
	scribbled = entry(granter, 10);
	host_yield_hook = scribbler;
	maps();
	host_yield_hook = NULL;
	ck_assert_int_eq(op.status, GNTST_general_error);	/* an error, not our time */
	ck_assert_uint_lt(scribbles, 100);
	AUDIT();
	ck_assert_uint_eq(refs(space_page(gs, 1)), 2);
	ck_assert_uint_eq(entry_peek(ms.l1, 100), 0);
}
END_TEST

/* --- frames that cannot be held --- */

START_TEST(frame_at_its_limit)
{
	struct frame *f = frame_of(space_page(gs, 1)), *table = frame_of(gs.l1);
	grant(10, space_page(gs, 1), GTF_permit_access);
	/* Two halves: the first fits, the second does not, and the first goes back. */
	for (unsigned readonly = 0; readonly < 2; readonly++) {
		op = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map | GNTMAP_host_map, .ref = 10,
						    .host_addr = VA(100), .dom = granter->id };
		if (readonly)
			op.flags |= GNTMAP_readonly;
		frame_count_limit = max_u64(frame_refs_now(f), frame_refs_now(frame_of(ms.l1))) + 1;
		while (frame_refs_now(f) + 1 < frame_count_limit)
			REQUIRE(frame_ref(f) == 0);
		host_cpu_select(0);
		grant_map(v, &op);
		while (frame_refs_now(f) > 2)
			frame_put(f);
		frame_count_limit = 1000000;
		ck_assert_int_eq(op.status, GNTST_general_error);
		AUDIT();
		ck_assert_uint_eq(refs(space_page(gs, 1)), 2);
		ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access);	/* no mark stays */
	}
	/* A page table is read by whom it is granted to, and written by nobody. */
	grant(11, gs.l1, GTF_permit_access);
	ck_assert_int_eq(map(11, VA(101), GNTMAP_host_map).status, GNTST_general_error);
	struct gnttab_map_grant_ref ro = map(11, VA(101), GNTMAP_host_map | GNTMAP_readonly);
	ck_assert_int_eq(ro.status, GNTST_okay);
	ck_assert(frame_type_now(table) == FT_L1);
	ck_assert_int_eq(unmap(VA(101), 0, ro.handle), GNTST_okay);
}
END_TEST

/* --- the mapper's table goes meanwhile --- */

static void drops_the_table(void)
{
	REQUIRE(table_entry_update(&mapper->mem, &mapper->mem, mfn_to_maddr(ms.l2), 0, false) == 0);
	REQUIRE(owner_run_pending(&mapper->mem) == 0);
}

static void clears_the_entry(void)
{
	REQUIRE(table_entry_update(&mapper->mem, &mapper->mem, maddr(mfn_to_maddr(ms.l1).a + 800), 0, false) == 0);
}

static void unmaps(void)
{
	struct gnttab_unmap_grant_ref u = { .host_addr = VA(100), .handle = op.handle };
	struct grant_unmap_batch b = { .n = 0 };
	grant_unmap(mapper, &u, &b);
	grant_unmap_finish(mapper, &b);
	REQUIRE(u.status == GNTST_okay);
}

static void map_again(void)
{
	if (frame_type_now(frame_of(ms.l1)) != FT_L1) {
		entry_poke(ms.l1, 100, 0);
		l1_link();
	}
	maps();
	REQUIRE(op.status == GNTST_okay);
}

START_TEST(table_goes_while_it_is_mapped)
{
	unsigned too_late = 0;
	host_hook_relax = NULL;
	grant(10, space_page(gs, 1), GTF_permit_access);
	RACE({}, maps, drops_the_table, {
		AUDIT();
		ck_assert(op.status == GNTST_okay || op.status == GNTST_bad_virt_addr);
		too_late += op.status != GNTST_okay;
		if (op.status == GNTST_okay)
			ck_assert_int_eq(unmap(VA(100), 0, op.handle), GNTST_okay);
		ck_assert_uint_eq(refs(space_page(gs, 1)), 2);
		ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access);
		entry_poke(ms.l1, 100, 0);
		l1_link();
	});
	ck_assert_uint_gt(too_late, 1);	/* before it was found, and after that */
}
END_TEST

START_TEST(entry_goes_while_it_is_unmapped)
{
	void (*const goes[])(void) = { clears_the_entry, drops_the_table };
	host_hook_relax = NULL;
	grant(10, space_page(gs, 1), GTF_permit_access);
	for (unsigned i = 0; i < ARRAY_COUNT(goes); i++)
		RACE(map_again(), unmaps, goes[i], {
			AUDIT();
			ck_assert_uint_eq(refs(space_page(gs, 1)), 2);
			ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access);
		});
}
END_TEST

START_TEST(without_nx)
{
	grant(10, space_page(gs, 1), GTF_permit_access);
	bool was = cpu_features.has_nx;
	cpu_features.has_nx = false;
	struct gnttab_map_grant_ref m = map(10, VA(100), GNTMAP_host_map);
	ck_assert_int_eq(m.status, GNTST_okay);
	ck_assert_uint_eq(entry_peek(ms.l1, 100) & PTE_NX, 0);
	cpu_features.has_nx = was;
	ck_assert_int_eq(unmap(VA(100), 0, m.handle), GNTST_okay);
}
END_TEST

CHECK_MAIN("grant edges", world, NULL, no_memory, limits_of_a_new_domain, granter_changes_its_mind,
	   granter_never_stops, frame_at_its_limit, table_goes_while_it_is_mapped,
	   entry_goes_while_it_is_unmapped, without_nx)
