/* The type machine: what may become a table, preempted validation and teardown, the flush rule (I2-I6, T1-T6). */
#include "hv/base/string.h"
#include "tests/unit/mem/world.h"

static struct owner *a = &domain[ALICE], *b = &domain[BOB];

static void setup(void) { world_start(2, 192); }

START_TEST(pin_and_unpin)
{
	struct tree t = tree_build(a);
	uint64_t before = frame_audit_digest();
	OK(frame_pin(a, t.l4, FT_L4));
	ck_assert_int_eq(frame_type_now(frame_of(t.l4)), FT_L4);
	ck_assert_int_eq(frame_type_now(frame_of(t.l1)), FT_L1);
	ck_assert_int_eq(frame_type_now(frame_of(t.data[2])), FT_WRITABLE);
	ck_assert_uint_eq(frame_refs_now(frame_of(t.l1)), 3);	/* allocated, L2 entry, own mapping */
	ck_assert_uint_eq(peek(t.l4, 256 + 5), 0x5063);		/* our slots */
	FAILS(frame_pin(a, t.l4, FT_L4), EINVAL);		/* pinned already */
	FAILS(frame_pin(a, t.l4, FT_L3), EBUSY);
	OK(frame_pin(a, t.l1, FT_L1));				/* also under a pinned L4 */
	OK(frame_unpin(a, t.l1));
	FAILS(frame_unpin(a, t.l1), EINVAL);
	FAILS(frame_unpin(b, t.l4), EINVAL);
	OK(frame_unpin(a, t.l4));
	FAILS(frame_unpin(a, t.l4), EINVAL);
	OK(owner_run_pending(a));
	ck_assert_uint_eq(frame_audit_digest(), before);
}
END_TEST

/* The hypervisor's slots are there also when the last entry's child finishes the table. */
START_TEST(last_slot_of_an_l4)
{
	struct tree t = tree_build(a);
	poke(t.l4, 0, 0);
	poke(t.l4, 511, entry(t.l3, RW));
	poke(t.l3, 0, 0);
	poke(t.l3, 511, entry(t.l2, RW));
	poke(t.l2, 511, entry(t.l1, RW));
	OK(frame_pin(a, t.l4, FT_L4));
	ck_assert_uint_eq(peek(t.l4, 257), 0x1063);
	OK(frame_unpin(a, t.l4));
	OK(owner_run_pending(a));
}
END_TEST

START_TEST(every_bad_entry_is_refused_and_undone)
{
	struct { int level; unsigned index; uint64_t value; } bad[] = {
		{ 1, 100, 0 },						/* (own L4 writable: set below) */
		{ 1, 100, entry(mfn(100000), RW) },			/* device memory */
		{ 1, 100, entry(mfn(0), RO) },				/* ours */
		{ 1, 100, entry(mfn(1ull << 29), RW) },			/* beyond the address width */
		{ 1, 100, 5ull << 12 },					/* not present, names RAM */
		{ 2, 100, 5ull << 12 },
		{ 2, 100, PTE_PSE | RW },
		{ 2, 100, entry(mfn(100000), RW) },
		{ 3, 1, PTE_PSE | RW },
		{ 4, 1, PTE_PSE | RW },
		{ 4, 511, entry(mfn(100000), RW) },
	};
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		struct tree t = tree_build(a);
		mfn_t at[] = { t.l1, t.l2, t.l3, t.l4 };
		mfn_t target = at[bad[i].level - 1];
		uint64_t before = frame_audit_digest();
		poke(target, bad[i].index, i == 0 ? entry(t.l4, RW) : bad[i].value);
		ck_assert_int_ne(CHECKED(frame_pin(a, t.l4, FT_L4)), 0);
		ck_assert_uint_eq(frame_audit_digest(), before);
		poke(target, bad[i].index, 0);
		OK(frame_pin(a, t.l4, FT_L4));
		OK(frame_unpin(a, t.l4));
		OK(owner_run_pending(a));
		mfn_t all[] = { t.l4, t.l3, t.l2, t.l1, t.data[0], t.data[1], t.data[2], t.data[3] };
		for (unsigned k = 0; k < ARRAY_COUNT(all); k++)
			OK(frame_release(a, all[k]));
	}
}
END_TEST

START_TEST(no_linear_tables_no_foreign_tables)
{
	struct tree t = tree_build(a), u = tree_build(b);
	poke(t.l4, 3, entry(t.l4, RO));
	FAILS(frame_pin(a, t.l4, FT_L4), EINVAL);
	poke(t.l4, 3, 0);
	poke(t.l3, 9, entry(t.l3, RO));
	FAILS(frame_pin(a, t.l4, FT_L4), EINVAL);
	poke(t.l3, 9, entry(u.l2, RW));
	FAILS(frame_pin(a, t.l4, FT_L4), EINVAL);
	poke(t.l3, 9, 0);
	poke(t.l1, 9, entry(u.data[0], RO));		/* another guest's data */
	FAILS(frame_pin(a, t.l4, FT_L4), EINVAL);
	FAILS(frame_pin(a, u.l4, FT_L4), EPERM);
	/* Skipping a level. */
	poke(t.l1, 9, 0);
	poke(t.l4, 7, entry(t.l1, RW));
	FAILS(frame_pin(a, t.l4, FT_L4), EINVAL);
}
END_TEST

START_TEST(writable_and_table_exclude_each_other)
{
	struct tree t = tree_build(a);
	struct frame *f;
	OK(frame_pin(a, t.l4, FT_L4));
	FAILS(frame_pin(a, t.data[0], FT_L1), EBUSY);
	ck_assert_int_eq(frame_get_with_type(a, t.l2, FT_WRITABLE, &f), -EBUSY);
	ck_assert_int_eq(frame_get_with_type(a, t.l2, FT_SEGDESC, &f), -EBUSY);
	ck_assert_int_eq(frame_get_with_type(a, t.data[1], FT_SEGDESC, &f), -EBUSY);
	FAILS(table_entry_update(a, a, slot(t.l1, 9), entry(t.l1, RW), false), EBUSY);
	FAILS(table_entry_update(a, a, slot(t.l1, 9), entry(t.l4, RW), false), EBUSY);
	OK(table_entry_update(a, a, slot(t.l1, 9), entry(t.l4, RO), false));
	world_check();
}
END_TEST

START_TEST(released_frames_do_not_become_tables)
{
	mfn_t m = take(a);
	struct tree t = tree_build(a);
	poke(t.l1, 20, entry(m, RO));
	OK(frame_pin(a, t.l4, FT_L4));
	OK(frame_release(a, m));	/* still mapped */
	FAILS(frame_pin(a, m, FT_L1), EBUSY);
	FAILS(frame_release(a, t.l2), EBUSY);
	OK(table_entry_update(a, a, slot(t.l1, 20), 0, false));
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 0);
}
END_TEST

/* Preempted after every entry, validation and teardown still arrive, through every state in between. */
START_TEST(preempted_everywhere)
{
	struct tree t = tree_build(a);
	for (unsigned slice = 1; slice < 1200; slice += slice < 8 ? 1 : 211) {
		table_slice = slice;
		preempt_every(1);
		uint64_t before = frame_audit_digest();
		ck_assert_int_eq(UNTIL_DONE(frame_pin(a, t.l4, FT_L4)), 0);
		OK(frame_unpin(a, t.l4));
		ck_assert_int_eq(UNTIL_DONE(owner_run_pending(a)), 0);
		ck_assert_uint_eq(frame_audit_digest(), before);
		poke(t.l1, 511, 5ull << 12);		/* fails at the very end */
		ck_assert_int_eq(UNTIL_DONE(frame_pin(a, t.l4, FT_L4)), -EINVAL);
		ck_assert_int_eq(UNTIL_DONE(owner_run_pending(a)), 0);
		ck_assert_uint_eq(frame_audit_digest(), before);
		poke(t.l1, 511, 0);
	}
	ck_assert_uint_gt(preemptions, 0);
}
END_TEST

/* While a table is half-way nobody else may use it, and it can be given up at any point. */
START_TEST(partial_tables_belong_to_one)
{
	uint64_t free_before = frame_free_count();
	struct tree t = tree_build(a), u = tree_build(a);
	poke(u.l3, 1, entry(t.l2, RW));
	for (unsigned stop = 1; stop < 40; stop++) {
		table_slice = 61;
		preempt_every(1);
		for (unsigned i = 0; i < stop; i++) {
			int rc = CHECKED(frame_pin(a, t.l4, FT_L4));
			work_run();
			if (rc == 0) {
				OK(frame_unpin(a, t.l4));
				ck_assert_int_eq(UNTIL_DONE(owner_run_pending(a)), 0);
				continue;
			}
			ck_assert_int_eq(rc, -ERESTART);
			FAILS(frame_unpin(a, t.l4), EINVAL);
			FAILS(frame_pin(a, t.l4, FT_L3), EBUSY);
			ck_assert_int_ne(CHECKED(frame_release(a, t.l4)), 0);
			rc = CHECKED(frame_pin(a, t.l2, FT_L2));
			work_run();
			if (rc == 0)
				OK(frame_unpin(a, t.l2));
			rc = UNTIL_DONE(frame_pin(a, u.l4, FT_L4));
			ck_assert(rc == 0 || rc == -EINVAL);
			if (rc == 0)
				OK(frame_unpin(a, u.l4));
			ck_assert_int_eq(UNTIL_DONE(owner_run_pending(a)), 0);
		}
	}
	/* Death in the middle. */
	a->is_dying = true;
	ck_assert_int_eq(UNTIL_DONE(owner_relinquish(a)), 0);
	world_check();
	ck_assert_uint_eq(frame_free_count(), free_before);
}
END_TEST

START_TEST(shared_children_are_counted)
{
	struct tree t = tree_build(a);
	for (unsigned i = 1; i < 300; i++)
		poke(t.l2, i, entry(t.l1, RW));		/* one L1 from hundreds of slots */
	for (unsigned i = 1; i < 5; i++)
		poke(t.l3, i, entry(t.l2, RW));
	OK(frame_pin(a, t.l4, FT_L4));
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.l1)), 300);
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.l2)), 5);
	OK(table_entry_update(a, a, slot(t.l2, 17), 0, false));
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.l1)), 299);
	OK(frame_unpin(a, t.l4));
	OK(owner_run_pending(a));
	ck_assert_uint_eq(frame_type_count_now(frame_of(t.l1)), 0);
}
END_TEST

START_TEST(count_limits_fail_cleanly)
{
	struct tree t = tree_build(a);
	for (unsigned i = 1; i < 30; i++)
		poke(t.l2, i, entry(t.l1, RW));
	for (uint64_t limit = 2; limit < 40; limit++) {
		frame_count_limit = limit;
		uint64_t before = frame_audit_digest();
		int rc = CHECKED(frame_pin(a, t.l4, FT_L4));
		if (rc == 0)
			OK(frame_unpin(a, t.l4));
		OK(owner_run_pending(a));
		ck_assert_uint_eq(frame_audit_digest(), before);
	}
}
END_TEST

/* A CPU holds a writable translation of a frame that becomes a table: flushed before the check. */
static struct tree race;
static unsigned stores;
static void store_while_flushing(cpumask_t mask)
{
	(void)mask;
	stores++;
	/* CPU 1 writes through its stale translation at the last moment. */
	ck_assert_uint_eq(host_guest_store(1, 0x2000, entry(mfn(9), RW)), 0);
}

START_TEST(stale_writable_translation)
{
	race = tree_build(a);
	OK(frame_pin(a, race.l4, FT_L4));
	cpu_run(1, a, race.l4);
	ck_assert_uint_eq(host_guest_store(1, 0x2000, 0), 0);
	OK(table_entry_update(a, a, slot(race.l1, 2), entry(race.data[2], RO), false));
	ck_assert_uint_eq(host_guest_store(1, 0x2000, 0), 0);	/* the guest did not flush */
	stores = 0;
	host_hook_flush = store_while_flushing;
	/* What the store wrote (frame 9, somebody else's) is seen by the check. */
	FAILS(frame_pin(a, race.data[2], FT_L1), EINVAL);
	ck_assert_uint_eq(stores, 1);
	ck_assert_uint_ne(host_guest_store(1, 0x2000, 0), 0);
	host_hook_flush = NULL;
	poke(race.data[2], 0, 0);
	OK(frame_pin(a, race.data[2], FT_L1));
	world_check();
}
END_TEST

/* The other way: a CPU still walks a former table that the guest may now write. */
START_TEST(stale_table_pointer)
{
	struct tree t = tree_build(a);
	uint64_t v;
	poke(t.l2, 1, entry(t.data[3], RW));	/* a second L1, empty */
	poke(t.l1, 3, 0);
	OK(frame_pin(a, t.l4, FT_L4));
	cpu_run(0, a, t.l4);
	cpu_run(1, a, t.l4);
	ck_assert_uint_ne(host_guest_load(1, 0x200000, &v), 0);	/* caches the pointer to data[3] */
	OK(table_entry_update(a, a, slot(t.l2, 1), 0, false));
	OK(owner_run_pending(a));
	OK(table_entry_update(a, a, slot(t.l1, 3), entry(t.data[3], RW), false));
	ck_assert_uint_eq(host_guest_store(0, 0x3000, entry(mfn(0), RW)), 0);	/* our frame */
	ck_assert_uint_ne(host_guest_load(1, 0x200000, &v), 0);
	world_check();
}
END_TEST

START_TEST(flushes_are_skipped_when_they_happened)
{
	struct tree t = tree_build(a);
	OK(frame_pin(a, t.l4, FT_L4));
	cpu_run(1, a, t.l4);
	ck_assert_uint_eq(host_guest_store(1, 0x2000, 0), 0);
	OK(table_entry_update(a, a, slot(t.l1, 2), entry(t.data[2], RO), false));
	cpu_tlb_flush(3);
	uint64_t before = host_flushes;
	OK(frame_pin(a, t.data[2], FT_L1));
	ck_assert_uint_eq(host_flushes, before);
	world_check();
}
END_TEST

/* A frame that the control domain had mapped: its CPUs count too, though they never ran the owner. */
START_TEST(foreign_translation)
{
	struct owner *c = &domain[CTRL];
	struct tree t = tree_build(a), u = tree_build(c);
	OK(frame_pin(c, u.l4, FT_L4));
	OK(table_entry_update(c, a, slot(u.l1, 50), entry(t.data[0], RW), false));
	cpu_run(1, c, u.l4);
	ck_assert_uint_eq(host_guest_store(1, 50 << 12, 7), 0);
	FAILS(frame_pin(a, t.data[0], FT_L1), EBUSY);
	OK(table_entry_update(c, c, slot(u.l1, 50), 0, false));
	poke(t.data[0], 0, 0);
	OK(frame_pin(a, t.data[0], FT_L1));
	ck_assert_uint_ne(host_guest_store(1, 50 << 12, 7), 0);
}
END_TEST

START_TEST(segment_descriptors)
{
	mfn_t m = take(a);
	struct frame *f;
	poke(m, 1, 0x00af9b000000ffffull);		/* code, DPL 0 */
	poke(m, 2, 0x00cf92000000ffffull);		/* data, not accessed */
	poke(m, 3, 0x00008c0000000000ull);		/* call gate, present */
	ck_assert_int_eq(frame_get_with_type(a, m, FT_SEGDESC, &f), -EINVAL);
	world_check();
	poke(m, 3, 0x00000c0000000000ull);		/* not present */
	ck_assert_int_eq(frame_get_with_type(a, m, FT_SEGDESC, &f), 0);
	ck_assert_uint_eq(peek(m, 1), 0x00affb000000ffffull);
	ck_assert_uint_eq(peek(m, 2), 0x00cff3000000ffffull);
	ck_assert_uint_eq(peek(m, 3), 0x00000c0000000000ull);
	struct frame *g;
	ck_assert_int_eq(frame_get_with_type(a, m, FT_WRITABLE, &g), -EBUSY);
	frame_put_with_type(f);
	world_check();
}
END_TEST

START_TEST(nested_failure_inside_flush_hooks)
{
	/* Two CPUs pin trees that share an L2, interleaved at each preemption point. */
	struct tree t = tree_build(a), u = tree_build(a);
	poke(u.l3, 0, entry(t.l2, RW));
	table_slice = 37;
	preempt_every(1);
	int rt = -ERESTART, ru = -ERESTART;
	while (rt == -ERESTART || ru == -ERESTART) {
		host_cpu_select(0);
		if (rt == -ERESTART)
			rt = CHECKED(frame_pin(a, t.l4, FT_L4));
		work_run();
		host_cpu_select(1);
		if (ru == -ERESTART)
			ru = CHECKED(frame_pin(a, u.l4, FT_L4));
		work_run();
	}
	host_cpu_select(0);
	ck_assert_int_eq(rt, 0);
	ck_assert(ru == 0 || ru == -EINVAL);
}
END_TEST

CHECK_MAIN("type", setup, NULL, pin_and_unpin, last_slot_of_an_l4,
	   every_bad_entry_is_refused_and_undone, no_linear_tables_no_foreign_tables,
	   writable_and_table_exclude_each_other, released_frames_do_not_become_tables,
	   preempted_everywhere, partial_tables_belong_to_one, shared_children_are_counted,
	   count_limits_fail_cleanly, stale_writable_translation, stale_table_pointer,
	   flushes_are_skipped_when_they_happened, foreign_translation, segment_descriptors,
	   nested_failure_inside_flush_hooks)
