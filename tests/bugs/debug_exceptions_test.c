/* Breakpoints and software interrupts that are meant for the guest: XSA-12, XSA-156, XSA-259,
 * XSA-265, XSA-444.
 *
 * Debug registers are the processor's, and a guest may use them; what they watch is any address at
 * all, and the exception comes wherever the access is made. A breakpoint on the hypervisor's own
 * data fires while it runs, where XSA-265 took it for a bug of its own and stopped the machine; one
 * on what the CPU touches while it delivers that very exception fires again and again, and the CPU
 * never comes back (XSA-156, and XSA-444 with the live GDT). Reserved bits of DR7 fault when they
 * are loaded (XSA-12), and general detect makes our own use of the registers trap. With software
 * interrupts it is the gate: `int 0x80` in a guest that had no handler for it went down an error
 * path that nobody had walked, and wrote to an address near the end of the hypervisor's memory
 * (XSA-259).
 *
 * Here a breakpoint lies where the guest itself may (pv_debug_address_ok() in hv/pv/debug.c), on
 * each way to set one; of DR7 a whitelist passes, AMD's mask registers are not offered, and no
 * vector is open to user mode that its kernel did not open (software_interrupt() in hv/pv/trap.c).
 * #DB has a stack of its own in hv/cpu/x86_64.
 *
 * The tests set every watchpoint they can get and look at what would be loaded, as statement I17
 * does after each step. That a watchpoint fires where it may, and on which stack, is for
 * tests/guest/trap.
 * Catches: debug-breakpoint-in-ours, debug-general-detect, debug-gate-for-all, blind/25, 26. */
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pv/traps.h"

static const uint64_t forbidden[] = { HV_VIRT_START, HV_VIRT_START + (1ull << 40), HV_VIRT_END - 1, 0x800000000000,
				      1ull << 63 };

/* Address first and enabled later, or enabled first: neither order gets one in. */
START_TEST(breakpoint_on_the_hypervisor)
{
	for (unsigned reg = 0; reg < 4; reg++)
		for (unsigned i = 0; i < ARRAY_COUNT(forbidden); i++) {
			uint64_t enable = 3ull << 2 * reg | 0xdull << (16 + 4 * reg);	/* 8 bytes, written */
			ck_assert_int_lt(call(a.v, __HYPERVISOR_set_debugreg, reg, forbidden[i]), 0);
			ck_assert_int_eq(call(a.v, __HYPERVISOR_set_debugreg, 7, enable), 0);
			ck_assert_int_lt(call(a.v, __HYPERVISOR_set_debugreg, reg, forbidden[i]), 0);
			ck_assert_uint_eq(a.v->ctx.dr[reg], 0);
			ck_assert_int_eq(call(a.v, __HYPERVISOR_set_debugreg, 7, 0), 0);
		}
}
END_TEST

/* The same by the instruction, which traps and is emulated. */
START_TEST(breakpoint_by_instruction)
{
	for (unsigned i = 0; i < ARRAY_COUNT(forbidden); i++) {
		r->rax = forbidden[i];
		REFUSED(&a, "\x0f\x23\xc0");		/* mov %rax,%db0 */
		REFUSED(&a, "\x0f\x23\xd8");		/* mov %rax,%db3 */
		ck_assert_uint_eq(a.v->ctx.dr[0] | a.v->ctx.dr[3], 0);
	}
	r->rax = ~0ull;
	EMULATED(&a, "\x0f\x23\xf8");			/* mov %rax,%db7 */
	ck_assert_uint_eq(a.v->ctx.dr7 & 0x2000, 0);
}
END_TEST

/* And in a context for another vCPU, where no instruction is checked. */
START_TEST(breakpoint_in_a_context)
{
	struct guest b;
	world_guest(&b, 2, false, 2);
	world_run(&b);
	struct vcpu_guest_context *c = at(&b, 1, 0);
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = mfn_to_maddr(b.l4).a;
	for (unsigned i = 0; i < ARRAY_COUNT(forbidden); i++) {
		c->debugreg[i % 4] = forbidden[i];
		ck_assert_int_eq(call(b.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), -EINVAL);
		c->debugreg[7] = 0xff;
		ck_assert_int_eq(call(b.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), -EINVAL);
		c->debugreg[i % 4] = c->debugreg[7] = 0;
	}
	c->debugreg[7] = ~0ull;
	ck_assert_int_eq(call(b.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), 0);
	ck_assert_uint_eq(b.d->vcpu[1]->ctx.dr7 & 0xffffffff00002000, 0);
}
END_TEST

/* XSA-12: DR7 bit by bit. What would fault when it is loaded, or trap us, is not stored. */
START_TEST(control_register_bit_by_bit)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		(void)call(a.v, __HYPERVISOR_set_debugreg, 7, 0xff | 1ull << bit);
		uint64_t dr7 = a.v->ctx.dr7;
		ck_assert_uint_eq(dr7 >> 32, 0);
		ck_assert_uint_eq(dr7 & 0xdc00, 0x400);		/* fixed by the processor */
		ck_assert_uint_eq(dr7 & 0x2000, 0);		/* general detect */
		for (unsigned i = 0; i < 4; i++)		/* I/O breakpoints */
			ck_assert((dr7 >> (16 + 4 * i) & 3) != 2 || !(dr7 >> 2 * i & 3));
	}
}
END_TEST

/* XSA-259: user mode raises every vector there is. It arrives at gates that its kernel opened for it (3 and 0x80);
 * all else is the instruction's #GP, in its kernel and not in ours. */
START_TEST(every_vector_from_user_mode)
{
	struct trap_info *t = at(&a, TABLE, 0);
	memset(t, 0, 3 * sizeof *t);
	t[0] = (struct trap_info){ 0x41, 1, FLAT_CS64, HANDLER(0x41) };	/* its kernel's own, on inner rings */
	t[1] = (struct trap_info){ 0x42, 2, FLAT_CS64, HANDLER(0x42) };
	ck_assert_int_eq(call(a.v, __HYPERVISOR_set_trap_table, va(TABLE, 0)), 0);
	for (unsigned n = 0; n < 256; n++) {
		uint8_t *code = at(&a, CODE, 0);
		to_user(&a);
		code[0] = 0xcd;
		code[1] = (uint8_t)n;
		r->rip = va(CODE, 0);
		trap(&a, TRAP_GP, n * 8 + 2);
		ck_assert(!a.d->is_shut_down);
		if (n == 3 || n == 0x80)
			entered_(&a, n, va(CODE, 2), false, 0, KERNEL_SP);
		else
			entered_(&a, 13, va(CODE, 0), true, n * 8 + 2, KERNEL_SP);
	}
	/* Those three have gates of the machine's own, which even a guest without handlers can reach. */
	ck_assert_int_eq(call(a.v, __HYPERVISOR_set_trap_table, 0), 0);
	gates_set(&a);
	static const unsigned open[] = { TRAP_BP, TRAP_OF, TRAP_INT80 };
	for (unsigned i = 0; i < 3; i++) {
		a.v->pv->trap[open[i] == TRAP_INT80 ? 0x80 : open[i]].address = 0;
		to_user(&a);
		r->rip = va(CODE, 2);
		trap(&a, open[i], 0);
		ck_assert(!a.d->is_shut_down);
		ck_assert_uint_eq(r->rip, HANDLER(13));
	}
}
END_TEST

CHECK_MAIN("debug_exceptions", traps_setup, NULL, breakpoint_on_the_hypervisor,
	   breakpoint_by_instruction, breakpoint_in_a_context, control_register_bit_by_bit,
	   every_vector_from_user_mode)
