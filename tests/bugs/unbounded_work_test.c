/* One hypercall that never ends: XSA-20, XSA-31, XSA-226, XSA-344, XSA-380.
 *
 * A hypervisor without threads runs a hypercall to its end, with the CPU for itself; whoever can
 * make that end far away has stopped a CPU, and with a few vCPUs the machine. It never took more
 * than a number. In XSA-31 the order of an extent was a shift count that nobody bounded: 2^63 pages
 * to be given back. In XSA-20 a deadline lay so far ahead that the sum wrapped, the timer was due
 * for ever and its handler ran without pause. Closing all event channels at once (XSA-344), or
 * walking all grants ever mapped (XSA-380), were loops over everything a guest could own, fine
 * while it owned little. And the cure has its own disease: what is tried again must be nearer to
 * its end than before, or it is tried for ever, as the copying of transitive grants was (XSA-226).
 *
 * Here whoever works through a list counts what he does (preempt_count() in hv/core/work.c, per
 * CPU, however loops are nested) and lets interrupts in after 512 entries or 64 of anything else;
 * whoever can be continued asks preempt_due() and answers -ERESTART with arguments that describe
 * the rest.
 *
 * Each test makes the longest piece of work there is of its kind while something is always waiting,
 * measured from outside (tests/unit/limits.h): by the work there was, by marked memory accesses,
 * and by the times it stopped.
 * Catches: work-batch-never-asks, work-batch-repeats, work-reset-never-asks, work-let-go-unbounded,
 * blind/15-work-multicall-does-not-advance. */
#include "protocol/event_channel.h"
#include "protocol/memory.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"
#include "tests/unit/limits.h"

/* As many updates as her pages hold, in one call. */
START_TEST(batch_of_updates)
{
	enum { PAGES = 15, EACH = PAGE_SIZE / sizeof(struct mmu_update), N = PAGES * EACH };
	for (unsigned i = 0; i < N; i++) {
		struct mmu_update *r = at(&mallory, 1 + i / EACH, 0);
		r[i % EACH] = (struct mmu_update){ slot(mallory.l1, 200 + i % 256), pte(mallory.page[1 + i % 8], PTE_WRITE) };
	}
	((struct mmu_update *)at(&mallory, PAGES, 0))[EACH - 1].val = pte(mallory.page[13], 0);
	limits_start();
	WORKS(limits_call(mallory.v, 1, __HYPERVISOR_mmu_update, va(1, 0), N, 0, DOMID_SELF));
	limits_judge("a batch of updates", 0, N);
	ck_assert_uint_eq(peek(mallory.l1, 200 + (N - 1) % 256), pte(mallory.page[13], 0));
}
END_TEST

/* Batches in a batch: the count is of the CPU, not of a loop. It ends where the memory ends. */
START_TEST(batch_without_an_end)
{
	enum { PAGES = WORLD_PAGES, EACH = PAGE_SIZE / sizeof(struct multicall_entry), N = PAGES * EACH };
	ck_assert_uint_eq(PAGE_SIZE % sizeof(struct multicall_entry), 0);
	for (unsigned n = 1; n <= PAGES; n++)
		for (unsigned i = 0; i < EACH; i++)
			((struct multicall_entry *)at(&mallory, n, 0))[i] =
				(struct multicall_entry){ .op = __HYPERVISOR_xen_version, .args = { 99 } };
	limits_start();
	ck_assert_int_eq(limits_call(mallory.v, 1, __HYPERVISOR_multicall, va(1, 0), ~0ull), -EFAULT);
	limits_judge("a multicall of 2^64 entries", 0, N);
	ck_assert_uint_eq(((struct multicall_entry *)at(&mallory, PAGES, 0))[EACH - 1].result, (uint64_t)-ENOSYS);
}
END_TEST

/* XSA-344: every port there can be, closed by one call. */
START_TEST(reset_of_all_ports)
{
	struct evtchn_reset *r = at(&mallory, ARGS, 0);
	uint32_t port;
	while (evtchn_alloc_unbound(mallory.d, victim.d->id, &port) == 0)
		;
	ck_assert_uint_eq(port, EVTCHN_PORTS - 1);
	r->dom = DOMID_SELF;
	limits_start();
	WORKS(limits_call(mallory.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, va(ARGS, 0)));
	limits_judge("a reset of all ports", 0, EVTCHN_PORTS - 1);
	ck_assert_int_eq(evtchn_close(mallory.d, port), -EINVAL);
}
END_TEST

/* A tree of full tables goes down, as in XSA-290: nobody waits for the last entry. */
START_TEST(tree_let_go)
{
	enum { T4 = 1, T3, T2, T1, LAST = 13 };
	*(uint64_t *)at(&mallory, T4, 0) = pte(mallory.page[T3], 0);
	*(uint64_t *)at(&mallory, T3, 0) = pte(mallory.page[T2], 0);
	for (unsigned n = T1; n <= LAST; n++) {
		*(uint64_t *)at(&mallory, T2, 8 * n) = pte(mallory.page[n], 0);
		for (unsigned i = 0; i < 512; i++)
			*(uint64_t *)at(&mallory, n, 8 * i) = pte(mallory.page[15], PTE_WRITE);
	}
	for (unsigned n = T4; n <= LAST; n++)
		(void)unmapped(&mallory, n);
	WORKS(pin(&mallory, mallory.page[T4], 4));
	*(struct mmuext_op *)at(&mallory, ARGS, 0) = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE,
		.arg1.mfn = mallory.page[T4].n };
	limits_start();
	WORKS(limits_call(mallory.v, 1, __HYPERVISOR_mmuext_op, va(ARGS, 0), 1, 0, DOMID_SELF));
	limits_judge("a tree let go", 512 * LAST - HV_L4_COUNT, 0);
	ck_assert_int_eq(frame_type_now(frame_of(mallory.page[LAST])), FT_NONE);
}
END_TEST

/* XSA-31: numbers that promise more than there is are refused before a step is taken, in the call itself and in the
 * place where a continuation would keep them. */
START_TEST(numbers_beyond_measure)
{
	static const struct { uint64_t extents; uint32_t order; } absurd[] = {
		{ 1, 10 }, { 1, 63 }, { 1, 64 }, { 1, ~0u }, { 1ull << 33, 0 }, { ~0ull, 0 }, { 1ull << 63, 1 },
	};
	static const unsigned cmd[] = { XENMEM_populate_physmap, XENMEM_increase_reservation, XENMEM_decrease_reservation };
	struct xen_memory_reservation *r = at(&mallory, ARGS, 0);
	for (unsigned i = 0; i < ARRAY_COUNT(absurd); i++)
		for (unsigned k = 0; k < ARRAY_COUNT(cmd); k++) {
			*r = (struct xen_memory_reservation){ .extent_start = va(1, 0), .nr_extents = absurd[i].extents,
							      .extent_order = absurd[i].order, .domid = DOMID_SELF };
			REFUSED(call(mallory.v, __HYPERVISOR_memory_op, cmd[k], va(ARGS, 0)), EINVAL);
		}
	*r = (struct xen_memory_reservation){ .extent_start = va(1, 0), .nr_extents = 1, .domid = DOMID_SELF };
	for (unsigned k = 0; k < ARRAY_COUNT(cmd); k++)
		for (uint64_t at_extent = 2; at_extent; at_extent = at_extent << 7 & ~0ull >> 6)
			REFUSED(call(mallory.v, __HYPERVISOR_memory_op, cmd[k] | at_extent << 6, va(ARGS, 0)), EINVAL);
}
END_TEST

CHECK_MAIN("unbounded_work", scene_set, NULL, batch_of_updates, batch_without_an_end,
	   reset_of_all_ports, tree_let_go, numbers_beyond_measure)
