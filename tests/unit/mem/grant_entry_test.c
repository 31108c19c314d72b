/* Entries of grant mappings: set and cleared by us, but the guest may replace them, take their table down and use its
 * frame for anything; what is cleared later must be such an entry or nothing (I2, I7, I9). BOB maps what is ALICE's. */
#include "tests/unit/mem/world.h"

static struct owner *a = &domain[ALICE], *b = &domain[BOB], *c = &domain[CTRL];
static struct tree t, u;
static mfn_t granted;
static struct frame *f;
static bool pinned;
static maddr_t at;

/* The pin that whoever maps by grant has. */
static void pin_enumerate(audit_add_fn *add)
{
	if (pinned)
		add(granted, 1, FT_WRITABLE, 1);
}

static void pin_drop(void)
{
	frame_put_with_type(f);
	pinned = false;
	world_check();
}

static void setup(void)
{
	world_start(2, 256);
	t = tree_build(a);
	OK(frame_pin(a, t.l4, FT_L4));
	u = tree_build(b);
	OK(frame_pin(b, u.l4, FT_L4));
	audit_register(pin_enumerate);
	granted = t.data[0];
	ck_assert_int_eq(frame_get_with_type(a, granted, FT_WRITABLE, &f), 0);
	pinned = true;
	at = slot(u.l1, 9);
	world_check();
}

static int map(maddr_t where, uint64_t flags)
{
	return table_grant_set(b, a, where, entry(granted, flags));
}

static void clear(maddr_t where)
{
	table_grant_clear(b, where, granted);
	world_check();
}

static int update(maddr_t where, uint64_t val)
{
	return table_entry_update(b, b, where, val, false);
}

/* Neither counts nor contents change. */
#define TOUCHES_NOTHING(statement) do { \
		uint64_t d_ = frame_audit_digest(); \
		statement; \
		ck_assert_uint_eq(frame_audit_digest(), d_); \
	} while (0)
#define REFUSED(expr, err) TOUCHES_NOTHING(FAILS(expr, err))

/* Mappings of the frame beside ALICE's own. */
static void mapped(unsigned times)
{
	ck_assert_uint_eq(frame_refs_now(f), 3 + times);	/* it is allocated, mapped at home, and pinned */
	ck_assert_uint_eq(frame_type_count_now(f), 2 + times);
}

static void take_down(void)
{
	OK(frame_unpin(b, u.l4));
	OK(owner_run_pending(b));
	ck_assert_int_eq(frame_type_now(frame_of(u.l1)), FT_NONE);
}

START_TEST(set_and_cleared)
{
	maddr_t found;
	ck_assert_int_eq(table_slot_find(b, u.l4, gva(0x40000000), &found), -EINVAL);
	ck_assert_int_eq(table_slot_find(b, u.l4, gva(0x9000), &found), 0);
	ck_assert_uint_eq(found.a, at.a);
	TOUCHES_NOTHING({
		OK(map(at, RW | 1 << 9));
		ck_assert_uint_eq(peek(u.l1, 9), entry(granted, RW | PTE_GRANT | 1 << 9));
		mapped(1);
		clear(at);
		ck_assert_uint_eq(peek(u.l1, 9), 0);
		OK(map(at, RO));
		ck_assert_uint_eq(peek(u.l1, 9), entry(granted, RO | PTE_GRANT));
		ck_assert_uint_eq(frame_type_count_now(f), 2);
		clear(at);
	});
	/* Over whatever is not present. */
	OK(update(at, 0x000ffffffff0f002ull));
	OK(map(at, RW));
	clear(at);
	ck_assert_uint_eq(peek(u.l1, 9), 0);
}
END_TEST

START_TEST(refused)
{
	REFUSED(map(slot(u.l1, 0), RW), EBUSY);			/* there is something */
	REFUSED(map(slot(u.l2, 9), RW), EINVAL);		/* no L1, */
	REFUSED(map(slot(u.data[0], 9), RW), EINVAL);		/* no table, */
	REFUSED(map(slot(t.l1, 9), RW), EINVAL);		/* not ours, */
	REFUSED(map(maddr(at.a + 4), RW), EINVAL);		/* no entry, */
	REFUSED(map(maddr(5000ull << PAGE_SHIFT), RW), EINVAL);	/* no RAM */
	REFUSED(table_grant_set(b, a, at, entry(t.l1, RW)), EBUSY);	/* a table is nobody's to write */
	REFUSED(table_grant_set(b, a, at, entry(u.data[0], RO)), EPERM);
	frame_count_limit = frame_refs_now(f);
	REFUSED(map(at, RO), EOVERFLOW);
	frame_count_limit = 1000;
	OK(map(at, RW));
	REFUSED(map(at, RW), EBUSY);
	table_entries = 16;
	ck_assert_int_eq(map(slot(u.l1, 16), RW), -EINVAL);
}
END_TEST

/* It is an entry like others, but that what it grants can neither be widened nor copied. */
START_TEST(replaced_by_its_guest)
{
	OK(map(at, RO));
	REFUSED(update(at, entry(granted, RW)), EPERM);
	REFUSED(update(slot(u.l1, 10), peek(u.l1, 9)), EPERM);
	REFUSED(update(at, 7ull << 12), EINVAL);			/* L1TF */
	OK(update(at, entry(granted, RO | PTE_DIRTY)));
	ck_assert_uint_eq(peek(u.l1, 9), entry(granted, RO | PTE_GRANT | PTE_DIRTY));
	OK(update(at, 0));
	mapped(0);
	TOUCHES_NOTHING(clear(at));

	uint64_t e, by_hand[] = { 0, 0x62, entry(u.data[0], RW) };
	for (unsigned i = 0; i < 3; i++) {
		OK(map(at, RW));
		e = peek(u.l1, 9);
		OK(table_entry_cas(b, at, &e, by_hand[i]));
		mapped(0);
		TOUCHES_NOTHING(clear(at));
		ck_assert_uint_eq(peek(u.l1, 9), by_hand[i]);
		OK(update(at, 0));
	}
	OK(map(at, RW));
	OK(table_va_update(b, b, u.l4, gva(0x9000), 0));
	mapped(0);
	TOUCHES_NOTHING(clear(at));
	pin_drop();
}
END_TEST

/* Another frame is mapped in its place, or the same one by other rights. */
START_TEST(another_in_its_place)
{
	OK(map(at, RW));
	OK(update(at, 0));
	struct frame *g = frame_of(t.data[1]);
	OK(table_grant_set(b, a, at, entry(t.data[1], RW)));
	TOUCHES_NOTHING(clear(at));
	ck_assert_uint_eq(frame_refs_now(g), 3);
	table_grant_clear(b, at, t.data[1]);
	world_check();
	ck_assert_uint_eq(frame_refs_now(g), 2);

	struct tree v = tree_build(c);
	OK(frame_pin(c, v.l4, FT_L4));
	OK(table_entry_update(c, a, slot(v.l1, 9), entry(granted, RW), false));
	TOUCHES_NOTHING(table_grant_clear(c, slot(v.l1, 9), granted));
	world_check();
}
END_TEST

START_TEST(table_taken_down)
{
	OK(map(at, RW));
	take_down();
	mapped(0);
	uint64_t left = peek(u.l1, 9);
	ck_assert_uint_eq(left, entry(granted, RW | PTE_GRANT));	/* the word is there, and means nothing */
	TOUCHES_NOTHING(clear(at));
	/* Nor does it come to life again: whose frame is it? */
	FAILS(frame_pin(b, u.l4, FT_L4), EINVAL);
	pin_drop();
	/* As data, it is the guest's. */
	OK(table_entry_update(b, b, at, left, false));
	clear(at);
	ck_assert_uint_eq(peek(u.l1, 9), left);
	poke(u.l1, 9, 0);
	OK(frame_pin(b, u.l4, FT_L4));
}
END_TEST

/* The frame becomes a table of another level, another L1, a descriptor page, another domain's. */
START_TEST(frame_used_for_something_else)
{
	OK(map(at, RW));
	take_down();
	poke(u.l1, 9, 0);
	for (unsigned i = 0; i < 9; i++)
		poke(u.l1, i, 0);
	mfn_t below = take(b);
	poke(u.l1, 9, entry(below, RW));
	OK(frame_pin(b, u.l1, FT_L2));
	TOUCHES_NOTHING(clear(at));
	OK(frame_unpin(b, u.l1));
	OK(owner_run_pending(b));

	OK(frame_pin(b, u.l1, FT_L1));
	TOUCHES_NOTHING(clear(at));
	OK(frame_unpin(b, u.l1));
	OK(owner_run_pending(b));

	poke(u.l1, 9, 0);
	OK(frame_type_get(frame_of(u.l1), FT_SEGDESC) ? 1 : (frame_type_put(frame_of(u.l1)), 0));
	TOUCHES_NOTHING(clear(at));

	/* Given back, while the tree above still names it by words; then ALICE's L1. */
	OK(frame_release(b, u.l1));
	TOUCHES_NOTHING(clear(at));
	mfn_t m = take(a);
	while (!mfn_eq(m, u.l1))
		m = take(a);
	OK(frame_pin(a, m, FT_L1));
	ck_assert_int_eq(map(at, RW), -EINVAL);
	OK(table_grant_set(a, a, at, entry(granted, RW)));	/* the very same, but hers */
	TOUCHES_NOTHING(clear(at));
	ck_assert_uint_eq(peek(m, 9), entry(granted, RW | PTE_GRANT));
	pin_drop();
}
END_TEST

/* In the middle of its release a table's entries are let go from the end: below the cursor they still hold, and go when they
 * are asked for; the others hold no more. */
START_TEST(table_half_way_down)
{
	maddr_t high = slot(u.l1, 400);
	OK(map(at, RW));
	OK(map(high, RW));
	OK(frame_unpin(b, u.l4));
	table_slice = 200;
	preempt_every(1);
	while (frame_of(u.l1)->cursor == 0 || frame_of(u.l1)->cursor > 400) {
		ck_assert_int_eq(owner_run_pending(b), -ERESTART);
		world_check();
	}
	ck_assert_uint_gt(frame_of(u.l1)->cursor, 9);
	ck_assert_int_eq(map(slot(u.l1, 10), RW), -EINVAL);
	mapped(1);
	TOUCHES_NOTHING(clear(high));
	ck_assert_uint_ne(peek(u.l1, 400), 0);
	clear(at);
	ck_assert_uint_eq(peek(u.l1, 9), 0);
	mapped(0);
	pin_drop();
	ck_assert_int_eq(UNTIL_DONE(owner_run_pending(b)), 0);
	world_check();
}
END_TEST

/* A guest that maps its own page by grant has it as its own. */
START_TEST(its_own_frame)
{
	OK(table_grant_set(a, a, slot(t.l1, 9), entry(granted, RO)));
	OK(table_entry_update(a, a, slot(t.l1, 9), entry(granted, RW), false));
	ck_assert_uint_eq(peek(t.l1, 9), entry(granted, RW));
	TOUCHES_NOTHING(table_grant_clear(a, slot(t.l1, 9), granted));
	OK(table_entry_update(a, a, slot(t.l1, 9), 0, false));
	OK(table_grant_set(a, a, slot(t.l1, 9), entry(granted, RW)));
	table_grant_clear(a, slot(t.l1, 9), granted);
	world_check();
	ck_assert_uint_eq(peek(t.l1, 9), 0);
}
END_TEST

CHECK_MAIN("grant entries", setup, NULL, set_and_cleared, refused, replaced_by_its_guest, another_in_its_place,
	   table_taken_down, frame_used_for_something_else, table_half_way_down, its_own_frame)
