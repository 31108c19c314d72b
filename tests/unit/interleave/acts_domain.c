/* Operations on domains and vCPUs. */
#include "hv/base/string.h"
#include "hv/cpu/host/host.h"
#include "protocol/domctl.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "protocol/xen.h"
#include "tests/unit/interleave/acts.h"

/* --- by the control domain --- */

static struct xen_domctl *control(unsigned cmd, unsigned who)
{
	struct xen_domctl *op = argument(0);
	memset(op, 0, sizeof *op);
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)who;
	return op;
}

static int64_t control_go(void)
{
	return hyper(__HYPERVISOR_domctl, ARGUMENT_VA, 0, 0, 0);
}

int64_t act_kill(unsigned x, unsigned y)
{
	(void)y;
	control(XEN_DOMCTL_destroydomain, x);
	return control_go();
}

int64_t act_pause(unsigned x, unsigned y)
{
	(void)y;
	control(XEN_DOMCTL_pausedomain, x);
	return control_go();
}

int64_t act_unpause(unsigned x, unsigned y)
{
	(void)y;
	control(XEN_DOMCTL_unpausedomain, x);
	return control_go();
}

int64_t act_resume(unsigned x, unsigned y)
{
	(void)y;
	control(XEN_DOMCTL_resumedomain, x);
	return control_go();
}

int64_t act_max_mem(unsigned x, unsigned y)
{
	control(XEN_DOMCTL_max_mem, x)->u.max_mem.max_memkb = (uint64_t)y * 4;
	return control_go();
}

int64_t act_fill(unsigned x, unsigned y)
{
	control(XEN_DOMCTL_hypercall_init, x)->u.hypercall_init.gmfn = guest[x].m[y].n;
	return control_go();
}

int64_t act_affinity(unsigned x, unsigned y)
{
	struct xen_domctl_vcpuaffinity *a = &control(XEN_DOMCTL_setvcpuaffinity, x)->u.vcpuaffinity;
	uint64_t *mask = argument(1024);
	*mask = 1ull << y;
	a->vcpu = y;
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->cpumap_hard.bitmap = ARGUMENT_VA + 1024;
	a->cpumap_hard.nr_bits = 64;
	return control_go();
}

#define CONTEXT_AT 2048u
static struct vcpu_guest_context *context(size_t offset, mfn_t l4)
{
	struct vcpu_guest_context *c = argument(offset);
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = 0x1000;
	c->ctrlreg[3] = mfn_to_maddr(l4).a;
	return c;
}

int64_t act_context(unsigned x, unsigned y)
{
	struct xen_domctl_vcpucontext *a = &control(XEN_DOMCTL_setvcpucontext, x)->u.vcpucontext;
	context(CONTEXT_AT, guest[x].m[y & 0xff]);
	a->vcpu = y >> 8;
	a->ctxt = ARGUMENT_VA + CONTEXT_AT;
	return control_go();
}

int64_t act_shut(unsigned x, unsigned y)
{
	struct sched_remote_shutdown *s = argument(0);
	*s = (struct sched_remote_shutdown){ .domain_id = (domid_t)x, .reason = y };
	return hyper(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, ARGUMENT_VA, 0, 0);
}

/* --- by a guest --- */

int64_t act_shutdown(unsigned x, unsigned y)
{
	struct sched_shutdown *s = argument(0);
	(void)y;
	s->reason = x;
	return hyper(__HYPERVISOR_sched_op, SCHEDOP_shutdown, ARGUMENT_VA, 0, 0);
}

static int64_t vcpu_op(unsigned cmd, unsigned vcpu)
{
	return hyper(__HYPERVISOR_vcpu_op, cmd, vcpu, ARGUMENT_VA, 0);
}

int64_t act_up(unsigned x, unsigned y)
{
	(void)y;
	return vcpu_op(VCPUOP_up, x);
}

int64_t act_down(unsigned x, unsigned y)
{
	(void)y;
	return vcpu_op(VCPUOP_down, x);
}

int64_t act_nmi(unsigned x, unsigned y)
{
	(void)y;
	return vcpu_op(VCPUOP_send_nmi, x);
}

int64_t act_info(unsigned x, unsigned y)
{
	struct vcpu_register_vcpu_info *a = argument(0);
	*a = (struct vcpu_register_vcpu_info){ .mfn = self()->m[y].n, .offset = 256 };
	return vcpu_op(VCPUOP_register_vcpu_info, x);
}

int64_t act_initialise(unsigned x, unsigned y)
{
	context(0, self()->m[y]);
	return vcpu_op(VCPUOP_initialise, x);
}

int64_t act_runstate_area(unsigned x, unsigned y)
{
	struct vcpu_register_runstate_memory_area *a = argument(0);
	a->addr.h = (uint64_t)y << PAGE_SHIFT;
	return vcpu_op(VCPUOP_register_runstate_memory_area, x);
}

int64_t act_time_area(unsigned x, unsigned y)
{
	struct vcpu_register_time_memory_area *a = argument(0);
	a->addr.h = ((uint64_t)y << PAGE_SHIFT) + 1024;
	return vcpu_op(VCPUOP_register_vcpu_time_memory_area, x);
}

int64_t act_timer(unsigned x, unsigned y)
{
	struct vcpu_set_singleshot_timer *t = argument(0);
	(void)y;
	*t = (struct vcpu_set_singleshot_timer){ .timeout_abs_ns = cpu_time_ns() + x * 1000 };
	return vcpu_op(VCPUOP_set_singleshot_timer, cpu_id());
}

int64_t act_period(unsigned x, unsigned y)
{
	struct vcpu_set_periodic_timer *t = argument(0);
	(void)y;
	t->period_ns = x * 1000;
	return vcpu_op(VCPUOP_set_periodic_timer, cpu_id());
}

int64_t act_recycle(unsigned x, unsigned y)
{
	int64_t rc = act_decrease(FREE1, 0);
	(void)x, (void)y;
	if (rc == 1)
		rc = act_decrease(FREE2, 0);
	return rc == 1 ? act_initialise(1, L4) : rc;	/* its context is copied to two pages */
}

int64_t act_block(unsigned x, unsigned y)
{
	(void)x, (void)y;
	return hyper(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0);
}

int64_t act_poll(unsigned x, unsigned y)
{
	struct sched_poll *p = argument(0);
	uint32_t *port = argument(64);
	(void)y;
	*port = x;
	*p = (struct sched_poll){ .ports = ARGUMENT_VA + 64, .nr_ports = 1 };
	return hyper(__HYPERVISOR_sched_op, SCHEDOP_poll, ARGUMENT_VA, 0, 0);
}

int64_t act_assist(unsigned x, unsigned y)
{
	(void)y;
	return hyper(__HYPERVISOR_vm_assist, VMASST_CMD_enable, x, 0, 0);
}
