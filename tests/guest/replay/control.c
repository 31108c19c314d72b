/* The coordinator's doors to the hypervisor. */
#include "examples/pv/clock.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/print.h"
#include "protocol/domctl.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/replay/coordinator.h"

#define PATIENCE_NS	10000000000ul
#define LOOK_EVERY	32u		/* polls of a seat between looks at its vCPU */

static long domctl(struct xen_domctl *op, uint32_t cmd, unsigned domid)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)domid;
	return hypercall2(__HYPERVISOR_domctl, (unsigned long)op, 0);
}

struct control_info control_info(unsigned domid)
{
	struct xen_domctl op = { 0 };
	struct control_info info = { 0 };

	if (domctl(&op, XEN_DOMCTL_getdomaininfo, domid) || op.domain != domid)
		return info;
	info.is_there = true;
	info.frames = op.u.getdomaininfo.tot_pages;
	info.shared_info = op.u.getdomaininfo.shared_info_frame;
	info.shut_down = (op.u.getdomaininfo.flags & XEN_DOMINF_shutdown) != 0;
	info.crashed = info.shut_down && (op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift & 255) == SHUTDOWN_crash;
	return info;
}

void control_max_frames(unsigned domid, uint64_t frames)
{
	struct xen_domctl op = { .u.max_mem.max_memkb = frames * 4 };

	if (domctl(&op, XEN_DOMCTL_max_mem, domid))
		test_error("max_mem of domain %u", domid);
}

bool control_unpause(unsigned domid)
{
	struct xen_domctl op = { 0 };

	return domctl(&op, XEN_DOMCTL_unpausedomain, domid) == 0;
}

struct control_vcpu control_vcpu(unsigned domid, unsigned vcpu)
{
	struct xen_domctl op = { .u.getvcpuinfo.vcpu = vcpu };

	if (domctl(&op, XEN_DOMCTL_getvcpuinfo, domid))
		return (struct control_vcpu){ false, false };
	return (struct control_vcpu){ op.u.getvcpuinfo.online, op.u.getvcpuinfo.blocked };
}

void control_up(unsigned vcpu)
{
	if (vcpu_op(VCPUOP_up, vcpu, 0))
		test_error("vCPU %u does not come up", vcpu);
}

void control_wake(unsigned domid, unsigned vcpu)
{
	struct xen_domctl op = { .u.sendtrigger = { XEN_DOMCTL_SENDTRIGGER_NMI, vcpu } };

	if (domctl(&op, XEN_DOMCTL_sendtrigger, domid))
		test_error("cannot wake vCPU %u of domain %u", vcpu, domid);
}

unsigned control_frame_level(unsigned domid, uint64_t m, bool *pinned)
{
	struct xen_domctl op = { .u.getpageframeinfo3 = { 1, (uint64_t)&m } };

	*pinned = false;
	if (domctl(&op, XEN_DOMCTL_getpageframeinfo3, domid) || (uint32_t)m == XEN_DOMCTL_PFINFO_XTAB)
		return 0;
	*pinned = (m & XEN_DOMCTL_PFINFO_LPINTAB) != 0;
	return (unsigned)(m & XEN_DOMCTL_PFINFO_LTABTYPE_MASK) >> XEN_DOMCTL_PFINFO_LTAB_SHIFT;
}

bool control_map(void *va, unsigned domid, uint64_t m, bool writable)
{
	uint64_t pte = m == NO_FRAME ? 0 : pte_make(m, writable ? PTE_KERNEL : PTE_KERNEL_RO);

	if (domid == 0 || !pte)
		return update_va_mapping(va, pte, UVMF_INVLPG | UVMF_ALL) == 0;
	return hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, (unsigned long)va, pte, UVMF_INVLPG | UVMF_ALL,
			  domid) == 0;
}

void *control_page(void)
{
	return va_alloc();
}

/* Has the vCPU that is to answer come to a stop? */
static bool stopped(unsigned domid, unsigned vcpu)
{
	struct control_vcpu v = control_vcpu(domid, vcpu);

	if (v.online && v.blocked)
		control_wake(domid, vcpu);
	return !v.online || control_info(domid).shut_down;
}

bool control_turn(struct seat *s, unsigned domid, unsigned vcpu)
{
	uint32_t turn = s->turn + 1;
	uint64_t patience = clock_ns() + PATIENCE_NS;

	__atomic_store_n(&s->turn, turn, __ATOMIC_RELEASE);
	control_wake(domid, vcpu);
	for (unsigned i = 1;; i++) {
		if (__atomic_load_n(&s->done, __ATOMIC_ACQUIRE) == turn)
			return true;
		sched_op(SCHEDOP_yield, 0);
		if (i % LOOK_EVERY)
			continue;
		if (stopped(domid, vcpu))
			return __atomic_load_n(&s->done, __ATOMIC_ACQUIRE) == turn;
		if (clock_ns() > patience)
			control_end("a vCPU does not answer");
	}
}

void control_end(const char *why)
{
	if (why)
		test_error("%s", why);
	test_end();
}
