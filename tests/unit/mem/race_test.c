/* Two CPUs on one frame or table: what each compare-exchange and second look of hv/mem is there for. Counts change
 * without a lock, entries get accessed and dirty bits at any time, a frame changes hands between two looks. */
#include "tests/unit/mem/world.h"
#include "tests/unit/race.h"

static struct owner *alice = &domain[ALICE], *bob = &domain[BOB];
static struct tree t;
static mfn_t m;
static struct frame *f, *g;
static int rc, other_rc;
static uint64_t new_entry, expected;
static mfn_t spare;

static void setup(void)
{
	world_start(2, 256);
	t = tree_build(alice);
	m = take(alice);
	f = frame_of(m);
	rc = other_rc = 1;
}

/* What CPU 0 does. */
static void gets(void) { rc = frame_get(alice, m, &g); }
static void puts_one(void) { frame_put(f); }
static void types_writable(void) { rc = frame_type_get(f, FT_WRITABLE); }
static void stores_at_100(void) { rc = table_entry_update(alice, alice, slot(t.l1, 100), new_entry, false); }
static void releases(void) { rc = frame_release(alice, m); }
static void allocates_two(void) { rc = frame_alloc(alice, 1, 0, pfn(M2P_INVALID), &(mfn_t){ 0 }); }
static void validates(void) { rc = frame_type_get(frame_of(t.l1), FT_L1); }
static void validates_the_l2(void) { rc = frame_type_get(frame_of(t.l2), FT_L2); }
static void stores_preserving(void) { rc = table_entry_update(alice, alice, slot(t.l1, 0), entry(m, RW), true); }
static void emulates(void) { rc = table_entry_cas(alice, slot(t.l1, 0), &expected, new_entry); }
static void stores_in_the_l2(void) { rc = table_entry_update(alice, alice, slot(t.l2, 1), entry(spare, RW), false); }
static void stores_in_the_spare(void) { rc = table_entry_update(alice, alice, slot(spare, 0), entry(m, RW), false); }
static void lets_the_l2_go(void)
{
	frame_type_put(frame_of(t.l2));
	while (owner_run_pending(alice))
		;
}

/* --- counts --- */

static void other_takes_reference(void)
{
	other_rc = frame_get(alice, m, &(struct frame *){ NULL });
}

START_TEST(references)
{
	RACE(other_rc = 1, gets, other_takes_reference, {
		ck_assert_int_eq(rc, 0);
		ck_assert_uint_eq(frame_refs_now(f), other_rc == 0 ? 3 : 2);
		if (other_rc == 0)
			frame_put(f);
		frame_put(g);
		world_check();
	});
	/* The same while a reference is dropped that is not the last. */
	RACE(({ other_rc = 1; ck_assert_int_eq(frame_get(alice, m, &g), 0); }), puts_one, other_takes_reference, {
		ck_assert_uint_eq(frame_refs_now(f), other_rc == 0 ? 2 : 1);
		if (other_rc == 0)
			frame_put(f);
		world_check();
	});
}
END_TEST

static void other_maps_writable(void)
{
	other_rc = frame_get_with_type(alice, m, FT_WRITABLE, &(struct frame *){ NULL });
}

START_TEST(first_writable_count)
{
	RACE(other_rc = 1, types_writable, other_maps_writable, {
		ck_assert_int_eq(rc, 0);
		ck_assert_uint_eq(frame_type_count_now(f), other_rc == 0 ? 2 : 1);
		frame_type_put(f);
		if (other_rc == 0)
			frame_put_with_type(f);
		world_check();
	});
}
END_TEST

START_TEST(writable_entries)
{
	cpu_run(0, alice, t.l4);
	OK(table_entry_update(alice, alice, slot(t.l1, 99), entry(m, RW), false));
	/* One more entry, and one less, while another CPU takes a count. */
	for (unsigned i = 0; i < 2; i++)
		RACE(new_entry = i ? 0 : entry(m, RW), stores_at_100, other_maps_writable, {
			ck_assert_int_eq(rc, 0);
			frame_put_with_type(f);
			world_check();
			OK(table_entry_update(alice, alice, slot(t.l1, 100), i ? entry(m, RW) : 0, false));
		});
}
END_TEST

/* --- a frame changes hands --- */

static mfn_t taken;

static void other_gives_it_away(void)
{
	if (frame_release(alice, m) == 0)
		taken = take(bob);
}

START_TEST(owner_changes_between_two_looks)
{
	bool changed = false;
	RACE(({ m = take(alice); taken = mfn(0); }), gets, other_gives_it_away, {
		if (rc == 0) {
			frame_put(g);
		} else {
			ck_assert_int_eq(rc, -EPERM);
			changed |= mfn_eq(m, taken);
		}
		world_check();
	});
	ck_assert(changed);
}
END_TEST

static void other_looks_for_it(void)
{
	struct frame *h;
	other_rc = frame_get(alice, m, &h);
	if (other_rc == 0)
		frame_put(h);
}

START_TEST(frame_on_its_way_to_the_pool)
{
	bool refused = false;
	RACE(m = take(alice), releases, other_looks_for_it, {
		ck_assert_int_eq(rc, 0);
		ck_assert(other_rc == 0 || other_rc == -EPERM);
		refused |= other_rc == -EPERM;
		world_check();
	});
	ck_assert(refused);
}
END_TEST

static void alice_begins_to_die(void)
{
	alice->is_dying = true;
}

START_TEST(death_during_an_allocation)
{
	bool refused = false;
	RACE(alice->is_dying = false, allocates_two, alice_begins_to_die, {
		ck_assert(rc == 0 || rc == -ENOMEM);
		refused |= rc != 0;
		world_check();
	});
	ck_assert(refused);
}
END_TEST

static void relinquishes(void) { rc = owner_relinquish(alice); }
static void other_unpins(void) { other_rc = frame_unpin(alice, t.l4); }

/* A handler on another CPU had looked the domain up before its death began. */
START_TEST(unpinned_while_dying)
{
	unsigned quicker = 0;
	RACE(({
		alice->is_dying = false;
		t = tree_build(alice);
		ck_assert_int_eq(frame_pin(alice, t.l4, FT_L4), 0);
		alice->is_dying = true;
	}), relinquishes, other_unpins, {
		quicker += other_rc == 0;
		while (rc == -ERESTART)
			rc = owner_relinquish(alice);
		ck_assert_int_eq(rc, 0);
		world_check();
		ck_assert(owner_is_empty(alice));
	});
	ck_assert_uint_gt(quicker, 0);
}
END_TEST

/* --- tables --- */

static void other_touches_as_writable(void)
{
	struct frame *h;
	if (frame_get_with_type(alice, t.l1, FT_WRITABLE, &h) == 0)
		frame_put_with_type(h);
}

static void other_keeps_it_writable(void)
{
	other_rc = frame_get_with_type(alice, t.l1, FT_WRITABLE, &(struct frame *){ NULL });
}

/* Writable for a moment, or for good, just when it is to become a table. */
START_TEST(table_or_writable)
{
	struct frame *l1 = frame_of(t.l1);
	poke(t.l1, 7, 0);
	RACE((void)0, validates, other_touches_as_writable, {
		ck_assert_int_eq(rc, 0);
		frame_type_put(l1);
		OK(owner_run_pending(alice));
	});
	bool won = false;
	RACE((void)0, validates, other_keeps_it_writable, {
		ck_assert(rc == 0 || rc == -EBUSY);
		ck_assert(!(rc == 0 && other_rc == 0));
		won |= other_rc == 0;
		if (other_rc == 0)
			frame_put_with_type(l1);
		if (rc == 0)
			frame_type_put(l1);
		OK(owner_run_pending(alice));
	});
	ck_assert(won);
}
END_TEST

static void other_validates_too(void)
{
	other_rc = frame_get_with_type(alice, t.l1, FT_L1, &(struct frame *){ NULL });
}

START_TEST(table_validated_twice)
{
	struct frame *l1 = frame_of(t.l1);
	for (unsigned limit = 0; limit < 2; limit++) {
		unsigned both = 0;
		RACE(frame_count_limit = limit ? 8 : 1000, validates, other_validates_too, {
			ck_assert(rc == 0 || (limit && rc == -EOVERFLOW));
			both += rc == 0 && other_rc == 0;
			if (rc == 0)
				frame_type_put(l1);
			if (other_rc == 0)
				frame_put_with_type(l1);
			OK(owner_run_pending(alice));
		});
		ck_assert_uint_gt(both, 0);
	}
}
END_TEST

/* At the limit of counts the second CPU finds a usable table and may not have it. */
static void other_validates_to_the_limit(void)
{
	other_rc = frame_get_with_type(alice, t.l1, FT_L1, &(struct frame *){ NULL });
	frame_count_limit = 1;
}

START_TEST(table_at_the_limit)
{
	struct frame *l1 = frame_of(t.l1);
	bool refused = false;
	RACE(frame_count_limit = 1000, validates, other_validates_to_the_limit, {
		ck_assert(rc == 0 || rc == -EOVERFLOW || rc == -EINVAL);
		refused |= rc == -EOVERFLOW;
		frame_count_limit = 1000;
		if (rc == 0)
			frame_type_put(l1);
		if (other_rc == 0)
			frame_put_with_type(l1);
		OK(owner_run_pending(alice));
	});
	ck_assert(refused);
}
END_TEST

static mfn_t shared_table;

static void other_uses_the_table(void)
{
	struct frame *h = frame_of(shared_table);
	if (!(h->type >> 54 & 1))
		other_rc = frame_get_with_type(alice, shared_table, (enum frame_type)(h->type >> 48 & 7),
					       &(struct frame *){ NULL });
}

/* The last count of a table goes, or so it seems: as a child, and as a top. */
START_TEST(last_count_of_a_table)
{
	struct frame *l2 = frame_of(t.l2);
	const mfn_t tables[] = { t.l1, t.l2 };
	for (unsigned i = 0; i < 2; i++) {
		shared_table = tables[i];
		RACE(({ other_rc = 1; ck_assert_int_eq(frame_type_get(l2, FT_L2), 0); }), lets_the_l2_go,
		     other_uses_the_table, {
			if (other_rc == 0)
				frame_put_with_type(frame_of(shared_table));
			OK(owner_run_pending(alice));
			ck_assert(frame_type_now(l2) == FT_NONE);
		});
	}
}
END_TEST

/* --- bits that CPUs set --- */

static mfn_t touched;
static unsigned touched_at;

static void cpu_sets_accessed(void)
{
	uint64_t *p = (uint64_t *)host_frame(touched) + touched_at;
	if (*p & PTE_PRESENT)
		*p |= PTE_ACCESSED;
}

/* An entry that must be corrected (it lacks USER) while a CPU marks it. */
START_TEST(accessed_during_validation)
{
	const mfn_t tables[] = { t.l1, t.l2 };
	for (unsigned i = 0; i < 2; i++) {
		touched = tables[i];
		touched_at = 0;
		RACE(({
			((uint64_t *)host_frame(t.l1))[0] = entry(t.data[0], PTE_PRESENT);
			((uint64_t *)host_frame(t.l2))[0] = entry(t.l1, PTE_PRESENT);
		}), validates_the_l2, cpu_sets_accessed, {
			ck_assert_int_eq(rc, 0);
			ck_assert_uint_eq(peek(touched, 0) & PTE_USER, PTE_USER);
			frame_type_put(frame_of(t.l2));
			OK(owner_run_pending(alice));
		});
	}
}
END_TEST

START_TEST(accessed_during_an_update)
{
	cpu_run(0, alice, t.l4);
	touched = t.l1;
	touched_at = 0;
	/* Preserved, whenever it comes. */
	RACE(((uint64_t *)host_frame(t.l1))[0] &= ~(PTE_ACCESSED | PTE_DIRTY), stores_preserving, cpu_sets_accessed, {
		ck_assert_int_eq(rc, 0);
		if (race_fired)
			ck_assert_uint_eq(peek(t.l1, 0) & PTE_ACCESSED, PTE_ACCESSED);
		world_check();
		OK(table_entry_update(alice, alice, slot(t.l1, 0), entry(t.data[0], RW), false));
	});
}
END_TEST

/* An emulated write finds something else than the instruction read: it starts over. */
START_TEST(accessed_during_an_emulated_write)
{
	cpu_run(0, alice, t.l4);
	touched = t.l1;
	touched_at = 0;
	const uint64_t targets[] = { entry(t.data[0], RW | PTE_AVAIL), entry(m, RW), 0 };
	for (unsigned i = 0; i < 3; i++) {
		unsigned again = 0;
		RACE(({ OK(table_entry_update(alice, alice, slot(t.l1, 0), entry(t.data[0], RW), false));
			expected = peek(t.l1, 0); new_entry = targets[i]; }), emulates, cpu_sets_accessed, {
			ck_assert(rc == 0 || rc == -EAGAIN);
			if (rc == -EAGAIN) {
				again++;
				ck_assert_uint_eq(expected, peek(t.l1, 0));
				ck_assert_uint_eq(expected & PTE_ACCESSED, PTE_ACCESSED);
			}
			world_check();
		});
		ck_assert_uint_ge(again, 1);
	}
}
END_TEST

/* --- an upper entry, and the table around it goes or changes --- */

static void other_lets_the_tree_go(void)
{
	cpu_stop_running(0);
	while (owner_run_pending(alice))
		;
}

START_TEST(table_goes_during_an_update)
{
	spare = take(alice);
	unsigned plain = 0;
	RACE(({ poke(spare, 0, 0); cpu_run(0, alice, t.l4); }), stores_in_the_l2, other_lets_the_tree_go, {
		ck_assert(rc == 0 || rc == -EBUSY);	/* just on its way */
		ck_assert_uint_eq(peek(t.l2, 1) & PTE_ADDR, rc ? 0 : spare.n << PAGE_SHIFT);
		plain += frame_type_now(frame_of(spare)) == FT_NONE;
		OK(owner_run_pending(alice));
		poke(t.l2, 1, 0);
	});
	ck_assert_uint_gt(plain, 0);
}
END_TEST

static void other_makes_it_an_l1(void)
{
	other_rc = frame_pin(alice, spare, FT_L1);
}

START_TEST(frame_becomes_an_l1_during_an_update)
{
	unsigned as_table = 0;
	spare = take(alice);
	RACE((void)0, stores_in_the_spare, other_makes_it_an_l1, {
		ck_assert(rc == 0 || rc == -EBUSY);
		if (other_rc == 0) {
			as_table += frame_type_now(f) == FT_WRITABLE;
			OK(frame_unpin(alice, spare));
		}
		OK(owner_run_pending(alice));
		poke(spare, 0, 0);
	});
	ck_assert_uint_gt(as_table, 0);
}
END_TEST

static void other_stores_the_same(void)
{
	other_rc = table_entry_update(alice, alice, slot(t.l2, 1), entry(spare, RW), false);
}

START_TEST(same_entry_stored_twice)
{
	spare = take(alice);
	cpu_run(0, alice, t.l4);
	RACE((void)0, stores_in_the_l2, other_stores_the_same, {
		ck_assert_int_eq(rc, 0);
		ck_assert_int_eq(other_rc, 0);
		world_check();
		ck_assert_uint_eq(frame_type_count_now(frame_of(spare)), 1);
		OK(table_entry_update(alice, alice, slot(t.l2, 1), 0, false));
		OK(owner_run_pending(alice));
	});
}
END_TEST

CHECK_MAIN("race", setup, NULL, references, first_writable_count, writable_entries,
	   owner_changes_between_two_looks, frame_on_its_way_to_the_pool,
	   death_during_an_allocation, unpinned_while_dying, table_or_writable,
	   table_validated_twice, table_at_the_limit, last_count_of_a_table,
	   accessed_during_validation, accessed_during_an_update, accessed_during_an_emulated_write,
	   table_goes_during_an_update, frame_becomes_an_l1_during_an_update,
	   same_entry_stored_twice)
