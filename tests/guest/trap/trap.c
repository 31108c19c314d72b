/* trap: exceptions, user mode and back.
 *
 * What is tested: each exception that an instruction can cause arrives in the guest kernel through
 * the table it gave, with the frame the ABI promises: vector, error code, the address of the
 * instruction (or the one after it, for int3 and int n), cs that tells kernel from user by its
 * RPL, the stack pointer, virtual IF in the flags, cr2 in vcpu_info. Privileged instructions that
 * kernels use are carried out. The kernel goes to user mode by the iret hypercall and comes back
 * by syscall, int 0x80, exceptions and events.
 *
 * How it is shown: an instruction is run with the address to resume at set aside; the handler
 * records the frame. user.c has user mode. */
#include "tests/guest/trap/trap.h"

#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/callback.h"
#include "protocol/physdev.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"

const char test_name[] = "trap";

/* Check the last trap's error code, and that its frame shows kernel mode. */
static void frame_is_kernel(const char *what, uint64_t error)
{
	CHECK(trap_last.error == error, "%s: error code 0x%lx, expected 0x%lx", what,
	      trap_last.error, error);
	CHECK((trap_last.cs & 3) == 0, "%s: cs 0x%lx", what, trap_last.cs & 0xffff);
	CHECK((trap_last.ss & 0xffff) == FLAT_KERNEL_SS, "%s: ss 0x%lx", what, trap_last.ss);
}

#define CAUSES(vector, error_code, insn, ...)						\
	do {										\
		long got_ = TRAP_OF(insn, __VA_ARGS__);					\
		CHECK(got_ == (vector), "%s: trap %ld", insn, got_);			\
		if (got_ >= 0 && got_ == (vector))					\
			frame_is_kernel(insn, error_code);				\
	} while (0)

static void faults(void)
{
	uint64_t zero = 0;

	CAUSES(0, 0, "divq %0", : : "r"(zero) : "rax", "rdx", "cc");
	CAUSES(6, 0, "ud2", : : : "memory");
	CAUSES(13, 0, "movb (%0), %%al", : : "r"(0x123456789abcdef0ul) : "rax");
	CAUSES(14, 0, "movb (%0), %%al", : : "r"(0x1000ul) : "rax");
	CHECK_EQ(trap_last.cr2, 0x1000);
	CAUSES(14, 2, "movb $1, (%0)", : : "r"(0x2345ul) : "memory");
	CHECK_EQ(trap_last.cr2, 0x2345);
	CAUSES(13, 0xfff8, "mov %k0, %%fs", : : "r"(0xfffb));
	CAUSES(13, 0, "ltr %w0", : : "r"(0x40));
	CAUSES(13, 0, "lidt (%0)", : : "r"(&zero));
}

/* The x87 and SSE units report by exceptions too, if asked. Emulators may not have the latter. */
static void arithmetic(void)
{
	uint32_t mxcsr = 0x1d80, normal = 0x1f80;
	uint16_t control = 0x037b;
	long vector;

	CAUSES(16, 0, "fninit; fldcw %0; fld1; fldz; fdivrp; fwait", : : "m"(control));
	__asm__ volatile("fninit");
	vector = TRAP_OF("ldmxcsr %0; mov $1, %%eax; cvtsi2ss %%eax, %%xmm0\n\t"
			 "xorps %%xmm1, %%xmm1; divss %%xmm1, %%xmm0", : : "m"(mxcsr) : "rax");
	CHECK(vector == 19 || vector == -1, "a division in SSE: trap %ld", vector);
	__asm__ volatile("ldmxcsr %0" : : "m"(normal));
}

/* A segment that is not present, and one that is no stack. */
static void segments(void)
{
	uint64_t *page = page_alloc(), frame = va_to_mfn(page);

	page[2] = 0x00cf73000000fffful;
	page[3] = 0x00cff3000000fffful;
	CHECK_EQ(page_protect(page, 0), 0);
	CHECK_EQ(hypercall3(__HYPERVISOR_set_gdt, (unsigned long)&frame, 512, 0), 0);
	CAUSES(11, 2 << 3, "mov %k0, %%fs", : : "r"(2 << 3 | 3));
	CAUSES(-1, 0, "mov %k0, %%fs", : : "r"(3 << 3 | 3));
	CAUSES(-1, 0, "mov %k0, %%fs", : : "r"(0));
	CHECK_EQ(hypercall3(__HYPERVISOR_set_gdt, 0, 0, 0), 0);
}

/* In guest-kernel mode the error code of a page fault has no user bit, though the CPU set it. */
static void instruction_fetch(void)
{
	uint8_t *page = page_alloc();
	long vector;

	page[0] = 0xc3;
	CHECK_EQ(TRAP_OF("call *%0", : : "r"(page) : "memory"), -1);
	update_va_mapping(page, pte_make(va_to_mfn(page), PTE_KERNEL | PTE_NX), UVMF_INVLPG);
	vector = TRAP_OF("mov %%rsp, %%rbx; call *%0; mov %%rbx, %%rsp",
			 : : "r"(page) : "rbx", "memory");
	/* The call pushed its return address: resume lost it, so restore the stack. */
	__asm__ volatile("mov %%rbx, %%rsp" : : : "memory");
	CHECK_EQ(vector, 14);
	CHECK_EQ(trap_last.error, 0x11);
	CHECK_EQ(trap_last.cr2, page);
}

uint64_t int_error(unsigned vector)
{
	return option_given("oracle") ? vector * 16 + 2 : vector * 8 + 2;
}

/* Where rip points, and what IF, TF and the mask are. */
static void software_interrupts(void)
{
	uint64_t here;

	CHECK_EQ(TRAP_OF("lea 1f(%%rip), %0; int3; 1:", : "=&r"(here)), 3);
	CHECK_EQ(trap_last.rip, here);
	CHECK_EQ(TRAP_OF("lea 1f(%%rip), %0; .byte 0xcd, 3; 1:", : "=&r"(here)), 3);
	CHECK_EQ(trap_last.rip, here);
	CHECK_EQ(TRAP_OF("lea 1f(%%rip), %0; int $0x80; 1:", : "=&r"(here)), 0x80);
	CHECK_EQ(trap_last.rip, here);
	/* Not in the table, or not of that DPL: #GP with the vector in the error code. */
	CHECK_EQ(TRAP_OF("lea 1f(%%rip), %0; 1: int $0x81", : "=&r"(here)), 13);
	CHECK_EQ(trap_last.rip, here);
	CHECK_EQ(trap_last.error, int_error(0x81));
}

static void flags_in_frames(void)
{
	events_disable();
	CHECK_EQ(TRAP_OF("ud2", : : : "memory"), 6);
	CHECK_EQ(trap_last.rflags & 0x200, 0);
	events_enable();
	CHECK_EQ(TRAP_OF("ud2", : : : "memory"), 6);
	CHECK_EQ(trap_last.rflags & 0x200, 0x200);
	/* Our gates do not mask events. */
	CHECK_EQ(trap_last.mask, 0);
	CHECK_EQ(TRAP_OF("std; ud2; cld", : : : "memory", "cc"), 6);
	__asm__ volatile("cld");
	CHECK_EQ(trap_last.rflags & 0x400, 0x400);
	CHECK_EQ(vcpu_info_of(0)->evtchn_upcall_mask, 0);
	events_disable();
}

/* TF: a #DB after the next instruction, with TF clear in the handler and set in its frame. */
static void single_step(void)
{
	uint64_t here;

	CHECK_EQ(TRAP_OF("pushf; orq $0x100, (%%rsp); popf; nop; lea 1f(%%rip), %0; 1: nop",
			 : "=&r"(here) : : "memory", "cc"), 1);
	CHECK_EQ(trap_last.rflags & 0x100, 0x100);
	__asm__ volatile("pushf; andq $~0x100, (%%rsp); popf" : : : "memory", "cc");
}

static void debug_registers(void)
{
	static volatile uint64_t watched;
	long rc = hypercall2(__HYPERVISOR_set_debugreg, 0, (void *)(uint64_t)&watched);

	CHECK_EQ(rc, 0);
	CHECK_EQ(hypercall2(__HYPERVISOR_get_debugreg, 0, 0), (long)&watched);
	CHECK(hypercall2(__HYPERVISOR_set_debugreg, 1, (void *)__HYPERVISOR_VIRT_START) < 0,
	      "a breakpoint in the hypervisor's range was taken");
	/* DR7: breakpoint 0 on 8-byte writes. */
	CHECK_EQ(hypercall2(__HYPERVISOR_set_debugreg, 7, (void *)0x90001ul), 0);
	CHECK_EQ(TRAP_OF("movq $1, (%0); nop", : : "r"(&watched) : "memory"), 1);
	CHECK_EQ(hypercall2(__HYPERVISOR_get_debugreg, 6, 0) & 0xf, 1);
	CHECK_EQ(hypercall2(__HYPERVISOR_set_debugreg, 7, 0), 0);
	CHECK_EQ(TRAP_OF("movq $2, (%0); nop", : : "r"(&watched) : "memory"), -1);
	CHECK_EQ(hypercall2(__HYPERVISOR_set_debugreg, 0, 0), 0);
}

/* An exception may go to the place the table names, or nowhere: replaced one vector at a time. */
static void table_updates(void)
{
	struct trap_info t[2] = { { .vector = 6, .flags = 4, .cs = FLAT_KERNEL_CS,
				    .address = (uint64_t)trap_stubs[6] } };

	CHECK_EQ(hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0), 0);
	events_enable();
	CHECK_EQ(TRAP_OF("ud2", : : : "memory"), 6);
	CHECK_EQ(trap_last.mask, 1);
	CHECK_EQ(trap_last.rflags & 0x200, 0x200);
	CHECK_EQ(vcpu_info_of(0)->evtchn_upcall_mask, 0);
	events_disable();
	t[0].flags = 0;
	CHECK_EQ(hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0), 0);
	t[0].address = __HYPERVISOR_VIRT_START;
	t[0].vector = 0x90;
	hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0);
	CHECK(hypercall2(__HYPERVISOR_set_trap_table, 0x1000, 0) < 0, "a table at 0x1000");
}

/* rsp and ss of the frame, the registers, and the alignment of what the handler gets. */
static void stack_in_frames(void)
{
	uint64_t sp, rcx, r11;

	CHECK_EQ(TRAP_OF("mov $0x1111, %%ecx; mov $0x2222, %%r11d; mov %%rsp, %0; ud2",
			 : "=&r"(sp) : : "rcx", "r11", "memory"), 6);
	CHECK_EQ(trap_last.rsp, sp);
	TRAP_OF("mov $0x1111, %%ecx; mov $0x2222, %%r11d; int3; mov %%rcx, %0; mov %%r11, %1",
		: "=&r"(rcx), "=&r"(r11) : : "rcx", "r11", "memory");
}

void test_main(void)
{
	faults();
	arithmetic();
	segments();
	instruction_fetch();
	software_interrupts();
	flags_in_frames();
	single_step();
	debug_registers();
	table_updates();
	stack_in_frames();
	privileged_test();
	user_test();
}
