/* Hypercalls of the paravirtual CPU: argument forms only, the work is in hv/pv.
 *
 * mmu_update and mmuext_op are batches with a `done` counter. A preempted batch continues with
 * the rest: the request pointer moves on, bit 31 of the count (no guest can ask for 2^31
 * requests) says "resumed", and the upper half of the count then carries what was done before.
 * That number only ever goes back to the guest that may have forged it. */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/core/panic.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/pv.h"
#include "protocol/xen.h"

#define BATCH_RESUMED (1u << 31)

typedef int64_t batch_fn(struct vcpu *v, gva_t reqs, unsigned count, uint32_t fd, unsigned *done);

static int64_t batch_call(struct call *c, batch_fn *fn, size_t request_bytes)
{
	uint32_t count = (uint32_t)c->arg[1], before = 0;
	unsigned done = 0;

	if (count & BATCH_RESUMED) {
		before = (uint32_t)(c->arg[1] >> 32);
		count &= ~BATCH_RESUMED;
	}
	int64_t rc = fn(c->vcpu, gva(c->arg[0]), count, (uint32_t)c->arg[3], &done);
	ASSERT(done <= count);
	before += done;
	if (rc == -ERESTART) {
		c->arg[0] += done * request_bytes;
		c->arg[1] = (uint64_t)before << 32 | BATCH_RESUMED | (count - done);
		return -ERESTART;
	}
	if (c->arg[2] && guest_write(gva(c->arg[2]), &before, sizeof before))
		return -EFAULT;
	return rc;
}

int64_t call_mmu_update(struct call *c)
{
	return batch_call(c, pv_mmu_update, sizeof(struct mmu_update));
}

int64_t call_mmuext_op(struct call *c)
{
	return batch_call(c, pv_mmuext_op, sizeof(struct mmuext_op));
}

int64_t call_update_va_mapping(struct call *c)
{
	return pv_update_va_mapping(c->vcpu, gva(c->arg[0]), c->arg[1], c->arg[2], DOMID_SELF);
}

int64_t call_update_va_mapping_otherdomain(struct call *c)
{
	return pv_update_va_mapping(
		c->vcpu, gva(c->arg[0]), c->arg[1], c->arg[2], (domid_t)c->arg[3]);
}

int64_t call_set_trap_table(struct call *c)
{
	return pv_set_trap_table(c->vcpu, gva(c->arg[0]));
}

int64_t call_set_gdt(struct call *c)
{
	uint64_t frame[GDT_GUEST_PAGES] = { 0 };
	uint64_t entries = c->arg[1];

	if (entries > GDT_GUEST_ENTRIES)
		return -EINVAL;
	uint64_t pages = (entries * 8 + PAGE_SIZE - 1) / PAGE_SIZE;
	if (guest_read(frame, gva(c->arg[0]), pages * sizeof frame[0]))
		return -EFAULT;
	return pv_set_gdt(c->vcpu, frame, (unsigned)entries);
}

int64_t call_update_descriptor(struct call *c)
{
	return pv_update_descriptor(c->vcpu, maddr(c->arg[0]), c->arg[1]);
}

int64_t call_stack_switch(struct call *c)
{
	return pv_stack_switch(c->vcpu, c->arg[0], c->arg[1]);
}

int64_t call_set_segment_base(struct call *c)
{
	if (c->arg[0] > UINT32_MAX)
		return -EINVAL;
	return pv_set_segment_base(c->vcpu, (unsigned)c->arg[0], c->arg[1]);
}

int64_t call_fpu_taskswitch(struct call *c)
{
	return pv_fpu_taskswitch(c->vcpu, (uint32_t)c->arg[0] != 0);
}

int64_t call_set_debugreg(struct call *c)
{
	if (c->arg[0] > 7)
		return -EINVAL;
	return pv_set_debugreg(c->vcpu, (unsigned)c->arg[0], c->arg[1]);
}

int64_t call_get_debugreg(struct call *c)
{
	uint64_t value;
	int rc = c->arg[0] > 7 ? -EINVAL : pv_get_debugreg(c->vcpu, (unsigned)c->arg[0], &value);
	return rc ? rc : (int64_t)value;
}

int64_t call_callback_op(struct call *c)
{
	return pv_callback_op(c->vcpu, (unsigned)c->arg[0], gva(c->arg[1]));
}

/* The frame on the stack replaces every register, rax too: the dispatcher takes no result. */
int64_t call_iret(struct call *c)
{
	return pv_iret(c->vcpu);	/* a frame it cannot take ends in a guest trap or a crash */
}

/* Direct writes to page tables are always emulated, so that assist is accepted and changes
 * nothing; the runstate flag is read by hv/dom/time.c. */
int64_t call_vm_assist(struct call *c)
{
	const uint64_t known =
		1u << VMASST_TYPE_writable_pagetables | 1u << VMASST_TYPE_runstate_update_flag;
	uint64_t cmd = (uint32_t)c->arg[0], type = (uint32_t)c->arg[1];

	if (type >= 32 || !(known >> type & 1))
		return -EINVAL;
	uint32_t bit = (uint32_t)1 << type;
	switch (cmd) {
	case VMASST_CMD_enable:
		ATOMIC_OR(&c->vcpu->domain->vm_assist, bit);
		return 0;
	case VMASST_CMD_disable:
		ATOMIC_AND(&c->vcpu->domain->vm_assist, ~bit);
		return 0;
	default:
		return -ENOSYS;
	}
}
