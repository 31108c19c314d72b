/* The table of traps and the callbacks. Neighbours: start.S (stubs), event.c. */
#include "examples/pv/trap.h"

#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "examples/pv/print.h"
#include "protocol/callback.h"

uint64_t failsafe_selectors[4];

static struct trap_info table[34];

void trap_print(const struct trap_frame *f)
{
	print("trap %lu error 0x%lx rip %lx cs %lx rflags %lx rsp %lx ss %lx cr2 %lx\n", f->vector,
	      f->error, f->rip, f->cs, f->rflags, f->rsp, f->ss, vcpu_info_of(0)->arch.cr2);
	print("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx\n", f->rax, f->rbx, f->rcx, f->rdx,
	      f->rsi, f->rdi);
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
		kernel_fatal("callback_op register %u: %ld", type, rc);
}

void trap_open(void)
{
	long rc;

	for (unsigned v = 0; v < 32; v++)
		table[v] = trap_info_for(v);
	table[32] = trap_info_for(0x80);
	rc = hypercall3(__HYPERVISOR_set_trap_table, (unsigned long)table, 0, 0);
	if (rc)
		kernel_fatal("set_trap_table: %ld", rc);
	event_open();
	callback_set(CALLBACKTYPE_event, event_stub);
	callback_set(CALLBACKTYPE_failsafe, failsafe_stub);
	callback_set(CALLBACKTYPE_syscall, syscall_stub);
}
