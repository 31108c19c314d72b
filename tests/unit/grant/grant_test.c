/* Grants: the life of a mapping, what hostile entries and arguments may not do, death of either
 * side, the flush between unmapping and giving back. The audit (I7-I9 among it) runs after each
 * operation. */
#include "tests/unit/check_main.h"
#include "tests/unit/grant/grants.h"

START_TEST(map_write_read_unmap)
{
	world();
	mfn_t page = space_page(gs, 1);
	uint64_t before = refs(page), value, counts = frame_type_count_now(frame_of(page));
	grant(9, page, GTF_permit_access);
	struct gnttab_map_grant_ref op =
		map(9, VA(20), GNTMAP_host_map | 5u << _GNTMAP_guest_avail0);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(op.dev_bus_addr, page.n << 12);
	ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	uint64_t pte = entry_peek(ms.l1, 20);
	ck_assert_uint_eq(pte_mfn(pte).n, page.n);
	ck_assert_uint_eq(pte & (PTE_WRITE | PTE_USER | PTE_GRANT | PTE_NX),
		PTE_WRITE | PTE_USER | PTE_GRANT | PTE_NX);
	ck_assert_uint_eq(pte >> 9 & 7, 5);
	ck_assert_uint_eq(refs(page), before + 2); /* the half and the entry */
	ck_assert_uint_eq(frame_type_count_now(frame_of(page)), counts + 2);
	ck_assert_uint_eq(host_guest_store(0, VA(20) + 8, 0x600df00d), 0);
	ck_assert_uint_eq(((uint64_t *)host_frame(page))[1], 0x600df00d);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
	ck_assert_uint_ne(host_guest_load(0, VA(20), &value), 0);
	ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access);
	ck_assert_uint_eq(refs(page), before);
	ck_assert_uint_eq(frame_type_count_now(frame_of(page)), counts);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_bad_handle);
}
END_TEST

START_TEST(readonly_map)
{
	world();
	mfn_t page = space_page(gs, 2);
	uint64_t value;
	grant(10, page, GTF_permit_access | GTF_readonly);
	ck_assert_int_eq(map(10, VA(20), GNTMAP_host_map).status, GNTST_general_error);
	ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access | GTF_readonly);
	struct gnttab_map_grant_ref op = map(10, VA(20), GNTMAP_host_map | GNTMAP_readonly);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(
		entry(granter, 10)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
	ck_assert_uint_eq(host_guest_load(0, VA(20), &value), 0);
	ck_assert_uint_ne(host_guest_store(0, VA(20), 1), 0);
	/* A writer beside it is refused by the entry; after the granter lifts that it may. */
	ck_assert_int_eq(map(10, VA(21), GNTMAP_host_map).status, GNTST_general_error);
	entry(granter, 10)->flags &= (uint16_t)~GTF_readonly;
	struct gnttab_map_grant_ref w = map(10, VA(21), GNTMAP_host_map);
	ck_assert_int_eq(w.status, GNTST_okay);
	ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	ck_assert_int_eq(unmap(VA(21), 0, w.handle), GNTST_okay);
	ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access | GTF_reading);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
	ck_assert_uint_eq(entry(granter, 10)->flags, GTF_permit_access);
	/* A page table may be granted for reading, never for writing. */
	grant(11, gs.l1, GTF_permit_access);
	ck_assert_int_eq(map(11, VA(20), GNTMAP_host_map).status, GNTST_general_error);
	ck_assert_uint_eq(entry(granter, 11)->flags, GTF_permit_access);
	op = map(11, VA(20), GNTMAP_host_map | GNTMAP_readonly);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
}
END_TEST

START_TEST(map_by_entry_and_device)
{
	world();
	mfn_t page = space_page(gs, 1);
	uint64_t slot = mfn_to_maddr(ms.l1).a + 30 * 8, bus = page.n << 12, before = refs(page);
	grant(9, page, GTF_permit_access);
	struct gnttab_map_grant_ref op = map(9, slot,
		GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_application_map | GNTMAP_device_map);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(pte_mfn(entry_peek(ms.l1, 30)).n, page.n);
	ck_assert_uint_eq(refs(page), before + 3);
	/* All or nothing: a wrong half leaves both. */
	ck_assert_int_eq(unmap(slot, bus + PAGE_SIZE, op.handle), GNTST_bad_dev_addr);
	ck_assert_int_eq(unmap(slot + 8, bus, op.handle), GNTST_bad_virt_addr);
	ck_assert_uint_eq(refs(page), before + 3);
	/* One half after the other. */
	ck_assert_int_eq(unmap(0, 0, op.handle), GNTST_okay);
	ck_assert_int_eq(unmap(0, bus, op.handle), GNTST_okay);
	ck_assert_uint_eq(refs(page), before + 2);
	ck_assert_int_eq(unmap(slot, 0, op.handle), GNTST_okay);
	ck_assert_uint_eq(refs(page), before);
	ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access);
	/* Bus address alone. */
	op = map(9, 0, GNTMAP_device_map);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_bad_virt_addr);
	ck_assert_int_eq(unmap(0, op.dev_bus_addr, op.handle), GNTST_okay);
	/* Both at once. */
	op = map(9, slot, GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_device_map);
	ck_assert_int_eq(unmap(slot, bus, op.handle), GNTST_okay);
	ck_assert_uint_eq(refs(page), before);
}
END_TEST

START_TEST(hostile_arguments)
{
	world();
	mfn_t page = space_page(gs, 1);
	uint64_t digest;
	grant(9, page, GTF_permit_access);
	const uint32_t host = GNTMAP_host_map, pte = GNTMAP_host_map | GNTMAP_contains_pte;
	const struct {
		uint32_t ref, flags;
		uint64_t at;
		domid_t dom;
		int status;
	} bad[] = {
		{9, 0, VA(20), 1, GNTST_bad_gntref},
		{9, GNTMAP_readonly, VA(20), 1, GNTST_bad_gntref},
		{512, host, VA(20), 1, GNTST_bad_gntref},
		{~0u, host, VA(20), 1, GNTST_bad_gntref},
		{8, host, VA(20), 1, GNTST_general_error},
		{9, host, VA(20), 3, GNTST_bad_domain},
		{9, host, VA(20), 0x7ff1, GNTST_bad_domain},
		{9, host, VA(20), 0, GNTST_general_error},
		{9, host, VA(20), DOMID_SELF, GNTST_general_error},
		{9, host, VA(1), 1, GNTST_general_error}, /* present */
		{9, host, 0, 1, GNTST_bad_virt_addr},
		{9, host, 1ull << 40, 1, GNTST_bad_virt_addr}, /* no table there */
		{9, host, HV_VIRT_START, 1, GNTST_bad_virt_addr},
		{9, host, 1ull << 50, 1, GNTST_bad_virt_addr},
		{9, pte, mfn_to_maddr(ms.l1).a + 4, 1, GNTST_bad_virt_addr},
		{9, pte, mfn_to_maddr(ms.l2).a + 8, 1, GNTST_bad_virt_addr},
		{9, pte, mfn_to_maddr(gs.l1).a + 160, 1, GNTST_bad_virt_addr}, /* another's table */
		{9, pte, mfn_to_maddr(space_page(ms, 1)).a, 1, GNTST_bad_virt_addr},
		{9, pte, ~7ull, 1, GNTST_bad_virt_addr},
		{9, pte, 0, 1, GNTST_bad_virt_addr},
	};
	/* The active page comes into being at the first try. */
	(void)map(8, VA(20), host);
	host_cpu_select(0);
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		struct gnttab_map_grant_ref op = {.host_addr = bad[i].at,
			.flags = bad[i].flags,
			.ref = bad[i].ref,
			.dom = bad[i].dom};
		digest = frame_audit_digest();
		grant_map(v, &op);
		AUDIT();
		ck_assert_msg(op.status == bad[i].status, "case %u: status %d", i, op.status);
		if (i > 8) /* every table involved has its pages from then on */
			ck_assert_msg(
				frame_audit_digest() == digest, "case %u changed something", i);
		ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access);
	}
	const uint32_t handles[] = {0, 1, 127, 128, 131072, ~0u};
	for (unsigned i = 0; i < ARRAY_COUNT(handles); i++)
		ck_assert_int_eq(unmap(VA(20), 0, handles[i]), GNTST_bad_handle);
}
END_TEST

START_TEST(hostile_entries)
{
	world();
	mfn_t page = space_page(gs, 1), own = space_page(ms, 1);
	const struct grant_entry_v1 bad[] = {
		{GTF_invalid, 2, (uint32_t)page.n},
		{GTF_accept_transfer, 2, (uint32_t)page.n},
		{GTF_transitive, 2, (uint32_t)page.n},
		{GTF_permit_access, 1, (uint32_t)page.n},
		{GTF_permit_access, DOMID_SELF, (uint32_t)page.n},
		{GTF_permit_access, 2, 0xffffffff},
		{GTF_permit_access, 2, 0},
		{GTF_permit_access, 2, (uint32_t)own.n},               /* the mapper's own */
		{GTF_permit_access, 2, (uint32_t)page_mfn(granter).n}, /* ours */
		{GTF_permit_access, 2, (uint32_t)gs.l4.n},
		{GTF_permit_access, 2, 399},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		*entry(granter, 9) = bad[i];
		struct gnttab_map_grant_ref op = map(9, VA(20), GNTMAP_host_map);
		ck_assert_msg(op.status == GNTST_general_error, "case %u: status %d", i, op.status);
		ck_assert_uint_eq(entry(granter, 9)->flags, bad[i].flags);
		ck_assert_uint_eq(entry_peek(ms.l1, 20), 0);
	}
	/* Changed while mapped: the record counts, the entry misleads only its owner. */
	grant(9, page, GTF_permit_access);
	struct gnttab_map_grant_ref op = map(9, VA(20), GNTMAP_host_map);
	*entry(granter, 9) =
		(struct grant_entry_v1){GTF_permit_access, 0, (uint32_t)space_page(gs, 2).n};
	ck_assert_int_eq(map(9, VA(21), GNTMAP_host_map).status, GNTST_okay);
	ck_assert_uint_eq(pte_mfn(entry_peek(ms.l1, 21)).n, page.n);
	struct gnttab_map_grant_ref other = {
		.host_addr = VA(20), .flags = GNTMAP_host_map, .ref = 9, .dom = 1};
	vcpu_run_on(dom0->vcpu[0], 1);
	host_cpu_select(1);
	space_make(dom0, 1);
	grant_map(dom0->vcpu[0], &other);
	ck_assert_int_eq(other.status, GNTST_general_error);
	AUDIT();
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
	ck_assert_int_eq(unmap(VA(21), 0, op.handle + 1), GNTST_okay);
	ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access);
}
END_TEST

/* What the mapper may do with the entry of a mapping, beside unmapping it. */
static void leaves_it(void)
{
}

static void clears_it(void)
{
	mapper_update(ms.l1, 20, 0);
}

static void replaces_it(void)
{
	mapper_update(ms.l1, 20, pte_make(space_page(ms, 1), PTE_PRESENT));
}

static void drops_its_table(void)
{
	l1_drop();
}

static void drops_and_clears(void)
{
	l1_drop();
	entry_poke(ms.l1, 20, 0);
	l1_link();
}

static void (*const forgets[])(void) = {
	clears_it, replaces_it, drops_its_table, drops_and_clears, leaves_it};

/* The entry goes with what it held; the handle stays, and with it the grant, until it is unmapped. */
START_TEST(entry_is_gone)
{
	for (unsigned i = 0; i < ARRAY_COUNT(forgets); i++) {
		world();
		mfn_t page = space_page(gs, 1);
		uint64_t before = refs(page), counts = frame_type_count_now(frame_of(page));
		grant(9, page, GTF_permit_access);
		struct gnttab_map_grant_ref op =
			map(9, VA(20), GNTMAP_host_map | GNTMAP_device_map);
		forgets[i]();
		uint64_t left = entry_peek(ms.l1, 20), entries = forgets[i] == leaves_it;
		ck_assert_uint_eq(refs(page), before + 2 + entries);
		ck_assert_uint_eq(frame_type_count_now(frame_of(page)), counts + 2 + entries);
		ck_assert_uint_eq(
			entry(granter, 9)->flags, GTF_permit_access | GTF_reading | GTF_writing);
		ck_assert_int_eq(unmap(VA(21), 0, op.handle), GNTST_bad_virt_addr);
		ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
		ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_bad_virt_addr);
		ck_assert_uint_eq(entry_peek(ms.l1, 20), entries ? 0 : left);
		ck_assert_int_eq(unmap(0, op.dev_bus_addr, op.handle), GNTST_okay);
		ck_assert_uint_eq(refs(page), before);
		ck_assert_uint_eq(frame_type_count_now(frame_of(page)), counts);
		ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access);
	}
}
END_TEST

/* Two handles of one entry, one after the other: the first may clear the second's, and the second finds nothing. */
START_TEST(entry_of_another_handle)
{
	world();
	mfn_t page = space_page(gs, 1);
	uint64_t before = refs(page), value;
	grant(9, page, GTF_permit_access);
	struct gnttab_map_grant_ref op = map(9, VA(20), GNTMAP_host_map);
	clears_it();
	struct gnttab_map_grant_ref again = map(9, VA(20), GNTMAP_host_map | GNTMAP_readonly);
	ck_assert_int_eq(again.status, GNTST_okay);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
	ck_assert_uint_ne(host_guest_load(0, VA(20), &value), 0);
	ck_assert_uint_eq(refs(page), before + 1);
	ck_assert_int_eq(unmap(VA(20), 0, again.handle), GNTST_okay);
	ck_assert_uint_eq(refs(page), before);
}
END_TEST

static bool stale_write_worked, flush_seen;
static mfn_t stale_page;

static void write_before_flush(cpumask_t mask)
{
	flush_seen |= mask & 1;
	stale_write_worked = host_guest_store(0, VA(20), 0xbad) == 0;
	/* The frame cannot have become anything else yet. */
	ck_assert_int_lt(frame_pin(&granter->mem, stale_page, FT_L1), 0);
}

/* Whoever took the entry away, and although nothing maps the frame by then but TLBs. */
START_TEST(frame_is_kept_until_the_flush)
{
	for (unsigned i = 0; i < ARRAY_COUNT(forgets); i++) {
		world();
		stale_page = space_page(gs, 1);
		flush_seen = stale_write_worked = false;
		grant(9, stale_page, GTF_permit_access);
		struct gnttab_map_grant_ref op = map(9, VA(20), GNTMAP_host_map);
		ck_assert_uint_eq(host_guest_store(0, VA(20), 1), 0);
		/* The granter unmaps it itself: only the grant keeps it writable now. */
		ck_assert_int_eq(table_entry_update(&granter->mem, &granter->mem,
					 maddr(mfn_to_maddr(gs.l1).a + 8), 0, false),
			0);
		forgets[i]();
		host_hook_flush = write_before_flush;
		ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
		host_hook_flush = NULL;
		ck_assert(flush_seen && stale_write_worked);
		ck_assert_uint_ne(host_guest_store(0, VA(20), 2), 0);
		((uint64_t *)host_frame(stale_page))[0] = 0;
		int rc;
		while ((rc = frame_pin(&granter->mem, stale_page, FT_L1)) == -ERESTART)
			machine_settle();
		ck_assert_int_eq(rc, 0);
		AUDIT();
	}
}
END_TEST

/* The same handle twice in a batch, by halves; and twice the same half. */
START_TEST(batch_with_a_handle_twice)
{
	world();
	mfn_t page = space_page(gs, 1);
	uint64_t before = refs(page);
	grant(9, page, GTF_permit_access);
	struct gnttab_map_grant_ref op = map(9, VA(20), GNTMAP_host_map | GNTMAP_device_map);
	struct grant_unmap_batch b = {.n = 0};
	struct gnttab_unmap_grant_ref u[] = {
		{.host_addr = VA(20), .handle = op.handle},
		{.host_addr = VA(20), .handle = op.handle},
		{.dev_bus_addr = op.dev_bus_addr, .handle = op.handle},
		{.dev_bus_addr = op.dev_bus_addr, .handle = op.handle},
	};
	const int want[] = {GNTST_okay, GNTST_bad_virt_addr, GNTST_okay, GNTST_bad_handle};
	for (unsigned i = 0; i < 4; i++) {
		grant_unmap(mapper, &u[i], &b);
		AUDIT();
		ck_assert_int_eq(u[i].status, want[i]);
	}
	ck_assert_uint_eq(b.n, 2);
	ck_assert_uint_eq(refs(page), before + 2);
	grant_unmap_finish(mapper, &b);
	AUDIT();
	ck_assert_uint_eq(refs(page), before);
}
END_TEST

START_TEST(many_handles_are_reused)
{
	world();
	uint32_t handle[100];
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 100; i++) {
			grant(100 + i, space_page(gs, 1 + i % 8), GTF_permit_access);
			struct gnttab_map_grant_ref op = map(100 + i, VA(100 + i), GNTMAP_host_map);
			REQUIRE(op.status == GNTST_okay && op.handle < 100);
			handle[i] = op.handle;
		}
		uint64_t flushes = host_flushes;
		struct grant_unmap_batch b = {.n = 0};
		for (unsigned i = 0; i < 100; i++) {
			struct gnttab_unmap_grant_ref op = {
				.host_addr = VA(100 + i), .handle = handle[i]};
			grant_unmap(mapper, &op, &b);
			REQUIRE(op.status == GNTST_okay);
			if (b.n == GRANT_BATCH)
				grant_unmap_finish(mapper, &b);
		}
		grant_unmap_finish(mapper, &b);
		ck_assert_uint_le(host_flushes - flushes, 2);
		AUDIT();
	}
}
END_TEST

START_TEST(maptrack_limit)
{
	machine_boot(1, 1024);
	struct domain_config c = {.max_vcpus = 1, .max_maptrack_frames = 1, .max_grant_frames = 1};
	ck_assert_int_eq(domain_create(3, &c, &mapper), 0);
	ck_assert_int_eq(vcpu_create(mapper, 0, &v), 0);
	granter = mapper;
	gs = ms = space_make(mapper, 2);
	grant(9, space_page(gs, 1), GTF_permit_access);
	for (unsigned i = 0; i < 128; i++)
		REQUIRE(map(9, VA(100 + i), GNTMAP_host_map).status == GNTST_okay);
	ck_assert_int_eq(map(9, VA(300), GNTMAP_host_map).status, GNTST_no_device_space);
	ck_assert_int_eq(unmap(VA(105), 0, 5), GNTST_okay);
	ck_assert_int_eq(map(9, VA(300), GNTMAP_host_map).status, GNTST_okay);
	ck_assert_int_eq(grant_setup_table(mapper, 2), GNTST_general_error);
	c.max_grant_frames = 5000;
	struct domain *d;
	ck_assert_int_eq(domain_create(4, &c, &d), -EINVAL);
	AUDIT();
}
END_TEST

/* Pins of one grant are counted in a byte; a refusal changes nothing. */
START_TEST(pins_saturate_and_refuse)
{
	world();
	grant(9, space_page(gs, 1), GTF_permit_access);
	for (unsigned i = 0; i < 127; i++)
		REQUIRE(map(9, VA(100 + i), GNTMAP_host_map | GNTMAP_device_map).status ==
			GNTST_okay);
	ck_assert_int_eq(
		map(9, VA(300), GNTMAP_host_map | GNTMAP_device_map).status, GNTST_no_space);
	ck_assert_int_eq(map(9, VA(300), GNTMAP_host_map).status, GNTST_okay);
	ck_assert_int_eq(map(9, VA(301), GNTMAP_host_map).status, GNTST_no_space);
	ck_assert_uint_eq(entry_peek(ms.l1, 301), 0);
	ck_assert_int_eq(map(9, VA(301), GNTMAP_host_map | GNTMAP_readonly).status, GNTST_okay);
	domain_end(mapper);
	AUDIT();
	ck_assert_uint_eq(entry(granter, 9)->flags, GTF_permit_access);
}
END_TEST

START_TEST(table_grows_to_its_limit)
{
	world();
	uint32_t frames, max;
	grant_query_size(granter, &frames, &max);
	ck_assert_uint_eq(frames, 1);
	ck_assert_uint_eq(max, 64);
	ck_assert_int_eq(grant_setup_table(granter, 5), GNTST_okay);
	ck_assert_int_eq(grant_setup_table(granter, 2), GNTST_okay);
	grant_query_size(granter, &frames, &max);
	ck_assert_uint_eq(frames, 5);
	ck_assert_uint_eq(grant_frame(granter, 5).n, MFN_INVALID.n);
	ck_assert_int_eq(grant_setup_table(granter, 65), GNTST_general_error);
	grant(4 * 512 + 511, space_page(gs, 1), GTF_permit_access);
	struct gnttab_map_grant_ref op = map(4 * 512 + 511, VA(20), GNTMAP_host_map);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_int_eq(map(5 * 512, VA(21), GNTMAP_host_map).status, GNTST_bad_gntref);
	AUDIT();
}
END_TEST

START_TEST(loopback)
{
	world();
	*entry(mapper, 9) = (struct grant_entry_v1){
		GTF_permit_access, mapper->id, (uint32_t)space_page(ms, 3).n};
	struct gnttab_map_grant_ref op = {
		.host_addr = VA(20), .flags = GNTMAP_host_map, .ref = 9, .dom = DOMID_SELF};
	host_cpu_select(0);
	grant_map(v, &op);
	ck_assert_int_eq(op.status, GNTST_okay);
	AUDIT();
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
	grant_map(v, &op);
	AUDIT();
	domain_end(mapper);
	ck_assert_ptr_null(domain_find(2));
	AUDIT();
}
END_TEST

/* --- death --- */

START_TEST(mapper_dies_with_everything_mapped)
{
	world();
	uint64_t before[9];
	for (unsigned i = 1; i <= 8; i++)
		before[i] = refs(space_page(gs, i));
	for (unsigned i = 0; i < 200; i++) {
		grant(50 + i, space_page(gs, 1 + i % 8), GTF_permit_access);
		REQUIRE(map(50 + i, VA(100 + i),
				GNTMAP_host_map | (i % 3 ? 0 : GNTMAP_device_map) |
					(i % 5 ? 0 : GNTMAP_readonly))
				.status == GNTST_okay);
	}
	domain_end(mapper);
	ck_assert_ptr_null(domain_find(2));
	AUDIT();
	for (unsigned i = 0; i < 200; i++)
		REQUIRE(entry(granter, 50 + i)->flags == GTF_permit_access);
	for (unsigned i = 1; i <= 8; i++)
		ck_assert_uint_eq(refs(space_page(gs, i)), before[i]);
}
END_TEST

/* I12: a mapping keeps the granter's frame, and a zombie, until it is unmapped. */
START_TEST(granter_dies_first)
{
	world();
	mfn_t page = space_page(gs, 1);
	uint64_t value;
	grant(9, page, GTF_permit_access);
	struct gnttab_map_grant_ref op = map(9, VA(20), GNTMAP_host_map);
	((uint64_t *)host_frame(page))[0] = 77;
	domain_end(granter);
	AUDIT();
	struct domain *zombie = domain_find(1);
	ck_assert_ptr_nonnull(zombie);
	domain_put(zombie);
	ck_assert_int_eq(map(9, VA(21), GNTMAP_host_map).status, GNTST_bad_domain);
	ck_assert_int_eq(copy(copy_op(9, 0, space_page(ms, 1).n, 0, 8, GNTCOPY_source_gref)),
		GNTST_bad_domain);
	vcpu_run_on(v, 0);
	ck_assert_uint_eq(host_guest_load(0, VA(20), &value), 0);
	ck_assert_uint_eq(value, 77);
	ck_assert_int_eq(unmap(VA(20), 0, op.handle), GNTST_okay);
	machine_settle();
	AUDIT();
	ck_assert_ptr_null(domain_find(1));
	ck_assert_uint_eq(frame_owner(frame_of(page)), 0xfffe);
}
END_TEST

CHECK_MAIN("grant", NULL, NULL, map_write_read_unmap, readonly_map, map_by_entry_and_device,
	   hostile_arguments, hostile_entries, entry_is_gone, entry_of_another_handle,
	   frame_is_kept_until_the_flush, batch_with_a_handle_twice, many_handles_are_reused,
	   maptrack_limit, pins_saturate_and_refuse, table_grows_to_its_limit, loopback,
	   mapper_dies_with_everything_mapped, granter_dies_first)
