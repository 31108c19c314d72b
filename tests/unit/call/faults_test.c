/* Every address a hypercall is given may be wrong: the argument itself, and each address inside it. The answer is
 * -EFAULT, nothing has changed, and with an address that begins well and ends badly it is the same. */
#include "protocol/callback.h"
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/physdev.h"
#include "protocol/platform.h"
#include "protocol/sched.h"
#include "protocol/sysctl.h"
#include "protocol/vcpu.h"
#include "protocol/version.h"
#include "tests/unit/guest_world.h"

#define BAD	va(70, 0)			/* not mapped */
#define EDGE	(va(WORLD_PAGES + 1, 0) - 2)	/* two bytes are, the next are not */
#define ARG	1u				/* the page of arguments */

static struct guest dom0_guest, a;

static void setup(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&a, 1, false, 2);
	world_run(&dom0_guest);
}

/* --- the argument itself --- */

/* For all sub-operations of a hypercall whose argument is number @where: -EFAULT, or what does not look at it. */
static unsigned outer(unsigned nr, unsigned last, unsigned where, uint64_t bad)
{
	unsigned faults = 0;
	for (unsigned cmd = 0; cmd <= last; cmd++) {
		uint64_t args[6] = { cmd, 0, 1 };
		args[where] = bad;
		/* Not these: they end the machine, or wait. */
		if (nr == __HYPERVISOR_sched_op && (cmd == SCHEDOP_block || cmd == SCHEDOP_yield))
			continue;
		if (nr == __HYPERVISOR_vcpu_op && cmd == VCPUOP_down)
			continue;
		if (nr == __HYPERVISOR_vcpu_op)
			args[1] = 0;
		uint64_t digest = frame_audit_digest();
		int64_t rc = call6(dom0_guest.v, nr, args);
		ck_assert_uint_eq(frame_audit_digest(), digest);
		faults += rc == -EFAULT;
	}
	return faults;
}

START_TEST(arguments)
{
	const uint64_t wrong[] = { BAD, EDGE, HV_VIRT_START, HV_VIRT_START - 4, 0x8000000000000000ull };
	for (unsigned i = 0; i < ARRAY_COUNT(wrong); i++) {
		uint64_t bad = wrong[i];
		/* Two bytes are an argument: reset names a domain. */
		ck_assert_uint_eq(outer(__HYPERVISOR_event_channel_op, 13, 1, bad), bad == EDGE ? 10 : 11);
		ck_assert_uint_eq(outer(__HYPERVISOR_grant_table_op, 12, 1, bad), 7);
		ck_assert_uint_ge(outer(__HYPERVISOR_physdev_op, 31, 1, bad), 13);
		ck_assert_uint_eq(outer(__HYPERVISOR_sched_op, 7, 1, bad), 4);
		ck_assert_uint_ge(outer(__HYPERVISOR_memory_op, 28, 1, bad), 10);
		ck_assert_uint_eq(outer(__HYPERVISOR_callback_op, 1, 1, bad), 2);
		ck_assert_uint_eq(outer(__HYPERVISOR_xen_version, 10, 1, bad), 8);
		ck_assert_uint_ge(outer(__HYPERVISOR_vcpu_op, 13, 2, bad), 6);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_domctl, bad), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_sysctl, bad), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_platform_op, bad), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_multicall, bad, 2), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_set_trap_table, bad), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_set_gdt, bad, 512), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmu_update, bad, 1, 0, DOMID_SELF), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmuext_op, bad, 1, 0, DOMID_SELF), -EFAULT);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_console_io, CONSOLEIO_write, 3, bad), -EFAULT);
		console_input("xyz", 3);
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_console_io, CONSOLEIO_read, 3, bad), -EFAULT);
	}
}
END_TEST

/* Arguments that can be read and not written. */
START_TEST(read_only_arguments)
{
	struct mmu_update *u = at(&dom0_guest, 2, 0);
	*u = (struct mmu_update){ mfn_to_maddr(dom0_guest.l1).a + 8 * ARG,
				  pte_make(dom0_guest.page[ARG], PTE_PRESENT | PTE_USER) };
	void *arg = at(&dom0_guest, ARG, 0);
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmu_update, va(2, 0), 1, 0, DOMID_SELF), 0);
	struct mmuext_op *flush = at(&dom0_guest, 2, 0);
	*flush = (struct mmuext_op){ .cmd = MMUEXT_TLB_FLUSH_LOCAL };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmuext_op, va(2, 0), 1, 0, DOMID_SELF), 0);

	*(struct gnttab_unmap_grant_ref *)arg = (struct gnttab_unmap_grant_ref){ .handle = 7 };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(ARG, 0), 1), -EFAULT);
	*(struct gnttab_set_version *)arg = (struct gnttab_set_version){ .version = 1 };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_grant_table_op, GNTTABOP_set_version, va(ARG, 0), 1), -EFAULT);
	*(struct multicall_entry *)arg = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_multicall, va(ARG, 0), 1), -EFAULT);
	/* A preempted entry cannot be put back. */
	struct mmu_update *many = at(&dom0_guest, 3, 0);
	for (unsigned i = 0; i < 200; i++)
		many[i] = (struct mmu_update){ mfn_to_maddr(dom0_guest.l1).a + 8 * 200, 0 };
	*(struct multicall_entry *)arg = (struct multicall_entry){ .op = __HYPERVISOR_mmu_update,
								   .args = { va(3, 0), 200, 0, DOMID_SELF } };
	world_preempt(1);
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_multicall, va(ARG, 0), 1), -EFAULT);
	world_preempt(0);
	struct xen_domctl *op = arg;
	op->cmd = XEN_DOMCTL_getdomaininfo;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = 1;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_domctl, va(ARG, 0)), -EFAULT);
	op->cmd = XEN_DOMCTL_getpageframeinfo3;
	op->u.getpageframeinfo3 = (struct xen_domctl_getpageframeinfo3){ .num = 1, .array = va(ARG, 2048) };
	*(uint64_t *)at(&dom0_guest, ARG, 2048) = a.l4.n;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_domctl, va(ARG, 0)), -EFAULT);
	ck_assert_uint_eq(*(uint64_t *)at(&dom0_guest, ARG, 2048), a.l4.n);
	struct xen_sysctl *sys = arg;
	sys->cmd = XEN_SYSCTL_physinfo;
	sys->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_sysctl, va(ARG, 0)), -EFAULT);
}
END_TEST

/* --- addresses inside the argument --- */

static int64_t grant_op(unsigned cmd)
{
	return call(dom0_guest.v, __HYPERVISOR_grant_table_op, cmd, va(ARG, 0), 1);
}

START_TEST(inside_grants_and_memory)
{
	void *arg = at(&dom0_guest, ARG, 0);
	struct gnttab_setup_table *s = arg;
	*s = (struct gnttab_setup_table){ .dom = DOMID_SELF, .nr_frames = 2, .frame_list = BAD };
	ck_assert_int_eq(grant_op(GNTTABOP_setup_table), 0);
	ck_assert_int_eq(s->status, GNTST_bad_virt_addr);
	struct gnttab_set_version *v = arg;
	v->version = 2;
	ck_assert_int_eq(grant_op(GNTTABOP_set_version), -ENOSYS);
	v->version = 1;
	ck_assert_int_eq(grant_op(GNTTABOP_set_version), 0);

	struct xen_memory_reservation *r = arg;
	uint64_t have = dom0_guest.d->mem.frame_count;
	const unsigned ops[] = { XENMEM_populate_physmap, XENMEM_increase_reservation, XENMEM_decrease_reservation };
	for (unsigned i = 0; i < ARRAY_COUNT(ops); i++) {
		*r = (struct xen_memory_reservation){ .extent_start = BAD, .nr_extents = 3, .domid = DOMID_SELF };
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, ops[i], va(ARG, 0)), 0);
		ck_assert_uint_eq(dom0_guest.d->mem.frame_count, have);
	}
	/* Without a list nothing is told. */
	*r = (struct xen_memory_reservation){ .nr_extents = 3, .extent_order = 1, .domid = DOMID_SELF };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_increase_reservation, va(ARG, 0)), 3);
	ck_assert_uint_eq(dom0_guest.d->mem.frame_count, have + 6);

	struct xen_machphys_mfn_list *l = arg;
	*l = (struct xen_machphys_mfn_list){ .max_extents = 5, .extent_start = va(2, 0) };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, va(ARG, 0)), 0);
	ck_assert_uint_eq(l->nr_extents, 1);
	l->extent_start = BAD;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, va(ARG, 0)), -EFAULT);
	l->max_extents = 0;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, va(ARG, 0)), 0);
	ck_assert_uint_eq(l->nr_extents, 0);

	struct xen_foreign_memory_map *f = arg;
	*f = (struct xen_foreign_memory_map){ .domid = 1, .map = { .nr_entries = 2, .buffer = BAD } };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_set_memory_map, va(ARG, 0)), -EFAULT);
	ck_assert_ptr_null(a.d->memory_map);
	f->domid = DOMID_SELF;
	f->map.buffer = va(2, 0);
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_set_memory_map, va(ARG, 0)), 0);
	struct xen_memory_map *m = arg;
	*m = (struct xen_memory_map){ .nr_entries = 2, .buffer = BAD };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_memory_map, va(ARG, 0)), -EFAULT);
}
END_TEST

START_TEST(inside_resources)
{
	struct xen_mem_acquire_resource *res = at(&dom0_guest, ARG, 0);
	*res = (struct xen_mem_acquire_resource){ .domid = 1, .type = XENMEM_resource_grant_table, .nr_frames = 1,
						  .frame_list = BAD };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_acquire_resource, va(ARG, 0)), -EFAULT);
	const struct { uint16_t type; uint32_t id, pad, n; uint64_t first; domid_t d; int rc; } odd[] = {
		{ XENMEM_resource_grant_table, 0, 1, 1, 0, 1, -EINVAL },
		{ XENMEM_resource_grant_table, 1, 0, 1, 0, 1, -EOPNOTSUPP },
		{ XENMEM_resource_ioreq_server, 0, 0, 1, 0, 1, -EOPNOTSUPP },
		{ XENMEM_resource_grant_table, 0, 0, 1, 0, 77, -ESRCH },
		{ XENMEM_resource_grant_table, 0, 0, 65, 0, 1, -EINVAL },
		{ XENMEM_resource_grant_table, 0, 0, 1, 1ull << 32, 1, -EINVAL },
		{ XENMEM_resource_grant_table, 0, 0, 1, ~0ull, 1, -EINVAL },
	};
	for (unsigned i = 0; i < ARRAY_COUNT(odd); i++) {
		*res = (struct xen_mem_acquire_resource){ odd[i].d, odd[i].type, odd[i].id, odd[i].n, odd[i].pad,
							  odd[i].first, va(2, 0) };
		ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_acquire_resource, va(ARG, 0)), odd[i].rc);
	}
}
END_TEST

static int64_t exchange(uint64_t in_list, uint64_t out_list, uint64_t in_extents, domid_t in_d, domid_t out_d, uint64_t done)
{
	struct xen_memory_exchange *x = at(&dom0_guest, ARG, 0);
	*x = (struct xen_memory_exchange){
		.in = { .extent_start = in_list, .nr_extents = in_extents, .domid = in_d },
		.out = { .extent_start = out_list, .nr_extents = in_extents, .domid = out_d }, .nr_exchanged = done };
	uint64_t digest = frame_audit_digest();
	int64_t rc = call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_exchange, va(ARG, 0));
	if (rc)
		ck_assert_uint_eq(frame_audit_digest(), digest);
	return rc;
}

START_TEST(inside_exchange)
{
	*(uint64_t *)at(&dom0_guest, 2, 0) = world_take(dom0_guest.d).n;
	*(uint64_t *)at(&dom0_guest, 3, 0) = 0x1234;
	ck_assert_int_eq(exchange(BAD, va(3, 0), 1, DOMID_SELF, DOMID_SELF, 0), -EFAULT);
	ck_assert_int_eq(exchange(va(2, 0), BAD, 1, DOMID_SELF, DOMID_SELF, 0), -EFAULT);
	ck_assert_int_eq(exchange(va(2, 0), va(3, 0), 513, DOMID_SELF, DOMID_SELF, 0), -EINVAL);
	ck_assert_int_eq(exchange(va(2, 0), va(3, 0), 1, 1, DOMID_SELF, 0), -EINVAL);
	ck_assert_int_eq(exchange(va(2, 0), va(3, 0), 1, DOMID_SELF, 1, 0), -EINVAL);
	ck_assert_int_eq(exchange(va(2, 0), va(3, 0), 1, DOMID_SELF, DOMID_SELF, 1), -EINVAL);
	/* The list of new frames lies where it can be read and not written: all is taken back. */
	struct mmu_update *u = at(&dom0_guest, 4, 0);
	*u = (struct mmu_update){ mfn_to_maddr(dom0_guest.l1).a + 8 * 3, pte_make(dom0_guest.page[3], PTE_PRESENT | PTE_USER) };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmu_update, va(4, 0), 1, 0, DOMID_SELF), 0);
	struct mmuext_op *flush = at(&dom0_guest, 4, 0);
	*flush = (struct mmuext_op){ .cmd = MMUEXT_TLB_FLUSH_LOCAL };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmuext_op, va(4, 0), 1, 0, DOMID_SELF), 0);
	uint64_t have = dom0_guest.d->mem.frame_count;
	ck_assert_int_eq(exchange(va(2, 0), va(3, 0), 1, DOMID_SELF, DOMID_SELF, 0), -EFAULT);
	ck_assert_uint_eq(dom0_guest.d->mem.frame_count, have);
	*(uint64_t *)at(&dom0_guest, 5, 0) = 0x1234;
	ck_assert_int_eq(exchange(va(2, 0), va(5, 0), 1, 0, 0, 0), 0);	/* by its own number */
	ck_assert_uint_eq(dom0_guest.d->mem.frame_count, have);
}
END_TEST

static struct xen_domctl *op;
static struct xen_sysctl *sys;

static int64_t domctl(uint32_t cmd)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = 1;
	return call(dom0_guest.v, __HYPERVISOR_domctl, va(ARG, 0));
}

static int64_t sysctl(uint32_t cmd)
{
	sys->cmd = cmd;
	sys->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return call(dom0_guest.v, __HYPERVISOR_sysctl, va(ARG, 2048));
}

START_TEST(inside_domctl)
{
	op = at(&dom0_guest, ARG, 0);
	op->u.getpageframeinfo3 = (struct xen_domctl_getpageframeinfo3){ .num = 2, .array = BAD };
	ck_assert_int_eq(domctl(XEN_DOMCTL_getpageframeinfo3), -EFAULT);
	op->u.getpageframeinfo3.num = 1025;
	ck_assert_int_eq(domctl(XEN_DOMCTL_getpageframeinfo3), -E2BIG);
	memset(&op->u, 0, sizeof op->u);
	op->u.vcpucontext.ctxt = BAD;
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext), -EFAULT);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext), -EFAULT);
	static const uint32_t which[] = { XEN_VCPUAFFINITY_HARD, XEN_VCPUAFFINITY_SOFT };
	for (unsigned i = 0; i < 2; i++) {
		struct xenctl_bitmap bad = { .bitmap = BAD, .nr_bits = 8 };
		op->u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){ .flags = which[i], .cpumap_hard = bad, .cpumap_soft = bad };
		ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpuaffinity), -EFAULT);
		ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity), -EFAULT);
		struct xenctl_bitmap good = { .bitmap = va(2, 0), .nr_bits = 64 };
		*(uint64_t *)at(&dom0_guest, 2, 0) = ~0ull;
		op->u.vcpuaffinity.cpumap_hard = op->u.vcpuaffinity.cpumap_soft = good;
		ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpuaffinity), 0);
		ck_assert_uint_eq(*(uint64_t *)at(&dom0_guest, 2, 0), 1);	/* there is one CPU */
		ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpuaffinity), 0);
		op->u.vcpuaffinity.flags |= 16;
		ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpuaffinity), -EINVAL);
	}
	op->u.nodeaffinity.nodemap = (struct xenctl_bitmap){ .bitmap = BAD, .nr_bits = 1 };
	ck_assert_int_eq(domctl(XEN_DOMCTL_setnodeaffinity), -EFAULT);
	op->u.nodeaffinity.nodemap = (struct xenctl_bitmap){ .bitmap = va(2, 0), .nr_bits = 8193 };
	ck_assert_int_eq(domctl(XEN_DOMCTL_setnodeaffinity), -EINVAL);
	op->u.nodeaffinity.nodemap.nr_bits = 64;
	*(uint64_t *)at(&dom0_guest, 2, 0) = 2;
	ck_assert_int_eq(domctl(XEN_DOMCTL_setnodeaffinity), -EINVAL);
	*(uint64_t *)at(&dom0_guest, 2, 0) = 3;
	ck_assert_int_eq(domctl(XEN_DOMCTL_setnodeaffinity), 0);
	op->u.cpu_policy = (struct xen_domctl_cpu_policy){ .nr_leaves = 1000, .nr_msrs = 10, .leaves = BAD };
	ck_assert_int_eq(domctl(XEN_DOMCTL_get_cpu_policy), -EFAULT);
	op->u.cpu_policy = (struct xen_domctl_cpu_policy){ .nr_msrs = 10, .msrs = BAD };
	ck_assert_int_eq(domctl(XEN_DOMCTL_get_cpu_policy), -EFAULT);
	op->u.cpu_policy = (struct xen_domctl_cpu_policy){ .nr_msrs = 1, .msrs = va(2, 0) };
	ck_assert_int_eq(domctl(XEN_DOMCTL_get_cpu_policy), -ENOSPC);
	memset(&op->u, 0, sizeof op->u);
	op->u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI + 1;
	ck_assert_int_eq(domctl(XEN_DOMCTL_sendtrigger), -EOPNOTSUPP);
	/* No such vCPU. */
	memset(&op->u, 0xff, sizeof op->u);
	static const uint32_t of_a_vcpu[] = { XEN_DOMCTL_setvcpucontext, XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_getvcpuinfo,
					      XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_getvcpuaffinity, XEN_DOMCTL_sendtrigger };
	for (unsigned i = 0; i < ARRAY_COUNT(of_a_vcpu); i++)
		ck_assert_int_eq(domctl(of_a_vcpu[i]), -ESRCH);
}
END_TEST

START_TEST(inside_sysctl)
{
	sys = at(&dom0_guest, ARG, 2048);
	log_info("a line");
	sys->u.readconsole = (struct xen_sysctl_readconsole){ .buffer = BAD, .count = 100 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_readconsole), -EFAULT);
	sys->u.getdomaininfolist = (struct xen_sysctl_getdomaininfolist){ .max_domains = 10, .buffer = BAD };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), -EFAULT);
	sys->u.getdomaininfolist = (struct xen_sysctl_getdomaininfolist){ .max_domains = 10, .first_domain = 0x7ff0,
									  .buffer = va(2, 0) };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(sys->u.getdomaininfolist.num_domains, 0);
	sys->u.debug_keys = (struct xen_sysctl_debug_keys){ .keys = BAD, .nr_keys = 3 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), -EFAULT);
	sys->u.debug_keys = (struct xen_sysctl_debug_keys){ .keys = va(2, 0), .nr_keys = 33 };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), -E2BIG);
	memcpy(at(&dom0_guest, 2, 0), "qx", 2);
	sys->u.debug_keys.nr_keys = 2;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), 0);

	sys->u.cputopoinfo = (struct xen_sysctl_cputopoinfo){ .num_cpus = 4, .cputopo = BAD };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cputopoinfo), -EFAULT);
	sys->u.cputopoinfo = (struct xen_sysctl_cputopoinfo){ .num_cpus = 4, .cputopo = va(2, 0) };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cputopoinfo), 0);
	ck_assert_uint_eq(sys->u.cputopoinfo.num_cpus, 1);
	sys->u.cputopoinfo = (struct xen_sysctl_cputopoinfo){ .cputopo = va(2, 0) };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cputopoinfo), 0);
	ck_assert_uint_eq(sys->u.cputopoinfo.num_cpus, 0);
	sys->u.numainfo = (struct xen_sysctl_numainfo){ .num_nodes = 1, .meminfo = BAD };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), -EFAULT);
	sys->u.numainfo = (struct xen_sysctl_numainfo){ .num_nodes = 1, .distance = BAD };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), -EFAULT);
	sys->u.numainfo = (struct xen_sysctl_numainfo){ .num_nodes = 1, .meminfo = va(2, 0), .distance = va(2, 64) };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), 0);
	ck_assert_uint_eq(((struct xen_sysctl_meminfo *)at(&dom0_guest, 2, 0))->memsize, frame_total_count() << PAGE_SHIFT);
	ck_assert_uint_eq(*(uint32_t *)at(&dom0_guest, 2, 64), 10);
	*(uint32_t *)at(&dom0_guest, 2, 64) = 77;
	sys->u.numainfo = (struct xen_sysctl_numainfo){ .num_nodes = 8, .meminfo = va(2, 0) };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_numainfo), 0);
	ck_assert_uint_eq(sys->u.numainfo.num_nodes, 1);
	ck_assert_uint_eq(*(uint32_t *)at(&dom0_guest, 2, 64), 77);	/* not asked for */
}
END_TEST

START_TEST(pools_and_features)
{
	sys = at(&dom0_guest, ARG, 2048);
	memset(&sys->u, 0, sizeof sys->u);
	sys->u.cpupool_op.cpumap = (struct xenctl_bitmap){ .bitmap = BAD, .nr_bits = 64 };
	sys->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -EFAULT);
	sys->u.cpupool_op.cpumap.nr_bits = 8193;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -EINVAL);
	sys->u.cpupool_op.cpumap = (struct xenctl_bitmap){ .bitmap = va(2, 0), .nr_bits = 128 };
	sys->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
	memset(at(&dom0_guest, 2, 0), 0xff, 16);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), 0);
	ck_assert_uint_eq(*(uint64_t *)at(&dom0_guest, 2, 0) | *(uint64_t *)at(&dom0_guest, 2, 8), 0);	/* no CPU is spare */
	sys->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), 0);
	sys->u.cpupool_op.cpupool_id = 3;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -ENOENT);
	sys->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), -ENOENT);

	sys->u.scheduler_op = (struct xen_sysctl_scheduler_op){ .sched_id = 5 /* credit */, .cmd = XEN_SYSCTL_SCHEDOP_putinfo };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_scheduler_op), -EOPNOTSUPP);
	sys->u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_scheduler_op), 0);
	ck_assert_uint_eq(sys->u.scheduler_op.u.sched_credit.tslice_ms, 10);
	sys->u.scheduler_op.cpupool_id = 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_scheduler_op), -EINVAL);

	sys->u.cpu_featureset = (struct xen_sysctl_cpu_featureset){ .index = 2, .nr_features = 64, .features = BAD };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_featureset), -EFAULT);
	sys->u.cpu_featureset.features = va(2, 0);
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_featureset), 0);
	uint32_t words = sys->u.cpu_featureset.nr_features;
	ck_assert_uint_eq(words, 19);
	sys->u.cpu_featureset.nr_features = words - 1;
	ck_assert_int_eq(sysctl(XEN_SYSCTL_get_cpu_featureset), -ENOSPC);
	for (uint32_t index = 0; index < 8; index++) {
		sys->u.cpu_featureset = (struct xen_sysctl_cpu_featureset){ .index = index, .nr_features = 64,
									    .features = va(2, 0) };
		int64_t rc = sysctl(XEN_SYSCTL_get_cpu_featureset);
		ck_assert_int_eq(rc, index > XEN_SYSCTL_cpu_featureset_hvm_max ? -EINVAL : 0);
		if (index == XEN_SYSCTL_cpu_featureset_hvm || index == XEN_SYSCTL_cpu_featureset_hvm_max)
			for (unsigned i = 0; i < words; i++)
				ck_assert_uint_eq(((uint32_t *)at(&dom0_guest, 2, 0))[i], 0);
		sys->u.cpu_policy = (struct xen_sysctl_cpu_policy){ .index = index };
		rc = sysctl(XEN_SYSCTL_get_cpu_policy);
		ck_assert_int_eq(rc, index == XEN_SYSCTL_cpu_policy_hvm_max || index == XEN_SYSCTL_cpu_policy_hvm_default ?
					     -EOPNOTSUPP : index > XEN_SYSCTL_cpu_policy_hvm_default ? -EINVAL : 0);
	}
}
END_TEST

/* --- other answers by contract --- */

static int64_t claim(uint64_t n, uint64_t start, unsigned order, unsigned flags, domid_t d)
{
	struct xen_memory_reservation *r = at(&dom0_guest, ARG, 0);
	*r = (struct xen_memory_reservation){ .nr_extents = n, .extent_start = start, .extent_order = order, .mem_flags = flags,
					      .domid = d };
	return call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_claim_pages, va(ARG, 0));
}

START_TEST(claims)
{
	ck_assert_int_eq(claim(10, 0, 0, 0, 1), 0);
	ck_assert_int_eq(claim(a.d->mem.frame_count + frame_free_count(), 0, 0, 0, 1), 0);
	ck_assert_int_eq(claim(a.d->mem.frame_count + frame_free_count() + 1, 0, 0, 0, 1), -ENOMEM);
	ck_assert_int_eq(claim(10, 1, 0, 0, 1), -EINVAL);
	ck_assert_int_eq(claim(10, 0, 1, 0, 1), -EINVAL);
	ck_assert_int_eq(claim(10, 0, 0, 1, 1), -EINVAL);
	ck_assert_int_eq(claim(10, 0, 0, 0, 99), -ESRCH);
	struct xen_memory_reservation *r = at(&dom0_guest, ARG, 0);
	*r = (struct xen_memory_reservation){ .extent_start = va(2, 0), .nr_extents = 1, .domid = DOMID_SELF,
					      .mem_flags = XENMEMF_populate_on_demand };
	*(uint64_t *)at(&dom0_guest, 2, 0) = 5;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_populate_physmap, va(ARG, 0)), 0);
	*(uint64_t *)at(&dom0_guest, 2, 0) = (1ull << 40) - 1;
	r->mem_flags = 0;
	r->extent_order = 1;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_populate_physmap, va(ARG, 0)), 0);
}
END_TEST

static int64_t platform(uint32_t cmd)
{
	struct xen_platform_op *p = at(&dom0_guest, ARG, 0);
	p->cmd = cmd;
	p->interface_version = XENPF_INTERFACE_VERSION;
	return call(dom0_guest.v, __HYPERVISOR_platform_op, va(ARG, 0));
}

START_TEST(platform_answers)
{
	struct xen_platform_op *p = at(&dom0_guest, ARG, 0);
	memset(p, 0, sizeof *p);
	p->u.settime32.secs = 1000;
	ck_assert_int_eq(platform(XENPF_settime32), 0);
	p->u.settime32.nsecs = 1000000000;
	ck_assert_int_eq(platform(XENPF_settime32), -EINVAL);
	memset(p, 0, sizeof *p);
	p->u.settime64.mbz = 1;
	ck_assert_int_eq(platform(XENPF_settime64), -EINVAL);
	ck_assert_int_eq(platform(XENPF_read_memtype), -EINVAL);
	static const struct { uint32_t type; int rc; } info[] = {
		{ XEN_FW_DISK_INFO, -ESRCH }, { XEN_FW_DISK_MBR_SIGNATURE, -ESRCH }, { XEN_FW_VBEDDC_INFO, -ESRCH },
		{ XEN_FW_KBD_SHIFT_FLAGS, 0 }, { XEN_FW_EFI_INFO, -ENOSYS }, { 99, -EINVAL },
	};
	for (unsigned i = 0; i < ARRAY_COUNT(info); i++) {
		memset(p, 0, sizeof *p);
		p->u.firmware_info.type = info[i].type;
		ck_assert_int_eq(platform(XENPF_firmware_info), info[i].rc);
	}
	memset(p, 0, sizeof *p);
	p->u.enter_acpi_sleep.sleep_state = 5;
	p->u.enter_acpi_sleep.flags = 0x80;
	ck_assert_int_eq(platform(XENPF_enter_acpi_sleep), -EOPNOTSUPP);
}
END_TEST

START_TEST(other_domains)
{
	struct sched_remote_shutdown *s = at(&dom0_guest, ARG, 0);
	*s = (struct sched_remote_shutdown){ .domain_id = 1, .reason = SHUTDOWN_MAX + 1 };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, va(ARG, 0)), -EINVAL);
	ck_assert(!a.d->is_shut_down);
	struct { uint64_t bitmap; uint32_t ports; } *b = at(&dom0_guest, ARG, 0);
	b->bitmap = HV_VIRT_START;
	b->ports = 8;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, va(ARG, 0)), -EINVAL);
	b->ports = 65537;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, va(ARG, 0)), -EINVAL);
	*(uint32_t *)at(&dom0_guest, ARG, 0) = 4;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, va(ARG, 0)), -EINVAL);
	/* Where a vCPU runs is told to who may know, of one that cannot move. */
	dom0_guest.v->hard_affinity = 1;
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_vcpu_op, VCPUOP_get_physid, 0, va(ARG, 0)), 0);
	dom0_guest.v->hard_affinity = 2;		/* no CPU there */
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_vcpu_op, VCPUOP_get_physid, 0, va(ARG, 0)), -EINVAL);
	dom0_guest.v->hard_affinity = 1;
}
END_TEST

/* --- no memory for what a call needs itself --- */

static bool refuse_all(void)
{
	return true;
}

START_TEST(no_memory)
{
	op = at(&dom0_guest, ARG, 0);
	memset(op, 0, sizeof *op);
	op->u.vcpucontext.ctxt = va(2, 0);
	struct xen_foreign_memory_map *f = at(&dom0_guest, 5, 0);
	*f = (struct xen_foreign_memory_map){ .domid = 1, .map = { .nr_entries = 2, .buffer = va(2, 0) } };
	*(uint64_t *)at(&dom0_guest, 6, 0) = world_take(dom0_guest.d).n;
	*(uint64_t *)at(&dom0_guest, 7, 0) = 0x1234;
	alloc_refuse = refuse_all;
	ck_assert_int_eq(domctl(XEN_DOMCTL_setvcpucontext), -ENOMEM);
	ck_assert_int_eq(domctl(XEN_DOMCTL_getvcpucontext), -ENOMEM);
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_set_memory_map, va(5, 0)), -ENOMEM);
	ck_assert_int_eq(exchange(va(6, 0), va(7, 0), 1, DOMID_SELF, DOMID_SELF, 0), -ENOMEM);
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 0, va(2, 0)), -ENOMEM);
	alloc_refuse = NULL;
	world_check();
	ck_assert_int_eq(exchange(va(6, 0), va(7, 0), 1, DOMID_SELF, DOMID_SELF, 0), 0);
}
END_TEST

CHECK_MAIN("faults", setup, NULL, arguments, read_only_arguments, inside_grants_and_memory,
	   inside_resources, inside_exchange, inside_domctl, inside_sysctl, pools_and_features,
	   claims, platform_answers, other_domains, no_memory)
