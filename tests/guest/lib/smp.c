/* Start of more vCPUs: a context like that of vCPU 0, as a rule on the same page tables.
 * Neighbours: context.S (ap_entry), trap.c (the table), event.c. */
#include "tests/guest/lib/smp.h"

#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/vcpu.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/trap.h"

void ap_entry(void);

static uint8_t stacks[MAX_VCPUS][STACK_BYTES] __attribute__((aligned(STACK_BYTES)));
static struct vcpu_guest_context context;

unsigned vcpu_self(void)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	if (here - (uint64_t)stacks >= sizeof(stacks))
		return 0;
	return (unsigned)((here - (uint64_t)stacks) / STACK_BYTES);
}

unsigned vcpu_count(void)
{
	unsigned n = 1;

	while (n < MAX_VCPUS && vcpu_op(VCPUOP_is_up, n, 0) >= 0)
		n++;
	return n;
}

long vcpu_start(unsigned vcpu, void (*body)(void))
{
	return vcpu_start_on(vcpu, body, l4_mfn());
}

long vcpu_start_on(unsigned vcpu, void (*body)(void), uint64_t l4)
{
	struct vcpu_guest_context *c = &context;
	uint64_t top = (uint64_t)stacks[vcpu] + STACK_BYTES - 64;
	long rc;

	*c = (struct vcpu_guest_context){
		.flags = VGCF_in_kernel,
		.user_regs.rip = (uint64_t)ap_entry,
		.user_regs.rdi = (uint64_t)body,
		.user_regs.rsp = top,
		.user_regs.cs = FLAT_KERNEL_CS,
		.user_regs.ss = FLAT_KERNEL_SS,
		.user_regs.rflags = 0x200,
		.kernel_ss = FLAT_KERNEL_SS,
		.kernel_sp = top,
		.ctrlreg[3] = l4 << 12,
		.event_callback_eip = (uint64_t)event_stub,
		.failsafe_callback_eip = (uint64_t)failsafe_stub,
		.syscall_callback_eip = (uint64_t)syscall_stub,
	};
	trap_table_fill(c->trap_ctxt);
	vcpu_info_of(vcpu)->evtchn_upcall_mask = 1;
	rc = vcpu_op(VCPUOP_initialise, vcpu, c);
	if (rc)
		return rc;
	return vcpu_op(VCPUOP_up, vcpu, 0);
}
