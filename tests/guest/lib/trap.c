/* Traps of a test kernel. An exception is expected (trap_resume is set), or belongs to a test's
 * hook, or ends the test as a failure with the registers printed. Events go to event.c.
 * Neighbours: start.S (stubs), event.c. */
#include "tests/guest/lib/trap.h"

#include "examples/pv/event.h"
#include "tests/guest/lib/test.h"

volatile struct trap_record trap_last;
volatile uint64_t trap_resume;
int (*trap_hook)(struct trap_frame *frame);

static _Noreturn void trap_unexpected(const struct trap_frame *f)
{
	trap_print(f);
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
