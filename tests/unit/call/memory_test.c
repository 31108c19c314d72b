/* memory_op: reservations, exchange (all or nothing), maps, resources; audited after every call. */
#include "hv/mem/machine_map.h"
#include "protocol/memory.h"
#include "tests/unit/guest_world.h"

static struct guest dom0_, guest_;

static void setup(void)
{
	world_start();
	world_guest(&dom0_, 0, true, 1);
	world_guest(&guest_, 1, false, 1);
	world_run(&guest_);
}

static struct xen_memory_reservation *reservation(
	struct guest *g, uint64_t n, unsigned order, domid_t domid)
{
	struct xen_memory_reservation *r = at(g, 1, 0);
	*r = (struct xen_memory_reservation){
		.extent_start = va(2, 0), .nr_extents = n, .extent_order = order, .domid = domid};
	return r;
}

static int64_t memory_op(struct guest *g, unsigned cmd)
{
	return call(g->v, __HYPERVISOR_memory_op, cmd, va(1, 0));
}

START_TEST(populate_and_release)
{
	uint64_t *list = at(&guest_, 2, 0), before = guest_.d->mem.frame_count,
		 free_before = frame_free_count();
	reservation(&guest_, 300, 0, DOMID_SELF);
	for (unsigned i = 0; i < 300; i++)
		list[i] = 500 + i;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), 300);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before + 300);
	for (unsigned i = 0; i < 300; i++) {
		ck_assert_uint_eq(m2p_get(mfn(list[i])).n, 500 + i);
		ck_assert_uint_eq(*(uint64_t *)host_frame(mfn(list[i])), 0);
	}
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 300);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before);
	ck_assert_uint_eq(frame_free_count(), free_before);
	for (unsigned i = 0; i < 300; i++)
		ck_assert_uint_eq(m2p_get(mfn(list[i])).n, M2P_INVALID);
	ck_assert_int_eq(
		memory_op(&guest_, XENMEM_decrease_reservation), 0); /* not its frames any more */
}
END_TEST

/* Preempted at every window, the list is still done exactly once. */
START_TEST(populate_preempted)
{
	uint64_t *list = at(&guest_, 2, 0), before = guest_.d->mem.frame_count;
	reservation(&guest_, 14, 6, DOMID_SELF);
	for (unsigned i = 0; i < 14; i++)
		list[i] = 4096 + 64 * i;
	world_preempt(1);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), 14);
	ck_assert_uint_ge(world_preempted, 1);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before + 14 * 64);
	ck_assert_uint_eq(m2p_get(mfn(list[13] + 63)).n, 4096 + 14 * 64 - 1);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 14);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before);
}
END_TEST

START_TEST(populate_limits)
{
	uint64_t *list = at(&guest_, 2, 0), before = guest_.d->mem.frame_count;
	struct xen_memory_reservation *r = reservation(&guest_, 4, 0, 0);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), -EPERM);	/* another's */
	*r = *reservation(&guest_, 1, 0, DOMID_SELF);
	r->mem_flags = XENMEMF_address_bits(32);	/* low memory is for devices */
	list[0] = 700;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), 0);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_increase_reservation), 0);
	*r = *reservation(&guest_, 1, 10, DOMID_SELF);
	ck_assert_int_eq(
		memory_op(&guest_, XENMEM_populate_physmap), -EINVAL); /* too large an order */
	reservation(&guest_, 1ull << 60, 0, DOMID_SELF);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), -EINVAL);
	reservation(&guest_, 2, 0, DOMID_SELF);
	list[0] = 7;
	list[1] = 1ull << 40;			/* no such pseudo-physical frame */
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), 1);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before + 1);
	/* Resumed beyond the end, with a forged index. */
	ck_assert_int_eq(
		call(guest_.v, __HYPERVISOR_memory_op, XENMEM_populate_physmap | 3 << 6, va(1, 0)),
		-EINVAL);
	ck_assert_int_eq(call(guest_.v, __HYPERVISOR_memory_op,
				 ~0ull << 6 | XENMEM_populate_physmap, va(1, 0)),
		-EINVAL);
	/* Up to the quota and not further. */
	guest_.d->mem.frame_max = before + 3;
	reservation(&guest_, 100, 0, DOMID_SELF);
	for (unsigned i = 0; i < 100; i++)
		list[i] = 900 + i;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), 2);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before + 3);
	/* A list that ends in the middle of nowhere: what cannot be told is not given. */
	guest_.d->mem.frame_max = 1000;
	before = guest_.d->mem.frame_count;
	*(struct xen_memory_reservation *)at(&guest_, 1, 0) = (struct xen_memory_reservation){
		.extent_start = va(WORLD_PAGES + 1, 0) - 16, .nr_extents = 5, .domid = DOMID_SELF };
	memset(at(&guest_, WORLD_PAGES, 4080), 0, 16);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_populate_physmap), 2);
	ck_assert_uint_eq(guest_.d->mem.frame_count, before + 2);
}
END_TEST

/* What devices need of low memory, dom0 gets: here all of it lies below 16 MiB, and none below one page. */
START_TEST(populate_low)
{
	uint64_t *list = at(&dom0_, 2, 0), before = dom0_.d->mem.frame_count;
	world_run(&dom0_);
	struct xen_memory_reservation *r = reservation(&dom0_, 1, 2, DOMID_SELF);
	list[0] = 700;
	r->mem_flags = XENMEMF_address_bits(24);
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_populate_physmap), 1);
	ck_assert_uint_eq(dom0_.d->mem.frame_count, before + 4);
	ck_assert_uint_eq(m2p_get(mfn(list[0])).n, 700);
	list[0] = 704;
	r->mem_flags = XENMEMF_address_bits(12);
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_populate_physmap), 0);
	ck_assert_uint_eq(dom0_.d->mem.frame_count, before + 4);
}
END_TEST

/* Frames in use as page tables or mapped are not lost by giving them back. */
START_TEST(release_in_use)
{
	uint64_t *list = at(&guest_, 2, 0);
	reservation(&guest_, 1, 0, DOMID_SELF);
	list[0] = guest_.l1.n;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 0);
	list[0] = guest_.page[9].n;		/* still mapped: stays, unreachable for others */
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 1);
	ck_assert_uint_ge(frame_refs_now(frame_of(guest_.page[9])), 1);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 0);
	list[0] = guest_.d->shared_mfn.n;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 0);
	list[0] = dom0_.page[3].n;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 0);
	list[0] = ~0ull;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_decrease_reservation), 0);
}
END_TEST

static int64_t exchange(
	uint64_t in_n, unsigned in_order, uint64_t out_n, unsigned out_order, unsigned bits)
{
	struct xen_memory_exchange *x = at(&dom0_, 1, 0);
	*x = (struct xen_memory_exchange){.in = {.extent_start = va(2, 0),
						  .nr_extents = in_n,
						  .extent_order = in_order,
						  .domid = DOMID_SELF},
		.out = {.extent_start = va(3, 0),
			.nr_extents = out_n,
			.extent_order = out_order,
			.mem_flags = XENMEMF_address_bits(bits),
			.domid = DOMID_SELF}};
	return memory_op(&dom0_, XENMEM_exchange);
}

static void fill_in(uint64_t *in, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		mfn_t m = world_take(dom0_.d);
		in[i] = m.n;
		m2p_set(m, pfn(2000 + i));
		*(uint64_t *)host_frame(m) = 0x5ec7e7;
	}
}

START_TEST(exchange_both_ways)
{
	uint64_t *in = at(&dom0_, 2, 0), *out = at(&dom0_, 3, 0);
	const struct xen_memory_exchange *x = at(&dom0_, 1, 0);
	world_run(&dom0_);
	fill_in(in, 64);
	uint64_t count = dom0_.d->mem.frame_count;
	dom0_.d->mem.frame_max = count;			/* as dom0 lives: not a frame to spare */
	uint64_t old = in[0];
	out[0] = 2000;
	ck_assert_int_eq(exchange(64, 0, 1, 6, 32), 0);
	ck_assert_uint_eq(x->nr_exchanged, 64);
	ck_assert_uint_eq(out[0] % 64, 0);
	for (unsigned i = 0; i < 64; i++) {
		ck_assert_uint_eq(m2p_get(mfn(out[0] + i)).n, 2000 + i);
		ck_assert_uint_eq(*(uint64_t *)host_frame(mfn(out[0] + i)), 0);
	}
	ck_assert_uint_eq(m2p_get(mfn(old)).n, M2P_INVALID);
	ck_assert_uint_eq(dom0_.d->mem.frame_count, count);
	ck_assert_uint_eq(dom0_.d->mem.frame_max, count);
	/* And back: one run for 64 single frames. */
	in[0] = out[0];
	for (unsigned i = 0; i < 64; i++)
		out[i] = 2000 + i;
	ck_assert_int_eq(exchange(1, 6, 64, 0, 0), 0);
	ck_assert_uint_eq(x->nr_exchanged, 1);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(m2p_get(mfn(out[i])).n, 2000 + i);
	ck_assert_uint_eq(dom0_.d->mem.frame_count, count);
}
END_TEST

/* Each frame of an extent must be free of other uses, not only its first. */
START_TEST(exchange_of_a_mapped_part)
{
	uint64_t *in = at(&dom0_, 2, 0), *out = at(&dom0_, 3, 0);
	world_run(&dom0_);
	mfn_t first = world_take(dom0_.d), second = world_take(dom0_.d);
	ck_assert_uint_eq(first.n + 1, second.n);
	out[0] = 2000;
	for (unsigned writable = 0; writable < 2; writable++) {
		uint64_t entry = pte_make(second, PTE_PRESENT | PTE_USER | (writable ? PTE_WRITE : 0));
		ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_update_va_mapping, va(50, 0), entry, 0), 0);
		in[0] = first.n;
		ck_assert_int_eq(exchange(1, 1, 1, 1, 0), -EINVAL);
	}
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_update_va_mapping, va(50, 0), 0, UVMF_TLB_FLUSH), 0);
	ck_assert_int_eq(exchange(1, 1, 1, 1, 0), 0);
}
END_TEST

/* Every refusal leaves everything as it was: counts, tables, M2P, the answer. */
START_TEST(exchange_refused)
{
	uint64_t *in = at(&dom0_, 2, 0), *out = at(&dom0_, 3, 0);
	const struct xen_memory_exchange *x = at(&dom0_, 1, 0);
	world_run(&dom0_);
	fill_in(in, 64);
	out[0] = 2000;
	uint64_t digest = frame_audit_digest(), max = dom0_.d->mem.frame_max,
		 free = frame_free_count();
#define REFUSED(expr, err) do { \
		ck_assert_int_eq((expr), -(err)); \
		ck_assert_uint_eq(x->nr_exchanged, 0); \
		ck_assert_uint_eq(frame_audit_digest(), digest); \
		ck_assert_uint_eq(dom0_.d->mem.frame_max, max); \
		ck_assert_uint_eq(frame_free_count(), free); \
		ck_assert_uint_eq(m2p_get(mfn(in[1])).n, 2001); \
	} while (0)
	REFUSED(exchange(64, 0, 1, 6, 12), ENOMEM);	/* nothing below 4 KiB */
	REFUSED(exchange(64, 0, 1, 5, 0), EINVAL);	/* sizes differ */
	REFUSED(exchange(64, 0, 1, 20, 0), EINVAL);
	REFUSED(exchange(0, 0, 0, 0, 0), EINVAL);
	REFUSED(exchange(512, 9, 512, 9, 0), ENOMEM);	/* more than one call may do */
	REFUSED(exchange(1ull << 61, 3, 1ull << 61, 3, 0), EINVAL);	/* sizes that come back to zero */
	REFUSED(exchange(1ull << 55, 9, 1ull << 55, 9, 0), EINVAL);
	out[0] = 1ull << 40;
	REFUSED(exchange(64, 0, 1, 6, 0), EINVAL);
	out[0] = 2000;
	uint64_t keep = in[63];
	in[63] = in[0];
	REFUSED(exchange(64, 0, 1, 6, 0), EINVAL);	/* the same frame twice */
	in[63] = guest_.page[5].n;
	REFUSED(exchange(64, 0, 1, 6, 0), EINVAL);	/* another's */
	in[63] = dom0_.page[5].n;
	REFUSED(exchange(64, 0, 1, 6, 0), EINVAL);	/* mapped */
	in[63] = dom0_.l2.n;
	REFUSED(exchange(64, 0, 1, 6, 0), EINVAL);	/* a page table */
	in[63] = ~0ull;
	REFUSED(exchange(64, 0, 1, 6, 0), EINVAL);
	in[63] = keep;
	ck_assert_int_eq(exchange(64, 0, 1, 6, 0), 0);
	world_run(&guest_);
	memset(at(&guest_, 1, 0), 0, 4096);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_exchange), -EPERM);
}
END_TEST

START_TEST(questions)
{
	domid_t *id = at(&guest_, 1, 0);
	*id = DOMID_SELF;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_maximum_ram_page), WORLD_FRAMES - 1);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_maximum_reservation), 1024);
	ck_assert_int_eq(
		memory_op(&guest_, XENMEM_current_reservation), (int64_t)guest_.d->mem.frame_count);
	/* The highest pseudo-physical number is what the guest says it is. */
	ck_assert_int_eq(memory_op(&guest_, XENMEM_maximum_gpfn), 0);
	guest_.d->shared->arch.max_pfn = 0x1234;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_maximum_gpfn), 0x1233);
	guest_.d->shared->arch.max_pfn = ~0ull;
	ck_assert_int_ge(memory_op(&guest_, XENMEM_maximum_gpfn), 0);
	*id = 0;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_maximum_reservation), -EPERM);
	struct xen_machphys_mapping *m = at(&guest_, 1, 0);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_machphys_mapping), 0);
	ck_assert_uint_eq(m->max_mfn, WORLD_FRAMES - 1);
	ck_assert_uint_eq(m->v_end - m->v_start, 256ull << 30);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_memory_map), -ENOSYS);	/* none set */
	ck_assert_int_eq(memory_op(&guest_, XENMEM_machine_memory_map), -EPERM);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_set_memory_map), -EPERM);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_acquire_resource), -EPERM);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_claim_pages), -EPERM);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_machphys_mfn_list), -EPERM);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_add_to_physmap), -ENOSYS);
	ck_assert_int_eq(memory_op(&guest_, XENMEM_get_vnumainfo), -EOPNOTSUPP);
}
END_TEST

struct record { uint64_t start, size; uint32_t type; } __attribute__((packed));

START_TEST(maps)
{
	struct xen_foreign_memory_map *f = at(&dom0_, 1, 0);
	struct record *set = at(&dom0_, 2, 0), *got = at(&guest_, 2, 0);
	world_run(&dom0_);
	set[0] = (struct record){ 0, 0x10000000, 1 };
	set[1] = (struct record){ 0x20000000, 0x1000, 2 };
	*f = (struct xen_foreign_memory_map){
		.domid = 1, .map = {.nr_entries = 1000, .buffer = va(2, 0)}};
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_set_memory_map), -EINVAL);
	f->map.nr_entries = 2;
	f->domid = 77;
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_set_memory_map), -ESRCH);
	f->domid = 1;
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_set_memory_map), 0);
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_set_memory_map), -EEXIST);

	struct xen_memory_map *m = at(&dom0_, 1, 0);
	machine.range_count = 0;
	ck_assert_int_eq(machine_range_add(&machine, 0, 0x9f000, RANGE_RAM), 0);
	ck_assert_int_eq(machine_range_add(&machine, 0xfee00000, 0x100000, RANGE_RESERVED), 0);
	*m = (struct xen_memory_map){ .nr_entries = 128, .buffer = va(2, 0) };
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_machine_memory_map), 0);
	ck_assert_uint_eq(m->nr_entries, 2);
	ck_assert_uint_eq(set[1].start, 0xfee00000);
	ck_assert_uint_eq(set[1].type, 2);
	machine.range_count = 0;

	world_run(&guest_);
	m = at(&guest_, 1, 0);
	*m = (struct xen_memory_map){ .nr_entries = 0, .buffer = 0 };
	ck_assert_int_eq(memory_op(&guest_, XENMEM_memory_map), 0);
	ck_assert_uint_eq(m->nr_entries, 2);
	*m = (struct xen_memory_map){ .nr_entries = 1, .buffer = va(2, 0) };
	got[1].type = 99;
	ck_assert_int_eq(memory_op(&guest_, XENMEM_memory_map), 0);
	ck_assert_uint_eq(m->nr_entries, 1);
	ck_assert_uint_eq(got[0].size, 0x10000000);
	ck_assert_uint_eq(got[1].type, 99);		/* not beyond the room given */
}
END_TEST

START_TEST(resources)
{
	struct xen_mem_acquire_resource *a = at(&dom0_, 1, 0);
	uint64_t *list = at(&dom0_, 2, 0);
	world_run(&dom0_);
	*a = (struct xen_mem_acquire_resource){ .domid = 1, .type = XENMEM_resource_grant_table };
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_acquire_resource), 0);
	ck_assert_uint_ge(a->nr_frames, 4);
	uint32_t max = a->nr_frames;
	a->nr_frames = 2;
	a->frame_list = va(2, 0);
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_acquire_resource), 0);
	ck_assert_uint_eq(frame_owner(frame_of(mfn(list[0]))), 1);
	ck_assert_uint_eq(frame_owner(frame_of(mfn(list[1]))), 1);
	a->frame = max;
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_acquire_resource), -EINVAL);
	a->frame = ~0ull;
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_acquire_resource), -EINVAL);
	a->frame = 0;
	a->type = XENMEM_resource_ioreq_server;
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_acquire_resource), -EOPNOTSUPP);
}
END_TEST

/* A large table grows in steps, between which the caller may be interrupted. */
START_TEST(resources_preempted)
{
	struct domain_config config = { .max_vcpus = 1, .max_grant_frames = 200 };
	struct xen_mem_acquire_resource *a = at(&dom0_, 1, 0);
	const uint64_t *list = at(&dom0_, 2, 0);
	struct domain *d;
	world_run(&dom0_);
	ck_assert_int_eq(domain_create(5, &config, &d), 0);
	*a = (struct xen_mem_acquire_resource){ .domid = 5, .type = XENMEM_resource_grant_table, .frame = 10,
		.nr_frames = 190, .frame_list = va(2, 0) };
	world_preempt(1);
	ck_assert_int_eq(memory_op(&dom0_, XENMEM_acquire_resource), 0);
	ck_assert_uint_ge(world_preempted, 2);
	for (unsigned i = 0; i < 190; i++)
		ck_assert_uint_eq(list[i], grant_frame(d, 10 + i).n);
}
END_TEST

CHECK_MAIN("memory_op", setup, NULL, populate_and_release, populate_preempted, populate_limits,
	   populate_low, release_in_use, exchange_both_ways, exchange_of_a_mapped_part, exchange_refused,
	   questions, maps, resources, resources_preempted)
