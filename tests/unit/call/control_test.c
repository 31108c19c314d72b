/* domctl, sysctl and platform_op: a domain's life from dom0, answers in the ABI's shape. */
#include "hv/core/flaws.h"
#include "hv/mem/machine_map.h"
#include "protocol/platform.h"
#include "protocol/sched.h"
#include "protocol/sysctl.h"
#include "tests/unit/control_world.h"

static struct xen_sysctl *sys;
static struct xen_platform_op *pf;

static void setup(void)
{
	control_start();
	sys = at(&dom0_, 1, 1024);
	pf = at(&dom0_, 1, 2048);
}

static int64_t sysctl(uint32_t cmd)
{
	sys->cmd = cmd;
	sys->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return call(dom0_.v, __HYPERVISOR_sysctl, va(1, 1024));
}

static int64_t platform(uint32_t cmd)
{
	pf->cmd = cmd;
	pf->interface_version = XENPF_INTERFACE_VERSION;
	return call(dom0_.v, __HYPERVISOR_platform_op, va(1, 2048));
}

static domid_t create(unsigned vcpus)
{
	memset(&op->u, 0, sizeof op->u);
	op->u.createdomain = (struct xen_domctl_createdomain){.max_vcpus = vcpus,
		.max_evtchn_port = 1023,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = 1,
		.handle = {1, 2, 3}};
	ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, 0), 0);
	return op->domain;
}

START_TEST(interface_versions)
{
	op->cmd = XEN_DOMCTL_getdomaininfo;
	op->interface_version = 0x14;
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_domctl, va(1, 0)), -EACCES);
	sys->interface_version = 0x16;
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_sysctl, va(1, 1024)), -EACCES);
	pf->interface_version = 0;
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_platform_op, va(1, 2048)), -EACCES);
	for (unsigned cmd = 100; cmd < 200; cmd++) {
		ck_assert_int_eq(domctl(cmd, 0), -ENOSYS);
		ck_assert_int_eq(sysctl(cmd), -ENOSYS);
		ck_assert_int_eq(platform(cmd), -ENOSYS);
	}
}
END_TEST

static uint64_t age_ns(domid_t id)
{
	ck_assert_int_eq(domctl(XEN_DOMCTL_gettscinfo, id), 0);
	return op->u.tsc_info.elapsed_nsec;
}

/* Give @id @n frames through populate_physmap, as a builder does; their numbers in page 3. */
static uint64_t *populate(domid_t id, unsigned n)
{
	struct xen_memory_reservation *r = at(&dom0_, 2, 0);
	uint64_t *list = at(&dom0_, 3, 0);
	*r = (struct xen_memory_reservation){
		.extent_start = va(3, 0), .nr_extents = n, .domid = id};
	for (unsigned i = 0; i < n; i++)
		list[i] = i;
	ck_assert_int_eq(
		call(dom0_.v, __HYPERVISOR_memory_op, XENMEM_populate_physmap, va(2, 0)), n);
	return list;
}

/* What a builder does; tables it would write through foreign mappings are poked in directly. */
static void build(domid_t id)
{
	op->u.max_mem.max_memkb = 4096;
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_mem, id), 0);
	op->u.max_vcpus.max = 1;
	ck_assert_int_eq(
		domctl(XEN_DOMCTL_max_vcpus, id), -EINVAL); /* not what it was created for */
	op->u.max_vcpus.max = 2;
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_vcpus, id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_vcpus, id), 0);
	uint64_t *frame = populate(id, 8);
	world_link(mfn(frame[0]), 0, mfn(frame[1]), PTE_WRITE);
	world_link(mfn(frame[1]), 0, mfn(frame[2]), PTE_WRITE);
	world_link(mfn(frame[2]), 0, mfn(frame[3]), PTE_WRITE);
	world_link(mfn(frame[3]), 1, mfn(frame[4]), PTE_WRITE);

	static struct vcpu_guest_context ctx;
	memset(&ctx, 0, sizeof ctx);
	ctx.flags = VGCF_in_kernel | VGCF_online;
	ctx.ctrlreg[3] = frame[0] << PAGE_SHIFT;
	ctx.user_regs.rip = 0x1234;
	memcpy(at(&dom0_, 4, 0), &ctx, 4096);
	memcpy(at(&dom0_, 5, 0), (char *)&ctx + 4096, sizeof ctx - 4096);
	op->u.vcpucontext = (struct xen_domctl_vcpucontext){ .vcpu = 0, .ctxt = va(4, 0) };
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext, id), 0);
}

START_TEST(life)
{
	uint64_t free_before = frame_free_count(), heap_before = heap_pages_in_use();
	domid_t id = create(2);
	ck_assert_uint_eq(id, 1);
	build(id);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	struct xen_domctl_getdomaininfo *i = &op->u.getdomaininfo;
	ck_assert_uint_eq(i->domain, id);
	ck_assert_uint_eq(i->flags, XEN_DOMINF_paused);
	ck_assert_uint_eq(i->tot_pages, 8);
	ck_assert_uint_eq(i->max_pages, 1024);
	ck_assert_uint_eq(i->nr_online_vcpus, 1);
	ck_assert_uint_eq(i->max_vcpu_id, 1);
	ck_assert_uint_eq(i->handle[2], 3);

	host_time_advance(1000000000);
	ck_assert_uint_eq(age_ns(id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, id), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, id), 0);
	host_time_advance(2000000000);
	ck_assert_uint_eq(age_ns(id), 2000000000);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_ne(i->flags & XEN_DOMINF_paused, 0);

	struct sched_remote_shutdown *s = at(&dom0_, 2, 0);
	*s = (struct sched_remote_shutdown){ .domain_id = id, .reason = SHUTDOWN_reboot };
	ck_assert_int_eq(
		call(dom0_.v, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, va(2, 0)), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), 0);
	ck_assert_uint_ne(i->flags & XEN_DOMINF_shutdown, 0);
	ck_assert_uint_eq(
		i->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, SHUTDOWN_reboot);

	world_preempt(1);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, id), 0);
	world_preempt(0);
	work_run();
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), -ESRCH);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, id), -ESRCH);
	ck_assert_uint_eq(heap_pages_in_use(), heap_before);
	ck_assert_uint_eq(frame_free_count(), free_before);
}
END_TEST

/* Between two steps of its destruction a domain takes no new base tables: the next step would find
 * them held. */
START_TEST(context_of_the_dying)
{
	struct cpu_regs *r = &dom0_.v->ctx.regs;
	domid_t id = create(2);

	build(id);
	(void)populate(id, 200);
	op->cmd = XEN_DOMCTL_destroydomain;
	op->domain = id;
	r->rax = __HYPERVISOR_domctl;
	r->rdi = va(1, 0);
	r->rip = 0x1002;
	world_preempt(1);
	call_dispatch(dom0_.v);
	ck_assert_uint_eq(r->rip, 0x1000);
	world_preempt(0);
	work_run();

	op->u.vcpucontext = (struct xen_domctl_vcpucontext){ .vcpu = 1, .ctxt = va(4, 0) };
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext, id), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getdomaininfo, id), -ESRCH);
}
END_TEST

START_TEST(own_domain_is_safe)
{
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, 0), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, 0), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_unpausedomain, 0), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_resumedomain, 0), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, DOMID_SELF), -EINVAL);
	op->u.vcpucontext = (struct xen_domctl_vcpucontext){ .vcpu = 0, .ctxt = va(4, 0) };
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext, 0), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext, 0), -EINVAL);
	ck_assert_int_eq(domctl(XEN_DOMCTL_pausedomain, 77), -ESRCH);
}
END_TEST

START_TEST(vcpu_operations)
{
	domid_t id = create(2);
	build(id);
	op->u.vcpucontext = (struct xen_domctl_vcpucontext){ .vcpu = 0, .ctxt = va(6, 0) };
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext, id), 0);
	ck_assert_uint_eq(((struct vcpu_guest_context *)at(&dom0_, 6, 0))->user_regs.rip, 0x1234);
	op->u.vcpucontext.vcpu = 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext, id), -EINVAL);
	op->u.vcpucontext.vcpu = 2;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext, id), -ESRCH);
	op->u.vcpucontext.vcpu = ~0u;
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext, id), -ESRCH);

	memset(&op->u, 0, sizeof op->u);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, id), 0);
	ck_assert_uint_eq(op->u.getvcpuinfo.online, 1);
	op->u.getvcpuinfo.vcpu = 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuinfo, id), 0);
	ck_assert_uint_eq(op->u.getvcpuinfo.online, 0);

	uint8_t *map = at(&dom0_, 7, 0);
	memset(map, 0xff, 32);
	op->u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){ .flags = XEN_VCPUAFFINITY_HARD,
		.cpumap_hard = { .bitmap = va(7, 0), .nr_bits = 100 } };
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpuaffinity, id), 0);
	ck_assert_uint_eq(map[0], 1);		/* what is in force: the one CPU there is */
	ck_assert_uint_eq(map[12], 0);
	ck_assert_uint_eq(map[13], 0xff);	/* beyond its bits: not ours */
	memset(map, 0, 32);
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpuaffinity, id), -EINVAL);	/* no CPU */
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, id), 0);
	ck_assert_uint_eq(map[0] & 1, 1);
	op->u.vcpuaffinity.cpumap_hard.nr_bits = ~0u;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, id), -EINVAL);
	op->u.vcpuaffinity.flags = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity, id), -EINVAL);
}
END_TEST

START_TEST(settings)
{
	domid_t id = create(2);
	build(id);
	op->u.scheduler_op = (struct xen_domctl_scheduler_op){ .sched_id = XEN_SCHEDULER_CREDIT,
		.cmd = XEN_DOMCTL_SCHEDOP_putinfo, .u.credit = { .weight = 512, .cap = 50 } };
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), 0);
	op->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	op->u.scheduler_op.u.credit.weight = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), 0);
	ck_assert_uint_eq(op->u.scheduler_op.u.credit.weight, 512);
	ck_assert_uint_eq(op->u.scheduler_op.u.credit.cap, 50);
	/* A weight of 0 and a cap of all ones leave them as they are. */
	op->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op->u.scheduler_op.u.credit.weight = 0;
	op->u.scheduler_op.u.credit.cap = 20;
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), 0);
	op->u.scheduler_op.u.credit.weight = 700;
	op->u.scheduler_op.u.credit.cap = UINT16_MAX;
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), 0);
	op->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), 0);
	ck_assert_uint_eq(op->u.scheduler_op.u.credit.weight, 700);
	ck_assert_uint_eq(op->u.scheduler_op.u.credit.cap, 20);
	op->u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo + 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), -EINVAL);
	op->u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
	ck_assert_int_eq(domctl(XEN_DOMCTL_scheduler_op, id), -EINVAL);
	op->u.address_size.size = 64;
	ck_assert_int_eq(domctl(XEN_DOMCTL_set_address_size, id), 0);
	op->u.address_size.size = 32;
	ck_assert_int_eq(domctl(XEN_DOMCTL_set_address_size, id), -EINVAL);
	op->u.tsc_info = (struct xen_domctl_tsc_info){ .tsc_mode = 1 };
	ck_assert_int_eq(domctl(XEN_DOMCTL_settscinfo, id), -EOPNOTSUPP);
	op->u.tsc_info.tsc_mode = 2;
	ck_assert_int_eq(domctl(XEN_DOMCTL_settscinfo, id), 0);
	ck_assert_int_eq(domctl(XEN_DOMCTL_gettscinfo, id), 0);
	ck_assert_uint_eq(op->u.tsc_info.gtsc_khz, (uint32_t)cpu_tsc_khz());
	ck_assert_int_eq(domctl(XEN_DOMCTL_shadow_op, id), -EOPNOTSUPP);
	op->u.settimeoffset.time_offset_seconds = 0;
	ck_assert_int_eq(domctl(XEN_DOMCTL_settimeoffset, id), 0);
	op->u.settimeoffset.time_offset_seconds = -1;	/* nothing would come of it */
	ck_assert_int_eq(domctl(XEN_DOMCTL_settimeoffset, id), -EOPNOTSUPP);
}
END_TEST

/* Devices are dom0's alone: what is so may be asked for. */
START_TEST(permissions)
{
	static const uint32_t kind[] = { XEN_DOMCTL_irq_permission, XEN_DOMCTL_iomem_permission, XEN_DOMCTL_ioport_permission };
	domid_t id = create(1);
	for (unsigned i = 0; i < ARRAY_COUNT(kind); i++)
		for (unsigned allow = 0; allow < 2; allow++) {
			op->u.irq_permission.allow_access = (uint8_t)allow;
			if (kind[i] == XEN_DOMCTL_iomem_permission)
				op->u.iomem_permission.allow_access = (uint8_t)allow;
			if (kind[i] == XEN_DOMCTL_ioport_permission)
				op->u.ioport_permission.allow_access = (uint8_t)allow;
			ck_assert_int_eq(domctl(kind[i], id), allow ? -EOPNOTSUPP : 0);
			ck_assert_int_eq(domctl(kind[i], 0), allow ? 0 : -EOPNOTSUPP);
		}
}
END_TEST

START_TEST(frames_told)
{
	domid_t id = create(2);
	build(id);
	struct mmuext_op *pin = at(&dom0_, 9, 0);
	uint64_t *frame = at(&dom0_, 3, 0);
	*pin = (struct mmuext_op){ .cmd = MMUEXT_PIN_L2_TABLE, .arg1.mfn = frame[2] };
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_mmuext_op, va(9, 0), 1, 0, id), 0);
	frame[8] = ~0ull;
	frame[9] = dom0_.page[3].n;
	op->u.getpageframeinfo3 =
		(struct xen_domctl_getpageframeinfo3){.num = 10, .array = va(3, 0)};
	ck_assert_int_eq(domctl(XEN_DOMCTL_getpageframeinfo3, id), 0);
	ck_assert_uint_eq(frame[0], XEN_DOMCTL_PFINFO_L4TAB);
	ck_assert_uint_eq(frame[1], XEN_DOMCTL_PFINFO_L3TAB);
	ck_assert_uint_eq(frame[2], XEN_DOMCTL_PFINFO_L2TAB | XEN_DOMCTL_PFINFO_LPINTAB);
	ck_assert_uint_eq(frame[3], XEN_DOMCTL_PFINFO_L1TAB);
	ck_assert_uint_eq(frame[4], XEN_DOMCTL_PFINFO_NOTAB);
	ck_assert_uint_eq(frame[8], XEN_DOMCTL_PFINFO_XTAB);
	ck_assert_uint_eq(frame[9], XEN_DOMCTL_PFINFO_XTAB);	/* not the domain's */
	op->u.getpageframeinfo3.num = 1025;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getpageframeinfo3, id), -E2BIG);
}
END_TEST

/* The page of call stubs goes into a plain frame of the domain, never into a table. */
START_TEST(hypercall_stubs)
{
	domid_t id = create(2);
	build(id);
	uint64_t *frame = at(&dom0_, 3, 0);
	op->u.hypercall_init.gmfn = frame[5];
	ck_assert_int_eq(domctl(XEN_DOMCTL_hypercall_init, id), 0);
	const uint8_t *stub = (uint8_t *)host_frame(mfn(frame[5])) + 32 * __HYPERVISOR_sched_op;
	ck_assert_uint_eq(stub[4], __HYPERVISOR_sched_op);
	op->u.hypercall_init.gmfn = frame[3];
	ck_assert_int_lt(domctl(XEN_DOMCTL_hypercall_init, id), 0);
	op->u.hypercall_init.gmfn = dom0_.page[9].n;
	ck_assert_int_lt(domctl(XEN_DOMCTL_hypercall_init, id), 0);
}
END_TEST

START_TEST(policy_lists)
{
	const uint32_t max[4] = { 0xd }, ext[4] = { 0x80000008 };
	host_cpuid_set(0, 0, max);
	host_cpuid_set(0x80000000, 0, ext);
	memset(&sys->u, 0, sizeof sys->u);
	sys->u.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_max;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_policy), 0);
	uint32_t n = sys->u.cpu_policy.nr_leaves;
	ck_assert_uint_gt(n, 14);
	sys->u.cpu_policy.leaves = va(8, 0);
	sys->u.cpu_policy.msrs = va(9, 0);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_policy), 0);
	sys->u.cpu_policy.nr_leaves = n - 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_policy), -ENOSPC);
	sys->u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_max;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_policy), -EOPNOTSUPP);
	domid_t id = create(1);
	memset(&op->u, 0, sizeof op->u);
	ck_assert_int_eq(domctl(XEN_DOMCTL_get_cpu_policy, id), 0);
	ck_assert_uint_eq(op->u.cpu_policy.nr_leaves, n);
	ck_assert_int_eq(domctl(XEN_DOMCTL_set_cpu_policy, id), 0);
	ck_assert_uint_eq(op->u.cpu_policy.err_leaf, ~0u);
}
END_TEST

START_TEST(machine_facts)
{
	memset(&sys->u, 0xff, sizeof sys->u);
	flaws.state[FLAW_L1TF] = FLAW_MITIGATED;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_physinfo), 0);
	ck_assert_uint_eq(sys->u.bothy_physinfo.flaw[FLAW_L1TF], FLAW_MITIGATED);
	ck_assert_uint_eq(sys->u.bothy_physinfo.flaw[FLAW_COUNT], FLAW_UNTOLD);
	ck_assert_uint_eq(sys->u.physinfo.nr_cpus, 1);
	ck_assert_uint_eq(sys->u.physinfo.free_pages, frame_free_count());
	ck_assert_uint_eq(sys->u.physinfo.pad, 0);
	ck_assert_uint_ne(sys->u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv, 0);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_sched_id), 0);
	ck_assert_uint_eq(sys->u.sched_id.sched_id, XEN_SCHEDULER_CREDIT);

	(void)create(1);
	(void)create(1);
	sys->u.getdomaininfolist =
		(struct xen_sysctl_getdomaininfolist){.max_domains = 10, .buffer = va(8, 0)};
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(sys->u.getdomaininfolist.num_domains, 3);
	const struct xen_domctl_getdomaininfo *i = at(&dom0_, 8, 0);
	ck_assert_uint_eq(i[0].domain, 0);
	ck_assert_uint_eq(i[2].domain, 2);
	sys->u.getdomaininfolist.first_domain = 1;
	sys->u.getdomaininfolist.max_domains = 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(sys->u.getdomaininfolist.num_domains, 1);
	ck_assert_uint_eq(i[0].domain, 1);

	sys->u.cpupool_op = (struct xen_sysctl_cpupool_op){ .op = XEN_SYSCTL_CPUPOOL_OP_INFO,
		.cpumap = { .bitmap = va(8, 0), .nr_bits = 8 } };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), 0);
	ck_assert_uint_eq(sys->u.cpupool_op.n_dom, 3);
	ck_assert_uint_eq(*(uint8_t *)at(&dom0_, 8, 0), 1);
	sys->u.cpupool_op.cpupool_id = 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -ENOENT);

	sys->u.cputopoinfo = (struct xen_sysctl_cputopoinfo){ .num_cpus = 0, .cputopo = 0 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cputopoinfo), 0);
	ck_assert_uint_eq(sys->u.cputopoinfo.num_cpus, 1);
	sys->u.numainfo = (struct xen_sysctl_numainfo){ .num_nodes = 0 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), 0);
	ck_assert_uint_eq(sys->u.numainfo.num_nodes, 1);
	sys->u.cpu_featureset =
		(struct xen_sysctl_cpu_featureset){.index = XEN_SYSCTL_cpu_featureset_pv};
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_featureset), 0);
	ck_assert_uint_eq(sys->u.cpu_featureset.nr_features, 19);
}
END_TEST

START_TEST(log_reading)
{
	log_clear();
	log_raw("first\n", 6);
	sys->u.readconsole = (struct xen_sysctl_readconsole){
		.incremental = 1, .buffer = va(8, 0), .count = 4000};
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(sys->u.readconsole.count, 6);
	ck_assert_mem_eq(at(&dom0_, 8, 0), "first\n", 6);
	log_raw("second\n", 7);
	sys->u.readconsole.count = 4000;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);	/* goes on where it stopped */
	ck_assert_uint_eq(sys->u.readconsole.count, 7);
	ck_assert_mem_eq(at(&dom0_, 8, 0), "second\n", 7);
	sys->u.readconsole.count = 4000;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(sys->u.readconsole.count, 0);
	sys->u.readconsole =
		(struct xen_sysctl_readconsole){.clear = 1, .buffer = va(8, 0), .count = 4000};
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(sys->u.readconsole.count, 13);
	sys->u.readconsole.count = 4000;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), 0);
	ck_assert_uint_eq(sys->u.readconsole.count, 0);
}
END_TEST

static unsigned stopped_with;
static void stop(unsigned code)
{
	stopped_with = code;
}

START_TEST(platform_operations)
{
	pf->u.firmware_info = (struct xenpf_firmware_info){ .type = XEN_FW_DISK_INFO };
	ck_assert_int_eq(platform(XENPF_firmware_info), -ESRCH);
	pf->u.firmware_info.type = XEN_FW_EFI_INFO;
	ck_assert_int_eq(platform(XENPF_firmware_info), -ENOSYS);
	pf->u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
	ck_assert_int_eq(platform(XENPF_firmware_info), 0);
	pf->u.pcpu_info = (struct xenpf_pcpuinfo){ .xen_cpuid = 0 };
	ck_assert_int_eq(platform(XENPF_get_cpuinfo), 0);
	ck_assert_uint_eq(pf->u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
	pf->u.pcpu_info = (struct xenpf_pcpuinfo){ .xen_cpuid = 1 };
	ck_assert_int_eq(platform(XENPF_get_cpuinfo), 0);
	ck_assert_uint_eq(pf->u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
	pf->u.settime64 = (struct xenpf_settime64){ .secs = 1000000, .nsecs = 1000000000 };
	ck_assert_int_eq(platform(XENPF_settime64), -EINVAL);
	pf->u.settime64.nsecs = 0;
	ck_assert_int_eq(platform(XENPF_settime64), 0);
	ck_assert_uint_eq(dom0_.d->shared->wc_sec, 1000000);
	machine_shutdown = stop;
	stopped_with = 99;
	pf->u.enter_acpi_sleep = (struct xenpf_enter_acpi_sleep){ .sleep_state = 3 };
	ck_assert_int_eq(platform(XENPF_enter_acpi_sleep), -EOPNOTSUPP);
	ck_assert_uint_eq(stopped_with, 99);
	pf->u.enter_acpi_sleep = (struct xenpf_enter_acpi_sleep){.val_a = 0x2000, .sleep_state = 5};
	ck_assert_int_eq(platform(XENPF_enter_acpi_sleep), 0);
	ck_assert_uint_eq(stopped_with, SHUTDOWN_poweroff);
	ck_assert_uint_eq(machine.sleep_a, 0x2000);
}
END_TEST

/* Values of the extended sleep registers are not those of the others. */
START_TEST(extended_sleep)
{
	machine_shutdown = stop;
	stopped_with = 99;
	machine.sleep_a = 0x1234;
	machine.sleep_b = 0x5678;
	pf->u.enter_acpi_sleep = (struct xenpf_enter_acpi_sleep){
		.val_a = 1, .val_b = 2, .sleep_state = 5, .flags = XENPF_ACPI_SLEEP_EXTENDED };
	ck_assert_int_eq(platform(XENPF_enter_acpi_sleep), 0);
	ck_assert_uint_eq(stopped_with, SHUTDOWN_poweroff);
	ck_assert_uint_eq(machine.sleep_a, 0x1234);
	ck_assert_uint_eq(machine.sleep_b, 0x5678);
}
END_TEST

CHECK_MAIN("control", setup, NULL, interface_versions, life, context_of_the_dying,
	   own_domain_is_safe, vcpu_operations, settings, permissions, frames_told, hypercall_stubs,
	   policy_lists, machine_facts, log_reading, platform_operations, extended_sleep)
