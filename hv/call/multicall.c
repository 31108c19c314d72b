/* multicall: a batch of hypercalls in guest memory, each with its own result.
 *
 * Results are written in place. The call itself answers 0 unless the batch cannot be read or
 * written. When preempted between two entries, the arguments move past those done; when an entry
 * itself was preempted, its rewritten arguments go back into the batch and it stays the first.
 * A multicall inside a multicall is refused: one level is all guests use.
 * iret inside one too, since the registers it replaces are those that hold the batch. */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/core/work.h"
#include "hv/mem/guest_copy.h"
#include "protocol/hypercall.h"
#include "protocol/xen.h"

/* One entry at @at. 0, -EFAULT, or -ERESTART with the entry rewritten for its rest. */
static int entry_run(struct vcpu *v, gva_t at)
{
	struct multicall_entry e;
	if (guest_read(&e, at, sizeof e))
		return -EFAULT;

	struct call c = { .vcpu = v, .nr = e.op, .in_multicall = true };
	for (unsigned i = 0; i < ARRAY_COUNT(c.arg); i++)
		c.arg[i] = e.args[i];
	int64_t rc = -EINVAL;
	if (e.op != __HYPERVISOR_multicall && e.op != __HYPERVISOR_iret)
		rc = call_run(&c);
	gva_t args = gva_add(at, offsetof(struct multicall_entry, args));
	if (rc == -ERESTART)
		return guest_write(args, c.arg, sizeof c.arg) ? -EFAULT : -ERESTART;
	return guest_write(gva_add(at, offsetof(struct multicall_entry, result)), &rc, sizeof rc);
}

int64_t call_multicall(struct call *c)
{
	while (c->arg[1] > 0) {
		preempt_count(PREEMPT_ITEM);
		int rc = entry_run(c->vcpu, gva(c->arg[0]));
		if (rc)
			return rc;
		c->arg[0] += sizeof(struct multicall_entry);
		c->arg[1]--;
		if (c->arg[1] > 0 && preempt_due())
			return -ERESTART;
	}
	return 0;
}
