/* What a guest's exceptions, system calls and privileged instructions do: bounce frames as the guest kernel finds them,
 * every instruction that is emulated, who may touch a port, and the ways a guest may end itself. */
#include <string.h>
#include "hv/cpu/x86_vectors.h"
#include "hv/pv/state.h"
#include "protocol/callback.h"
#include "tests/unit/guest_world.h"

static struct guest a, dom0_guest;
static struct cpu_regs *r;

enum { CODE = 5, TABLE = 6, STACK = 8, KERNEL_STACK = 9, DATA = 10, USER_STACK = 11 };
#define HANDLER(vector) (0x100000u + (vector) * 16u)
#define KERNEL_SP va(KERNEL_STACK + 1, 0)

/* Gates for all vectors that matter, 3 and 0x80 open to user mode, 0x80 with events masked. */
static void gates_set(struct guest *g)
{
	static const uint8_t vectors[] = { 0, 1, 3, 4, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19, 0x80 };
	struct trap_info *t = at(g, TABLE, 0);
	unsigned n = 0;
	for (; n < ARRAY_COUNT(vectors); n++) {
		bool open = vectors[n] == 3 || vectors[n] == 0x80;
		t[n] = (struct trap_info){ vectors[n], (uint8_t)((open ? 3 : 0) | (vectors[n] == 0x80 ? 4 : 0)), FLAT_CS64,
					   HANDLER(vectors[n]) };
	}
	t[n].address = 0;
	ck_assert_int_eq(call(g->v, __HYPERVISOR_set_trap_table, va(TABLE, 0)), 0);
}

static void use(struct guest *g)
{
	world_run(g);
	r = &g->v->ctx.regs;
	gates_set(g);
	ck_assert_int_eq(call(g->v, __HYPERVISOR_stack_switch, FLAT_DS, KERNEL_SP), 0);
	struct mmuext_op *op = at(g, TABLE, 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = g->l4.n };
	ck_assert_int_eq(call(g->v, __HYPERVISOR_mmuext_op, va(TABLE, 0), 1, 0, DOMID_SELF), 0);
	memset(at(g, CODE, 0), 0x90, PAGE_SIZE);
	r->rip = va(CODE, 0);
	r->rsp = va(STACK + 1, 0);
	r->cs = FLAT_CS64;
	r->ss = FLAT_DS;
	r->rflags = RFLAGS_IF | RFLAGS_FIXED;
	r->rcx = 0x1111;
	r->r11 = 0x2222;
}

static void setup(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&a, 1, false, 1);
	use(&a);
}

static void to_user(struct guest *g)
{
	cpu_context_set_mode(&g->v->ctx, false);
	g->v->ctx.regs.rsp = va(USER_STACK + 1, 0);
}

static void trap(struct guest *g, unsigned vector, uint32_t error)
{
	r->vector = vector;
	r->error_code = error;
	upcall_trap(&g->v->ctx);
	world_check();
}

/* The guest executes @n bytes that raise #GP(0). */
static void executes(struct guest *g, const char *bytes, size_t n)
{
	memcpy(at(g, CODE, 0), bytes, n);
	r->rip = va(CODE, 0);
	trap(g, TRAP_GP, 0);
}
#define EXECUTES(g, bytes) executes((g), (bytes), sizeof(bytes) - 1)
#define DONE(bytes) ck_assert_uint_eq(r->rip, va(CODE, 0) + sizeof(bytes) - 1)
/* Executed by the guest @g's kernel, and emulated. */
#define EMULATED(g, bytes) do { EXECUTES(g, bytes); DONE(bytes); } while (0)
/* The same, and it is the guest's own #GP. */
#define REFUSED(g, bytes) do { EXECUTES(g, bytes); entered(g, 13, va(CODE, 0), true, 0); } while (0)

/* The guest was entered at its handler with a proper frame; then it is back where it was. */
static void entered_(struct guest *g, unsigned vector, uint64_t from, bool has_error, uint32_t error, uint64_t stack)
{
	unsigned n = has_error ? 3 : 2;
	ck_assert_uint_eq(r->rip, HANDLER(vector));
	ck_assert(g->v->ctx.kernel_mode);
	ck_assert_uint_eq(r->cs & 3, 3);
	ck_assert_uint_eq(r->rsp, stack - 8 * (n + 5));
	uint64_t *frame = at(g, (unsigned)(r->rsp >> PAGE_SHIFT), r->rsp % PAGE_SIZE);
	ck_assert_uint_eq(frame[0], r->rcx);
	ck_assert_uint_eq(frame[1], r->r11);
	if (has_error)
		ck_assert_uint_eq(frame[2], error);
	ck_assert_uint_eq(frame[n], from);
	r->rip = from;
	r->rsp = frame[n + 3];
}

static void entered(struct guest *g, unsigned vector, uint64_t from, bool has_error, uint32_t error)
{
	entered_(g, vector, from, has_error, error, va(STACK + 1, 0));
}

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

int main(void)
{
	const TTest *const tests[] = {
		exceptions_are_bounced, software_interrupts, forced_emulation, no_handler, double_fault, no_stack,
		stack_in_our_range, no_failsafe_callback, no_iret_frame, iret_to_a_user_mode_without_tables, system_calls,
		the_way_back, a_return_that_does_not_load, control_and_debug_registers, model_specific_registers,
		other_instructions, ports_of_dom0, string_instructions, ports_of_guests, io_bitmaps, NULL,
	};
	return world_main("traps", setup, tests);
}
