/* What a hostile kernel says about its own vCPU: flags, selectors, addresses, debug registers, gates, registers of
 * the machine, descriptor pages. Each way in is tried with everything it must not take; the judges are the answer
 * and statement I17, which looks at what would be loaded. */
#include "hv/base/string.h"
#include "hv/cpu/x86_vectors.h"
#include "hv/pv/state.h"
#include "protocol/callback.h"
#include "protocol/vcpu.h"
#include "tests/unit/guest_world.h"

static struct guest a;

static void setup(void)
{
	world_start();
	world_guest(&a, 1, false, 2);
	world_run(&a);
}

/* Addresses that no entry point, base or breakpoint may have. */
static const uint64_t not_canonical[] = { 0x800000000000, 0xffff7fffffffffff, 1ull << 63, 0x7fffffffffffffff };
static const uint64_t ours[] = { HV_VIRT_START, HV_VIRT_END - 1, HV_VIRT_START + (1ull << 40) };

static struct iret_context *frame_at(unsigned page)
{
	struct iret_context *f = at(&a, page, 0);
	*f = (struct iret_context){ .rip = 0x5000, .cs = FLAT_CS64 & ~3u, .rflags = 0x202, .rsp = 0x6000, .ss = FLAT_DS };
	a.v->ctx.regs.rsp = va(page, 0);
	return f;
}

START_TEST(iret_takes_no_privilege)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		struct iret_context *f = frame_at(1);
		f->rflags = 1ull << bit;
		f->cs = bit % 4 == 3 ? 0 : bit;		/* user mode is another test's */
		f->ss = bit;
		f->rip = not_canonical[bit % 4];
		ck_assert_int_eq(pv_iret(a.v), 0);
		world_check();
		ck_assert_uint_eq(a.v->ctx.regs.rflags & RFLAGS_FIXED, RFLAGS_FIXED);
		ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, bit != 9);
	}
	frame_at(1)->rflags = ~0ull;
	ck_assert_int_eq(pv_iret(a.v), 0);
	world_check();
}
END_TEST

START_TEST(user_mode_needs_a_table)
{
	frame_at(1)->cs = FLAT_CS64;
	ck_assert_int_lt(pv_iret(a.v), 0);
	ck_assert(a.d->is_shut_down);
	world_check();
}
END_TEST

/* --- a context as a whole --- */

static struct vcpu_guest_context *context_at(mfn_t kernel, mfn_t user)
{
	struct vcpu_guest_context *c = at(&a, 1, 0);
	ck_assert_uint_le(sizeof *c, 2 * PAGE_SIZE);
	ck_assert_uint_eq(a.page[1].n + 1, a.page[2].n);	/* contiguous for us as for the guest */
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = mfn_to_maddr(kernel).a;
	c->ctrlreg[1] = mfn_to_maddr(user).a;
	return c;
}

static int64_t initialise(void)
{
	return call(a.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0));
}

START_TEST(context_takes_no_privilege)
{
	struct vcpu_guest_context *c = context_at(a.l4, mfn(0));
	const struct vcpu *v = a.d->vcpu[1];
	c->user_regs.rflags = ~0ull;
	c->user_regs.cs = c->user_regs.ss = 0;
	c->flags |= VGCF_i387_valid;
	memset(c->fpu_ctxt.x, 0xff, sizeof c->fpu_ctxt.x);
	c->debugreg[7] = ~0ull;
	ck_assert_int_eq(initialise(), 0);
	ck_assert(v->is_initialised);
	ck_assert_uint_eq(v->ctx.regs.rflags & (RFLAGS_IOPL | RFLAGS_IF), RFLAGS_IF);
	ck_assert_int_eq(initialise(), -EEXIST);
}
END_TEST

START_TEST(context_addresses)
{
	struct vcpu_guest_context *c = context_at(a.l4, mfn(0));
	uint64_t *const field[] = { &c->event_callback_eip, &c->failsafe_callback_eip, &c->syscall_callback_eip,
		&c->fs_base, &c->gs_base_kernel, &c->gs_base_user, &c->user_regs.rip, &c->trap_ctxt[0].address,
		&c->trap_ctxt[255].address, &c->debugreg[0], &c->debugreg[3] };
	for (unsigned i = 0; i < ARRAY_COUNT(field); i++) {
		for (unsigned k = 0; k < ARRAY_COUNT(not_canonical); k++) {
			*field[i] = not_canonical[k];
			ck_assert_int_eq(initialise(), -EINVAL);
		}
		*field[i] = 0;
	}
	for (unsigned k = 0; k < ARRAY_COUNT(ours); k++) {
		c->debugreg[1] = ours[k];
		ck_assert_int_eq(initialise(), -EINVAL);
	}
	ck_assert(!a.d->vcpu[1]->is_initialised);
}
END_TEST

/* The user table takes several slices, each preempted; the kernel table is taken again each time. */
START_TEST(context_is_preempted)
{
	context_at(a.l4, a.page[3]);
	world_link(a.page[3], 0, a.page[4], 0);
	world_link(a.page[4], 0, a.page[5], 0);
	world_link(a.page[5], 0, a.page[6], 0);
	for (unsigned i = 3; i <= 6; i++)	/* unmapped: they become tables */
		ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(i, 0), 0, UVMF_TLB_FLUSH), 0);
	uint64_t refs = frame_refs_now(frame_of(a.l4));
	table_slice = 100;
	world_preempt(1);
	ck_assert_int_eq(initialise(), 0);
	ck_assert_uint_gt(world_preempted, 3);
	ck_assert_uint_eq(frame_refs_now(frame_of(a.l4)), refs + 1);
	table_slice = 512;
}
END_TEST

/* --- entry points and bases --- */

static int64_t callback(unsigned type, uint64_t address)
{
	struct callback_register *r = at(&a, 1, 0);
	*r = (struct callback_register){ .type = (uint16_t)type, .address = address };
	return call(a.v, __HYPERVISOR_callback_op, CALLBACKOP_register, va(1, 0));
}

START_TEST(entry_points)
{
	for (unsigned type = 0; type < 10; type++)
		for (unsigned k = 0; k < ARRAY_COUNT(not_canonical); k++)
			ck_assert_int_lt(callback(type, not_canonical[k]), 0);
	ck_assert_int_eq(callback(CALLBACKTYPE_nmi, 0x1000), 0);
	struct trap_info *t = at(&a, 1, 0);
	for (unsigned k = 0; k < ARRAY_COUNT(not_canonical); k++) {
		memset(t, 0, 8 * sizeof *t);
		for (unsigned i = 0; i < 6; i++)
			t[i] = (struct trap_info){ (uint8_t)(i * 40), 0, FLAT_CS64, i == k ? not_canonical[k] : 0x1000 };
		ck_assert_int_eq(call(a.v, __HYPERVISOR_set_trap_table, va(1, 0)), -EINVAL);
	}
}
END_TEST

START_TEST(segment_bases)
{
	static const uint32_t msr[] = { 0xc0000100, 0xc0000101, 0xc0000102 };
	for (unsigned which = 0; which < 3; which++)
		for (unsigned k = 0; k < ARRAY_COUNT(not_canonical); k++) {
			ck_assert_int_eq(call(a.v, __HYPERVISOR_set_segment_base, which, not_canonical[k]), -EINVAL);
			ck_assert_int_lt(pv_msr_write(a.v, msr[which], not_canonical[k]), 0);
			world_check();
		}
}
END_TEST

/* First the address, then the enable bit: neither order gets a breakpoint into our range. */
START_TEST(breakpoints)
{
	for (unsigned reg = 0; reg < 4; reg++)
		for (unsigned k = 0; k < ARRAY_COUNT(ours); k++) {
			ck_assert_int_lt(call(a.v, __HYPERVISOR_set_debugreg, reg, ours[k]), 0);
			ck_assert_int_lt(call(a.v, __HYPERVISOR_set_debugreg, reg, not_canonical[k]), 0);
			ck_assert_int_eq(call(a.v, __HYPERVISOR_set_debugreg, 7, 0x3ull << 2 * reg), 0);
			ck_assert_int_lt(call(a.v, __HYPERVISOR_set_debugreg, reg, ours[k]), 0);
			ck_assert_int_eq(call(a.v, __HYPERVISOR_set_debugreg, 7, 0), 0);
		}
	for (unsigned bit = 0; bit < 64; bit++)
		(void)call(a.v, __HYPERVISOR_set_debugreg, 7, 0xff | 1ull << bit);
	(void)call(a.v, __HYPERVISOR_set_debugreg, 7, ~0ull);
	(void)call(a.v, __HYPERVISOR_set_debugreg, 6, ~0ull);
	ck_assert_uint_eq(a.v->ctx.dr6 >> 32, 0);
}
END_TEST

/* --- being entered --- */

static void handlers_set(unsigned dpl)
{
	for (unsigned i = 0; i < 256; i++)
		a.v->pv->trap[i] = (struct trap_info){ (uint8_t)i, (uint8_t)dpl, FLAT_CS64, 0x10000 + i * 16 };
	a.v->pv->kernel_sp = va(3, 0);
	a.v->ctx.regs.rsp = va(3, 0);
	a.v->ctx.regs.rip = va(2, 16);
}

/* INT n in user mode reaches gates of level 3 only. */
START_TEST(gates_of_user_mode)
{
	uint8_t *code = at(&a, 2, 16);
	ck_assert_int_eq(pv_new_user_base(a.v, a.l4), 0);
	for (unsigned dpl = 0; dpl < 4; dpl++) {
		handlers_set(dpl);
		a.v->ctx.kernel_mode = false;
		code[0] = 0xcd;
		code[1] = 0x42;
		a.v->ctx.regs.vector = TRAP_GP;
		a.v->ctx.regs.error_code = 0x42 * 8 + 2;
		upcall_trap(&a.v->ctx);
		world_check();
		ck_assert_uint_eq(a.v->ctx.regs.rip, 0x10000 + (dpl == 3 ? 0x42 : TRAP_GP) * 16);
		handlers_set(dpl);
		a.v->ctx.kernel_mode = false;
		a.v->ctx.regs.vector = TRAP_INT80;
		upcall_trap(&a.v->ctx);
		ck_assert_uint_eq(a.v->ctx.regs.rip, 0x10000 + (dpl == 3 ? 0x80 : TRAP_GP) * 16);
	}
}
END_TEST

START_TEST(flags_at_entry)
{
	const uint64_t off = RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_DF;
	const struct pv_callback target = { 0x7000, false };
	handlers_set(0);
	a.v->ctx.regs.rflags |= off;
	pv_inject(a.v, TRAP_UD, 0);
	ck_assert_uint_eq(a.v->ctx.regs.rflags & off, 0);
	world_check();
	a.v->ctx.regs.rflags |= off;
	pv_bounce_callback(a.v, &target);
	ck_assert_uint_eq(a.v->ctx.regs.rflags & off, 0);
	world_check();
}
END_TEST

/* --- registers and ports of the machine --- */

START_TEST(machine_registers)
{
	/* STAR, LSTAR, CSTAR, SFMASK, EFER, SYSENTER, DEBUGCTL, MTRR, performance, speculation, SVM, VMX. */
	static const uint32_t msr[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000080, 0x174, 0x175, 0x176,
		0x1d9, 0x2ff, 0x200, 0x250, 0x38f, 0x186, 0x48, 0x49, 0x1b, 0x277, 0x1a0, 0x3a, 0xc0010114, 0xc0010117, 0x79,
		0xc0010020, 0x10, 0x6e0, 0xda0, 0xc0000103, 0x122, 0x1a4, 0xc0011029, 0x150, 0xe7, 0x610 };
	for (unsigned i = 0; i < ARRAY_COUNT(msr); i++)
		host_msr_set(msr[i], 0x1122334455667788);
	for (unsigned i = 0; i < ARRAY_COUNT(msr); i++) {
		uint64_t now;
		int rc = pv_msr_write(a.v, msr[i], 0xdead0000);
		ck_assert_msg(rc <= 0, "MSR %x", msr[i]);
		ck_assert_int_eq(cpu_msr_read(msr[i], &now), 0);
		ck_assert_uint_eq(now, 0x1122334455667788);
		if (pv_msr_read(a.v, msr[i], &now) == 0)
			ck_assert_uint_ne(now, 0x1122334455667788);
	}
	/* The whole space: a write either is refused or changes nothing that can be read. */
	for (uint32_t n = 0; n < 3 * 0x2000; n++) {
		uint32_t number = n % 0x2000 + (n < 0x2000 ? 0 : n < 0x4000 ? 0xc0000000 : 0xc0010000);
		uint64_t before, after;
		if (number >= 0xc0000100 && number <= 0xc0000102)
			continue;
		int known = pv_msr_read(a.v, number, &before);
		int rc = pv_msr_write(a.v, number, 0x8000000000000001);
		ck_assert_msg(known == 0 || rc != 0, "MSR %x", number);
		if (known == 0 && number != 0x10) {
			ck_assert_int_eq(pv_msr_read(a.v, number, &after), 0);
			ck_assert_uint_eq(before, after);
		}
	}
}
END_TEST

START_TEST(ports_are_a_control_domains)
{
	for (uint32_t port = 0; port < 0x10000; port++)
		ck_assert(!pv_port_allowed(a.d, port, 1));
}
END_TEST

/* --- descriptor pages --- */

/* A system descriptor in any place of a page keeps it from becoming a table. */
START_TEST(every_descriptor_is_checked)
{
	uint64_t *page = host_frame(a.page[5]), *frame = at(&a, 1, 0);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(5, 0), 0, UVMF_TLB_FLUSH), 0);
	frame[0] = a.page[5].n;
	for (unsigned i = 0; i < 512; i++) {
		page[i] = 0x0000ec0000330000;		/* a call gate of level 3 */
		ck_assert_int_eq(call(a.v, __HYPERVISOR_set_gdt, va(1, 0), 512), -EINVAL);
		page[i] = 0;
	}
	ck_assert_int_eq(call(a.v, __HYPERVISOR_set_gdt, va(1, 0), 512), 0);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_descriptor, mfn_to_maddr(a.page[5]).a, 0x0000ec0000330000), -EINVAL);
}
END_TEST

static int ldt(unsigned pages)
{
	struct mmuext_op *op = at(&a, 1, 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va(6, 0), .arg2.nr_ents = pages * 512 };
	return (int)call(a.v, __HYPERVISOR_mmuext_op, va(1, 0), 1, 0, DOMID_SELF);
}

/* Longer, shorter, none: each page is held once, and let go. */
START_TEST(local_tables_shrink)
{
	static const unsigned pages[] = { 4, 1, 3, 0, 2, 4, 0 };
	for (unsigned i = 6; i < 10; i++)	/* read-only, for their type */
		ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(i, 0),
			pte_make(a.page[i], PTE_PRESENT | PTE_USER), UVMF_TLB_FLUSH), 0);
	for (unsigned i = 0; i < ARRAY_COUNT(pages); i++) {
		ck_assert_int_eq(ldt(pages[i]), 0);
		for (unsigned k = 0; k < 4; k++)
			ck_assert_uint_eq(frame_type_now(frame_of(a.page[6 + k])), k < pages[i] ? FT_SEGDESC : FT_NONE);
	}
}
END_TEST

CHECK_MAIN("state", setup, NULL, iret_takes_no_privilege, user_mode_needs_a_table,
	   context_takes_no_privilege, context_addresses, context_is_preempted, entry_points,
	   segment_bases, breakpoints, gates_of_user_mode, flags_at_entry, machine_registers,
	   ports_are_a_control_domains, every_descriptor_is_checked, local_tables_shrink)
