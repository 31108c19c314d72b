/* Statement I17 of the audit: each part of it is broken in turn, by hand. And what of a vCPU's state the other tests of
 * this folder leave out: it goes in and comes out the same, no memory, contexts that are refused. */
#include <string.h>
#include "hv/pv/state.h"
#include "protocol/callback.h"
#include "tests/unit/guest_world.h"

static struct guest a;
static struct vcpu_guest_context ctx;

static void setup(void)
{
	world_start();
	world_guest(&a, 1, false, 3);
	world_run(&a);
	memset(&ctx, 0, sizeof ctx);
	ctx.flags = VGCF_in_kernel;
	ctx.ctrlreg[3] = mfn_to_maddr(a.l4).a;
}

#define BROKEN_BY(lvalue, value, what) do { \
	__typeof__(lvalue) was_ = (lvalue); \
	(lvalue) = (__typeof__(lvalue))(value); \
	const char *said_ = frame_audit(); \
	ck_assert_msg(said_ && strstr(said_, what), "the audit says '%s', not '%s'", said_ ? said_ : "nothing", what); \
	(lvalue) = was_; \
	world_check(); \
} while (0)

START_TEST(statement)
{
	struct cpu_context *c = &a.v->ctx;
	struct pv_vcpu *pv = a.v->pv;
	BROKEN_BY(c->regs.rflags, c->regs.rflags & ~(uint64_t)RFLAGS_IF, "I17: a guest's flags");
	BROKEN_BY(c->regs.rflags, c->regs.rflags | RFLAGS_IOPL, "I17: a guest's flags");
	BROKEN_BY(c->regs.rflags, c->regs.rflags | RFLAGS_VIP, "I17: a guest's flags");
	BROKEN_BY(c->regs.cs, FLAT_CS64 & ~3u, "not of ring 3");
	BROKEN_BY(c->regs.ss, 0, "not of ring 3");
	cpu_base_write(c, BASE_GS_USER, 1ull << 47);
	const char *said = frame_audit();
	ck_assert_msg(said && strstr(said, "segment base"), "%s", said);
	cpu_base_write(c, BASE_GS_USER, 0xffff900000000000);
	world_check();
	BROKEN_BY(c->dr7, 1ull << 32, "DR7");
	BROKEN_BY(c->dr7, 0x2000, "DR7");
	BROKEN_BY(c->dr[2], HV_VIRT_START, "a breakpoint lies");
	BROKEN_BY(c->dr[2], HV_VIRT_END - 1, "a breakpoint lies");
	BROKEN_BY(c->dr[3], 1ull << 50, "a breakpoint lies");
	BROKEN_BY(c->dr7, 0x20402, "a breakpoint on I/O");
	c->dr[1] = HV_VIRT_END;
	world_check();
	BROKEN_BY(*(uint32_t *)((char *)c->fpu + 24), 1u << 31, "MXCSR");
	cpu_features.mxcsr_mask = 0xf000ffff;
	*(uint32_t *)((char *)c->fpu + 24) = 1u << 31;
	world_check();
	*(uint32_t *)((char *)c->fpu + 24) = 0x1f80;
	BROKEN_BY(c->kernel_mode, false, "user mode without");
	BROKEN_BY(pv->failsafe.address, 1ull << 63, "a callback");
	BROKEN_BY(pv->trap[200].address, 1ull << 47, "a trap handler");
	BROKEN_BY(pv->iopl, 4, "an I/O privilege");
	/* One that never had a context has nothing to load, nor has one that is being made. */
	struct vcpu *none = a.d->vcpu[1];
	none->pv->iopl = 4;
	world_check();
	struct pv_vcpu *was = none->pv;
	none->is_initialised = true;
	none->pv = NULL;
	world_check();
	none->pv = was;
	none->is_initialised = false;
	none->pv->iopl = 0;
	void *fpu = a.v->ctx.fpu;
	a.v->ctx.fpu = NULL;
	world_check();
	a.v->ctx.fpu = fpu;
}
END_TEST

START_TEST(context_comes_out_as_it_went_in)
{
	struct vcpu *v = a.d->vcpu[1];
	static struct vcpu_guest_context out;
	ctx.flags = VGCF_failsafe_disables_events | VGCF_syscall_disables_events | VGCF_i387_valid;
	ctx.ctrlreg[1] = mfn_to_maddr(a.l4).a;
	ctx.user_regs.rip = 0x1234;
	ctx.user_regs.cs = FLAT_CS64;
	ctx.user_regs.rflags = 0x1202;			/* IOPL 1 */
	ctx.failsafe_callback_eip = 0x5000;
	ctx.trap_ctxt[3] = (struct trap_info){ 77, 3, FLAT_CS64, 0x7000 };
	for (unsigned mask = 0; mask < 2; mask++) {
		cpu_features.mxcsr_mask = mask ? 0xffff : 0;
		cpu_features.has_xsave = mask;
		memset(ctx.fpu_ctxt.x, 0xff, 512);
		ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), 0);
		world_check();
		pv_vcpu_get_context(v, &out);
		ck_assert_uint_eq(*(uint32_t *)(out.fpu_ctxt.x + 24), mask ? 0xffff : 0xffbf);
		ck_assert_uint_eq(out.flags, ctx.flags);	/* not online, in user mode */
		ck_assert_uint_eq(out.user_regs.cs, FLAT_CS64 | 3);
		ck_assert_uint_eq(out.user_regs.rflags & 0x3000, 0x1000);
		ck_assert_uint_eq(out.ctrlreg[1], ctx.ctrlreg[1]);
		ck_assert_uint_eq(out.trap_ctxt[77].address, 0x7000);
		ck_assert_uint_eq(out.failsafe_callback_eip, 0x5000);
	}
	ctx.flags = VGCF_in_kernel;
	ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), 0);
	ck_assert_int_eq(vcpu_up(v), 0);
	pv_vcpu_get_context(v, &out);
	ck_assert_uint_eq(out.flags, VGCF_i387_valid | VGCF_in_kernel | VGCF_online);
	ck_assert_uint_eq(out.user_regs.cs & 3, 0);
}
END_TEST

START_TEST(contexts_refused)
{
	struct vcpu *v = a.d->vcpu[2];
	uint64_t digest = frame_audit_digest();
	ctx.gdt_ents = GDT_GUEST_ENTRIES + 1;
	ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), -EINVAL);
	ctx.gdt_ents = 0;
	ctx.ldt_ents = 1;
	ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), -EINVAL);
	ctx.ldt_ents = 0;
	ctx.flags = 0;					/* user mode without a table */
	ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), -EINVAL);
	ctx.flags = VGCF_in_kernel;
	ctx.ctrlreg[1] = mfn_to_maddr(a.l1).a;		/* a table, not of that level */
	ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), -EBUSY);
	ctx.ctrlreg[1] = 0;
	ctx.gdt_ents = 512;
	ctx.gdt_frames[0] = a.l1.n;
	ck_assert_int_eq(pv_vcpu_set_context(v, &ctx), -EBUSY);
	world_check();
	ck_assert_uint_eq(frame_audit_digest(), digest);
	ck_assert(!v->is_initialised);
	ck_assert_int_eq(pv_set_gdt(a.v, (const uint64_t[GDT_GUEST_PAGES]){ 0 }, GDT_GUEST_ENTRIES + 1), -EINVAL);
	ck_assert_int_eq(pv_set_ldt(a.v, gva(va(300, 0) << 9), 1), -EFAULT);
	ck_assert_int_eq(pv_set_ldt(a.v, gva(HV_VIRT_START), 1), -EINVAL);
	table_entries = 16;				/* as if tables ended there */
	ck_assert_int_eq(pv_set_ldt(a.v, gva(va(16, 0)), 1), -EFAULT);
	table_entries = 512;
	ck_assert_int_eq(pv_set_iopl(a.v, 4), -EINVAL);
	ck_assert_int_eq(pv_set_iobitmap(a.v, gva(va(1, 0)), 65537), -EINVAL);
}
END_TEST

static unsigned refuse_after;

static bool refuses(void)
{
	return refuse_after == 0 || refuse_after-- == 0;
}

START_TEST(no_memory_for_a_vcpu)
{
	struct domain_config config = { .max_vcpus = 2 };
	struct domain *d;
	struct vcpu *v;
	int rc = -ENOMEM;
	unsigned n;
	ck_assert_int_eq(domain_create(9, &config, &d), 0);
	for (n = 0; rc; n++) {
		ck_assert_uint_lt(n, 50);
		uint64_t heap = heap_pages_in_use();
		refuse_after = n;
		alloc_refuse = refuses;
		rc = vcpu_create(d, 0, &v);
		alloc_refuse = NULL;
		ck_assert(rc == 0 || rc == -ENOMEM);
		if (rc)
			ck_assert_uint_eq(heap_pages_in_use(), heap);
		world_check();
	}
	ck_assert_uint_gt(n, 3);
	/* Killed with one vCPU of two. */
	domain_get(d);
	while ((rc = domain_kill(d)) == -ERESTART)
		work_run();
	ck_assert_int_eq(rc, 0);
	domain_put(d);
	work_run();
	world_check();
	ck_assert_ptr_null(domain_find(9));
}
END_TEST

START_TEST(callbacks_and_masks)
{
	struct callback_unregister *u = at(&a, 1, 0);
	struct callback_register *c = at(&a, 1, 64);
	*c = (struct callback_register){ .type = CALLBACKTYPE_event, .address = 0x4000 };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_register, va(1, 64)), 0);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_unregister, va(70, 0)), -EFAULT);
	*u = (struct callback_unregister){ .type = CALLBACKTYPE_event };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_unregister, va(1, 0)), 0);
	ck_assert_uint_eq(a.v->pv->event.address, 0);
	/* A full table of gates has no end mark. */
	struct trap_info *t = at(&a, 2, 0);
	for (unsigned i = 0; i < 256; i++)
		t[i] = (struct trap_info){ (uint8_t)i, 0, FLAT_CS64, 0x1000 + i };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_set_trap_table, va(2, 0)), 0);
	ck_assert_uint_eq(a.v->pv->trap[255].address, 0x10ff);
	/* An NMI waits while another is handled; events do not. */
	a.v->pv->event.address = 0x4000;
	a.v->nmi_pending = a.v->nmi_masked = true;
	a.v->ctx.regs.rsp = va(5, 0);
	vcpu_deliver_event(a.v);
	ck_assert(a.v->nmi_pending);
	ck_assert_uint_eq(a.v->ctx.regs.rip, 0x4000);
	a.v->nmi_pending = false;
	/* User mode runs on its table: it cannot be taken away. */
	ck_assert_int_eq(pv_new_user_base(a.v, a.l4), 0);
	cpu_context_set_mode(&a.v->ctx, false);
	ck_assert_int_eq(pv_new_user_base(a.v, mfn(0)), -EINVAL);
	cpu_context_set_mode(&a.v->ctx, true);
	ck_assert_int_eq(pv_new_user_base(a.v, mfn(0)), 0);
	world_check();
}
END_TEST

CHECK_MAIN("pv check", setup, NULL, statement, context_comes_out_as_it_went_in, contexts_refused,
	   no_memory_for_a_vcpu, callbacks_and_masks)
