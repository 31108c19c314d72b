/* User mode: entered by the iret hypercall, left by syscall, traps and events.
 *
 * The user's L4 shares the kernel's upper half, so user code is ordinary text of this image; it
 * uses registers only, and its own stack page. The kernel's entry stack is a page of its own. Each
 * visit ends in the hook, which records the frame and goes back by context_jump(). */
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/trap/trap.h"

static struct context home;
static struct trap_frame seen;
static uint8_t *entry_stack, *user_stack;

static int user_hook(struct trap_frame *f)
{
	if (f->vector == TRAP_EVENT)
		return 0;
	seen = *f;
	context_jump(&home, 1);
}

/* Run user code at @code. Returns the vector that ended it; the frame is in seen. */
static uint64_t user_run(const void *code, uint64_t rflags, uint64_t flags)
{
	struct trap_frame f = {
		.rip = (uint64_t)code, .cs = FLAT_USER_CS64 | 3, .rflags = rflags,
		.rsp = (uint64_t)user_stack + PAGE_SIZE - 64, .ss = FLAT_USER_SS64 | 3,
		.rcx = 0x1c1c, .r11 = 0x1b1b, .rax = 0x1a1a, .rdi = flags,
	};

	memset(&seen, 0, sizeof(seen));
	trap_hook = user_hook;
	if (context_save(&home) == 0)
		frame_return(&f);
	trap_hook = 0;
	return seen.vector;
}

static void user_base_make(void)
{
	uint64_t *l4 = page_alloc();

	l4[511] = ((const uint64_t *)start_info->pt_base)[511];
	CHECK_EQ(page_protect(l4, 0), 0);
	CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(l4), 0), 0);
	CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(l4), 0), 0);
	entry_stack = page_alloc();
	user_stack = page_alloc();
	/* Without the user bit an unprivileged mapping may stay the kernel's. */
	CHECK_EQ(update_va_mapping(user_stack, pte_make(va_to_mfn(user_stack), PTE_KERNEL | PTE_US),
				   UVMF_INVLPG), 0);
	CHECK_EQ(hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
			    entry_stack + PAGE_SIZE - 64), 0);
}

/* All pages of the image and every table above them get the user bit. */
static void text_open(const uint8_t *from)
{
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *page = (const uint8_t *)((uint64_t)from & ~(PAGE_SIZE - 1)) +
				      i * PAGE_SIZE;

		CHECK_EQ(update_va_mapping(page, pte_make(va_to_mfn(page), PTE_P | PTE_A | PTE_US),
					   UVMF_INVLPG | UVMF_ALL), 0);
	}
}

void user_code(void);
extern const uint8_t user_syscall[], user_syscall_end[], user_ud2[], user_int80[], user_int80_end[],
	user_int3_end[], user_int3[], user_read[], user_hlt[], user_in[], user_spin[], user_int14[];

__asm__(".pushsection .text.user, \"ax\", @progbits\n\t"
	".balign 4096\n\t"
	"user_syscall:	mov $0x5555, %eax; syscall\n"
	"user_syscall_end: ud2\n\t"
	"user_ud2:	ud2\n\t"
	"user_int80:	int $0x80\n"
	"user_int80_end: ud2\n\t"
	"user_int3:	int3\n"
	"user_int3_end: ud2\n\t"
	"user_read:	movb 0x1000, %al; ud2\n\t"
	"user_hlt:	hlt; ud2\n\t"
	"user_in:	inb $0x21, %al; ud2\n\t"
	"user_int14:	int $14; ud2\n\t"
	"user_spin:	pause; jmp user_spin\n\t"
	".balign 4096\n\t"
	".popsection");

static void frame_is_user(const char *what, const void *rip)
{
	CHECK(seen.rip == (uint64_t)rip, "%s: rip 0x%lx, expected 0x%lx", what, seen.rip,
	      (uint64_t)rip);
	CHECK((seen.cs & 3) == 3, "%s: cs 0x%lx", what, seen.cs & 0xffff);
	CHECK((seen.ss & 0xffff) == (FLAT_USER_SS64 | 3), "%s: ss 0x%lx", what, seen.ss);
	CHECK(seen.rsp == (uint64_t)user_stack + PAGE_SIZE - 64, "%s: rsp 0x%lx", what, seen.rsp);
	CHECK((seen.rflags & 0x200) == 0x200, "%s: rflags 0x%lx", what, seen.rflags);
}

static void visits(void)
{
	CHECK_EQ(user_run(user_syscall, 0x202, 0), TRAP_SYSCALL);
	frame_is_user("syscall", user_syscall_end);
	CHECK_EQ(seen.rax, 0x5555);
	CHECK_EQ(user_run(user_ud2, 0x202, 0), 6);
	frame_is_user("ud2", user_ud2);
	CHECK_EQ(seen.rax, 0x1a1a);
	CHECK_EQ(seen.rcx, 0x1c1c);
	CHECK_EQ(seen.r11, 0x1b1b);
	CHECK_EQ(user_run(user_int80, 0x202, 0), 0x80);
	frame_is_user("int 0x80", user_int80_end);
	CHECK_EQ(user_run(user_int3, 0x202, 0), 3);
	frame_is_user("int3", user_int3_end);
	CHECK_EQ(user_run(user_read, 0x202, 0), 14);
	frame_is_user("a read of nothing", user_read);
	CHECK_EQ(seen.error, 4);
	CHECK_EQ(vcpu_info_of(0)->arch.cr2, 0x1000);
	CHECK_EQ(user_run(user_hlt, 0x202, 0), 13);
	frame_is_user("hlt", user_hlt);
	CHECK_EQ(user_run(user_in, 0x202, 0), 13);
	frame_is_user("in", user_in);
	CHECK_EQ(user_run(user_int14, 0x202, 0), 13);
	frame_is_user("int 14", user_int14);
	CHECK_EQ(seen.error, int_error(14));
	/* IOPL and VM asked for by iret are not given. */
	CHECK_EQ(user_run(user_in, 0x3202, 0), 13);
	frame_is_user("in with IOPL 3", user_in);
}

/* An event ends a loop in user mode: the upcall is on the kernel's stack, its frame the user's. */
static int event_hook(struct trap_frame *f)
{
	if (f->vector != TRAP_EVENT)
		return 0;
	event_upcall();
	seen = *f;
	context_jump(&home, 1);
}

static void event_in_user_mode(void)
{
	long port = event_bind_ipi(0);
	struct trap_frame f = {
		.rip = (uint64_t)user_spin, .cs = FLAT_USER_CS64 | 3, .rflags = 0x202,
		.rsp = (uint64_t)user_stack + PAGE_SIZE - 64, .ss = FLAT_USER_SS64 | 3,
	};

	CHECK(port > 0, "bind_ipi says %ld", port);
	events_disable();
	event_handle((evtchn_port_t)port, 0, 0);
	CHECK_EQ(event_send((evtchn_port_t)port), 0);
	CHECK_EQ(event_count((evtchn_port_t)port), 0);
	memset(&seen, 0, sizeof(seen));
	trap_hook = event_hook;
	if (context_save(&home) == 0)
		frame_return(&f);
	trap_hook = 0;
	CHECK_EQ(seen.vector, TRAP_EVENT);
	CHECK_EQ(seen.cs & 3, 3);
	CHECK_EQ(seen.rflags & 0x200, 0x200);
	CHECK_EQ(event_count((evtchn_port_t)port), 1);
	CHECK_EQ(vcpu_info_of(0)->evtchn_upcall_mask, 1);
	event_close((evtchn_port_t)port);
}

/* Kernel to kernel by iret: flags, IF to the mask, registers. */
static void kernel_to_kernel(void)
{
	uint64_t flags = 0;

	events_enable();
	TRAP_OF("stc; int3; pushf; pop %0", : "=r"(flags) : : "cc", "memory");
	CHECK_EQ(vcpu_info_of(0)->evtchn_upcall_mask, 0);
	events_disable();
}

void user_test(void)
{
	user_base_make();
	text_open(user_syscall);
	visits();
	event_in_user_mode();
	kernel_to_kernel();
}
