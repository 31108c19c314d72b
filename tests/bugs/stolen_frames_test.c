/* Frames that change hands under somebody's feet: XSA-29, XSA-159, XSA-212, XSA-214, XSA-217,
 * XSA-222, XSA-287.
 *
 * A frame that is given back, exchanged or transferred must be in use by nobody, and the
 * hypervisor's list of who uses it must agree. XENMEM_exchange was broken three times. In XSA-29 it
 * wrote the numbers of the new frames to whatever address the guest named, its own included. The
 * check was added, of the array's start; in XSA-212 the guest said that most of the exchange was
 * done already, and the first number was written far behind what had been checked: a 64-bit store
 * to an address of the guest's choice, which is all it takes. Its error paths gave back what they
 * had not taken (XSA-159). Page transfer between guests let a page go while a writable mapping or a
 * stale translation of it lived (XSA-214, XSA-217, XSA-287), and unmapping that failed left the old
 * number in the table that translates them (XSA-222).
 *
 * Here a guest can only give back, and what it gives back stays its own until the last mapping is
 * gone (frame_release() in hv/mem/frame_alloc.c: tables and frames shared with us are refused).
 * Exchange is the control domain's, all or nothing; it takes a frame only when nobody but its
 * allocation refers to it (frame_detach()), counts its own progress, and every guest address passes
 * the gate of guest_write() at use. There is no transfer.
 *
 * The tests make each move and look for a frame with two owners: by the audit (owner and references
 * of every frame), by a load through the mapping that should have kept it, and by who gets it next.
 * Catches: steal-foreign-frame, steal-mapped-frame, steal-released-twice, steal-shared-frame,
 * steal-table-released, steal-m2p-of-others, steal-m2p-survives. */
#include "protocol/memory.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

static int64_t reservation(struct guest *g, unsigned cmd, uint64_t number)
{
	struct xen_memory_reservation *r = at(g, ARGS, 0);
	*r = (struct xen_memory_reservation){ .extent_start = va(ARGS, 512), .nr_extents = 1, .domid = DOMID_SELF };
	*(uint64_t *)at(g, ARGS, 512) = number;
	return call(g->v, __HYPERVISOR_memory_op, cmd, va(ARGS, 0));
}

static bool gives_back(struct guest *g, mfn_t m)
{
	return reservation(g, XENMEM_decrease_reservation, m.n) == 1;
}

/* One frame for one frame, whose number goes to @to. */
static int64_t exchange(struct guest *g, mfn_t in, uint64_t to, uint64_t done_before)
{
	struct xen_memory_exchange *x = at(g, ARGS, 0);
	*x = (struct xen_memory_exchange){
		.in = { .extent_start = va(ARGS, 512), .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .extent_start = to, .nr_extents = 1, .domid = DOMID_SELF },
		.nr_exchanged = done_before,
	};
	*(uint64_t *)at(g, ARGS, 512) = in.n;
	*(uint64_t *)at(g, ARGS, 1024) = 2000;
	return call(g->v, __HYPERVISOR_memory_op, XENMEM_exchange, va(ARGS, 0));
}

/* XSA-29, XSA-212: the answer goes to the guest's memory or nowhere. dom0 plays the attacker, for nobody else gets
 * this far. */
START_TEST(answer_written_to_the_hypervisor)
{
	static const uint64_t ours[] = { HV_VIRT_START, HV_VIRT_START + (1ull << 40), HV_VIRT_END - 8, 0x800000000000 };
	ck_assert_int_eq(exchange(&mallory, mallory.page[3], va(ARGS, 1024), 0), -EPERM);
	world_run(&dom0_guest);
	mfn_t spare = world_take(dom0_guest.d);
	for (unsigned i = 0; i < ARRAY_COUNT(ours); i++)
		REFUSED(exchange(&dom0_guest, spare, ours[i], 0), EFAULT);
	/* "So much is done already": the number is ours to count. */
	for (uint64_t done = 1; done; done <<= 9)
		REFUSED(exchange(&dom0_guest, spare, va(ARGS, 1024), done), EINVAL);
	REFUSED(exchange(&dom0_guest, spare, va(ARGS, 1024), (HV_VIRT_START - va(ARGS, 1024)) / 8), EINVAL);
	WORKS(exchange(&dom0_guest, spare, va(ARGS, 1024), 0));
}
END_TEST

/* XSA-159, XSA-214: what somebody still uses is not exchanged away. */
START_TEST(exchange_of_a_frame_in_use)
{
	world_run(&dom0_guest);
	const mfn_t used[] = { dom0_guest.page[3], dom0_guest.l1, dom0_guest.l4, dom0_guest.d->shared_mfn,
			       victim.page[3], mfn(0), mfn(~0ull >> 12) };
	for (unsigned i = 0; i < ARRAY_COUNT(used); i++)
		REFUSED(exchange(&dom0_guest, used[i], va(ARGS, 1024), 0), EINVAL);
	/* A mapping that is only read holds it as well. */
	mfn_t spare = world_take(dom0_guest.d);
	WORKS(update_va(&dom0_guest, va(50, 0), pte(spare, 0), 0));
	REFUSED(exchange(&dom0_guest, spare, va(ARGS, 1024), 0), EINVAL);
}
END_TEST

/* XSA-217: given back while mapped. The mapping keeps it from everybody else, once and not twice. */
START_TEST(given_back_while_mapped)
{
	mfn_t m = mallory.page[7];
	uint64_t seen, have = mallory.d->mem.frame_count;
	*(uint64_t *)at(&mallory, 7, 0) = 0x1111;
	ck_assert(loads(va(7, 0), &seen));
	ck_assert(gives_back(&mallory, m));
	ck_assert(!gives_back(&mallory, m));
	ck_assert(!gives_back(&mallory, m));
	ck_assert_uint_eq(frame_owner(frame_of(m)), mallory.d->id);
	ck_assert_uint_eq(mallory.d->mem.frame_count, have);		/* and paid for */
	/* It cannot become a table, from which it could not be told any more who may write it. */
	ck_assert_int_eq(pin(&mallory, m, 1), -EBUSY);
	/* The victim takes all there is. This frame is not among it. */
	world_run(&victim);
	victim.d->mem.frame_max = WORLD_FRAMES;
	for (unsigned i = 0; i < 500 && reservation(&victim, XENMEM_populate_physmap, 900 + i) == 1; i++)
		ck_assert_uint_ne(*(uint64_t *)at(&victim, ARGS, 512), m.n);
	/* The last mapping goes, and with it the frame and the number that Mallory gives it last of all. */
	world_run(&mallory);
	WORKS(update(&mallory, mfn_to_maddr(m).a | MMU_MACHPHYS_UPDATE, 77));
	(void)unmapped(&mallory, 7);
	ck_assert(!loads(va(7, 0), &seen));
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 0);
	ck_assert_uint_eq(m2p_get(m).n, M2P_INVALID);
	ck_assert_int_eq(update_va(&mallory, va(7, 0), pte(m, 0), 0), -EPERM);
}
END_TEST

/* Page tables, and what we share with a guest, are not the guest's to give. */
START_TEST(given_back_though_ours)
{
	const mfn_t kept[] = { mallory.l1, mallory.l2, mallory.l3, mallory.l4, mallory.d->shared_mfn,
			       grant_frame(mallory.d, 0), victim.page[1], victim.l4, mfn(0) };
	for (unsigned i = 0; i < ARRAY_COUNT(kept); i++) {
		uint64_t digest = frame_audit_digest();
		ck_assert(!gives_back(&mallory, kept[i]));
		ck_assert_uint_eq(frame_audit_digest(), digest);
	}
}
END_TEST

/* The plainest theft of all: another's frame in one's own page table, and another's number in the shared table. */
START_TEST(another_s_frame_named)
{
	uint64_t seen;
	for (unsigned n = 1; n <= 3; n++) {
		REFUSED(update(&mallory, slot(mallory.l1, 60), pte(victim.page[n], 0)), EPERM);
		REFUSED(update_va(&mallory, va(60, 0), pte(victim.page[n], PTE_WRITE), 0), EPERM);
		REFUSED(update_for(&mallory, slot(mallory.l1, 60), pte(victim.page[n], 0), victim.d->id), EPERM);
		ck_assert(!store_trapped(&mallory, va(100, 8 * 60), pte(victim.page[n], 0)));
		*(uint64_t *)at(&mallory, 3, 8 * n) = pte(victim.page[n], 0);
	}
	ck_assert(!loads(va(60, 0), &seen));
	ck_assert_int_eq(pin(&mallory, unmapped(&mallory, 3), 1), -EINVAL);
	/* XSA-222: the machine-to-physical number. */
	REFUSED(update(&mallory, mfn_to_maddr(victim.page[1]).a | MMU_MACHPHYS_UPDATE, 77), EPERM);
	ck_assert_uint_eq(m2p_get(victim.page[1]).n, 1);
}
END_TEST

CHECK_MAIN("stolen_frames", scene_set, NULL, answer_written_to_the_hypervisor,
	   exchange_of_a_frame_in_use, given_back_while_mapped, given_back_though_ours,
	   another_s_frame_named)
