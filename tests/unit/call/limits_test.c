/* The longest path between preemption checks for grants, event channels, lists of the toolstack and the end of a
 * domain that holds all it can. As limits_mmu_test.c: everything is preempted at every window. */
#define WORLD_FRAMES 16384u
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/physdev.h"
#include "protocol/sched.h"
#include "protocol/sysctl.h"
#include "tests/unit/limits.h"

static struct guest dom0_guest, a, b;

static void setup(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&a, 1, false, 1);
	world_guest(&b, 2, false, 32);
	a.d->mem.frame_max = b.d->mem.frame_max = WORLD_FRAMES;
	limits_start();
}

/* --- grants --- */

#define REF_FIRST 8u
#define PINS 255u	/* of one grant; SECURITY: more are refused */

/* Grants REF_FIRST.. of @a to @b: all of page 1, @n of them. */
static void grants_make(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct grant_entry_v1 *e = host_frame(grant_frame(a.d, (REF_FIRST + i) / 512));
		e += (REF_FIRST + i) % 512;
		e->domid = 2;
		e->frame = (uint32_t)a.page[1].n;
		e->flags = GTF_permit_access;
	}
}

/* @b maps @n times for a device, beginning with the @first-th; the handles follow each other. */
static void map_batch(unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct gnttab_map_grant_ref *m = at(&b, 1 + i / 128, 32 * (i % 128));
		*m = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map | GNTMAP_readonly,
						    .ref = REF_FIRST + (first + i) / PINS, .dom = 1 };
	}
	ck_assert_int_eq(limits_call(b.v, 1, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(1, 0), n), 0);
	for (unsigned i = 0; i < n; i++) {
		struct gnttab_map_grant_ref *m = at(&b, 1 + i / 128, 32 * (i % 128));
		if (m->status || m->handle != first + i)
			ck_abort_msg("mapping %u: status %d, handle %u", first + i, m->status, m->handle);
	}
}

static void unmap_batch(unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct gnttab_unmap_grant_ref *u = at(&b, 1, 24 * i);
		*u = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = mfn_to_maddr(a.page[1]).a, .handle = first + i };
	}
	ck_assert_int_eq(limits_call(b.v, 1, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(1, 0), n), 0);
}

START_TEST(grants)
{
	enum { N = 14 * 128 };
	grants_make(16);
	world_run(&b);
	limits_title("grants");
	map_batch(0, N);
	limits_judge("map, one batch", 0, N);
	limits_start();
	unmap_batch(0, 170);
	limits_judge("unmap, one batch", 0, 170);

	struct gnttab_copy *c = at(&b, 1, 0);
	for (unsigned i = 0; i < 102; i++) {
		c[i] = (struct gnttab_copy){ .flags = GNTCOPY_source_gref, .len = 4096 };
		c[i].source.u.ref = REF_FIRST + 8;
		c[i].source.domid = 1;
		c[i].dest.domid = DOMID_SELF;
		c[i].dest.u.gmfn = b.page[16].n;
	}
	limits_start();
	ck_assert_int_eq(limits_call(b.v, 1, __HYPERVISOR_grant_table_op, GNTTABOP_copy, va(1, 0), 102), 0);
	limits_judge("copy, one batch of whole pages", 0, 102);
	ck_assert_int_eq(c[101].status, GNTST_okay);
}
END_TEST

/* Mappings in page tables: a batch of L1 entries, with one flush for all. */
START_TEST(host_mappings)
{
	enum { N = 128 };
	grants_make(1);
	world_run(&b);
	struct gnttab_map_grant_ref *m = at(&b, 1, 0);
	for (unsigned i = 0; i < N; i++)
		m[i] = (struct gnttab_map_grant_ref){
			.host_addr = va(200 + i, 0), .flags = GNTMAP_host_map, .ref = REF_FIRST, .dom = 1 };
	ck_assert_int_eq(limits_call(b.v, 1, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(1, 0), N), 0);
	limits_judge("map into page tables", 0, N);
	struct gnttab_unmap_grant_ref *u = at(&b, 2, 0);
	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(m[i].status, GNTST_okay);
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = va(200 + i, 0), .handle = m[i].handle };
	}
	limits_start();
	ck_assert_int_eq(limits_call(b.v, 1, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(2, 0), N), 0);
	limits_judge("unmap from page tables", 0, N);
	ck_assert_int_eq(u[N - 1].status, GNTST_okay);
}
END_TEST

START_TEST(table_of_the_largest_size)
{
	struct domain_config config = { .max_vcpus = 1, .max_grant_frames = 1024 };
	struct domain *d;
	struct gnttab_setup_table *s = at(&dom0_guest, 1, 0);
	ck_assert_int_eq(domain_create(7, &config, &d), 0);
	world_run(&dom0_guest);
	*s = (struct gnttab_setup_table){ .dom = 7, .nr_frames = 1024, .frame_list = va(2, 0) };
	ck_assert_int_eq(limits_call(dom0_guest.v, 1, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, va(1, 0), 1), 0);
	ck_assert_int_eq(s->status, GNTST_okay);
	limits_judge("setup_table, 1024 frames", 1024, 1023);
	ck_assert_uint_eq(*(uint64_t *)at(&dom0_guest, 3, 4096 - 8), grant_frame(d, 1023).n);
}
END_TEST

/* --- event channels --- */

static void ports_fill(struct guest *g)
{
	uint32_t port;
	for (unsigned i = 1; i < EVTCHN_PORTS; i++)
		ck_assert_int_eq(evtchn_alloc_unbound(g->d, 1, &port), 0);
	ck_assert_int_eq(evtchn_alloc_unbound(g->d, 1, &port), -ENOSPC);
}

START_TEST(ports)
{
	struct evtchn_close *c = at(&a, 1, 0);
	struct evtchn_alloc_unbound *u = at(&a, 1, 64);
	struct evtchn_reset *r = at(&a, 1, 128);
	ports_fill(&a);
	world_run(&a);
	limits_title("event channels");
	c->port = 1;
	*u = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = 2 };
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_close, va(1, 0)), 0);
		ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, va(1, 64)), 0);
		ck_assert_uint_eq(u->port, 1);
		ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, va(1, 64)),
				 -ENOSPC);
	}
	limits_judge("a port found, or none, among 4095", 0, 9);
	ck_assert_uint_lt(limits.most_accesses, 512);
	/* All but the last are free: nothing to do for them. */
	r->dom = DOMID_SELF;
	limits_start();
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, va(1, 128)), 0);
	limits_judge("reset, 4095 ports", 0, 4095);
	limits_start();
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, va(1, 128)), 0);
	limits_judge("reset, none in use", 0, 1);
}
END_TEST

/* Joined ports need both domains' locks; those of the far end come first by number. */
START_TEST(joined_ports)
{
	struct evtchn_reset *r = at(&b, 1, 0);
	uint32_t port;
	for (unsigned i = 1; i < EVTCHN_PORTS; i++) {
		ck_assert_int_eq(evtchn_alloc_unbound(a.d, 2, &port), 0);
		ck_assert_int_eq(evtchn_bind_interdomain(b.d, 1, port, &port), 0);
	}
	world_run(&b);
	r->dom = DOMID_SELF;
	ck_assert_int_eq(limits_call(b.v, 1, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, va(1, 0)), 0);
	limits_judge("reset, 4095 joined ports", 0, 4095);
	struct sched_poll *p = at(&b, 1, 0);
	*p = (struct sched_poll){ .ports = va(2, 0), .nr_ports = 128, .timeout = 1 };
	for (unsigned i = 0; i < 128; i++)
		((uint32_t *)at(&b, 2, 0))[i] = 1 + i;
	limits_start();
	ck_assert_int_eq(limits_call(b.v, 0, __HYPERVISOR_sched_op, SCHEDOP_poll, va(1, 0)), 0);
	limits_judge("poll, 128 ports", 128, 0);
}
END_TEST

/* --- the toolstack's --- */

static int64_t domctl(unsigned cmd, domid_t id)
{
	struct xen_domctl *op = at(&dom0_guest, 1, 0);
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = id;
	return limits_call(dom0_guest.v, 1, __HYPERVISOR_domctl, va(1, 0));
}

static int64_t sysctl(unsigned cmd)
{
	struct xen_sysctl *op = at(&dom0_guest, 1, 2048);
	op->cmd = cmd;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return limits_call(dom0_guest.v, 1, __HYPERVISOR_sysctl, va(1, 2048));
}

START_TEST(lists)
{
	enum { DOMAINS = 130 };
	struct xen_domctl *op = at(&dom0_guest, 1, 0);
	struct xen_sysctl *sys = at(&dom0_guest, 1, 2048);
	struct domain_config config = { .max_vcpus = 1 };
	struct domain *d;
	for (unsigned i = 0; i < DOMAINS; i++)
		ck_assert_int_eq(domain_create((domid_t)(10 + i), &config, &d), 0);
	world_run(&dom0_guest);
	limits_title("the toolstack");
	sys->u.getdomaininfolist =
		(struct xen_sysctl_getdomaininfolist){ .max_domains = 1000, .buffer = va(2, 0) };
	ck_assert_int_eq(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
	ck_assert_uint_eq(sys->u.getdomaininfolist.num_domains, DOMAINS + 3);
	limits_judge_windows("getdomaininfolist", 0, DOMAINS + 3);
	memset(at(&dom0_guest, 2, 0), 'q', 32);
	sys->u.debug_keys = (struct xen_sysctl_debug_keys){ .keys = va(2, 0), .nr_keys = 32 };
	limits_start();
	ck_assert_int_eq(sysctl(XEN_SYSCTL_debug_keys), 0);
	limits_judge_windows("debug_keys, 32 lists of domains", 0, 32 * (DOMAINS + 3));
	sys->u.cpupool_op = (struct xen_sysctl_cpupool_op){ .op = XEN_SYSCTL_CPUPOOL_OP_INFO };
	sys->u.cpupool_op.cpumap.bitmap = va(2, 0);
	sys->u.cpupool_op.cpumap.nr_bits = 8192;
	limits_start();
	ck_assert_int_eq(sysctl(XEN_SYSCTL_cpupool_op), 0);
	limits_judge_windows("cpupool_op, domains and a mask", 128, DOMAINS + 3);

	for (unsigned i = 0; i < 1024; i++)
		*(uint64_t *)at(&dom0_guest, 2, 8 * i) = a.page[1 + i % 16].n;
	op->u.getpageframeinfo3 = (struct xen_domctl_getpageframeinfo3){ .num = 1024, .array = va(2, 0) };
	limits_start();
	ck_assert_int_eq(domctl(XEN_DOMCTL_getpageframeinfo3, 1), 0);
	limits_judge_windows("getpageframeinfo3", 0, 1024);
	config.max_vcpus = 32;
	ck_assert_int_eq(domain_create(9, &config, &d), 0);
	op->u.max_vcpus.max = 32;
	limits_start();
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_vcpus, 9), 0);
	limits_judge("max_vcpus, 32 of some pages", 0, 32 * 8);
	ck_assert_ptr_nonnull(d->vcpu[31]);

	limits_start();
	ck_assert_int_eq(limits_call(dom0_guest.v, 1, __HYPERVISOR_console_io, CONSOLEIO_write, 15 * PAGE_SIZE, va(2, 0)), 0);
	limits_judge("console_io, 60 KiB in pieces of 128", 0, 15 * 32);
	struct physdev_get_free_pirq *f = at(&dom0_guest, 1, 0);
	struct multicall_entry *e = at(&dom0_guest, 2, 0);
	f->type = MAP_PIRQ_TYPE_MSI;
	for (unsigned i = 0; i < 60; i++)
		e[i] = (struct multicall_entry){ .op = __HYPERVISOR_physdev_op, .args = { PHYSDEVOP_get_free_pirq, va(1, 0) } };
	limits_start();
	ck_assert_int_eq(limits_call(dom0_guest.v, 1, __HYPERVISOR_multicall, va(2, 0), 60), 0);
	limits_judge("multicall of physdev_op, lines looked at", 60 * 256, 60);
}
END_TEST

/* --- the end of a domain --- */

static void vcpus_fill(void)
{
	static struct vcpu_guest_context ctx;
	memset(&ctx, 0, sizeof ctx);
	ctx.flags = VGCF_in_kernel;
	ctx.ctrlreg[3] = ctx.ctrlreg[1] = mfn_to_maddr(b.l4).a;
	ctx.user_regs.rip = 0x1000;
	ctx.gdt_ents = 14 * 512;
	for (unsigned i = 0; i < 14; i++)
		ctx.gdt_frames[i] = world_take(b.d).n;
	for (unsigned i = 1; i < 32; i++)
		ck_assert_int_eq(pv_vcpu_set_context(b.d->vcpu[i], &ctx), 0);
}

START_TEST(death)
{
	enum { N = 14 * 128, BATCHES = 11, HANDLES = N * BATCHES };
	uint64_t free_before = frame_free_count();
	uint32_t port;
	grants_make(HANDLES / PINS + 1);
	for (unsigned i = 1; i < EVTCHN_PORTS; i++) {
		ck_assert_int_eq(evtchn_alloc_unbound(a.d, 2, &port), 0);
		ck_assert_int_eq(evtchn_bind_interdomain(b.d, 1, port, &port), 0);
	}
	vcpus_fill();
	world_run(&b);
	for (unsigned i = 0; i < BATCHES; i++)
		map_batch(i * N, N);
	/* Most handles are free again, but the last ones are not. */
	for (unsigned i = 0; i + 170 < HANDLES - N; i += 170)
		unmap_batch(i, 170);
	for (unsigned i = 0; i < 2000; i++)
		(void)world_take(b.d);
	ck_assert_int_eq(frame_pin(&b.d->mem, b.l4, FT_L4), 0);

	world_run(&dom0_guest);
	uint64_t frames = b.d->mem.frame_count;
	limits_title("the end of a domain");
	limits_start();
	ck_assert_int_eq(domctl(XEN_DOMCTL_destroydomain, 2), 0);
	limits_judge("32 vCPUs, 4095 ports, 20000 handles, frames", HANDLES, 32 * 32 + 4095 + N + frames);
	ck_assert_ptr_null(domain_find(2));
	ck_assert_uint_gt(frame_free_count(), free_before);
}
END_TEST

/* What cannot be continued, the freeing of a dead domain's own storage, at least lets interrupts in. */
START_TEST(reaping)
{
	struct domain_config config = { .max_vcpus = 32, .max_grant_frames = 1024 };
	struct domain *d;
	struct vcpu *v;
	uint64_t free_before = frame_free_count();
	ck_assert_int_eq(domain_create(7, &config, &d), 0);
	for (unsigned i = 0; i < 32; i++)
		ck_assert_int_eq(vcpu_create(d, i, &v), 0);
	ck_assert_int_eq(grant_setup_table(d, 1024), GNTST_okay);
	world_run(&dom0_guest);
	domain_get(d);
	int rc;
	while ((rc = domain_kill(d)) == -ERESTART)
		work_run();
	ck_assert_int_eq(rc, 0);
	work_run();
	domain_put(d);
	limits_start();
	preempt_begin();
	host_yield_hook = limits_point;
	domain_reap();
	limits_stretch_end();
	host_yield_hook = NULL;
	limits_judge_windows("reaping: 1024 grant frames, 32 vCPUs", 0, 1024 + 32 * 8);
	work_run();
	world_check();
	ck_assert_ptr_null(domain_find(7));
	ck_assert_uint_ge(frame_free_count() + 2, free_before);	/* the table of owners may have grown */
}
END_TEST

CHECK_MAIN("limits", setup, NULL, grants, host_mappings, table_of_the_largest_size, ports,
	   joined_ports, lists, death, reaping)
