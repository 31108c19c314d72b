/* Assertions that a guest can reach: XSA-37, XSA-251, XSA-296, XSA-454.
 *
 * An assertion says "this cannot happen, and if it does we cannot go on", and stops the machine.
 * That is right for what only our own code could have caused. The bug is a programmer who thinks so
 * of something that a guest can cause, by calls in an order that no sane kernel makes. In XSA-37 it
 * was an ASSERT() of debug builds in the very function that takes a page's type; XSA-251 asserted
 * something of the machine-to-physical table, whose entries a guest sets itself. In XSA-296
 * VCPUOP_initialise, interrupted for the first time in its life, by a guest with large page tables,
 * described its continuation by a letter that nobody knew, which was a BUG(); XSA-454 found an
 * argument longer than a guest of that kind could have, which it could.
 *
 * Here a guest's error is a return code, a guest's insanity the end of that guest (domain_crash()
 * in hv/dom/domain.c), and an assertion stays in release builds because it may only be reached by a
 * bug of ours. Most of the fuzzer's time goes into the difference (tests/fuzz: an assertion that
 * fires is a violation).
 *
 * The tests are orders nobody makes: twice, backwards, on oneself, on what is gone. There is
 * nothing to judge but that the machine goes on and says no; an assertion would end this program,
 * as panic() does.
 * Catches: assert-second-vcpu-info, assert-unpin, blind/45-assert-iret-without-user-table,
 * blind/57-assert-reference-before-type. */
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

static int64_t vcpu_op(unsigned cmd, unsigned vcpu, const void *arg, size_t n)
{
	memcpy(at(&mallory, ARGS, 0), arg, n);
	return call(mallory.v, __HYPERVISOR_vcpu_op, cmd, vcpu, va(ARGS, 0));
}

static int grant_op(struct guest *g, unsigned cmd, const void *op, size_t n, size_t status)
{
	int16_t s;
	memcpy(at(g, ARGS, 0), op, n);
	WORKS(call(g->v, __HYPERVISOR_grant_table_op, cmd, va(ARGS, 0), 1));
	memcpy(&s, at(g, ARGS, (unsigned)status), sizeof s);
	return s;
}

#define GRANT_OP(g, cmd, op) grant_op((g), (cmd), &(op), sizeof(op), offsetof(__typeof__(op), status))

/* Pinned twice, let go twice, let go while it is loaded, and the other way round. */
START_TEST(tables_in_a_wrong_order)
{
	REFUSED(unpin(&mallory, mallory.l4), EINVAL);		/* in use, not pinned */
	REFUSED(unpin(&mallory, mallory.page[3]), EINVAL);
	REFUSED(unpin(&mallory, victim.l4), EINVAL);
	REFUSED(unpin(&mallory, mfn(~0ull >> 12)), EINVAL);
	WORKS(pin(&mallory, mallory.l4, 4));
	REFUSED(pin(&mallory, mallory.l4, 4), EINVAL);
	REFUSED(pin(&mallory, mallory.l4, 3), EBUSY);
	WORKS(unpin(&mallory, mallory.l4));
	REFUSED(unpin(&mallory, mallory.l4), EINVAL);
	for (unsigned i = 0; i < 2; i++) {
		WORKS(mmuext(&mallory, MMUEXT_NEW_USER_BASEPTR, mallory.l4));
		WORKS(mmuext(&mallory, MMUEXT_NEW_BASEPTR, mallory.l4));
		WORKS(mmuext(&mallory, MMUEXT_NEW_USER_BASEPTR, mfn(0)));
	}
	ck_assert_int_lt(mmuext(&mallory, MMUEXT_NEW_BASEPTR, mallory.l3), 0);
	ck_assert_int_lt(mmuext(&mallory, MMUEXT_NEW_BASEPTR, mallory.page[3]), 0);
}
END_TEST

/* XSA-296: the context names tables that take a while, and something is always waiting. */
START_TEST(vcpu_initialised_with_interruptions)
{
	enum { T4 = 3, T3, T2, T1 };
	for (unsigned n = T4; n < T1; n++)
		*(uint64_t *)at(&mallory, n, 0) = pte(mallory.page[n + 1], 0);
	for (unsigned n = T4; n <= T1; n++)
		(void)unmapped(&mallory, n);
	ck_assert_uint_eq(mallory.page[1].n + 1, mallory.page[2].n);	/* it is larger than a page */
	struct vcpu_guest_context *c = at(&mallory, 1, 0);
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = mfn_to_maddr(mallory.page[T4]).a;
	table_slice = 64;
	world_preempt(1);
	WORKS(call(mallory.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)));
	ck_assert_uint_gt(world_preempted, 20);
	world_preempt(0);
	ck_assert_int_eq(call(mallory.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), -EEXIST);
}
END_TEST

/* vCPUs that are started before they are made, made twice, made of nonsense, and taken down by themselves. */
START_TEST(vcpus_in_a_wrong_order)
{
	struct vcpu_register_vcpu_info info = { .mfn = mallory.page[3].n };
	ck_assert_int_lt(vcpu_op(VCPUOP_up, 1, "", 0), 0);
	ck_assert_int_lt(vcpu_op(VCPUOP_up, 2, "", 0), 0);
	ck_assert_int_lt(vcpu_op(VCPUOP_initialise, 0, "", 0), 0);	/* it is running */
	WORKS(vcpu_op(VCPUOP_send_nmi, 1, "", 0));
	for (unsigned byte = 0; byte < 256; byte += 5) {
		memset(at(&mallory, 1, 0), (int)byte, PAGE_SIZE);
		memset(at(&mallory, 2, 0), (int)byte, PAGE_SIZE);
		ck_assert_int_lt(call(mallory.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), 0);
	}
	WORKS(vcpu_op(VCPUOP_register_vcpu_info, 1, &info, sizeof info));
	ck_assert_int_eq(vcpu_op(VCPUOP_register_vcpu_info, 1, &info, sizeof info), -EBUSY);
	info.mfn = mallory.page[4].n;
	ck_assert_int_eq(vcpu_op(VCPUOP_register_vcpu_info, 1, &info, sizeof info), -EBUSY);
	/* Where the record lies cannot become a table, nor be given back from under it. */
	ck_assert_int_eq(pin(&mallory, unmapped(&mallory, 3), 1), -EBUSY);
	WORKS(vcpu_op(VCPUOP_down, 1, "", 0));
	WORKS(vcpu_op(VCPUOP_down, 1, "", 0));
}
END_TEST

/* The granter gives its page away while it is mapped: the mapping's reference is the last, and goes last. */
START_TEST(granted_page_given_back)
{
	struct grant_entry_v1 *e = (struct grant_entry_v1 *)host_frame(grant_frame(victim.d, 0)) + 9;
	struct gnttab_map_grant_ref m = { .host_addr = va(60, 0), .flags = GNTMAP_host_map, .ref = 9, .dom = victim.d->id };
	struct xen_memory_reservation r = { .extent_start = va(ARGS, 64), .nr_extents = 1, .domid = DOMID_SELF };
	mfn_t page = victim.page[5];
	*e = (struct grant_entry_v1){ GTF_permit_access, mallory.d->id, (uint32_t)page.n };
	ck_assert_int_eq(GRANT_OP(&mallory, GNTTABOP_map_grant_ref, m), GNTST_okay);
	struct gnttab_map_grant_ref *done = at(&mallory, ARGS, 0);
	struct gnttab_unmap_grant_ref u = { .host_addr = va(60, 0), .handle = done->handle };
	world_run(&victim);
	(void)unmapped(&victim, 5);
	memcpy(at(&victim, ARGS, 0), &r, sizeof r);
	*(uint64_t *)at(&victim, ARGS, 64) = page.n;
	ck_assert_int_eq(call(victim.v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, va(ARGS, 0)), 1);
	world_run(&mallory);
	ck_assert(stores(va(60, 0), 1));
	ck_assert_int_eq(GRANT_OP(&mallory, GNTTABOP_unmap_grant_ref, u), GNTST_okay);
	ck_assert_uint_eq(frame_refs_now(frame_of(page)), 0);
}
END_TEST

/* Both parties of an agreement are Mallory: she grants to herself, calls herself, copies a page to itself. */
START_TEST(with_oneself)
{
	struct grant_entry_v1 *e = (struct grant_entry_v1 *)host_frame(grant_frame(mallory.d, 0)) + 9;
	struct gnttab_map_grant_ref m = { .host_addr = va(60, 0), .flags = GNTMAP_host_map, .ref = 9, .dom = DOMID_SELF };
	struct gnttab_copy c = { .len = 4096, .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref };
	*e = (struct grant_entry_v1){ GTF_permit_access, mallory.d->id, (uint32_t)mallory.page[5].n };
	c.source.u.ref = c.dest.u.ref = 9;
	c.source.domid = c.dest.domid = mallory.d->id;
	ck_assert_int_eq(GRANT_OP(&mallory, GNTTABOP_copy, c), GNTST_okay);
	(void)GRANT_OP(&mallory, GNTTABOP_map_grant_ref, m);
	struct gnttab_unmap_grant_ref u = { .host_addr = va(60, 0),
		.handle = ((struct gnttab_map_grant_ref *)at(&mallory, ARGS, 0))->handle };
	for (unsigned i = 0; i < 3; i++)
		(void)GRANT_OP(&mallory, GNTTABOP_unmap_grant_ref, u);
	/* A GDT of one page, many times. */
	mfn_t gdt = unmapped(&mallory, 4);
	memset(host_frame(gdt), 0, PAGE_SIZE);
	for (unsigned i = 0; i < 14; i++)
		*(uint64_t *)at(&mallory, ARGS, 8 * i) = gdt.n;
	WORKS(call(mallory.v, __HYPERVISOR_set_gdt, va(ARGS, 0), 14 * 512));
	WORKS(call(mallory.v, __HYPERVISOR_set_gdt, va(ARGS, 0), 1));
	WORKS(call(mallory.v, __HYPERVISOR_set_gdt, va(ARGS, 0), 0));
	ck_assert_uint_eq(frame_type_now(frame_of(gdt)), FT_NONE);
}
END_TEST

/* A guest that cannot go on ends alone: its stack is not there, its tables are not. */
START_TEST(insane_and_alone)
{
	struct iret_context *f = at(&mallory, 3, 0);
	*f = (struct iret_context){ .rip = 0x1000, .cs = FLAT_CS64, .ss = FLAT_DS };
	mallory.v->ctx.regs.rsp = va(3, 0);
	mallory.v->ctx.regs.rax = __HYPERVISOR_iret;
	call_dispatch(mallory.v);			/* to a user mode without tables */
	work_run();
	world_check();
	ck_assert(mallory.d->is_shut_down);
	ck_assert(!victim.d->is_shut_down && !dom0_guest.d->is_shut_down);
	world_run(&victim);
	WORKS(update_va(&victim, va(60, 0), pte(victim.page[3], 0), 0));
	victim.v->ctx.regs.rsp = HV_VIRT_START;
	victim.v->ctx.regs.rax = __HYPERVISOR_iret;
	call_dispatch(victim.v);			/* from a stack of ours */
	work_run();
	world_check();
	ck_assert(victim.d->is_shut_down && !dom0_guest.d->is_shut_down);
	destroy(&mallory);
	destroy(&victim);
}
END_TEST

CHECK_MAIN("reachable_assertions", scene_set, NULL, tables_in_a_wrong_order,
	   vcpu_initialised_with_interruptions, vcpus_in_a_wrong_order, granted_page_given_back,
	   with_oneself, insane_and_alone)
