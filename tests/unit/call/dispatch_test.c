/* Dispatch and multicall: every number, the right to call, continuation, results in place. */
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/version.h"
#include "protocol/memory.h"
#include "protocol/sched.h"
#include "tests/unit/guest_world.h"

static struct guest dom0_, guest_;

static void setup(void)
{
	world_start();
	world_guest(&dom0_, 0, true, 1);
	world_guest(&guest_, 1, false, 2);
	world_run(&guest_);
}

static bool is_listed(unsigned nr)
{
	static const unsigned listed[] = {
#define X(nr, name, args, who, spec) nr,
#include "hv/call/hypercalls.def"
#undef X
	};
	for (unsigned i = 0; i < ARRAY_COUNT(listed); i++)
		if (listed[i] == nr)
			return true;
	return false;
}

/* Numbers that are not in the list. */
START_TEST(unknown_numbers)
{
	for (unsigned nr = 0; nr < 128; nr++)
		if (!is_listed(nr))
			ck_assert_int_eq(call(guest_.v, nr, 0), -ENOSYS);
	ck_assert_int_eq(call(guest_.v, 1ull << 32 | __HYPERVISOR_xen_version, 0), -ENOSYS);
	ck_assert_int_eq(call(guest_.v, ~0ull, 0), -ENOSYS);
}
END_TEST

/* Control operations: refused before an argument is looked at. */
START_TEST(control_only)
{
	static const unsigned control[] = {__HYPERVISOR_platform_op, __HYPERVISOR_domctl,
		__HYPERVISOR_sysctl, __HYPERVISOR_update_va_mapping_otherdomain};
	for (unsigned i = 0; i < ARRAY_COUNT(control); i++)
		ck_assert_int_eq(call(guest_.v, control[i], 0xdead0000), -EPERM);
	world_run(&dom0_);
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_domctl, 0xdead0000), -EFAULT);
}
END_TEST

/* Sub-operations of every family outside what exists, with wild arguments: no crash, no success. */
START_TEST(wild_arguments)
{
	static const unsigned family[] = {__HYPERVISOR_memory_op, __HYPERVISOR_xen_version,
		__HYPERVISOR_console_io, __HYPERVISOR_grant_table_op, __HYPERVISOR_vm_assist,
		__HYPERVISOR_vcpu_op, __HYPERVISOR_sched_op, __HYPERVISOR_event_channel_op,
		__HYPERVISOR_physdev_op};
	for (unsigned i = 0; i < ARRAY_COUNT(family); i++) {
		for (unsigned cmd = 40; cmd < 64; cmd++)
			ck_assert_int_lt(call(guest_.v, family[i], cmd, 0, 0), 0);
		ck_assert_int_lt(call(guest_.v, family[i], 0xffffffff, ~0ull, ~0ull), 0);
	}
	for (unsigned cmd = EVTCHNOP_reset + 1; cmd < 40; cmd++)	/* FIFO's among them */
		ck_assert_int_eq(call(guest_.v, __HYPERVISOR_event_channel_op, cmd, va(1, 0)), -ENOSYS);
	/* Pointers into our range, not canonical, unmapped, across the end of a mapping. */
	const uint64_t bad[] = {0xffff800000000000, 0xffff87fffffffff8, 0x800000000000,
		0x7ffffffff000, va(WORLD_PAGES, 4090), 0};
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(
			call(guest_.v, __HYPERVISOR_event_channel_op, EVTCHNOP_status, bad[i]),
			-EFAULT);
		ck_assert_int_eq(
			call(guest_.v, __HYPERVISOR_xen_version, XENVER_compile_info, bad[i]),
			-EFAULT);
		ck_assert_int_eq(call(guest_.v, __HYPERVISOR_multicall, bad[i], 1), -EFAULT);
	}
}
END_TEST

START_TEST(multicall_results)
{
	struct multicall_entry *e = at(&guest_, 1, 0);
	e[0] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .result = 77 };
	e[1] = (struct multicall_entry){ .op = 63, .result = 77 };
	e[2] = (struct multicall_entry){
		.op = __HYPERVISOR_multicall, .result = 77, .args = {va(1, 0), 3}};
	e[3] = (struct multicall_entry){ .op = __HYPERVISOR_iret, .result = 77 };
	e[4] = (struct multicall_entry){ .op = __HYPERVISOR_domctl, .result = 77 };
	e[5] = (struct multicall_entry){
		.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}, .result = 77};
	e[6].result = 77;
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_multicall, va(1, 0), 6), 0);
	ck_assert_int_eq((int64_t)e[0].result, 4 << 16 | 17);
	ck_assert_int_eq((int64_t)e[1].result, -ENOSYS);
	ck_assert_int_eq((int64_t)e[2].result, -EINVAL);
	ck_assert_int_eq((int64_t)e[3].result, -EINVAL);
	ck_assert_int_eq((int64_t)e[4].result, -EPERM);
	ck_assert_int_eq((int64_t)e[5].result, 4096);
	ck_assert_int_eq((int64_t)e[6].result, 77);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_multicall, va(1, 0), 0), 0);
}
END_TEST

/* Preempted between entries and inside one: every entry runs once, with its own result. */
START_TEST(multicall_preempted)
{
	struct multicall_entry *e = at(&guest_, 1, 0);
	struct xen_memory_reservation *r = at(&guest_, 2, 0);
	uint64_t *list = at(&guest_, 3, 0), before = guest_.d->mem.frame_count;

	for (unsigned i = 0; i < 256; i++)
		list[i] = 1000 + i;
	*r = (struct xen_memory_reservation){
		.extent_start = va(3, 0), .nr_extents = 256, .domid = DOMID_SELF};
	r[1] = *r;
	r[1].nr_extents = 0;
	for (unsigned i = 0; i < 40; i++)
		e[i] = (struct multicall_entry){.op = __HYPERVISOR_memory_op,
			.args = {XENMEM_populate_physmap, va(2, i == 20 ? 0 : sizeof *r)},
			.result = 77};
	world_preempt(1);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_multicall, va(1, 0), 40), 0);
	ck_assert_uint_ge(world_preempted, 4);
	for (unsigned i = 0; i < 40; i++)
		ck_assert_int_eq((int64_t)e[i].result, i == 20 ? 256 : 0);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before + 256);
}
END_TEST

/* The frame's registers are loaded as they are: a value that looks like our own "again" is none. */
START_TEST(iret_registers)
{
	struct iret_context *f = at(&guest_, 1, 0);
	struct cpu_regs *r = &guest_.v->ctx.regs;
	const uint64_t values[] = { 0, 77, (uint64_t)-ERESTART, (uint64_t)-ENOSYS, ~0ull };

	for (unsigned i = 0; i < ARRAY_COUNT(values); i++) {
		*f = (struct iret_context){ .rax = values[i], .rcx = 3, .r11 = 4, .rip = 0x5000,
			.cs = FLAT_CS64 & ~3u, .rflags = 0x202, .rsp = 0x6000, .ss = FLAT_DS };
		r->rax = __HYPERVISOR_iret;
		r->rip = 0x1002;
		r->rsp = va(1, 0);
		call_dispatch(guest_.v);
		ck_assert_uint_eq(r->rax, values[i]);
		ck_assert_uint_eq(r->rip, 0x5000);
		ck_assert_uint_eq(r->rcx, 3);
		ck_assert_uint_eq(r->rsp, 0x6000);
		ck_assert_uint_eq(r->cs, FLAT_CS64);
	}
}
END_TEST

START_TEST(versions)
{
	char *text = at(&guest_, 1, 0);
	struct xen_feature_info *f = at(&guest_, 2, 0);

	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_xen_version, XENVER_capabilities, va(1, 0)), 0);
	ck_assert_str_eq(text, "xen-3.0-x86_64 ");
	text[16] = 'x';
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_xen_version, XENVER_extraversion, va(1, 0)), 0);
	ck_assert_int_eq(text[0], '.');
	ck_assert_int_eq(text[16], 'x');		/* not a byte more than the ABI's 16 */
	f->submap_idx = 0;
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_xen_version, XENVER_get_features, va(2, 0)), 0);
	ck_assert_uint_eq(f->submap & (1u << XENFEAT_mmu_pt_update_preserve_ad |
					      1u << XENFEAT_gnttab_map_avail_bits),
		1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_gnttab_map_avail_bits);
	ck_assert_uint_eq(f->submap & 0xf, 0);
	ck_assert_uint_eq(f->submap & 1u << XENFEAT_dom0, 0);
	f->submap_idx = 1;
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_xen_version, XENVER_get_features, va(2, 0)), -EINVAL);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_xen_version, XENVER_commandline, va(1, 0)), -EPERM);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_xen_version, XENVER_guest_handle, va(1, 0)), 0);
	world_run(&dom0_);
	f = at(&dom0_, 2, 0);
	f->submap_idx = 0;
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_xen_version, XENVER_get_features, va(2, 0)), 0);
	ck_assert_uint_ne(f->submap & 1u << XENFEAT_dom0, 0);
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_xen_version, XENVER_commandline, va(1, 0)), 0);
}
END_TEST

START_TEST(vm_assist)
{
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
				 VMASST_TYPE_runstate_update_flag),
		0);
	ck_assert_uint_eq(guest_.d->vm_assist, 1u << VMASST_TYPE_runstate_update_flag);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
				 VMASST_TYPE_writable_pagetables),
		0);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vm_assist, VMASST_CMD_disable,
				 VMASST_TYPE_runstate_update_flag),
		0);
	ck_assert_uint_eq(guest_.d->vm_assist, 1u << VMASST_TYPE_writable_pagetables);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 33), -EINVAL);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vm_assist, 7, VMASST_TYPE_writable_pagetables),
		-ENOSYS);
}
END_TEST

/* What a vCPU finds about others, and who may act on whom. */
START_TEST(vcpus)
{
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0), 1);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1), 0);
	for (uint64_t id = 2; id < 100; id++)
		ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, id), -ENOENT);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1ull << 32), -ENOENT);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_up, 1), -EINVAL); /* no context yet */
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 1), -EINVAL);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0), 0);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_get_physid, 0, va(1, 0)), -EINVAL);

	static struct vcpu_guest_context ctx;
	memset(&ctx, 0, sizeof ctx);
	ctx.flags = VGCF_in_kernel;
	ctx.ctrlreg[3] = mfn_to_maddr(guest_.l4).a;
	ctx.user_regs.rip = 0x1000;
	memcpy(at(&guest_, 1, 0), &ctx, 4096);
	memcpy(at(&guest_, 2, 0), (char *)&ctx + 4096, sizeof ctx - 4096);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), 0);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, va(1, 0)), -EEXIST);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1), 0);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_up, 1), 0);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1), 1);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_down, 1), 0);
	ck_assert(!guest_.d->is_shut_down);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_vcpu_op, VCPUOP_down, 0), 0); /* the last one */
	ck_assert(guest_.d->is_shut_down);
	ck_assert_uint_eq(guest_.d->shutdown_code, SHUTDOWN_poweroff);
}
END_TEST

/* One that was never made is not up either. */
START_TEST(last_vcpu_of_those_there_are)
{
	struct domain_config config = { .max_vcpus = 3 };
	static struct vcpu_guest_context ctx = { .flags = VGCF_in_kernel };
	static struct guest g;
	ck_assert_int_eq(domain_create(7, &config, &g.d), 0);
	ck_assert_int_eq(vcpu_create(g.d, 1, &g.v), 0);
	g.d->mem.frame_max = 100;
	world_tables(&g);
	ctx.ctrlreg[3] = mfn_to_maddr(g.l4).a;
	ck_assert_int_eq(pv_vcpu_set_context(g.v, &ctx), 0);
	ck_assert_int_eq(vcpu_up(g.v), 0);
	ck_assert_int_eq(domain_control_unpause(g.d), 0);
	world_run(&g);
	ck_assert_int_eq(call(g.v, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0), -ENOENT);
	ck_assert_int_eq(call(g.v, __HYPERVISOR_vcpu_op, VCPUOP_down, 1), 0);
	ck_assert(g.d->is_shut_down);
	ck_assert_uint_eq(g.d->shutdown_code, SHUTDOWN_poweroff);
}
END_TEST

/* More than fits into one flush, with and without an interrupt after each group: every handle has its answer. */
START_TEST(unmap_in_groups)
{
	struct gnttab_unmap_grant_ref *u = at(&guest_, 1, 0);
	for (unsigned preempted = 0; preempted < 2; preempted++) {
		for (unsigned i = 0; i < 2 * GRANT_BATCH + 1; i++)
			u[i] = (struct gnttab_unmap_grant_ref){ .handle = i, .status = 77 };
		world_preempt(preempted);
		ck_assert_int_eq(call(guest_.v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(1, 0),
				      2 * GRANT_BATCH + 1), 0);
		ck_assert_uint_eq(world_preempted, 2 * preempted);
		for (unsigned i = 0; i < 2 * GRANT_BATCH + 1; i++)
			ck_assert_int_eq(u[i].status, GNTST_bad_handle);
	}
}
END_TEST

START_TEST(scheduling)
{
	struct sched_poll *p = at(&guest_, 1, 0);
	struct sched_shutdown *s = at(&guest_, 1, 64);
	*p = (struct sched_poll){ .ports = va(1, 128), .nr_ports = 1000000 };
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_sched_op, SCHEDOP_poll, va(1, 0)), -EINVAL);
	p->nr_ports = 1;
	p->ports = 0xffff800000000000;
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_sched_op, SCHEDOP_poll, va(1, 0)), -EFAULT);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_sched_op, SCHEDOP_yield), 0);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, va(1, 0)), -EPERM);
	s->reason = SHUTDOWN_MAX + 1;
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, va(1, 64)), -EINVAL);
	s->reason = SHUTDOWN_reboot;
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, va(1, 64)), 0);
	ck_assert(guest_.d->is_shut_down);
	ck_assert_uint_eq(guest_.d->shutdown_code, SHUTDOWN_reboot);
}
END_TEST

static size_t seen;
static void console_seen(const char *text, size_t n)
{
	(void)text;
	seen += n;
}

START_TEST(console)
{
	memcpy(at(&guest_, 1, 0), "hello\n", 6);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 6, va(1, 0)), -EPERM);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_read, 6, va(1, 0)), -EPERM);
	guest_.d->may_print = true;
	uint64_t pos = 0;
	char log[8192];
	log_clear();
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 6, va(1, 0)), 0);
	size_t n = sizeof log - 1;
	log_read(&pos, log, &n);
	log[n] = 0;
	ck_assert_ptr_nonnull(strstr(log, "(d1) hello\n"));
	memcpy(at(&guest_, 1, 0), "a\tb\x1b[2J\x7f\x80\xff\n", 11);	/* nothing a terminal would obey */
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 11, va(1, 0)), 0);
	n = sizeof log - 1;
	log_read(&pos, log, &n);
	log[n] = 0;
	ck_assert_str_eq(log, "(d1) a\tb?[2J???\n");
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 0xffffffff, va(1, 0)),
		-EINVAL);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 5000, va(WORLD_PAGES, 0)),
		-EFAULT);

	world_run(&dom0_);
	log_clear();			/* dom0's words go to the console, not into the log */
	log_set_console(console_seen);
	memcpy(at(&dom0_, 1, 0), "password: ", 10);
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 10, va(1, 0)), 0);
	log_set_console(NULL);
	ck_assert_uint_eq(seen, 10);
	pos = 0;
	n = sizeof log;
	log_read(&pos, log, &n);
	ck_assert_uint_eq(n, 0);
	console_input("abc", 3);
	work_run();
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_console_io, CONSOLEIO_read, 2, va(1, 0)), 2);
	ck_assert_mem_eq(at(&dom0_, 1, 0), "ab", 2);
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_console_io, CONSOLEIO_read, 100, va(1, 0)), 1);
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_console_io, CONSOLEIO_read, 100, va(1, 0)), 0);
	for (unsigned i = 0; i < 5000; i++)
		console_input("x", 1);
	ck_assert_int_eq(
		call(dom0_.v, __HYPERVISOR_console_io, CONSOLEIO_read, 4096, va(1, 0)), 1024);
}
END_TEST

/* Only boot modules print, and those have the lowest numbers. */
START_TEST(console_of_late_domains)
{
	static struct guest late;
	world_guest(&late, 32, false, 1);
	late.d->may_print = true;
	world_run(&late);
	ck_assert_int_eq(call(late.v, __HYPERVISOR_console_io, CONSOLEIO_write, 6, va(1, 0)), -EPERM);
}
END_TEST

/* A guest that prints without end is cut off, and heard again later. */
START_TEST(console_flood)
{
	char log[16];
	guest_.d->may_print = true;
	memset(at(&guest_, 1, 0), 'x', 4096);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(
			call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 4096, va(1, 0)),
			0);
	log_clear();
	uint64_t pos = 0;
	size_t n = sizeof log;
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 100, va(1, 0)), 0);
	log_read(&pos, log, &n);
	ck_assert_uint_eq(n, 0);
	host_time_advance(10000000000ull);
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_console_io, CONSOLEIO_write, 100, va(1, 0)), 0);
	pos = 0;
	n = sizeof log;
	log_read(&pos, log, &n);
	ck_assert_uint_gt(n, 0);
}
END_TEST

CHECK_MAIN("call", setup, NULL, unknown_numbers, control_only, wild_arguments,
	   multicall_results, multicall_preempted, iret_registers, versions, vm_assist, vcpus,
	   last_vcpu_of_those_there_are, unmap_in_groups, scheduling, console, console_of_late_domains,
	   console_flood)
