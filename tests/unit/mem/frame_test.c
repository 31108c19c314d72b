/* Frames: allocation, references, sharing, quotas, contiguity, giving back (I1, I11, I12, I14). */
#include "tests/unit/mem/world.h"

static void setup(void) { world_start(2, 256); }

START_TEST(frames_are_zero_and_counted)
{
	struct owner *a = &domain[ALICE];
	uint64_t before = frame_free_count();
	mfn_t m = take(a);
	for (unsigned i = 0; i < 512; i++)
		ck_assert_uint_eq(peek(m, i), 0);
	ck_assert_uint_eq(a->frame_count, 1);
	ck_assert_uint_eq(frame_free_count(), before - 1);
	m2p_set(m, pfn(7));
	poke(m, 3, 0x5ec7e7);
	OK(frame_release(a, m));
	FAILS(frame_release(a, m), EINVAL);
	ck_assert_uint_eq(m2p_get(m).n, M2P_INVALID);
	ck_assert_uint_eq(a->frame_count, 0);
	ck_assert_uint_eq(frame_free_count(), before);
	/* Whoever gets it next sees nothing of it. */
	for (uint64_t i = 0; i < before; i++)
		ck_assert_uint_eq(peek(take(&domain[BOB]), 3), 0);
	FAILS(frame_alloc(&domain[BOB], 0, 0, pfn(M2P_INVALID), &m), ENOMEM);
}
END_TEST

/* Until it has flushed, the former owner's CPU can still write: what it writes last is cleared as well. */
static mfn_t last_written;
static void former_owner_writes(cpumask_t mask)
{
	if (mask)
		*(uint64_t *)host_frame(last_written) = 0x5ec7e7;
}

START_TEST(cleared_after_the_flush)
{
	for (unsigned shared = 0; shared < 2; shared++) {
		mfn_t m = take(&domain[ALICE]), again;
		OK(frame_release(&domain[ALICE], m));
		last_written = m;
		host_hook_flush = former_owner_writes;
		int rc = shared ? frame_alloc_shared(&domain[BOB], &again) : frame_alloc(&domain[BOB], 0, 0, pfn(M2P_INVALID), &again);
		host_hook_flush = NULL;
		ck_assert_int_eq(rc, 0);
		ck_assert_uint_eq(again.n, m.n);
		ck_assert_uint_eq(peek(again, 0), 0);
	}
}
END_TEST

START_TEST(quota_dying_and_foreign)
{
	struct owner *a = &domain[ALICE];
	mfn_t m, n;
	struct frame *f;
	a->frame_max = 3;
	OK(frame_alloc(a, 1, 0, pfn(M2P_INVALID), &m));
	FAILS(frame_alloc(a, 1, 0, pfn(M2P_INVALID), &n), ENOMEM);
	OK(frame_alloc(a, 0, 0, pfn(M2P_INVALID), &n));
	FAILS(frame_release(&domain[BOB], m), EINVAL);
	FAILS(frame_get(&domain[BOB], m, &f), EPERM);
	FAILS(frame_get(a, mfn(100000), &f), ENOENT);
	FAILS(frame_get(a, mfn(0), &f), EPERM);
	a->frame_max = 100;
	a->is_dying = true;
	FAILS(frame_alloc(a, 0, 0, pfn(M2P_INVALID), &n), ENOMEM);
	FAILS(frame_alloc_shared(a, &n), ENOMEM);
}
END_TEST

START_TEST(a_held_frame_outlives_its_release)
{
	struct owner *a = &domain[ALICE];
	struct frame *f;
	mfn_t m = take(a);
	ck_assert_int_eq(frame_get(a, m, &f), 0);
	ck_assert_int_eq(frame_ref(f), 0);
	frame_put(f);
	ck_assert_int_eq(frame_release(a, m), 0);
	ck_assert_uint_eq(a->frame_count, 1);
	ck_assert(!owner_is_empty(a));
	frame_put(f);
	world_check();
	ck_assert(owner_is_empty(a));
	FAILS(frame_get(a, m, &f), EPERM);
}
END_TEST

START_TEST(counts_refuse_to_overflow)
{
	struct owner *a = &domain[ALICE];
	struct frame *f;
	mfn_t m = take(a);
	frame_count_limit = 4;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(frame_get_with_type(a, m, FT_WRITABLE, &f), 0);
	ck_assert_int_eq(frame_get(a, m, &f), -EOVERFLOW);
	for (int i = 0; i < 3; i++)
		frame_put_with_type(f);
	world_check();
}
END_TEST

START_TEST(contiguous_below_a_limit)
{
	struct owner *c = &domain[CTRL];
	mfn_t m;
	OK(frame_alloc(c, 4, 18, pfn(M2P_INVALID), &m));	/* below 256 KiB: frames 0..63 */
	ck_assert_uint_eq(m.n % 16, 0);
	ck_assert_uint_lt(m.n + 15, 64);
	FAILS(frame_alloc(c, 6, 18, pfn(M2P_INVALID), &m), ENOMEM);
	FAILS(frame_alloc(c, 0, 12, pfn(M2P_INVALID), &m), ENOMEM);
	FAILS(frame_alloc(c, 11, 0, pfn(M2P_INVALID), &m), ENOMEM);
	for (int i = 1; i < 16; i++)
		OK(frame_release(c, mfn(m.n + (uint64_t)i)));
	OK(frame_release(c, m));
	/* All merged again: the largest aligned block is there. */
	OK(frame_alloc(c, 5, 18, pfn(M2P_INVALID), &m));
	ck_assert_uint_eq(m.n, 32);
	OK(frame_alloc(c, 6, 0, pfn(M2P_INVALID), &m));
	ck_assert_uint_eq(m.n, 192);
}
END_TEST

START_TEST(low_memory_is_spared)
{
	mfn_t m;
	world_start(1, 0x10000);	/* 256 MiB: the lowest 16 are a reserve */
	ck_assert_int_eq(frame_alloc(&domain[ALICE], 0, 0, pfn(M2P_INVALID), &m), 0);
	ck_assert_uint_ge(m.n, 0x8000);
	while (frame_alloc(&domain[ALICE], 10, 0, pfn(M2P_INVALID), &m) == 0)
		ck_assert_uint_ge(m.n, 0x1000);
	ck_assert_uint_ge(frame_free_count(), 0xfff);
	ck_assert_int_eq(frame_alloc(&domain[CTRL], 6, 24, pfn(M2P_INVALID), &m), 0);
	ck_assert_uint_lt(m.n, 0x1000);
}
END_TEST

START_TEST(shared_frames)
{
	struct owner *a = &domain[ALICE];
	struct frame *f;
	mfn_t m;
	OK(frame_alloc_shared(a, &m));
	ck_assert_uint_eq(a->shared_count, 1);
	ck_assert_uint_eq(a->frame_count, 0);
	FAILS(frame_release(a, m), EINVAL);		/* not the guest's to give back */
	FAILS(frame_get_with_type(a, m, FT_L1, &f), EBUSY);
	FAILS(frame_get_with_type(a, m, FT_SEGDESC, &f), EBUSY);
	ck_assert_int_eq(frame_get_with_type(a, m, FT_WRITABLE, &f), 0);
	frame_free_shared(a, m);
	ck_assert(!owner_is_empty(a));			/* still mapped */
	frame_put_with_type(f);
	world_check();
	ck_assert(owner_is_empty(a));
}
END_TEST

START_TEST(stale_translations_die_before_reuse)
{
	struct owner *a = &domain[ALICE];
	struct tree t = tree_build(a);
	uint64_t v;
	OK(frame_pin(a, t.l4, FT_L4));
	cpu_run(1, a, t.l4);
	ck_assert_uint_eq(host_guest_store(1, 0x0, 0x11), 0);
	OK(table_entry_update(a, a, slot(t.l1, 0), 0, false));
	OK(frame_release(a, t.data[0]));
	/* CPU 1 may still write the free frame; not once it belongs to Bob. */
	ck_assert_uint_eq(host_guest_store(1, 0x0, 0x22), 0);
	while (frame_free_count() > 0) {
		mfn_t m = take(&domain[BOB]);
		v = host_guest_store(1, 0x0, 0x33);
		ck_assert_uint_eq(peek(m, 0), 0);
	}
	ck_assert_uint_ne(host_guest_load(1, 0x0, &v), 0);
	world_check();
}
END_TEST

/* Nor may it be read, by who had it read-only to the end and was flushed after it last was writable. */
START_TEST(stale_reads_die_before_reuse)
{
	struct owner *a = &domain[ALICE];
	struct tree t = tree_build(a);
	uint64_t v;
	OK(frame_pin(a, t.l4, FT_L4));
	cpu_run(1, a, t.l4);
	OK(table_entry_update(a, a, slot(t.l1, 0), entry(t.data[0], PTE_PRESENT | PTE_USER), false));
	cpu_tlb_flush(1u << 1);
	ck_assert_uint_eq(host_guest_load(1, 0x0, &v), 0);
	OK(table_entry_update(a, a, slot(t.l1, 0), 0, false));
	OK(frame_release(a, t.data[0]));
	ck_assert_uint_eq(host_guest_load(1, 0x0, &v), 0);
	while (frame_free_count() > 0)
		(void)take(&domain[BOB]);
	ck_assert_uint_ne(host_guest_load(1, 0x0, &v), 0);
	world_check();
}
END_TEST

START_TEST(relinquish_returns_everything)
{
	struct owner *a = &domain[ALICE];
	uint64_t before = frame_free_count();
	struct frame *held;
	struct tree t = tree_build(a), u = tree_build(a);
	OK(frame_pin(a, t.l4, FT_L4));
	OK(frame_pin(a, u.l1, FT_L1));
	OK(frame_pin(a, u.l4, FT_L4));
	ck_assert_int_eq(frame_get(a, t.data[0], &held), 0);
	world_held = t.data[0];
	a->is_dying = true;
	table_slice = 3;
	preempt_every(1);
	ck_assert_int_eq(UNTIL_DONE(owner_relinquish(a)), 0);
	ck_assert_uint_gt(preemptions, 10);
	ck_assert_uint_eq(a->frame_count, 1);
	frame_put(held);
	world_held = mfn(0);
	world_check();
	ck_assert(owner_is_empty(a));
	owner_unregister(a);
	ck_assert_uint_eq(frame_free_count(), before);
	world_check();
}
END_TEST

START_TEST(heap_objects)
{
	static void *p[2000];
	uint64_t pages = heap_pages_in_use(), free_before = frame_free_count();
	unsigned n = 0;
	for (size_t size = 1; size <= PAGE_SIZE; size += 37, n++) {
		p[n] = heap_alloc(size);
		ck_assert_ptr_nonnull(p[n]);
		ck_assert_uint_eq((uintptr_t)p[n] % (size >= 64 ? 64 : 16), 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(((uint8_t *)p[n])[i], 0);
		memset(p[n], 0xee, size);
	}
	world_check();
	ck_assert_uint_gt(heap_pages_in_use(), pages);
	for (unsigned i = 0; i < n; i++)
		heap_free(p[(i * 7) % n]);
	heap_free(NULL);
	ck_assert_uint_eq(heap_pages_in_use(), pages);
	ck_assert_uint_eq(frame_free_count(), free_before);
	world_check();
	void *big = page_alloc(3, 0);
	ck_assert_ptr_nonnull(big);
	ck_assert_uint_eq(page_mfn((uint8_t *)big + PAGE_SIZE).n, page_mfn(big).n + 1);
	world_check();
	page_free(big, 3);
	world_check();
	for (n = 0; n < 2000 && (p[n] = heap_alloc(2000)) != NULL; n++)
		;
	ck_assert_uint_eq(frame_free_count(), 0);
	while (n-- > 0)
		heap_free(p[n]);
	ck_assert_uint_eq(frame_free_count(), free_before);
}
END_TEST

CHECK_MAIN("frame", setup, NULL, frames_are_zero_and_counted, quota_dying_and_foreign,
	   a_held_frame_outlives_its_release, counts_refuse_to_overflow, contiguous_below_a_limit,
	   low_memory_is_spared, shared_frames, stale_translations_die_before_reuse, stale_reads_die_before_reuse,
	   relinquish_returns_everything, cleared_after_the_flush, heap_objects)
