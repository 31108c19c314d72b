/* One deadly thing, by name. The line before it says what is expected: `killed` means that the
 * hypervisor must end this domain (it crashes, and nothing after that line comes from it), `either`
 * that surviving is as good. The runner looks for that line and that the others still run. */
#include "examples/pv/clock.h"
#include "examples/pv/console.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/callback.h"
#include "protocol/sched.h"
#include "tests/guest/hostile/hostile.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"

/* A user-mode frame with one thing wrong. */
static struct trap_frame frame(uint64_t rip, uint64_t cs, uint64_t rflags, uint64_t rsp,
			       uint64_t ss)
{
	return (struct trap_frame){ .rip = rip, .cs = cs, .rflags = rflags, .rsp = rsp, .ss = ss };
}

static void iret_rip(void)
{
	struct trap_frame f = frame(0x123456789abcdef0, FLAT_KERNEL_CS & ~3, 0x202,
				    (uint64_t)&f, FLAT_KERNEL_SS);

	frame_return(&f);
}

static void iret_rsp(void)
{
	struct trap_frame f = frame((uint64_t)trap_stubs[6], FLAT_KERNEL_CS & ~3, 0x202,
				    0x8000000000000000, FLAT_KERNEL_SS);

	frame_return(&f);
}

static void iret_cs(void)
{
	struct trap_frame f = frame((uint64_t)trap_stubs[6], 0x7fff & ~3, 0x202, (uint64_t)&f,
				    FLAT_KERNEL_SS);

	frame_return(&f);
}

static void iret_ss(void)
{
	struct trap_frame f = frame((uint64_t)trap_stubs[6], FLAT_KERNEL_CS & ~3, 0x202,
				    (uint64_t)&f, 0x1234);

	frame_return(&f);
}

/* To user mode without a user base. */
static void iret_user(void)
{
	struct trap_frame f = frame((uint64_t)trap_stubs[6], FLAT_USER_CS, 0x3202, (uint64_t)&f,
				    FLAT_USER_SS);

	frame_return(&f);
}

/* The iret hypercall with a stack that is not there. */
static void iret_stack(void)
{
	__asm__ volatile("mov $0x1000, %%rsp; mov $23, %%eax; syscall" : : : "memory");
}

/* A fault while no table says where to. */
static void no_table(void)
{
	hypercall2(__HYPERVISOR_set_trap_table, 0, 0);
	__asm__ volatile("ud2");
}

/* A fault whose handler's address, or stack, faults. */
static void bad_handler(void)
{
	struct trap_info t[2] = { { .vector = 6, .cs = FLAT_KERNEL_CS,
				    .address = 0x123456789abcdef0 } };

	hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0);
	__asm__ volatile("ud2");
}

static void bad_handler_cs(void)
{
	struct trap_info t[2] = { { .vector = 6, .cs = 0xe008, .address = (uint64_t)trap_stubs } };

	hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0);
	__asm__ volatile("ud2");
}

/* Faults that lead to faults: the handler is not there, or is one itself. Each pushes a frame, until
 * the stack cannot be written. */
static void fault_chain(uint64_t handler)
{
	struct trap_info t[3] = {
		{ .vector = 6, .cs = FLAT_KERNEL_CS, .address = handler },
		{ .vector = 14, .cs = FLAT_KERNEL_CS, .address = handler },
	};

	hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0);
	__asm__ volatile("ud2");
}

static void absent_handler(void)
{
	fault_chain(0x5000);
}

static __attribute__((naked)) void fault_again(void)
{
	__asm__ volatile("ud2");
}

static void faulty_handler(void)
{
	fault_chain((uint64_t)fault_again);
}

/* The same on a stack that does not run out: a loop like any other, which only its own count ends. */
static __attribute__((naked)) void fault_counted(void)
{
	__asm__ volatile("mov %rbx, %rsp\n\tdec %rbp\n\tje 9f\n\tud2\n9:\tret");
}

static void fault_loop(void)
{
	struct trap_info t[2] = { { .vector = 6, .cs = FLAT_KERNEL_CS,
				    .address = (uint64_t)fault_counted } };

	events_disable();
	hypercall2(__HYPERVISOR_set_trap_table, (unsigned long)t, 0);
	__asm__ volatile("push %%rbp\n\tlea 9f(%%rip), %%rax\n\tpush %%rax\n\t"
			 "mov %%rsp, %%rbx\n\tmov $200000, %%ebp\n\tud2\n9:\tpop %%rbp"
			 : : : "rax", "rbx", "rcx", "r11", "memory");
}

static void bad_stack(void)
{
	__asm__ volatile("mov $0x3000, %%rsp; ud2" : : : "memory");
}

/* A kernel stack segment that does not load, and a stack without an end: 512 GiB of the same eight
 * pages. Whoever answers a frame that fails with the next such frame never comes back. */
static void kernel_ss(void)
{
	uint64_t *l1 = page_alloc(), *l2 = page_alloc(), *l3 = page_alloc(), page[8];

	for (unsigned i = 0; i < 8; i++)
		page[i] = va_to_mfn(page_alloc());
	for (unsigned i = 0; i < 512; i++) {
		l1[i] = pte_make(page[i % 8], PTE_KERNEL);
		l2[i] = pte_make(va_to_mfn(l1), PTE_KERNEL);
		l3[i] = pte_make(va_to_mfn(l2), PTE_KERNEL);
	}
	page_protect(l1, 0), page_protect(l2, 0), page_protect(l3, 0);
	CHECK_EQ(pte_write(l4_mfn() << 12 | 8, pte_make(va_to_mfn(l3), PTE_KERNEL)), 0);
	hypercall3(__HYPERVISOR_stack_switch, 0x1234, 0xfffffff000, 0);
	__asm__ volatile("mov %%rsp, %%rbx\n\tmovabs $0xfffffff000, %%rsp\n\t"
			 "movq $9f, trap_resume(%%rip)\n\tud2\n9:\tmov %%rbx, %%rsp"
			 : : : "rbx", "memory");
}

static void bad_stack_hypervisor(void)
{
	__asm__ volatile("mov $0xffff830000001000, %%rsp; ud2" : : : "memory");
}

static void bad_stack_noncanonical(void)
{
	__asm__ volatile("mov $0x8000000000000000, %%rsp; ud2" : : : "memory");
}

/* The hypervisor's range as target of the event callback. */
static void bad_callback(void)
{
	struct callback_register r = { .type = CALLBACKTYPE_event, .address = 0x8000000000000000 };
	long port = event_bind_ipi(0);

	callback_op(CALLBACKOP_register, &r);
	event_handle((evtchn_port_t)port, 0, 0);
	events_enable();
	event_send((evtchn_port_t)port);
}

/* The page tables under our feet. */
static void unmap_self(void)
{
	update_va_mapping((void *)((uint64_t)unmap_self & ~(PAGE_SIZE - 1)), 0,
			  UVMF_TLB_FLUSH | UVMF_ALL);
}

static void unmap_all(void)
{
	pte_write(l4_mfn() << 12 | 511 * 8, 0);
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
}

static void ports_and_halt(void)
{
	for (unsigned port = 0; port < 65536; port += 7)
		TRAP_OF("outb %%al, %%dx", : : "a"((uint8_t)0xff), "d"((uint16_t)port));
	/* A halt may be taken as sleep: something must end it. */
	event_handle((evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0), 0, 0);
	timer_set(clock_ns() + 20000000);
	TRAP_OF("cli; sti; hlt", : : : "memory");
	events_disable();
	TRAP_OF("int $2", : : : "memory");
	TRAP_OF("int $8", : : : "memory");
	TRAP_OF("int $18", : : : "memory");
	TRAP_OF("sysenter", : : : "memory", "rcx", "rdx");
	TRAP_OF("swapgs", : : : "memory");
	TRAP_OF("clts", : : : "memory");
	TRAP_OF("invd", : : : "memory");
	TRAP_OF("sysretq", : : : "memory", "rcx", "r11");
	TRAP_OF("vmcall", : : : "memory", "rax");
}

static void spin(void)
{
	events_disable();
	for (uint64_t end = clock_ns() + 2000000000; clock_ns() < end;)
		;
}

static const struct {
	const char *name;
	const char *expected;
	void (*act)(void);
} acts[] = {
	{ "iret_rip", "either", iret_rip },
	{ "iret_rsp", "either", iret_rsp },
	{ "iret_cs", "either", iret_cs },
	{ "iret_ss", "either", iret_ss },
	{ "iret_user", "killed", iret_user },
	{ "iret_stack", "killed", iret_stack },
	{ "no_table", "killed", no_table },
	{ "bad_handler", "either", bad_handler },
	{ "bad_handler_cs", "either", bad_handler_cs },
	{ "kernel_ss", "either", kernel_ss },
	{ "absent_handler", "killed", absent_handler },
	{ "faulty_handler", "killed", faulty_handler },
	{ "fault_loop", "either", fault_loop },
	{ "bad_stack", "killed", bad_stack },
	{ "bad_stack_hypervisor", "killed", bad_stack_hypervisor },
	{ "bad_stack_noncanonical", "killed", bad_stack_noncanonical },
	{ "bad_callback", "either", bad_callback },
	{ "unmap_self", "killed", unmap_self },
	{ "unmap_all", "killed", unmap_all },
	{ "ports", "either", ports_and_halt },
	{ "spin", "either", spin },
};

/* Any trap of ours after an act is a way to survive it. */
static int survived(struct trap_frame *f)
{
	if (f->vector == TRAP_EVENT || trap_resume)
		return 0;
	trap_hook = 0;
	print("trap %lu, error 0x%lx: survived\n", f->vector, f->error);
	test_end();
}

void kill_test(void)
{
	for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		char key[40] = "kill-";
		unsigned n = 5;

		for (const char *s = acts[i].name; *s; s++)
			key[n++] = *s;
		if (!option_given(key))
			continue;
		print("KILL %s: expect %s\n", acts[i].name, acts[i].expected);
		console_flush();
		trap_hook = survived;
		acts[i].act();
		trap_hook = 0;
		print("KILL %s: survived\n", acts[i].name);
		CHECK(acts[i].expected[0] == 'e', "%s must have been fatal", acts[i].name);
		test_end();
	}
}
