/* Typed domain control operations.
 *
 * The operation's struct lies at the start of the door's scratch buffer, arguments behind pointers
 * follow at SCRATCH_DATA. The hypervisor writes its answer back in place. */
#include "dom0/lib/domctl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "protocol/hypercall.h"

#define SCRATCH_DATA 1024u
_Static_assert(sizeof(struct xen_domctl) <= SCRATCH_DATA, "the operation fits before its data");
_Static_assert(SCRATCH_DATA + sizeof(struct vcpu_guest_context) <= PRIVCMD_SCRATCH_SIZE,
	       "a vCPU context fits");

static struct xen_domctl *domctl_begin(struct privcmd *p, uint32_t cmd, uint16_t domid)
{
	struct xen_domctl *op = p->scratch;

	memset(op, 0, sizeof *op);
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = domid;
	return op;
}

static int domctl_issue(struct privcmd *p)
{
	long ret = privcmd_call(p, __HYPERVISOR_domctl, (uintptr_t)p->scratch, 0, 0, 0, 0);

	return ret < 0 ? (int)ret : 0;
}

static void *scratch_data(struct privcmd *p)
{
	return (char *)p->scratch + SCRATCH_DATA;
}

static int domctl_plain(struct privcmd *p, uint32_t cmd, uint16_t domid)
{
	(void)domctl_begin(p, cmd, domid);
	return domctl_issue(p);
}

int domctl_create(struct privcmd *p, uint16_t *domid, const struct xen_domctl_createdomain *args)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_createdomain, *domid);
	int err;

	op->u.createdomain = *args;
	err = domctl_issue(p);
	if (!err)
		*domid = op->domain;
	return err;
}

int domctl_destroy(struct privcmd *p, uint16_t domid)
{
	return domctl_plain(p, XEN_DOMCTL_destroydomain, domid);
}

int domctl_destroy_wait(struct privcmd *p, uint16_t domid, unsigned int tries)
{
	for (unsigned int i = 0; i < tries; i++) {
		int err = domctl_destroy(p, domid);

		/* 85: the hypervisor's own -ERESTART, when the kernel lets it through. */
		if (err != -EAGAIN && err != -EINTR && err != -85)
			return err;
	}
	return -EBUSY;
}

int domctl_pause(struct privcmd *p, uint16_t domid)
{
	return domctl_plain(p, XEN_DOMCTL_pausedomain, domid);
}

int domctl_unpause(struct privcmd *p, uint16_t domid)
{
	return domctl_plain(p, XEN_DOMCTL_unpausedomain, domid);
}

int domctl_info(struct privcmd *p, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_getdomaininfo, domid);
	int err = domctl_issue(p);

	if (err)
		return err;
	/* The call answers for the next id that exists. */
	if (op->u.getdomaininfo.domain != domid)
		return -ESRCH;
	*info = op->u.getdomaininfo;
	return 0;
}

int domctl_max_vcpus(struct privcmd *p, uint16_t domid, uint32_t max)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_max_vcpus, domid);

	op->u.max_vcpus.max = max;
	return domctl_issue(p);
}

int domctl_max_mem(struct privcmd *p, uint16_t domid, uint64_t max_kib)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_max_mem, domid);

	op->u.max_mem.max_memkb = max_kib;
	return domctl_issue(p);
}

int domctl_set_address_size(struct privcmd *p, uint16_t domid, uint32_t width)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_set_address_size, domid);

	op->u.address_size.size = width;
	return domctl_issue(p);
}

int domctl_settscinfo(struct privcmd *p, uint16_t domid, uint32_t mode)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_settscinfo, domid);

	op->u.tsc_info.tsc_mode = mode;
	return domctl_issue(p);
}

int domctl_age(struct privcmd *p, uint16_t domid, uint64_t *age_ns)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_gettscinfo, domid);
	int err = domctl_issue(p);

	if (!err)
		*age_ns = op->u.tsc_info.elapsed_nsec;
	return err;
}

int domctl_setdomainhandle(struct privcmd *p, uint16_t domid, const uint8_t handle[16])
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_setdomainhandle, domid);

	memcpy(op->u.setdomainhandle.handle, handle, 16);
	return domctl_issue(p);
}

int domctl_setvcpucontext(struct privcmd *p, uint16_t domid, uint32_t vcpu,
			  const struct vcpu_guest_context *ctxt)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_setvcpucontext, domid);

	memcpy(scratch_data(p), ctxt, sizeof *ctxt);
	op->u.vcpucontext.vcpu = vcpu;
	op->u.vcpucontext.ctxt = (uintptr_t)scratch_data(p);
	return domctl_issue(p);
}

int domctl_getvcpucontext(struct privcmd *p, uint16_t domid, uint32_t vcpu,
			  struct vcpu_guest_context *ctxt)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_getvcpucontext, domid);
	int err;

	op->u.vcpucontext.vcpu = vcpu;
	op->u.vcpucontext.ctxt = (uintptr_t)scratch_data(p);
	err = domctl_issue(p);
	if (!err)
		memcpy(ctxt, scratch_data(p), sizeof *ctxt);
	return err;
}

int domctl_getvcpuinfo(struct privcmd *p, uint16_t domid, uint32_t vcpu,
		       struct xen_domctl_getvcpuinfo *info)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_getvcpuinfo, domid);
	int err;

	op->u.getvcpuinfo.vcpu = vcpu;
	err = domctl_issue(p);
	if (!err)
		*info = op->u.getvcpuinfo;
	return err;
}

int domctl_send_nmi(struct privcmd *p, uint16_t domid, uint32_t vcpu)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_sendtrigger, domid);

	op->u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
	op->u.sendtrigger.vcpu = vcpu;
	return domctl_issue(p);
}

/* Room for one affinity map in the scratch buffer. */
#define MAP_BYTES 1024u

static struct xen_domctl *affinity_begin(struct privcmd *p, uint32_t cmd, uint16_t domid,
					 uint32_t vcpu, bool hard, bool soft, uint32_t bits)
{
	struct xen_domctl *op = domctl_begin(p, cmd, domid);
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	uint8_t *data = scratch_data(p);

	memset(data, 0, MAP_BYTES * 2);
	a->vcpu = vcpu;
	if (hard) {
		a->flags |= XEN_VCPUAFFINITY_HARD;
		a->cpumap_hard.bitmap = (uintptr_t)data;
		a->cpumap_hard.nr_bits = bits;
	}
	if (soft) {
		a->flags |= XEN_VCPUAFFINITY_SOFT;
		a->cpumap_soft.bitmap = (uintptr_t)(data + MAP_BYTES);
		a->cpumap_soft.nr_bits = bits;
	}
	return op;
}

int domctl_setvcpuaffinity(struct privcmd *p, uint16_t domid, uint32_t vcpu, const uint8_t *hard,
			   const uint8_t *soft, uint32_t bits)
{
	uint8_t *data = scratch_data(p);
	size_t bytes = (bits + 7u) / 8u;

	if (bytes > MAP_BYTES || (!hard && !soft))
		return -EINVAL;
	(void)affinity_begin(p, XEN_DOMCTL_setvcpuaffinity, domid, vcpu, hard, soft, bits);
	if (hard)
		memcpy(data, hard, bytes);
	if (soft)
		memcpy(data + MAP_BYTES, soft, bytes);
	return domctl_issue(p);
}

int domctl_getvcpuaffinity(struct privcmd *p, uint16_t domid, uint32_t vcpu, uint8_t *hard,
			   uint8_t *soft, uint32_t bits)
{
	const uint8_t *data = scratch_data(p);
	size_t bytes = (bits + 7u) / 8u;
	int err;

	if (bytes > MAP_BYTES || (!hard && !soft))
		return -EINVAL;
	(void)affinity_begin(p, XEN_DOMCTL_getvcpuaffinity, domid, vcpu, hard, soft, bits);
	err = domctl_issue(p);
	if (err)
		return err;
	if (hard)
		memcpy(hard, data, bytes);
	if (soft)
		memcpy(soft, data + MAP_BYTES, bytes);
	return 0;
}

static struct xen_domctl *sched_begin(struct privcmd *p, uint16_t domid, uint32_t cmd)
{
	struct xen_domctl *op = domctl_begin(p, XEN_DOMCTL_scheduler_op, domid);

	op->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
	op->u.scheduler_op.cmd = cmd;
	return op;
}

int domctl_sched_set(struct privcmd *p, uint16_t domid, uint16_t weight, uint16_t cap)
{
	struct xen_domctl *op = sched_begin(p, domid, XEN_DOMCTL_SCHEDOP_putinfo);

	op->u.scheduler_op.u.credit.weight = weight;
	op->u.scheduler_op.u.credit.cap = cap;
	return domctl_issue(p);
}

int domctl_sched_get(struct privcmd *p, uint16_t domid, uint16_t *weight, uint16_t *cap)
{
	struct xen_domctl *op = sched_begin(p, domid, XEN_DOMCTL_SCHEDOP_getinfo);
	int err = domctl_issue(p);

	if (err)
		return err;
	*weight = op->u.scheduler_op.u.credit.weight;
	*cap = op->u.scheduler_op.u.credit.cap;
	return 0;
}
