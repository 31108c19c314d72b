/* Memory that comes with what its former owner left in it: XSA-100, XSA-364.
 *
 * A frame goes from one guest back to the pool and on to another, and what is in it is keys, mail,
 * page tables. It has to be cleared in between, on every way it can take. In XSA-100 there was a
 * way past: pages that had been the hypervisor's own in between were given out as they were. In
 * XSA-364 the frame was cleared, in a cache, and its new owner read past the cache what had been
 * there before. There is a third way to get it wrong, in the order: a frame that is cleared while
 * its former owner still has a translation of it is dirty again a moment later, with what the
 * former owner would like the new one to find.
 *
 * Here a frame leaves the pool dirty, and every way out of the pool for a guest, frames that we
 * share with it included, leads through frames_clean() in hv/mem/frame_alloc.c: first flush every
 * CPU that may hold an old translation, then clear, then let the new owner see it (statement I14 of
 * the audit).
 *
 * The victim fills all it has with a secret and goes. The attacker takes all frames there are, in
 * extents of all sizes, and searches them; then it tries the order.
 * Catches: dirty-extent, dirty-frame, dirty-shared-frame, tlb-pool-not-flushed, blind/51, 52. */
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define SECRET 0x5ec7e75ec7e75ec7ull

static bool is_clean(mfn_t m)
{
	const uint64_t *p = host_frame(m);
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		if (p[i])
			return false;
	return true;
}

/* The victim's kernel writes all its pages, those of its table of grants and shared page too, and it dies. */
static void victim_dies_of_a_secret(void)
{
	struct gnttab_setup_table *s = at(&victim, ARGS, 0);
	world_run(&victim);
	*s = (struct gnttab_setup_table){ .dom = DOMID_SELF, .nr_frames = 8, .frame_list = va(ARGS, 256) };
	WORKS(call(victim.v, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, va(ARGS, 0), 1));
	ck_assert_int_eq(s->status, GNTST_okay);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < PAGE_SIZE / 8; k++)
			((uint64_t *)host_frame(grant_frame(victim.d, i)))[k] = SECRET & ~0xffffull;	/* no valid entry */
	for (unsigned n = 1; n <= WORLD_PAGES; n++)
		for (unsigned k = 0; k < PAGE_SIZE; k += 8)
			ck_assert(stores(va(n, k), SECRET));
	destroy(&victim);
	/* And the hypervisor itself had pages that it gives back. */
	uint64_t *ours = page_alloc(3, 0);
	ck_assert_ptr_nonnull(ours);
	for (unsigned i = 0; i < 8 * PAGE_SIZE / 8; i++)
		ours[i] = SECRET;
	page_free(ours, 3);
}

static uint64_t populated(unsigned order, uint64_t number)
{
	struct xen_memory_reservation *r = at(&mallory, ARGS, 0);
	*r = (struct xen_memory_reservation){ .extent_start = va(ARGS, 512), .nr_extents = 1, .extent_order = order,
					      .domid = DOMID_SELF };
	*(uint64_t *)at(&mallory, ARGS, 512) = number;
	int64_t done = call(mallory.v, __HYPERVISOR_memory_op, XENMEM_populate_physmap, va(ARGS, 0));
	return done == 1 ? *(uint64_t *)at(&mallory, ARGS, 512) : 0;
}

START_TEST(memory_of_the_dead)
{
	uint64_t first, frames = 0;
	victim_dies_of_a_secret();
	world_run(&mallory);
	mallory.d->mem.frame_max = WORLD_FRAMES;
	for (unsigned order = 9; order <= 9; order--)
		while ((first = populated(order, 4096 + frames)) != 0)
			for (uint64_t i = 0; i < 1ull << order; i++, frames++)
				ck_assert(is_clean(mfn(first + i)));
	ck_assert_uint_eq(frame_free_count(), 0);
	ck_assert_uint_gt(frames, WORLD_FRAMES / 2);
}
END_TEST

/* Frames that are the hypervisor's and are shown to the guest: its table of grants, and all that a new domain begins
 * with. */
START_TEST(frames_shared_with_us)
{
	struct gnttab_setup_table *s = at(&mallory, ARGS, 0);
	uint64_t *frame = at(&mallory, ARGS, 256);
	struct guest heir;
	victim_dies_of_a_secret();
	world_guest(&heir, 3, false, 1);
	ck_assert(is_clean(grant_frame(heir.d, 0)));
	const uint64_t *shared = (const uint64_t *)heir.d->shared;
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		ck_assert_uint_ne(shared[i] >> 16, SECRET >> 16);
	world_run(&mallory);
	*s = (struct gnttab_setup_table){ .dom = DOMID_SELF, .nr_frames = 32, .frame_list = va(ARGS, 256) };
	WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, va(ARGS, 0), 1));
	ck_assert_int_eq(s->status, GNTST_okay);
	for (unsigned i = 0; i < 32; i++)
		ck_assert(is_clean(mfn(frame[i])));
}
END_TEST

static unsigned landed;

static void store_before_flush(cpumask_t mask)
{
	(void)mask;
	landed += stores(va(7, 0), SECRET);
}

/* The order: Mallory gives a page back whose translation she keeps, and stores into it once more while it is made ready
 * for its next owner. */
START_TEST(dirtied_while_it_is_cleaned)
{
	struct xen_memory_reservation *r = at(&mallory, ARGS, 0);
	mfn_t m = mallory.page[7];
	ck_assert(stores(va(7, 0), 1));
	WORKS(update_va(&mallory, va(7, 0), 0, 0));		/* without a flush */
	*r = (struct xen_memory_reservation){ .extent_start = va(ARGS, 512), .nr_extents = 1, .domid = DOMID_SELF };
	*(uint64_t *)at(&mallory, ARGS, 512) = m.n;
	ck_assert_int_eq(call(mallory.v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, va(ARGS, 0)), 1);
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 0);
	ck_assert(stores(va(7, 0), SECRET));
	/* The victim takes frames until it gets this one. */
	host_hook_flush = store_before_flush;
	victim.d->mem.frame_max = WORLD_FRAMES;
	mfn_t got = mfn(0);
	while (got.n != m.n)
		ck_assert_int_eq(frame_alloc(&victim.d->mem, 0, 0, pfn(M2P_INVALID), &got), 0);
	host_hook_flush = NULL;
	ck_assert_uint_gt(landed, 0);
	ck_assert(is_clean(m));
	ck_assert(!stores(va(7, 0), SECRET));
	ck_assert(is_clean(m));
	world_check();
}
END_TEST

CHECK_MAIN("dirty_memory", scene_set, NULL, memory_of_the_dead, frames_shared_with_us,
	   dirtied_while_it_is_cleaned)
