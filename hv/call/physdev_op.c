/* physdev_op: I/O privilege of the calling vCPU here, interrupts and devices in hv/irq. */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/irq/irq.h"
#include "hv/mem/guest_copy.h"
#include "hv/pv/pv.h"
#include "protocol/physdev.h"

static int set_iopl(struct vcpu *v, gva_t arg)
{
	struct physdev_set_iopl a;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	return a.iopl > 3 ? -EINVAL : pv_set_iopl(v, a.iopl);
}

static int set_iobitmap(struct vcpu *v, gva_t arg)
{
	struct physdev_set_iobitmap a;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	return a.nr_ports > 65536 ? -EINVAL : pv_set_iobitmap(v, gva(a.bitmap), a.nr_ports);
}

int64_t call_physdev_op(struct call *c)
{
	gva_t arg = gva(c->arg[1]);

	switch ((unsigned)c->arg[0]) {
	case PHYSDEVOP_set_iopl:
		return set_iopl(c->vcpu, arg);
	case PHYSDEVOP_set_iobitmap:
		return set_iobitmap(c->vcpu, arg);
	default:
		return irq_physdev_op(c->vcpu, (unsigned)c->arg[0], arg);
	}
}
