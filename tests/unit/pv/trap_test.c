/* What a guest's exceptions and system calls do: bounce frames as the guest kernel finds them, the way back, and the ways
 * a guest may end itself. */
#include "tests/unit/check_main.h"
#include "tests/unit/pv/traps.h"

/* --- exceptions --- */

START_TEST(exceptions_are_bounced)
{
	trap(&a, TRAP_DE, 0);
	entered(&a, 0, va(CODE, 0), false, 0);
	trap(&a, 11, 0x123);
	entered(&a, 11, va(CODE, 0), true, 0x123);
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 1);	/* as it was: its gate does not say */
	trap(&a, TRAP_UD, 0);
	entered(&a, 6, va(CODE, 0), false, 0);
	a.v->ctx.ts = true;
	trap(&a, TRAP_NM, 0);
	entered(&a, 7, va(CODE, 0), false, 0);
	ck_assert(!a.v->ctx.ts);
	host_fault_address = va(77, 5);
	trap(&a, TRAP_PF, 4);
	entered(&a, 14, va(CODE, 0), true, 0);		/* its kernel believes it is not in user mode */
	ck_assert_uint_eq(a.v->info->arch.cr2, va(77, 5));
	/* From user mode: on the kernel's stack, and the error code says user. */
	to_user(&a);
	trap(&a, TRAP_PF, 6);
	entered_(&a, 14, va(CODE, 0), true, 6, KERNEL_SP);
}
END_TEST

START_TEST(software_interrupts)
{
	r->rip = va(CODE, 1);
	trap(&a, TRAP_BP, 0);
	entered(&a, 3, va(CODE, 1), false, 0);
	trap(&a, TRAP_OF, 0);
	entered(&a, 4, va(CODE, 1), false, 0);		/* its kernel may use any gate */
	a.v->info->evtchn_upcall_mask = 0;
	r->rip = va(CODE, 2);
	trap(&a, TRAP_INT80, 0);
	entered(&a, 0x80, va(CODE, 2), false, 0);
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 1);
	/* Its user mode may not, and the instruction is to blame. */
	to_user(&a);
	r->rip = va(CODE, 1);
	trap(&a, TRAP_OF, 0);
	entered_(&a, 13, va(CODE, 0), true, 4 * 8 + 2, KERNEL_SP);
	to_user(&a);
	r->rip = va(CODE, 1);
	trap(&a, TRAP_BP, 0);
	entered_(&a, 3, va(CODE, 1), false, 0, KERNEL_SP);
	/* INT n of other vectors comes as #GP; the number is in the instruction. */
	r->rsp = va(STACK + 1, 0);
	memcpy(at(&a, CODE, 0), "\xcd\x80", 2);
	r->rip = va(CODE, 0);
	trap(&a, TRAP_GP, 0x55 * 8 + 2);
	entered(&a, 0x80, va(CODE, 2), false, 0);
	memcpy(at(&a, CODE, 0), "\xcd\x55", 2);		/* no gate */
	r->rip = va(CODE, 0);
	trap(&a, TRAP_GP, 0x55 * 8 + 2);
	entered(&a, 13, va(CODE, 0), true, 0x55 * 8 + 2);
	/* No INT there, or nothing at all. */
	memcpy(at(&a, CODE, 0), "\x90\x55", 2);
	trap(&a, TRAP_GP, 0x55 * 8 + 2);
	entered(&a, 13, va(CODE, 0), true, 0x55 * 8 + 2);
	r->rip = va(60, 0);
	trap(&a, TRAP_GP, 0x55 * 8 + 2);
	entered(&a, 13, va(60, 0), true, 0x55 * 8 + 2);
}
END_TEST

START_TEST(forced_emulation)
{
	static const char insn[] = "\x0f\x0bxen\x0f\xa2";
	memcpy(at(&a, CODE, 0), insn, 7);
	r->rip = va(CODE, 0);
	r->rax = 0x40000000;
	r->rcx = 0;
	trap(&a, TRAP_UD, 0);
	ck_assert_uint_eq(r->rip, va(CODE, 7));
	ck_assert_uint_eq(r->rbx, 0x566e6558);		/* XenV */
	memcpy(at(&a, CODE, 0), "\x0f\x0bxem\x0f\xa2", 7);
	r->rip = va(CODE, 0);
	trap(&a, TRAP_UD, 0);
	entered(&a, 6, va(CODE, 0), false, 0);
	r->rip = va(60, 0);
	trap(&a, TRAP_UD, 0);
	entered(&a, 6, va(60, 0), false, 0);
}
END_TEST

/* --- the ways a guest ends itself --- */

static void crashed(struct guest *g)
{
	ck_assert(g->d->is_shut_down);
	ck_assert_uint_eq(g->d->shutdown_code, 3 /* crash */);
	work_run();
	world_check();
	ck_assert_ptr_ne(vcpu_current(), g->v);
}

START_TEST(no_handler)
{
	trap(&a, 18, 0);
	crashed(&a);
}
END_TEST

START_TEST(double_fault)
{
	trap(&a, TRAP_DF, 0);
	crashed(&a);
}
END_TEST

START_TEST(no_stack)
{
	r->rsp = va(70, 0);
	trap(&a, TRAP_DE, 0);
	crashed(&a);
}
END_TEST

START_TEST(stack_in_our_range)
{
	r->rsp = HV_VIRT_START + 0x1000;
	trap(&a, TRAP_DE, 0);
	crashed(&a);
}
END_TEST

START_TEST(no_failsafe_callback)
{
	upcall_iret_fault(&a.v->ctx);
	crashed(&a);
}
END_TEST

START_TEST(no_iret_frame)
{
	r->rsp = va(70, 0);
	r->rax = __HYPERVISOR_iret;
	call_dispatch(a.v);
	crashed(&a);
}
END_TEST

START_TEST(iret_to_a_user_mode_without_tables)
{
	struct mmuext_op *op = at(&a, TABLE, 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_mmuext_op, va(TABLE, 0), 1, 0, DOMID_SELF), 0);
	r->rsp = va(STACK, 0);
	struct iret_context *f = at(&a, STACK, 0);
	*f = (struct iret_context){ .cs = FLAT_CS64, .ss = FLAT_DS };
	f->cs |= 3;
	r->rax = __HYPERVISOR_iret;
	call_dispatch(a.v);
	crashed(&a);
}
END_TEST

/* --- system calls and the way back --- */

static void callback(unsigned type, unsigned flags, uint64_t address)
{
	struct callback_register *c = at(&a, TABLE, 0);
	*c = (struct callback_register){ .type = (uint16_t)type, .flags = (uint16_t)flags, .address = address };
	uint64_t rip = r->rip;
	ck_assert_int_eq(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_register, va(TABLE, 0)), 0);
	r->rip = rip;
}

START_TEST(system_calls)
{
	callback(CALLBACKTYPE_syscall, CALLBACKF_mask_events, HANDLER(100));
	a.v->info->evtchn_upcall_mask = 0;
	to_user(&a);
	r->rip = va(CODE, 2);
	r->vector = 0;
	upcall_syscall(&a.v->ctx);
	entered_(&a, 100, va(CODE, 2), false, 0, KERNEL_SP);
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 1);
	/* The compat instruction has an entry of its own; without one it does not exist. */
	to_user(&a);
	r->rip = va(CODE, 2);
	r->vector = TRAP_SYSCALL32;
	upcall_syscall(&a.v->ctx);
	entered_(&a, 6, va(CODE, 0), false, 0, KERNEL_SP);
	callback(CALLBACKTYPE_syscall32, 0, HANDLER(101));
	to_user(&a);
	r->rip = va(CODE, 2);
	r->vector = TRAP_SYSCALL32;
	upcall_syscall(&a.v->ctx);
	entered_(&a, 101, va(CODE, 2), false, 0, KERNEL_SP);
	/* From the kernel it is no system call either way. */
	r->rip = va(CODE, 2);
	r->vector = TRAP_SYSCALL32;
	r->rsp = va(STACK + 1, 0);
	upcall_syscall(&a.v->ctx);
	entered(&a, 6, va(CODE, 0), false, 0);
	/* And this is a hypercall. */
	r->rip = va(CODE, 2);
	r->vector = 0;
	r->rax = __HYPERVISOR_xen_version;
	r->rdi = 0;
	upcall_syscall(&a.v->ctx);
	ck_assert_uint_eq(r->rax, 4 << 16 | 17);
	world_check();
}
END_TEST

static void iret(uint64_t cs, uint64_t flags, uint64_t in_syscall)
{
	struct iret_context *f = at(&a, STACK, 0);
	*f = (struct iret_context){ .rax = 0xaaaa, .r11 = 0xbbbb, .rcx = 0xcccc, .flags = in_syscall, .rip = va(CODE, 9),
				    .cs = cs, .rflags = flags, .rsp = va(USER_STACK, 64), .ss = FLAT_DS };
	r->rsp = va(STACK, 0);
	r->rax = __HYPERVISOR_iret;
	r->r11 = 1;
	r->rcx = 2;
	call_dispatch(a.v);
	world_check();
}

START_TEST(the_way_back)
{
	a.v->nmi_masked = true;
	iret(FLAT_CS64 | 3, ~0ull, 0);
	ck_assert(!a.v->ctx.kernel_mode);
	ck_assert_uint_eq(r->rip, va(CODE, 9));
	ck_assert_uint_eq(r->rax, 0xaaaa);
	ck_assert_uint_eq(r->r11, 0xbbbb);
	ck_assert_uint_eq(r->rcx, 0xcccc);
	ck_assert_uint_eq(r->rsp, va(USER_STACK, 64));
	ck_assert_uint_eq(r->rflags & (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF | RFLAGS_VIP), 0);
	ck_assert_uint_eq(r->rflags >> 32, 0);
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 0);
	ck_assert(!a.v->nmi_masked);
	cpu_context_set_mode(&a.v->ctx, true);
	iret(FLAT_CS64 & ~3u, 0, VGCF_in_syscall);
	ck_assert(a.v->ctx.kernel_mode);
	ck_assert_uint_eq(r->cs & 3, 3);
	ck_assert_uint_eq(r->r11, 1);			/* the guest does without them */
	ck_assert_uint_eq(r->rcx, 2);
	ck_assert_uint_eq(r->rflags, RFLAGS_IF | RFLAGS_FIXED);
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(a_return_that_does_not_load)
{
	for (unsigned masks = 0; masks < 2; masks++) {
		callback(CALLBACKTYPE_failsafe, masks ? CALLBACKF_mask_events : 0, HANDLER(102));
		a.v->info->evtchn_upcall_mask = 0;
		a.v->ctx.ds = 0x1234;
		a.v->ctx.gs = 0x5678;
		r->rip = va(CODE, 3);
		r->rsp = va(STACK + 1, 0);
		if (masks) {
			a.v->ctx.bad_selector = true;	/* found when switching to it */
			vcpu_deliver_event(a.v);
			ck_assert(!a.v->ctx.bad_selector);
		} else {
			upcall_iret_fault(&a.v->ctx);
		}
		world_check();
		ck_assert_uint_eq(r->rip, HANDLER(102));
		ck_assert_uint_eq(r->rsp, va(STACK + 1, 0) - 8 * 11);
		uint64_t *frame = at(&a, STACK, PAGE_SIZE - 8 * 11);
		ck_assert_uint_eq(frame[2], 0x1234);
		ck_assert_uint_eq(frame[5], 0x5678);
		ck_assert_uint_eq(frame[6], va(CODE, 3));
		ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, masks);
	}
}
END_TEST

CHECK_MAIN("traps", traps_setup, NULL, exceptions_are_bounced, software_interrupts,
	   forced_emulation, no_handler, double_fault, no_stack, stack_in_our_range,
	   no_failsafe_callback, no_iret_frame, iret_to_a_user_mode_without_tables, system_calls,
	   the_way_back, a_return_that_does_not_load)
