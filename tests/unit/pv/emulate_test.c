/* Every privileged instruction that is emulated, with what it answers, and who may touch a port. */
#include "tests/unit/check_main.h"
#include "tests/unit/pv/traps.h"

/* --- privileged instructions --- */

START_TEST(control_and_debug_registers)
{
	EMULATED(&a, "\x0f\x20\xc0");			/* mov %cr0, %rax */
	ck_assert_uint_eq(r->rax, 0x80050033);
	EMULATED(&a, "\x0f\x22\xc0");			/* mov %rax, %cr0 */
	r->rbx = 8;
	EMULATED(&a, "\x0f\x22\xc3");			/* mov %rbx, %cr0: TS */
	ck_assert(a.v->ctx.ts);
	EMULATED(&a, "\x0f\x20\xc1");
	ck_assert_uint_eq(r->rcx, 0x8005003b);
	EMULATED(&a, "\x0f\x06");			/* clts */
	ck_assert(!a.v->ctx.ts);
	r->rdx = 0x123456;
	EMULATED(&a, "\x0f\x22\xd2");			/* mov %rdx, %cr2 */
	ck_assert_uint_eq(a.v->info->arch.cr2, 0x123456);
	EMULATED(&a, "\x0f\x20\xd0");
	ck_assert_uint_eq(r->rax, 0x123456);
	EMULATED(&a, "\x0f\x20\xd8");			/* mov %cr3, %rax */
	ck_assert_uint_eq(r->rax, mfn_to_maddr(a.l4).a);
	REFUSED(&a, "\x0f\x22\xd8");			/* base pointers are hypercalls' */
	for (unsigned xsave = 0; xsave < 2; xsave++) {
		cpu_features.has_xsave = xsave;
		EMULATED(&a, "\x0f\x20\xe0");		/* mov %cr4, %rax */
		ck_assert_uint_eq(r->rax, 0x628u | (xsave ? 0x40000u : 0));
	}
	EMULATED(&a, "\x0f\x22\xe0");
	EMULATED(&a, "\x44\x0f\x20\xc0");		/* mov %cr8, %rax */
	ck_assert_uint_eq(r->rax, 0);
	EMULATED(&a, "\x44\x0f\x22\xc0");
	REFUSED(&a, "\x0f\x20\xc8");			/* there is no cr1 */
	REFUSED(&a, "\x0f\x22\xc8");
	r->rax = va(CODE, 0);
	EMULATED(&a, "\x0f\x23\xc0");			/* mov %rax, %db0 */
	EMULATED(&a, "\x0f\x21\xc3");			/* mov %db0, %rbx */
	ck_assert_uint_eq(r->rbx, va(CODE, 0));
	EMULATED(&a, "\x0f\x21\xfb");			/* mov %db7, %rbx */
	ck_assert_uint_eq(r->rbx, a.v->ctx.dr7);
	r->rax = HV_VIRT_START;
	REFUSED(&a, "\x0f\x23\xc0");
	ck_assert_uint_eq(a.v->ctx.dr[0], va(CODE, 0));
}
END_TEST

START_TEST(model_specific_registers)
{
	r->rcx = 0xc0000100;				/* FS base */
	r->rax = 0x12345678;
	r->rdx = 0x7f;
	EMULATED(&a, "\x0f\x30");			/* wrmsr */
	r->rax = r->rdx = 0;
	EMULATED(&a, "\x0f\x32");			/* rdmsr */
	ck_assert_uint_eq(r->rax, 0x12345678);
	ck_assert_uint_eq(r->rdx, 0x7f);
	ck_assert_uint_eq(cpu_base_read(&a.v->ctx, BASE_FS), 0x7f12345678);
	r->rdx = 0x8000;				/* not canonical */
	REFUSED(&a, "\x0f\x30");
	ck_assert_uint_eq(cpu_base_read(&a.v->ctx, BASE_FS), 0x7f12345678);
	r->rcx = 0x1234;
	REFUSED(&a, "\x0f\x32");
	REFUSED(&a, "\x0f\x30");
	static const struct { uint32_t msr; uint64_t value; } fixed[] = {
		{ 0x17, 0 }, { 0xce, 0 }, { 0x10a, 0 }, { 0x140, 0 }, { 0x179, 0 }, { 0xc0010015, 0 },
		{ 0x1b, 0xfee00900 }, { 0x1a0, 0x1801 }, { 0x277, 0x0000050100070406 }, { 0xc0000080, 0xd01 },
	};
	for (unsigned i = 0; i < ARRAY_COUNT(fixed); i++) {
		r->rcx = fixed[i].msr;
		EMULATED(&a, "\x0f\x32");
		ck_assert_uint_eq(r->rdx << 32 | r->rax, fixed[i].value);
		EMULATED(&a, "\x0f\x30");		/* what it is already */
		uint64_t value;
		r->rax ^= 0x10;
		trap(&a, TRAP_GP, 0);
		ck_assert_int_eq(pv_msr_read(a.v, fixed[i].msr, &value), 0);
		ck_assert_uint_eq(value, fixed[i].value);	/* accepted or not, it stays */
		r->rsp = va(STACK + 1, 0);
	}
	r->rcx = 0x10;
	host_time_set(0x100000055);
	EMULATED(&a, "\x0f\x32");
	ck_assert_uint_eq(r->rdx, 1);
	ck_assert_uint_eq(r->rax, 0x55);
	REFUSED(&a, "\x0f\x30");			/* nobody turns the clock back */
	r->rcx = 0x8b;
	EMULATED(&a, "\x0f\x32");
	ck_assert_uint_eq(r->rax, 0);
	host_msr_set(0x8b, 0x2006e0500000000);
	EMULATED(&a, "\x0f\x32");
	ck_assert_uint_eq(r->rdx, 0x2006e05);
	EMULATED(&a, "\x0f\x30");
	a.v->id = 1;					/* not the boot CPU */
	r->rcx = 0x1b;
	EMULATED(&a, "\x0f\x32");
	ck_assert_uint_eq(r->rax, 0xfee00800);
	a.v->id = 0;
}
END_TEST

/* What a kernel is told of XSAVE is what the hypervisor found at boot, not what the processor has. */
START_TEST(cpuid_without_xsave)
{
	const uint32_t all[4] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, max[4] = { 0xd };
	host_cpuid_set(0, 0, max);
	host_cpuid_set(1, 0, all);
	host_cpuid_set(0xd, 0, all);
	cpu_features.xcr0_mask = 7;
	for (unsigned xsave = 0; xsave < 2; xsave++) {
		cpu_features.has_xsave = xsave;
		r->rax = 1;
		EMULATED(&a, "\x0f\xa2");
		ck_assert_uint_eq(r->rcx & 0x1c000000, xsave ? 0x1c000000 : 0);	/* XSAVE OSXSAVE AVX */
		r->rax = 0xd;
		r->rcx = 0;
		EMULATED(&a, "\x0f\xa2");
		ck_assert_uint_eq(r->rax, xsave ? 7 : 0);
	}
}
END_TEST

START_TEST(other_instructions)
{
	r->rax = 0x40000000;
	r->rcx = 0;
	EMULATED(&a, "\x0f\xa2");			/* cpuid */
	ck_assert_uint_eq(r->rbx, 0x566e6558);
	EMULATED(&a, "\x0f\x09");			/* wbinvd */
	a.v->info->evtchn_upcall_mask = 0;
	EMULATED(&a, "\xfa");				/* cli */
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 1);
	EMULATED(&a, "\xfb");				/* sti */
	ck_assert_uint_eq(a.v->info->evtchn_upcall_mask, 0);
	cpu_features.has_xsave = true;
	cpu_features.xcr0_mask = 7;
	r->rcx = 0;
	r->rdx = 0;
	r->rax = 3;
	EMULATED(&a, "\x0f\x01\xd1");			/* xsetbv */
	ck_assert_uint_eq(a.v->ctx.xcr0, 3);
	r->rax = 0x100;
	REFUSED(&a, "\x0f\x01\xd1");
	r->rcx = 1;
	REFUSED(&a, "\x0f\x01\xd1");
	REFUSED(&a, "\x0f\x33");			/* rdpmc: there are no counters */
	REFUSED(&a, "\x90\x90");
	EMULATED(&a, "\xf4");				/* hlt */
	ck_assert(a.v->hold & HOLD_BLOCKED);
	vcpu_release(a.v, HOLD_BLOCKED);
	/* At the end of what is mapped, and in our range. */
	memcpy(at(&a, WORLD_PAGES, PAGE_SIZE - 2), "\x0f\x06", 2);
	r->rip = va(WORLD_PAGES, PAGE_SIZE - 2);
	trap(&a, TRAP_GP, 0);
	ck_assert_uint_eq(r->rip, va(WORLD_PAGES + 1, 0));
	r->rip = HV_VIRT_START + 8;
	trap(&a, TRAP_GP, 0);
	entered(&a, 13, HV_VIRT_START + 8, true, 0);
	/* User mode has none of this. */
	to_user(&a);
	EXECUTES(&a, "\xfa");
	entered_(&a, 13, va(CODE, 0), true, 0, KERNEL_SP);
	/* An error code means a selector: nothing to emulate. */
	memcpy(at(&a, CODE, 0), "\xfa", 1);
	r->rip = va(CODE, 0);
	r->rsp = va(STACK + 1, 0);
	trap(&a, TRAP_GP, 0x30);
	entered(&a, 13, va(CODE, 0), true, 0x30);
}
END_TEST

/* --- ports --- */

static uint32_t out_value, out_size, out_port, outs;

static uint32_t port_in(uint16_t port, unsigned size)
{
	return (uint32_t)(port * 0x01010101ull) & (size == 4 ? ~0u : (1u << 8 * size) - 1);
}

static void port_out(uint16_t port, unsigned size, uint32_t value)
{
	outs++;
	out_port = port;
	out_size = size;
	out_value = value;
}

static void iopl(struct guest *g, unsigned level)
{
	uint64_t rip = r->rip;
	*(uint32_t *)at(g, TABLE, 0) = level;
	ck_assert_int_eq(call(g->v, __HYPERVISOR_physdev_op, 6 /* set_iopl */, va(TABLE, 0)), 0);
	r->rip = rip;
}

START_TEST(ports_of_dom0)
{
	use(&dom0_guest);
	struct guest *g = &dom0_guest;
	host_port_in = port_in;
	host_port_out = port_out;
	outs = 0;
	REFUSED(g, "\xe4\x80");				/* in $0x80, %al: not before set_iopl */
	iopl(g, 1);
	r->rax = 0x1122334455667788;
	EMULATED(g, "\xe4\x80");
	ck_assert_uint_eq(r->rax, 0x1122334455667780);
	r->rdx = 0x1f1;
	EMULATED(g, "\x66\xed");			/* in %dx, %ax */
	ck_assert_uint_eq(r->rax, 0x112233445566f2f1);
	EMULATED(g, "\xed");				/* in %dx, %eax */
	ck_assert_uint_eq(r->rax, 0xf2f2f2f1);
	r->rax = 0xffffffff89abcdef;
	EMULATED(g, "\xe6\x81");			/* out %al, $0x81 */
	ck_assert(out_port == 0x81 && out_size == 1 && out_value == 0xef);
	EMULATED(g, "\x66\xef");			/* out %ax, %dx */
	ck_assert(out_port == 0x1f1 && out_size == 2 && out_value == 0xcdef);
	EMULATED(g, "\xef");				/* out %eax, %dx */
	ck_assert(out_size == 4 && out_value == 0x89abcdef);
	/* The interrupt controllers are ours: an empty bus. */
	outs = 0;
	EMULATED(g, "\xe4\x21");
	ck_assert_uint_eq(r->rax & 0xff, 0xff);
	EMULATED(g, "\xe6\x21");
	ck_assert_uint_eq(outs, 0);
}
END_TEST

START_TEST(string_instructions)
{
	use(&dom0_guest);
	struct guest *g = &dom0_guest;
	host_port_in = port_in;
	host_port_out = port_out;
	iopl(g, 1);
	r->rdx = 0x1f0;
	r->rdi = va(DATA, 0);
	r->rcx = 2;
	EXECUTES(g, "\xf3\x66\x6d");			/* rep insw: an element a trap */
	ck_assert_uint_eq(r->rip, va(CODE, 0));
	ck_assert_uint_eq(r->rcx, 1);
	ck_assert_uint_eq(r->rdi, va(DATA, 2));
	EMULATED(g, "\xf3\x66\x6d");
	ck_assert_uint_eq(r->rcx, 0);
	ck_assert_uint_eq(*(uint32_t *)at(g, DATA, 0), 0xf1f0f1f0);
	EMULATED(g, "\xf3\x66\x6d");			/* nothing left */
	ck_assert_uint_eq(r->rdi, va(DATA, 4));
	r->rsi = va(DATA, 1);
	r->rflags |= RFLAGS_DF;
	EMULATED(g, "\x6e");				/* outsb, downwards */
	ck_assert_uint_eq(r->rsi, va(DATA, 0));
	ck_assert(out_port == 0x1f0 && out_size == 1 && out_value == 0xf1);
	r->rflags &= ~(uint64_t)RFLAGS_DF;
	REFUSED(g, "\x67\x6e");				/* 32-bit addresses are for other guests */
	/* Memory that faults is the guest's page fault, and the instruction is tried again. */
	r->rdi = va(70, 8);
	EXECUTES(g, "\x6c");				/* insb */
	entered(g, 14, va(CODE, 0), true, 2);
	ck_assert_uint_eq(g->v->info->arch.cr2, va(70, 8));
	r->rsi = va(71, 8);
	EXECUTES(g, "\x6e");
	entered(g, 14, va(CODE, 0), true, 0);
	ck_assert_uint_eq(g->v->info->arch.cr2, va(71, 8));
}
END_TEST

static bool latch(struct vcpu *v, uint16_t port, unsigned size, bool write, uint32_t *value)
{
	(void)v;
	(void)size;
	if (port != 0xcf8)
		return false;
	if (!write)
		*value = 0x80001234;
	return true;
}

START_TEST(ports_of_guests)
{
	host_port_in = port_in;
	host_port_out = port_out;
	outs = 0;
	iopl(&a, 1);
	r->rax = 0;
	EMULATED(&a, "\xe4\x80");			/* it may try, and there is nothing */
	ck_assert_uint_eq(r->rax, 0xff);
	EMULATED(&a, "\xe6\x80");
	EMULATED(&a, "\xe4\x42");			/* but for the timer, which answers a zero */
	ck_assert_uint_eq(r->rax, 0);
	EMULATED(&a, "\xe6\x42");
	ck_assert_uint_eq(outs, 0);
	bool (*was)(struct vcpu *, uint16_t, unsigned, bool, uint32_t *) = pv_port_hook;
	pv_port_hook = latch;
	r->rdx = 0xcf8;
	EMULATED(&a, "\xed");
	ck_assert_uint_eq(r->rax, 0x80001234);
	EMULATED(&a, "\xef");
	pv_port_hook = NULL;
	EMULATED(&a, "\xed");
	ck_assert_uint_eq(r->rax, 0xffffffff);
	EMULATED(&a, "\xef");
	ck_assert_uint_eq(outs, 0);
	pv_port_hook = was;
	/* Its user mode: with level 3, or where its bitmap has holes. */
	to_user(&a);
	EXECUTES(&a, "\xe4\x80");
	entered_(&a, 13, va(CODE, 0), true, 0, KERNEL_SP);
	iopl(&a, 3);
	to_user(&a);
	EMULATED(&a, "\xe4\x80");
	ck_assert(!a.v->ctx.kernel_mode);
	cpu_context_set_mode(&a.v->ctx, true);
	iopl(&a, 0);
}
END_TEST

START_TEST(io_bitmaps)
{
	struct { uint64_t bitmap; uint32_t ports; } *set = at(&a, TABLE, 0);
	set->bitmap = va(DATA, 0);
	set->ports = 0x100;
	ck_assert_int_eq(call(a.v, __HYPERVISOR_physdev_op, 7 /* set_iobitmap */, va(TABLE, 0)), 0);
	memset(at(&a, DATA, 0), 0xff, 32);
	((uint8_t *)at(&a, DATA, 0))[0x80 / 8] = 0xfe;		/* port 0x80 */
	((uint8_t *)at(&a, DATA, 0))[0x8f / 8] = 0x7f;		/* 0x8f and 0x90 */
	((uint8_t *)at(&a, DATA, 0))[0x90 / 8] = 0xfe;
	r->rip = va(CODE, 0);
	to_user(&a);
	EMULATED(&a, "\xe4\x80");
	ck_assert(!a.v->ctx.kernel_mode);
	EXECUTES(&a, "\x66\xe5\x80");				/* 0x81 as well */
	entered_(&a, 13, va(CODE, 0), true, 0, KERNEL_SP);
	to_user(&a);
	EMULATED(&a, "\x66\xe5\x8f");				/* across two bytes of the map */
	r->rdx = 0xff;
	EXECUTES(&a, "\x66\xed");				/* across the end */
	entered_(&a, 13, va(CODE, 0), true, 0, KERNEL_SP);
	/* The map is not mapped. */
	a.v->pv->iobitmap = gva(va(70, 0));
	to_user(&a);
	EXECUTES(&a, "\xe4\x80");
	entered_(&a, 13, va(CODE, 0), true, 0, KERNEL_SP);
	/* The kernel is asked for its level, and else for the same bits. */
	a.v->pv->iobitmap = gva(va(DATA, 0));
	r->rsp = va(STACK + 1, 0);
	EMULATED(&a, "\xe4\x80");
	REFUSED(&a, "\xe4\x82");
}
END_TEST

CHECK_MAIN("emulation", traps_setup, NULL, control_and_debug_registers,
	   model_specific_registers, cpuid_without_xsave, other_instructions, ports_of_dom0,
	   string_instructions, ports_of_guests, io_bitmaps)
