/* What a dead domain leaves: XSA-26, XSA-149, XSA-151, XSA-242, XSA-253.
 *
 * A domain dies at a moment of its enemy's choice, with everything a guest can hold in its hands,
 * and all of it must be found again. What is not is gone for good, and who can be destroyed and
 * created a thousand times takes the machine's memory with him: XSA-149 and XSA-151 were small
 * arrays that nobody freed, XSA-253 a list of registers' values, and in XSA-242 a page table lost
 * its last reference at a moment when it could not be taken down, and never was. The other way is
 * to forget too much: XSA-26 freed pages of a grant table that were still on their domain's list.
 * And while it dies it is still asked for things: a frame that is allocated, a grant that is
 * mapped, a port that is bound behind the sweep stays.
 *
 * Here dying closes a gate first: allocation, grants and events refuse (owner->is_dying,
 * domain_is_dying()), and then each layer gives back what it made, the layers in reverse, frames
 * last (hv/dom/domain_death.c). What others hold of a dead domain is counted, and the last of them
 * wakes the reaper. A domain that cannot be created whole is taken apart by the same functions
 * (domain_strip() in hv/dom/domain.c).
 *
 * The tests let a guest take hold of all there is, kill it, and compare frames and heap with the
 * time before it was born; between the slices of its death the others reach for what is left.
 * Catches: destroy-descriptors-kept, destroy-gate-open, destroy-grants-of-the-dying,
 * destroy-last-frame-kept, destroy-ports-stay, destroy-quota-leaks, destroy-reaped-early,
 * destroy-tracks-kept, destroy-user-base-kept, destroy-vcpu-info-kept, destroy-failed-create,
 * grant-granter-not-held, blind/48, 49. */
#include "protocol/domctl.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/sched.h"
#include "protocol/vcpu.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define MALLORY 1u

static uint64_t frames_before, heap_before;

/* It is noted what there is without her. */
static void mallory_is_born(void)
{
	frames_before = frame_free_count();
	heap_before = heap_pages_in_use();
	world_guest(&mallory, MALLORY, false, 2);
	world_run(&mallory);
}

static void two_and_mallory_set(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&victim, 2, false, 1);
	mallory_is_born();
}

static struct grant_entry_v1 *shared(struct guest *g, unsigned ref)
{
	return (struct grant_entry_v1 *)host_frame(grant_frame(g->d, 0)) + ref;
}

static int map(struct guest *g, struct guest *of, unsigned ref, unsigned page)
{
	struct gnttab_map_grant_ref *m = at(g, ARGS, 0);
	*m = (struct gnttab_map_grant_ref){ .host_addr = va(page, 0), .flags = GNTMAP_host_map | GNTMAP_device_map,
					    .ref = ref, .dom = of->d->id };
	WORKS(call(g->v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(ARGS, 0), 1));
	return m->status;
}

static int unmap(struct guest *g, uint32_t handle, unsigned page, mfn_t m)
{
	struct gnttab_unmap_grant_ref *u = at(g, ARGS, 0);
	*u = (struct gnttab_unmap_grant_ref){ .host_addr = va(page, 0), .dev_bus_addr = mfn_to_maddr(m).a, .handle = handle };
	WORKS(call(g->v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(ARGS, 0), 1));
	return u->status;
}

static void vcpu_op(unsigned cmd, unsigned vcpu, const void *arg, size_t n)
{
	memcpy(at(&mallory, ARGS, 0), arg, n);
	WORKS(call(mallory.v, __HYPERVISOR_vcpu_op, cmd, vcpu, va(ARGS, 0)));
}

/* Descriptor tables, base pointers, a pinned tree half validated, a record in a page for a vCPU that never runs. */
static void holds_tables(void)
{
	enum { T4 = 3, T3, GDT, LDT, INFO };
	struct vcpu_register_vcpu_info info = { .mfn = mallory.page[INFO].n };
	struct mmuext_op ldt = { .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va(LDT, 0), .arg2.nr_ents = 512 };
	*(uint64_t *)at(&mallory, T4, 0) = pte(mallory.page[T3], 0);
	mfn_t t4 = unmapped(&mallory, T4);
	(void)unmapped(&mallory, T3);
	WORKS(pin(&mallory, t4, 4));
	WORKS(mmuext(&mallory, MMUEXT_NEW_USER_BASEPTR, t4));
	memset(at(&mallory, GDT, 0), 0, PAGE_SIZE);
	memset(at(&mallory, LDT, 0), 0, PAGE_SIZE);
	*(uint64_t *)at(&mallory, ARGS, 0) = unmapped(&mallory, GDT).n;
	WORKS(call(mallory.v, __HYPERVISOR_set_gdt, va(ARGS, 0), 512));
	WORKS(update_va(&mallory, va(LDT, 0), pte(mallory.page[LDT], 0), UVMF_INVLPG));
	memcpy(at(&mallory, ARGS, 0), &ldt, sizeof ldt);
	WORKS(call(mallory.v, __HYPERVISOR_mmuext_op, va(ARGS, 0), 1, 0, DOMID_SELF));
	vcpu_op(VCPUOP_register_vcpu_info, 1, &info, sizeof info);
}

/* Ports of all kinds, grants both ways, timers of all kinds, and asleep with a timeout in the end. */
static void holds_agreements(void)
{
	struct vcpu_set_periodic_timer period = { .period_ns = 1000000 };
	struct vcpu_set_singleshot_timer once = { .timeout_abs_ns = cpu_time_ns() + 5000000 };
	struct vcpu_register_runstate_memory_area area = { .addr.h = va(9, 0) };
	struct sched_poll poll = { .ports = va(ARGS, 64), .nr_ports = 1, .timeout = cpu_time_ns() + 3000000 };
	uint32_t port, theirs;
	WORKS(evtchn_alloc_unbound(mallory.d, victim.d->id, &port));
	WORKS(evtchn_bind_interdomain(victim.d, mallory.d->id, port, &theirs));
	WORKS(evtchn_alloc_unbound(victim.d, mallory.d->id, &theirs));
	WORKS(evtchn_bind_interdomain(mallory.d, victim.d->id, theirs, &port));
	WORKS(evtchn_bind_virq(mallory.d, VIRQ_TIMER, 1, &port));
	*shared(&victim, 9) = (struct grant_entry_v1){ GTF_permit_access, mallory.d->id, (uint32_t)victim.page[5].n };
	ck_assert_int_eq(map(&mallory, &victim, 9, 60), GNTST_okay);
	ck_assert_int_eq(map(&mallory, &victim, 9, 61), GNTST_okay);
	vcpu_op(VCPUOP_set_periodic_timer, 0, &period, sizeof period);
	vcpu_op(VCPUOP_set_singleshot_timer, 0, &once, sizeof once);
	vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area, sizeof area);
	*(uint32_t *)at(&mallory, ARGS, 64) = port;
	memcpy(at(&mallory, ARGS, 0), &poll, sizeof poll);
	(void)call(mallory.v, __HYPERVISOR_sched_op, SCHEDOP_poll, va(ARGS, 0));
}

static void all_is_back(void)
{
	host_time_advance(100000000);	/* past all that was to wake her */
	work_run();
	world_check();
	ck_assert_ptr_null(domain_find(MALLORY));
	ck_assert_uint_eq(frame_free_count(), frames_before);
	ck_assert_uint_eq(heap_pages_in_use(), heap_before);
}

/* Twice, for in the first life the victim's tables grow by what they are to keep. */
START_TEST(everything_is_given_back)
{
	for (unsigned life = 0; life < 2; life++) {
		if (life)
			mallory_is_born();
		holds_tables();
		holds_agreements();
		destroy(&mallory);
		ck_assert_uint_eq(frame_refs_now(frame_of(victim.page[5])), 2);
		ck_assert_uint_eq(shared(&victim, 9)->flags & (GTF_reading | GTF_writing), 0);
	}
	all_is_back();
}
END_TEST

/* A page that another has mapped outlives its owner, who is not reaped before: the mapper is not to write to memory of
 * somebody else, nor to unmap from a domain that is gone. */
START_TEST(page_in_use_by_another)
{
	mfn_t m = mallory.page[5];
	*shared(&mallory, 9) = (struct grant_entry_v1){ GTF_permit_access, victim.d->id, (uint32_t)m.n };
	world_run(&victim);
	ck_assert_int_eq(map(&victim, &mallory, 9, 60), GNTST_okay);
	uint32_t handle = ((struct gnttab_map_grant_ref *)at(&victim, ARGS, 0))->handle;
	destroy(&mallory);
	struct domain *zombie = domain_find(MALLORY);
	ck_assert_ptr_nonnull(zombie);
	domain_put(zombie);
	world_run(&victim);
	ck_assert(stores(va(60, 0), 0x1234));
	ck_assert_uint_eq(host_reached, m.n);
	/* Nothing new of the dead. */
	ck_assert_int_lt(map(&victim, &mallory, 9, 61), 0);
	uint32_t port;
	ck_assert_int_eq(evtchn_bind_interdomain(victim.d, MALLORY, 1, &port), -ESRCH);
	ck_assert_int_eq(unmap(&victim, handle, 60, m), GNTST_okay);
	work_run();
	world_check();
	ck_assert_ptr_null(domain_find(MALLORY));
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 0);
}
END_TEST

static int64_t reservation_for(domid_t id)
{
	struct xen_memory_reservation *r = at(&dom0_guest, ARGS, 0);
	*r = (struct xen_memory_reservation){ .nr_extents = 1, .domid = id };
	return call(dom0_guest.v, __HYPERVISOR_memory_op, XENMEM_increase_reservation, va(ARGS, 0));
}

/* The gate: between two slices of its death a domain is given memory, ports, grants; and gets none. */
START_TEST(given_to_the_dying)
{
	struct domain *d = mallory.d;
	unsigned slices = 0;
	uint32_t port;
	*shared(&mallory, 9) = (struct grant_entry_v1){ GTF_permit_access, 0, (uint32_t)mallory.page[5].n };
	for (unsigned i = 0; i < 600; i++)
		(void)world_take(d);
	world_run(&dom0_guest);
	domain_get(d);
	for (int rc = -ERESTART; rc == -ERESTART; slices++) {
		world_preempt(1);
		rc = domain_kill(d);
		world_preempt(0);
		work_run();
		uint64_t have = d->mem.frame_count;
		ck_assert_int_eq(reservation_for(d->id), 0);
		ck_assert_uint_eq(d->mem.frame_count, have);
		ck_assert_int_lt(evtchn_alloc_unbound(d, 0, &port), 0);
		ck_assert_int_lt(map(&dom0_guest, &mallory, 9, 60), 0);
		ck_assert_int_ne(grant_setup_table(d, 4), GNTST_okay);
	}
	ck_assert_uint_gt(slices, 5);
	domain_put(d);
	work_run();
	all_is_back();
}
END_TEST

/* Born with the last frames of the machine, or not at all. XSA-149 and the like are of this kind, too. */
START_TEST(not_born)
{
	struct xen_domctl *op = at(&dom0_guest, ARGS, 0);
	unsigned failed = 0;
	destroy(&mallory);
	victim.d->mem.frame_max = WORLD_FRAMES;
	while (frame_free_count() > 24)
		(void)world_take(victim.d);
	world_run(&dom0_guest);
	for (; frame_free_count() > 0; (void)world_take(victim.d)) {
		uint64_t before = frame_free_count(), heap = heap_pages_in_use();
		memset(op, 0, sizeof *op);
		op->cmd = XEN_DOMCTL_createdomain;
		op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		op->domain = 5;
		op->u.createdomain = (struct xen_domctl_createdomain){ .max_vcpus = 8, .max_evtchn_port = 1023,
			.max_grant_frames = -1, .max_maptrack_frames = -1, .grant_opts = 1 };
		int64_t rc = call(dom0_guest.v, __HYPERVISOR_domctl, va(ARGS, 0));
		if (rc == 0) {
			struct guest born = { .d = domain_find(5) };
			domain_put(born.d);
			destroy(&born);
		} else {
			ck_assert_int_eq(rc, -ENOMEM);
			failed++;
			ck_assert_uint_eq(frame_free_count(), before);
			ck_assert_uint_eq(heap_pages_in_use(), heap);
		}
		ck_assert_ptr_null(domain_find(5));
	}
	ck_assert_uint_gt(failed, 0);
	/* Nothing is left to be had; nothing is charged for it either. */
	uint64_t have = victim.d->mem.frame_count;
	mfn_t m;
	for (unsigned order = 0; order < 4; order++)
		ck_assert_int_eq(frame_alloc(&victim.d->mem, order, 0, pfn(M2P_INVALID), &m), -ENOMEM);
	ck_assert_uint_eq(victim.d->mem.frame_count, have);
}
END_TEST

CHECK_MAIN("destroy_leaks", two_and_mallory_set, NULL, everything_is_given_back,
	   page_in_use_by_another, given_to_the_dying, not_born)
