/* Traps of a test kernel. An exception is expected (trap_resume is set), or belongs to a test's
 * hook, or ends the test as a failure with the registers printed. Events go to event.c.
 * Neighbours: start.S (stubs), event.c. */
#include "tests/guest/lib/trap.h"

#include "protocol/callback.h"
#include "protocol/xen.h"
#include "tests/guest/lib/event.h"
#include "tests/guest/lib/hypercall.h"
#include "tests/guest/lib/test.h"

volatile struct trap_record trap_last;
volatile uint64_t trap_resume;
int (*trap_hook)(struct trap_frame *frame);
uint64_t failsafe_selectors[4];

static struct trap_info table[34];

void trap_dispatch(struct trap_frame *f);

static _Noreturn void trap_unexpected(const struct trap_frame *f)
{
	print("trap %lu error 0x%lx rip %lx cs %lx rflags %lx rsp %lx ss %lx cr2 %lx\n", f->vector,
	      f->error, f->rip, f->cs, f->rflags, f->rsp, f->ss, vcpu_info_of(0)->arch.cr2);
	print("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx\n", f->rax, f->rbx, f->rcx, f->rdx,
	      f->rsi, f->rdi);
	test_failed(__FILE__, __LINE__, "unexpected trap %lu", f->vector);
	test_end();
}

void trap_dispatch(struct trap_frame *f)
{
	if (trap_hook && trap_hook(f))
		return;
	if (f->vector == TRAP_EVENT) {
		event_upcall();
		return;
	}
	if (!trap_resume)
		trap_unexpected(f);
	trap_last.count++;
	trap_last.vector = f->vector;
	trap_last.error = f->error;
	trap_last.rip = f->rip;
	trap_last.cs = f->cs;
	trap_last.rflags = f->rflags;
	trap_last.rsp = f->rsp;
	trap_last.ss = f->ss;
	trap_last.cr2 = vcpu_info_of(0)->arch.cr2;
	trap_last.mask = vcpu_info_of(0)->evtchn_upcall_mask;
	f->rip = trap_resume;
	f->rflags &= ~0x100ul;
	trap_resume = 0;
}

static struct trap_info trap_info_for(unsigned vector)
{
	struct trap_info t = {
		.vector = (uint8_t)vector,
		.cs = FLAT_KERNEL_CS,
		.address = (uint64_t)trap_stubs[vector & 31],
	};

	if (vector == 3 || vector == 4)
		t.flags = 3;
	if (vector == 0x80) {
		t.flags = 3;
		t.address = (uint64_t)int80_stub;
	}
	return t;
}

void trap_table_fill(struct trap_info *to)
{
	for (unsigned v = 0; v < 32; v++)
		to[v] = trap_info_for(v);
	to[0x80] = trap_info_for(0x80);
}

static void callback_set(uint16_t type, const uint8_t *stub)
{
	struct callback_register r = {
		.type = type,
		.flags = type == CALLBACKTYPE_failsafe ? CALLBACKF_mask_events : 0,
		.address = (uint64_t)stub,
	};
	long rc = callback_op(CALLBACKOP_register, &r);

	if (rc)
		test_error("callback_op register %u: %ld", type, rc);
}

void trap_open(void)
{
	long rc;

	for (unsigned v = 0; v < 32; v++)
		table[v] = trap_info_for(v);
	table[32] = trap_info_for(0x80);
	rc = hypercall3(__HYPERVISOR_set_trap_table, (unsigned long)table, 0, 0);
	if (rc)
		test_error("set_trap_table: %ld", rc);
	event_open();
	callback_set(CALLBACKTYPE_event, event_stub);
	callback_set(CALLBACKTYPE_failsafe, failsafe_stub);
	callback_set(CALLBACKTYPE_syscall, syscall_stub);
}
