/* Into a guest kernel and out of it: XSA-7, XSA-44, XSA-193, XSA-202, XSA-213, XSA-279, XSA-339.
 *
 * The instruction that leaves to a guest is the last of the hypervisor's and loads what the guest
 * chose. If it faults, it faults in ring 0, with the guest's stack. In XSA-7 `sysret` to a
 * non-canonical address did that on Intel's processors; the guest had put a trap frame of its own
 * where the fault was going to push one, and several operating systems fell to the same trick.
 * XSA-193 put a non-canonical address into a segment base, XSA-279 into an address to be flushed.
 * In XSA-44 SYSENTER left the nested-task flag as the guest had set it: the return faulted on it,
 * and the recovery returned with the same flag; in XSA-339 the fault was delivered twice. XSA-202
 * let the flags through and the guest turned the machine's interrupts off. And XSA-213: `iret`
 * within a multicall switched to user mode, and the rest of the batch went on changing the page
 * tables of a kernel that was not there.
 *
 * Here every address that will be loaded is checked to be canonical where it enters (callback_set()
 * in hv/pv/callback.c, pv_set_segment_base(), context_check()); an address on a stack need not be,
 * for such a return goes by `iretq`, whose fault becomes the guest's failsafe callback
 * (hv/pv/iret.c; entry.S asks again before `sysretq`). Flags are masked by a constant, each time. A
 * multicall does not take an iret (hv/call/multicall.c).
 *
 * The tests hand in the exploits' values and then look at the registers that would be loaded;
 * statement I17 of the audit does the same after each hypercall, for all vCPUs. What the
 * instructions do on a processor is shown by tests/guest/hostile, which really returns to such
 * places.
 * Catches: entry-flags-survive, entry-iret-iopl, entry-iret-interrupts-off,
 * entry-base-not-canonical, entry-callback-anywhere, blind/23, 24, 31, 45. */
#include "protocol/callback.h"
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pv/traps.h"

static const uint64_t not_canonical[] = { 0x800000000000, 0xffff7fffffffffff, 1ull << 63, 0x7fffffffffffffff };

/* The guest's kernel leaves by a frame that it wrote. */
static void iret(uint64_t rip, uint64_t cs, uint64_t rflags)
{
	struct iret_context *f = at(&a, STACK, 0);
	*f = (struct iret_context){ .rip = rip, .cs = cs, .rflags = rflags, .rsp = rip, .ss = 0 };
	r->rsp = va(STACK, 0);
	r->rax = __HYPERVISOR_iret;
	call_dispatch(a.v);
	world_check();
}

/* XSA-202, and the I/O privilege level that would open all ports. */
START_TEST(flags_on_the_stack)
{
	for (unsigned bit = 0; bit < 65; bit++) {
		iret(va(CODE, 0), FLAT_CS64 & ~3u, bit < 64 ? 1ull << bit : ~0ull);
		ck_assert(r->rflags & RFLAGS_IF);
		ck_assert_uint_eq(r->rflags & (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF | RFLAGS_VIP), 0);
		ck_assert_uint_eq(r->cs & r->ss & 3, 3);
	}
}
END_TEST

/* XSA-7: the return goes by iretq, and its fault is the guest's. */
START_TEST(return_to_nowhere)
{
	struct callback_register *c = at(&a, TABLE, 0);
	*c = (struct callback_register){ .type = CALLBACKTYPE_failsafe, .address = 0x7000 };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_register, va(TABLE, 0)), 0);
	for (unsigned i = 0; i < ARRAY_COUNT(not_canonical); i++) {
		iret(not_canonical[i], FLAT_CS64 & ~3u, RFLAGS_IF);
		ck_assert_uint_eq(r->vector, 0);	/* entry.S: the one way that may fault */
		r->rsp = va(STACK + 1, 0);
		upcall_iret_fault(&a.v->ctx);		/* and it does */
		world_check();
		ck_assert_uint_eq(r->rip, 0x7000);
		ck_assert_uint_eq(r->cs, FLAT_CS64);
		ck_assert(!a.d->is_shut_down);
	}
	/* Without a callback it ends the guest, and nobody else. */
	*c = (struct callback_register){ .type = CALLBACKTYPE_failsafe };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_unregister, va(TABLE, 0)), 0);
	iret(not_canonical[0], FLAT_CS64 & ~3u, RFLAGS_IF);
	upcall_iret_fault(&a.v->ctx);
	ck_assert(a.d->is_shut_down);
	ck_assert(!dom0_guest.d->is_shut_down);
}
END_TEST

/* XSA-193, XSA-279: whatever takes an address that will be loaded later, without a fault that could be caught. */
START_TEST(addresses_to_be_loaded)
{
	static const uint32_t base_msr[] = { 0xc0000100, 0xc0000101, 0xc0000102 };
	struct callback_register *c = at(&a, TABLE, 0);
	struct trap_info *t = at(&a, TABLE, 0);
	for (unsigned i = 0; i < ARRAY_COUNT(not_canonical); i++) {
		for (unsigned which = 0; which < 3; which++) {
			ck_assert_int_eq(call(a.v, __HYPERVISOR_set_segment_base, which, not_canonical[i]), -EINVAL);
			r->rcx = base_msr[which];
			r->rax = (uint32_t)not_canonical[i];
			r->rdx = not_canonical[i] >> 32;
			REFUSED(&a, "\x0f\x30");	/* wrmsr */
		}
		for (unsigned type = 0; type < 8; type++) {
			*c = (struct callback_register){ .type = (uint16_t)type, .address = not_canonical[i] };
			ck_assert_int_lt(call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_register, va(TABLE, 0)), 0);
		}
		memset(t, 0, 3 * sizeof *t);
		t[0] = (struct trap_info){ 13, 0, FLAT_CS64, HANDLER(13) };
		t[1] = (struct trap_info){ 14, 0, FLAT_CS64, not_canonical[i] };
		ck_assert_int_eq(call(a.v, __HYPERVISOR_set_trap_table, va(TABLE, 0)), -EINVAL);
		struct mmuext_op *op = at(&a, TABLE, 0);
		*op = (struct mmuext_op){ .cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = not_canonical[i] };
		uint64_t flushed = host_flushes_page;
		(void)call(a.v, __HYPERVISOR_mmuext_op, va(TABLE, 0), 1, 0, DOMID_SELF);
		ck_assert_uint_eq(host_flushes_page, flushed);
	}
}
END_TEST

/* The same through the widest door, a whole context for another vCPU. */
START_TEST(addresses_in_a_context)
{
	struct guest b;
	world_guest(&b, 2, false, 2);
	world_run(&b);
	ck_assert_uint_eq(b.page[1].n + 1, b.page[2].n);	/* it is larger than a page */
	struct vcpu_guest_context *c = at(&b, 1, 0);
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = mfn_to_maddr(b.l4).a;
	uint64_t *const address[] = { &c->event_callback_eip, &c->failsafe_callback_eip, &c->syscall_callback_eip,
		&c->fs_base, &c->gs_base_kernel, &c->gs_base_user, &c->user_regs.rip, &c->trap_ctxt[200].address };
	for (unsigned i = 0; i < ARRAY_COUNT(address); i++) {
		*address[i] = not_canonical[i % 4];
		ck_assert_int_eq(call(b.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), -EINVAL);
		*address[i] = 0;
	}
	c->user_regs.rflags = ~0ull;
	ck_assert_int_eq(call(b.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), 0);
	ck_assert_uint_eq(b.d->vcpu[1]->ctx.regs.rflags & (RFLAGS_IF | RFLAGS_IOPL | RFLAGS_VM), RFLAGS_IF);
}
END_TEST

/* XSA-44: what user mode left in the flags must not be there when its kernel is entered. */
START_TEST(flags_at_entry)
{
	const uint64_t off = RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_DF | RFLAGS_IOPL;
	for (unsigned user = 0; user < 2; user++) {
		r->rflags |= off & ~(uint64_t)RFLAGS_IOPL;
		if (user)
			to_user(&a);
		trap(&a, TRAP_UD, 0);
		ck_assert_uint_eq(r->rflags & off, 0);
		entered_(&a, 6, va(CODE, 0), false, 0, user ? KERNEL_SP : va(STACK + 1, 0));
	}
}
END_TEST

/* XSA-213: leave for user mode in the first entry of a batch, change the kernel's tables in the second. */
START_TEST(iret_within_a_multicall)
{
	struct multicall_entry *e = at(&a, DATA, 0);
	struct mmuext_op *op = at(&a, DATA, 1024);
	struct iret_context *f = at(&a, STACK, 0);
	*f = (struct iret_context){ .rip = va(CODE, 0), .cs = FLAT_CS64, .rflags = RFLAGS_IF, .ss = FLAT_DS };
	*op = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR };
	memset(e, 0, 2 * sizeof *e);
	e[0].op = __HYPERVISOR_iret;
	e[1].op = __HYPERVISOR_mmuext_op;
	e[1].args[0] = va(DATA, 1024);
	e[1].args[1] = 1;
	e[1].args[3] = DOMID_SELF;
	r->rsp = va(STACK, 0);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_multicall, va(DATA, 0), 2), 0);
	ck_assert_uint_eq(e[0].result, (uint64_t)-EINVAL);
	ck_assert(a.v->ctx.kernel_mode);
	/* Alone, and to a user mode that has no tables: the guest's end, not a CPU with table 0. */
	ck_assert_uint_eq(a.v->ctx.user_l4.n, 0);
	iret(va(CODE, 0), FLAT_CS64, RFLAGS_IF);
	ck_assert(a.d->is_shut_down);
}
END_TEST

CHECK_MAIN("entry_exit", traps_setup, NULL, flags_on_the_stack, return_to_nowhere,
	   addresses_to_be_loaded, addresses_in_a_context, flags_at_entry, iret_within_a_multicall)
