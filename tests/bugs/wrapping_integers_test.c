/* Sums that wrap: XSA-231, XSA-249, XSA-327, XSA-385.
 *
 * A guest passes a number, the hypervisor adds, shifts or counts, and compares the result. If the
 * result no longer fits, the comparison holds and what it guarded is open. XSA-231 took a node
 * number from the guest without a bound and indexed with it. In XSA-327 a vCPU's record could lie
 * at any offset of a page, also at those where the processor faults. A reference count that is
 * checked for its maximum in the wrong place comes round to zero (XSA-249), and a frame with zero
 * references is free, however many people use it. XSA-385 added up a domain's pages in 32 bits, and
 * compared with its limit what was left of the sum.
 *
 * Here sums that a guest can influence are formed in a wider type than the fields they come from,
 * or bounded before they are formed; counts of references saturate with an error (ref_take() in
 * hv/mem/frame_bits.h), those of grants' pins at 255; a quota is charged under a lock before a
 * frame is looked for, and compared by what is left (owner_charge() in hv/mem/frame_alloc.c).
 *
 * Each test passes the numbers right at, right behind and far behind the edge and, where a count is
 * meant, really counts up to it. A check on the wrapped value would let them pass.
 * Catches: int-copy-past-end, int-exchange-wraps, int-references-wrap, int-vcpu-info-past-end,
 * grant-pins-wrap, blind/18 to 21. */
#include "protocol/domctl.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

/* XSA-327: the record must lie in its page, whole and aligned. */
START_TEST(record_across_the_end_of_a_page)
{
	struct vcpu_register_vcpu_info *a = at(&mallory, ARGS, 0);
	const uint32_t last = PAGE_SIZE - sizeof(struct vcpu_info);
	const uint32_t bad[] = { last + 1, last + 8, last + sizeof(struct vcpu_info) - 8, PAGE_SIZE, PAGE_SIZE + 8, 1, 4,
				 ~0u, 0u - 8, 1u << 31 };
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		*a = (struct vcpu_register_vcpu_info){ .mfn = mallory.page[3].n, .offset = bad[i] };
		REFUSED(call(mallory.v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, va(ARGS, 0)), EINVAL);
	}
	a->offset = last;
	WORKS(call(mallory.v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, va(ARGS, 0)));
}
END_TEST

static int copy(unsigned from, unsigned to, unsigned n)
{
	struct gnttab_copy *op = at(&mallory, ARGS, 0);
	*op = (struct gnttab_copy){ .len = (uint16_t)n };
	op->source.domid = op->dest.domid = DOMID_SELF;
	op->source.u.gmfn = mallory.page[3].n;
	op->dest.u.gmfn = mallory.page[4].n;
	op->source.offset = (uint16_t)from;
	op->dest.offset = (uint16_t)to;
	WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_copy, va(ARGS, 0), 1));
	return op->status;
}

/* Offset and length of a grant copy are 16 bits each, and so would be their sum. */
START_TEST(copy_across_the_end_of_a_page)
{
	static const struct { unsigned offset, n; } bad[] = {
		{ 4095, 2 }, { 1, 4096 }, { 4096, 1 }, { 65535, 1 }, { 65520, 16 }, { 65520, 32 }, { 61441, 4095 }, { 32768, 32768 },
	};
	struct frame *behind = frame_of(mfn(mallory.page[4].n + 1));
	uint64_t *witness = host_frame(frame_mfn(behind)), before = witness[0];
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(copy(bad[i].offset, 0, bad[i].n), GNTST_bad_copy_arg);
		ck_assert_int_eq(copy(0, bad[i].offset, bad[i].n), GNTST_bad_copy_arg);
	}
	ck_assert_int_eq(copy(4095, 4095, 1), GNTST_okay);
	ck_assert_int_eq(copy(0, 0, 4096), GNTST_okay);
	ck_assert_uint_eq(witness[0], before);
}
END_TEST

/* 2^61 extents of eight frames are none at all, in 64 bits. dom0 asks, for a guest may not exchange. */
START_TEST(exchange_of_nothing)
{
	struct xen_memory_exchange *x = at(&dom0_guest, ARGS, 0);
	world_run(&dom0_guest);
	for (unsigned order = 0; order < 64; order++) {
		struct xen_memory_reservation side = { .extent_start = va(1, 0), .nr_extents = 1ull << (64 - order) % 64,
						       .extent_order = order, .domid = DOMID_SELF };
		if (side.nr_extents == 1)
			continue;
		*x = (struct xen_memory_exchange){ .in = side, .out = side };
		REFUSED(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_exchange, va(ARGS, 0)), EINVAL);
	}
}
END_TEST

/* XSA-249: a frame is mapped once more than can be counted. (The machine's limit is 2^40; here it is 15.) */
START_TEST(more_mappings_than_the_count_holds)
{
	struct frame *f = frame_of(mallory.page[5]);
	unsigned mapped = 0;
	frame_count_limit = 15;
	while (frame_refs_now(f) < 15)
		WORKS(update(&mallory, slot(mallory.l1, 200 + mapped++), pte(mallory.page[5], PTE_WRITE)));
	for (unsigned i = 0; i < 40; i++)
		REFUSED(update(&mallory, slot(mallory.l1, 300 + i), pte(mallory.page[5], i % 2 ? PTE_WRITE : 0)), EOVERFLOW);
	frame_count_limit = 1ull << 40;
	while (mapped > 0)
		WORKS(update(&mallory, slot(mallory.l1, 200 + --mapped), 0));
	ck_assert_uint_eq(frame_refs_now(f), 2);
}
END_TEST

/* The same for the pins of a grant, which are counted in a byte: 256 mappings of one grant are not none. */
START_TEST(more_pins_than_a_byte_holds)
{
	struct grant_entry_v1 *e = (struct grant_entry_v1 *)host_frame(grant_frame(victim.d, 0)) + 9;
	struct gnttab_map_grant_ref *m = at(&mallory, ARGS, 0);
	struct gnttab_unmap_grant_ref *u = at(&mallory, ARGS, 0);
	uint64_t refs = frame_refs_now(frame_of(victim.page[5])), made = 0;
	*e = (struct grant_entry_v1){ GTF_permit_access | GTF_readonly, mallory.d->id, (uint32_t)victim.page[5].n };
	for (unsigned i = 0; i < 140; i++) {
		*m = (struct gnttab_map_grant_ref){ .host_addr = va(200 + i, 0), .ref = 9, .dom = victim.d->id,
			.flags = GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly };
		WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(ARGS, 0), 1));
		made += m->status == GNTST_okay;
		ck_assert_int_eq(m->status, 2 * (i + 1) <= 255 ? GNTST_okay : GNTST_no_space);
	}
	ck_assert_uint_eq(made, 127);
	ck_assert(e->flags & GTF_reading);
	for (unsigned i = 0; i < made; i++) {
		*u = (struct gnttab_unmap_grant_ref){ .host_addr = va(200 + i, 0), .handle = i,
			.dev_bus_addr = mfn_to_maddr(victim.page[5]).a };
		WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(ARGS, 0), 1));
		ck_assert_int_eq(u->status, GNTST_okay);
	}
	ck_assert(!(e->flags & GTF_reading));
	ck_assert_uint_eq(frame_refs_now(frame_of(victim.page[5])), refs);
}
END_TEST

/* XSA-385 and its mirror image: what a guest may have is lowered below what it has. What is left is nothing, not the
 * difference. */
START_TEST(quota_below_what_is_in_use)
{
	struct xen_domctl *op = at(&dom0_guest, ARGS, 0);
	struct xen_memory_reservation *r = at(&mallory, ARGS, 0);
	uint64_t have = mallory.d->mem.frame_count;
	world_run(&dom0_guest);
	*op = (struct xen_domctl){ .cmd = XEN_DOMCTL_max_mem, .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
				   .domain = mallory.d->id, .u.max_mem.max_memkb = 4 * (have - 3) };
	WORKS(call(dom0_guest.v, __HYPERVISOR_domctl, va(ARGS, 0)));
	world_run(&mallory);
	for (unsigned order = 0; order <= 9; order++) {
		*r = (struct xen_memory_reservation){ .nr_extents = 4, .extent_order = order, .domid = DOMID_SELF };
		ck_assert_int_eq(call(mallory.v, __HYPERVISOR_memory_op, XENMEM_increase_reservation, va(ARGS, 0)), 0);
		ck_assert_uint_eq(mallory.d->mem.frame_count, have);
	}
}
END_TEST

CHECK_MAIN("wrapping_integers", scene_set, NULL, record_across_the_end_of_a_page,
	   copy_across_the_end_of_a_page, exchange_of_nothing, more_mappings_than_the_count_holds,
	   more_pins_than_a_byte_holds, quota_below_what_is_in_use)
