/* The ends of things in hv/mem: no memory, counts at their limit, small tables, numbers out of range. */
#include "hv/mem/frame_bits.h"
#include "hv/mem/pool.h"
#include "tests/unit/mem/world.h"

static struct owner *alice = &domain[ALICE];
static struct tree t;
static mfn_t m;
static struct frame *f, *g;

static void setup(void)
{
	world_start(1, 256);
	t = tree_build(alice);
	m = take(alice);
	f = frame_of(m);
}

/* --- allocation --- */

static unsigned refuse_after;

static bool refuses(void)
{
	return refuse_after-- == 0;
}

static bool never(void)
{
	return false;
}

START_TEST(no_memory)
{
	mfn_t n;
	struct owner far;
	owner_init(&far, 300, false);
	alloc_refuse = never;
	void *p = page_alloc(0, 0);
	ck_assert_ptr_nonnull(p);
	page_free(p, 0);
	alloc_refuse = refuses;
	ck_assert_int_eq((refuse_after = 0, owner_register(&far)), -ENOMEM);
	ck_assert_ptr_null(owner_by_domid(300));
	ck_assert_int_eq((refuse_after = 0, frame_alloc(alice, 0, 0, pfn(M2P_INVALID), &n)), -ENOMEM);
	ck_assert_int_eq((refuse_after = 0, frame_alloc_shared(alice, &n)), -ENOMEM);
	ck_assert_ptr_null((refuse_after = 0, heap_alloc(20)));
	alloc_refuse = NULL;
	world_check();
	ck_assert_int_eq(owner_register(&far), 0);
	ck_assert_ptr_eq(owner_by_domid(300), &far);
	owner_unregister(&far);
	ck_assert_ptr_null(owner_by_domid(0x9000));
	ck_assert_ptr_eq(owner_by_domid(owner_hv.domid), &owner_hv);
}
END_TEST

START_TEST(more_than_there_is)
{
	mfn_t n;
	ck_assert_ptr_null(page_alloc(POOL_MAX_ORDER + 1, 0));
	ck_assert_ptr_null(page_alloc(0, PAGE_SHIFT));		/* nothing lies below one frame */
	ck_assert_ptr_null(page_alloc(9, 20));
	FAILS(frame_alloc(alice, POOL_MAX_ORDER + 1, 0, pfn(M2P_INVALID), &n), ENOMEM);
	FAILS(frame_alloc(alice, 9, 0, pfn(M2P_INVALID), &n), ENOMEM);
	/* A limit below what it has, as after max_mem. */
	alice->frame_max = 3;
	FAILS(frame_alloc(alice, 0, 0, pfn(M2P_INVALID), &n), ENOMEM);
	alice->frame_max = alice->frame_count + 1;
	FAILS(frame_alloc(alice, 1, 0, pfn(M2P_INVALID), &n), ENOMEM);
	OK(frame_alloc(alice, 0, 0, pfn(M2P_INVALID), &n));
	alice->is_dying = true;
	FAILS(frame_alloc_shared(alice, &n), ENOMEM);
}
END_TEST

START_TEST(ram_added_twice)
{
	uint64_t total = frame_total_count(), was = frame_free_count();
	frame_table_add_ram(mfn(250), 1000);	/* there already, and beyond the table */
	ck_assert_uint_eq(frame_total_count(), total);
	ck_assert_uint_eq(frame_free_count(), was);
	world_check();
	m2p_set(mfn(256), pfn(1));
	ck_assert_uint_eq(m2p_get(mfn(256)).n, M2P_INVALID);
	ck_assert_uint_eq(m2p_get(mfn(~0ull)).n, M2P_INVALID);
	ck_assert(!frame_is_ram(mfn(256)));
}
END_TEST

START_TEST(frames_instead_of_others)
{
	mfn_t n;
	alice->frame_max = ~0ull;
	OK(frame_alloc(alice, 0, 0, pfn(M2P_INVALID), &n));
	alice->frame_max = alice->frame_count;
	OK(frame_alloc_instead(alice, 2, 0, pfn(7), &n));
	ck_assert_uint_eq(m2p_get(mfn(n.n + 3)).n, 10);
	FAILS(frame_alloc(alice, 1, 0, pfn(M2P_INVALID), &n), ENOMEM);
}
END_TEST

/* A table that somebody still holds is passed over, again and again, but not for ever in one call. */
START_TEST(death_waits_for_a_table)
{
	ck_assert_int_eq(frame_get_with_type(alice, t.l1, FT_L1, &g), 0);
	alice->is_dying = true;
	for (unsigned i = 0; i < 20; i++)
		ck_assert_int_eq(owner_relinquish(alice), -ERESTART);
	ck_assert_uint_eq(alice->frame_count, 8);	/* the table and all it maps */
	frame_put_with_type(g);
	ck_assert_int_eq(UNTIL_DONE(owner_relinquish(alice)), 0);
	ck_assert(owner_is_empty(alice));
	world_check();
}
END_TEST

/* --- counts at their limit --- */

START_TEST(references_at_the_limit)
{
	frame_count_limit = 2;
	ck_assert_int_eq(frame_get(alice, m, &g), 0);
	ck_assert_int_eq(frame_get(alice, m, &g), -EOVERFLOW);
	ck_assert_int_eq(frame_ref(f), -EOVERFLOW);
	ck_assert_int_eq(frame_unpin(alice, m), -EOVERFLOW);
	frame_put(f);
	world_check();
}
END_TEST

START_TEST(types_at_the_limit)
{
	cpu_run(0, alice, t.l4);
	OK(table_entry_update(alice, alice, slot(t.l1, 100), entry(m, RW), false));
	OK(table_entry_update(alice, alice, slot(t.l1, 101), entry(m, RW), false));
	uint64_t digest = frame_audit_digest();
	frame_count_limit = 2;
	ck_assert_int_eq(frame_type_get(f, FT_WRITABLE), -EOVERFLOW);
	frame_count_limit = 3;
	ck_assert_int_eq(frame_get(alice, m, &g), -EOVERFLOW);
	FAILS(table_entry_update(alice, alice, slot(t.l1, 102), entry(m, RW), false), EOVERFLOW);
	ck_assert_uint_eq(frame_audit_digest(), digest);
	world_check();
}
END_TEST

/* --- entries and slots --- */

START_TEST(small_tables)
{
	maddr_t at;
	uint64_t pte, expected = 0;
	unsigned level;
	table_entries = 16;
	host_geometry(16);
	cpu_run(0, alice, t.l4);
	ck_assert_int_eq(table_slot_find(alice, t.l4, gva(16ull << PAGE_SHIFT), &at), -EINVAL);
	ck_assert_int_eq(table_slot_find(alice, t.l4, gva(16ull << (PAGE_SHIFT + 9)), &at), -EINVAL);
	ck_assert_int_eq(table_walk(t.l4, gva(16ull << PAGE_SHIFT), &pte, &level), -EFAULT);
	FAILS(table_entry_update(alice, alice, slot(t.l1, 16), 0, false), EINVAL);
	ck_assert_int_eq(table_entry_cas(alice, slot(t.l1, 16), &expected, 0), -EINVAL);
	ck_assert_int_eq(table_entry_cas(alice, maddr(slot(t.l1, 1).a + 4), &expected, 0), -EINVAL);
	OK(table_slot_find(alice, t.l4, gva(15ull << PAGE_SHIFT), &at));
}
END_TEST

/* On a CPU without L1TF an entry that is not present may name any frame, its old one too. */
START_TEST(absent_entries_that_name_ram)
{
	cpu_run(0, alice, t.l4);
	FAILS(table_entry_update(alice, alice, slot(t.l2, 0), entry(t.l1, 0), false), EINVAL);
	table_l1tf_limit = 0;
	OK(table_entry_update(alice, alice, slot(t.l2, 0), entry(t.l1, 0), false));
	OK(owner_run_pending(alice));
	ck_assert(frame_type_now(frame_of(t.l1)) == FT_NONE);
	ck_assert_uint_eq(peek(t.l2, 0), entry(t.l1, 0));
	table_l1tf_limit = 256;
}
END_TEST

START_TEST(too_many_protected_pages)
{
	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_eq(table_protect_mmio(mfn(10000 + i)), 0);
	ck_assert_int_eq(table_protect_mmio(mfn(9999)), -ENOSPC);
	ck_assert_int_eq(table_protect_mmio(mfn(10063)), 0);	/* that one is */
}
END_TEST

/* Only tops that nobody waits for are dropped. */
START_TEST(not_a_top)
{
	uint64_t digest = frame_audit_digest();
	frame_drop_top(alice, f);
	ck_assert(!owner_has_pending(alice));
	ck_assert_uint_eq(frame_audit_digest(), digest);
}
END_TEST

/* A descriptor page that failed is looked at again; one that passed and was nothing else since is not. */
START_TEST(descriptor_pages)
{
	struct frame *d;
	poke(m, 7, 0x0000820000000000ull);	/* an LDT's descriptor */
	FAILS(frame_get_with_type(alice, m, FT_SEGDESC, &d), EINVAL);
	FAILS(frame_get_with_type(alice, m, FT_SEGDESC, &d), EINVAL);
	poke(m, 7, 0);
	ck_assert_int_eq(frame_get_with_type(alice, m, FT_SEGDESC, &d), 0);
	frame_put_with_type(d);
	preempt_begin();
	ck_assert_int_eq(frame_get_with_type(alice, m, FT_SEGDESC, &d), 0);
	ck_assert_uint_eq(preempt_counted(), 0);
	frame_put_with_type(d);
	/* Written in between: mapped for it, so it had another type. */
	ck_assert_int_eq(frame_get_with_type(alice, m, FT_WRITABLE, &d), 0);
	poke(m, 7, 0x0000820000000000ull);
	frame_put_with_type(d);
	FAILS(frame_get_with_type(alice, m, FT_SEGDESC, &d), EINVAL);
	poke(m, 7, 0);
}
END_TEST

CHECK_MAIN("edges", setup, NULL, no_memory, more_than_there_is, ram_added_twice,
	   frames_instead_of_others, death_waits_for_a_table, references_at_the_limit, types_at_the_limit,
	   small_tables, absent_entries_that_name_ram, too_many_protected_pages,
	   not_a_top, descriptor_pages)
