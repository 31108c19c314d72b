/* The longest path between preemption checks for page tables and memory: full tables of 512 entries at all levels,
 * the largest batches and extents. Everything is preempted at every window, so it is also shown that each
 * continuation advances. The other families: limits_test.c. */
#define WORLD_FRAMES 8192u
#include "protocol/memory.h"
#include "tests/unit/limits.h"

#define L1S 48u
#define GUEST_SLOTS (512u - HV_L4_COUNT)
static struct guest a, dom0_guest;

static void setup(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&a, 1, false, 2);
	dom0_guest.d->mem.frame_max = a.d->mem.frame_max = WORLD_FRAMES;
	world_run(&a);
	limits_start();
}

static void fill(mfn_t table, mfn_t to)
{
	for (unsigned i = 0; i < 512; i++)
		world_link(table, i, to, PTE_WRITE);
}

/* A tree in which every table is full: L1S different L1s with 512 writable entries each. */
static mfn_t full_tree(struct guest *g)
{
	mfn_t l4 = world_take(g->d), l3 = world_take(g->d), l2 = world_take(g->d), page = world_take(g->d);
	for (unsigned i = 0; i < 512; i++)
		if (i % L1S == i) {
			mfn_t l1 = world_take(g->d);
			fill(l1, page);
			world_link(l2, i, l1, PTE_WRITE);
		}
	for (unsigned i = L1S; i < 512; i++)
		((uint64_t *)host_frame(l2))[i] = ((uint64_t *)host_frame(l2))[i % L1S];
	fill(l3, l2);
	fill(l4, l3);
	return l4;
}

/* The same with nothing in its L1s: an empty entry is looked at as well. */
static mfn_t empty_tree(struct guest *g)
{
	mfn_t l4 = full_tree(g), l3 = pte_mfn(*(uint64_t *)host_frame(l4)), l2 = pte_mfn(*(uint64_t *)host_frame(l3));
	for (unsigned i = 0; i < L1S; i++)
		memset(host_frame(pte_mfn(((uint64_t *)host_frame(l2))[i])), 0, PAGE_SIZE);
	return l4;
}

static int64_t ext(struct guest *g, unsigned every, unsigned cmd, uint64_t arg1, uint64_t arg2)
{
	struct mmuext_op *op = at(g, 1, 0);
	*op = (struct mmuext_op){ .cmd = cmd };
	op->arg1.mfn = arg1;
	op->arg2.src_mfn = arg2;
	return limits_call(g->v, every, __HYPERVISOR_mmuext_op, va(1, 0), 1, 0, DOMID_SELF);
}

START_TEST(validation)
{
	const unsigned entries = (L1S + 2) * 512 + GUEST_SLOTS;
	mfn_t l4 = full_tree(&a);
	limits_title("page tables");
	ck_assert_int_eq(ext(&a, 1, MMUEXT_PIN_L4_TABLE, l4.n, 0), 0);
	limits_judge("validation of a full tree (pin)", entries, 1);
	ck_assert_uint_gt(limits.restarts, entries / 600);
	limits_start();
	ck_assert_int_eq(ext(&a, 1, MMUEXT_UNPIN_TABLE, l4.n, 0), 0);
	limits_judge("devalidation of a full tree (unpin)", entries, 1);
	ck_assert(frame_type_now(frame_of(l4)) == FT_NONE);
	limits_start();
	ck_assert_int_eq(ext(&a, 0, MMUEXT_PIN_L4_TABLE, l4.n, 0), 0);
	limits_judge_windows("the same without anybody waiting", entries, 1);
}
END_TEST

START_TEST(validation_of_empty_tables)
{
	const unsigned entries = (L1S + 2) * 512 + GUEST_SLOTS;
	mfn_t l4 = empty_tree(&a);
	ck_assert_int_eq(ext(&a, 1, MMUEXT_PIN_L4_TABLE, l4.n, 0), 0);
	limits_judge("validation of empty tables (pin)", entries, 1);
	limits_start();
	ck_assert_int_eq(ext(&a, 1, MMUEXT_UNPIN_TABLE, l4.n, 0), 0);
	limits_judge("devalidation of empty tables (unpin)", entries, 1);
}
END_TEST

START_TEST(validation_that_fails_at_the_end)
{
	const unsigned entries = (L1S + 2) * 512 + GUEST_SLOTS;
	mfn_t l4 = full_tree(&a);
	((uint64_t *)host_frame(l4))[511] = pte_make(dom0_guest.page[1], PTE_PRESENT);
	ck_assert_int_eq(ext(&a, 1, MMUEXT_PIN_L4_TABLE, l4.n, 0), -EINVAL);
	limits_judge("failed validation, taken back", 2 * entries, 1);
	ck_assert(frame_type_now(frame_of(l4)) == FT_NONE);
}
END_TEST

START_TEST(base_pointers)
{
	mfn_t kernel = full_tree(&a), user = full_tree(&a), spare = full_tree(&a);
	ck_assert_int_eq(ext(&a, 1, MMUEXT_NEW_USER_BASEPTR, user.n, 0), 0);
	ck_assert_int_eq(ext(&a, 1, MMUEXT_NEW_USER_BASEPTR, spare.n, 0), 0);
	limits_judge("base pointer exchanged for another", 3ull * (L1S + 2) * 512, 2);
	limits_start();
	struct vcpu_guest_context *ctx = at(&a, 2, 0);
	memset(ctx, 0, sizeof *ctx);
	ctx->flags = VGCF_in_kernel;
	ctx->ctrlreg[3] = mfn_to_maddr(kernel).a;
	ctx->ctrlreg[1] = mfn_to_maddr(user).a;
	ctx->gdt_ents = 14 * 512;
	for (unsigned i = 0; i < 14; i++) {
		mfn_t m = world_take(a.d);
		ctx->gdt_frames[i] = m.n;
	}
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_vcpu_op, 0 /* initialise */, 1, va(2, 0)), 0);
	limits_judge("vCPU with two base tables and a GDT", 2ull * (L1S + 2) * 512 + 14 * 512, 16);
}
END_TEST

START_TEST(descriptors)
{
	uint64_t *frames = at(&a, 1, 0);
	for (unsigned i = 0; i < 14; i++)
		frames[i] = world_take(a.d).n;
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_set_gdt, va(1, 0), 14 * 512), 0);
	limits_judge("set_gdt, 14 pages", 14 * 512, 14);
	ck_assert_uint_eq(a.v->ctx.gdt[13].n, frames[13]);
	limits_start();
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_set_gdt, va(1, 0), 0), 0);
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_set_gdt, va(1, 0), 14 * 512), 0);
	limits_judge("set_gdt again, pages as they were", 0, 14);

	for (unsigned i = 0; i < 16; i++) {
		mfn_t m = world_take(a.d);
		struct mmu_update *u = at(&a, 2, 16 * i);
		*u = (struct mmu_update){ mfn_to_maddr(a.l1).a + 8 * (200 + i), pte_make(m, PTE_PRESENT | PTE_USER) };
	}
	ck_assert_int_eq(call(a.v, __HYPERVISOR_mmu_update, va(2, 0), 16, 0, DOMID_SELF), 0);
	limits_start();
	ck_assert_int_eq(ext(&a, 1, MMUEXT_SET_LDT, va(200, 0), 16 * 512), 0);
	limits_judge("set_ldt, 16 pages", 16 * 512, 16);
	limits_start();
	memset(at(&a, 1, 0), 0xff, PAGE_SIZE);
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_set_trap_table, va(3, 0)), 0);
	limits_judge("set_trap_table", 256, 0);
}
END_TEST

START_TEST(batches)
{
	enum { N = 14 * 256 };
	for (unsigned i = 0; i < N; i++) {
		struct mmu_update *u = at(&a, 1 + i / 256, 16 * (i % 256));
		*u = (struct mmu_update){ mfn_to_maddr(a.l1).a + 8 * (200 + i % 200),
					  pte_make(a.page[16], PTE_PRESENT | PTE_USER | PTE_WRITE) };
	}
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_mmu_update, va(1, 0), N, 0, DOMID_SELF), 0);
	limits_judge("mmu_update, one batch", 0, N);

	/* Full L1 tables put into an L2 and taken out again: a request is a table. */
	struct mmu_update *u = at(&a, 1, 0);
	mfn_t page = world_take(a.d);
	for (unsigned i = 0; i < 40; i++) {
		mfn_t l1 = world_take(a.d);
		fill(l1, page);
		u[i] = (struct mmu_update){ mfn_to_maddr(a.l2).a + 8 * (100 + i), pte_make(l1, PTE_PRESENT | PTE_USER) };
		u[40 + i] = (struct mmu_update){ mfn_to_maddr(a.l2).a + 8 * (100 + i), 0 };
	}
	limits_start();
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_mmu_update, va(1, 0), 80, 0, DOMID_SELF), 0);
	limits_judge("mmu_update, each a full L1 in or out", 80 * 512, 80);

	enum { OPS = 14 * 170 };
	struct mmuext_op *op = at(&a, 1, 0);
	for (unsigned i = 0; i < 170; i++)
		op[i] = (struct mmuext_op){ .cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = page.n };
	limits_start();
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_mmuext_op, va(1, 0), 170, 0, DOMID_SELF), 0);
	limits_judge("mmuext_op, one batch", 0, 170);
}
END_TEST

/* Batches of batches: what each does alone is below the bound. */
START_TEST(batches_in_a_multicall)
{
	struct multicall_entry *e = at(&a, 1, 0);
	struct mmu_update *u = at(&a, 5, 0);
	for (unsigned i = 0; i < 60; i++)
		u[i] = (struct mmu_update){ mfn_to_maddr(a.l1).a + 8 * (200 + i),
					    pte_make(a.page[16], PTE_PRESENT | PTE_USER | PTE_WRITE) };
	for (unsigned i = 0; i < 200; i++)
		e[i] = (struct multicall_entry){ .op = __HYPERVISOR_mmu_update, .args = { va(5, 0), 60, 0, DOMID_SELF } };
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_multicall, va(1, 0), 200), 0);
	limits_judge("multicall of mmu_update of 60", 0, 200 * 60);
	ck_assert_uint_eq(e[199].result, 0);

	static struct xen_memory_reservation *r;
	uint64_t *list = at(&a, 6, 0);
	r = at(&a, 5, 0);
	*r = (struct xen_memory_reservation){ .extent_start = va(6, 0), .nr_extents = 60, .domid = DOMID_SELF };
	for (unsigned i = 0; i < 20; i++)
		e[i] = (struct multicall_entry){ .op = __HYPERVISOR_memory_op,
						 .args = { i % 2 ? XENMEM_decrease_reservation : XENMEM_increase_reservation,
							   va(5, 0) } };
	limits_start();
	ck_assert_int_eq(limits_call(a.v, 1, __HYPERVISOR_multicall, va(1, 0), 20), 0);
	limits_judge("multicall of memory_op of 60 frames", 0, 20 * 60);
	ck_assert_uint_eq(e[18].result, 60);
	ck_assert_uint_eq(e[19].result, 60);
	ck_assert_uint_ne(list[59], 0);
}
END_TEST

static int64_t reservation(unsigned every, unsigned cmd, unsigned n, unsigned order)
{
	struct xen_memory_reservation *r = at(&dom0_guest, 1, 0);
	*r = (struct xen_memory_reservation){
		.extent_start = va(2, 0), .nr_extents = n, .extent_order = order, .domid = DOMID_SELF };
	limits_start();
	return limits_call(dom0_guest.v, every, __HYPERVISOR_memory_op, cmd, va(1, 0));
}

START_TEST(reservations)
{
	world_run(&dom0_guest);
	for (unsigned order = 0; order <= 9; order += 9) {
		unsigned n = order ? 3 : 512;
		void (*judge)(const char *, uint64_t, uint64_t) = order ? limits_judge_windows : limits_judge;
		limits_title("frames");
		for (unsigned i = 0; i < n; i++)
			*(uint64_t *)at(&dom0_guest, 2, 8 * i) = 0x10000ull + ((uint64_t)i << order);
		ck_assert_int_eq(reservation(1, XENMEM_populate_physmap, n, order), n);
		judge(order ? "populate, 3 extents of 512" : "populate, 512 frames", 0, n << order);
		ck_assert_int_eq(reservation(1, XENMEM_decrease_reservation, n, order), n);
		judge(order ? "decrease, 3 extents of 512" : "decrease, 512 frames", 0, n << order);
	}
}
END_TEST

static void exchange(const char *name, unsigned in_order, unsigned out_order)
{
	struct xen_memory_exchange *x = at(&dom0_guest, 1, 0);
	unsigned in = 512u >> in_order, out = 512u >> out_order;
	for (unsigned i = 0; i < in; i++)
		*(uint64_t *)at(&dom0_guest, 2, 8 * i) = 0x10000ull + ((uint64_t)i << in_order);
	ck_assert_int_eq(reservation(0, XENMEM_populate_physmap, in, in_order), in);
	for (unsigned i = 0; i < out; i++)
		*(uint64_t *)at(&dom0_guest, 3, 8 * i) = 0x20000ull + ((uint64_t)i << out_order);
	*x = (struct xen_memory_exchange){
		.in = { .extent_start = va(2, 0), .nr_extents = in, .extent_order = in_order, .domid = DOMID_SELF },
		.out = { .extent_start = va(3, 0), .nr_extents = out, .extent_order = out_order, .domid = DOMID_SELF },
	};
	limits_start();
	ck_assert_int_eq(limits_call(dom0_guest.v, 1, __HYPERVISOR_memory_op, XENMEM_exchange, va(1, 0)), 0);
	limits_judge_windows(name, 0, 3 * 512);	/* held, made, given back */
	ck_assert_uint_eq(x->nr_exchanged, in);
}

START_TEST(exchanges)
{
	world_run(&dom0_guest);
	exchange("exchange, 512 frames for an extent of 512", 0, 9);
	exchange("exchange, an extent of 512 for 512 frames", 9, 0);
}
END_TEST

/* Entries of a control domain that name another's frames, and their way down. */
START_TEST(foreign_entries)
{
	mfn_t l1 = world_take(dom0_guest.d);
	world_run(&dom0_guest);
	struct mmu_update *u = at(&dom0_guest, 1, 0);
	u[0] = (struct mmu_update){ mfn_to_maddr(dom0_guest.l2).a + 8 * 9, pte_make(l1, PTE_PRESENT | PTE_USER) };
	ck_assert_int_eq(call(dom0_guest.v, __HYPERVISOR_mmu_update, va(1, 0), 1, 0, DOMID_SELF), 0);
	for (unsigned i = 0; i < 512; i++) {
		struct mmu_update *each = at(&dom0_guest, 1 + i / 256, 16 * (i % 256));
		*each = (struct mmu_update){ mfn_to_maddr(l1).a + 8 * i,
					     pte_make(a.page[1 + i % 16], PTE_PRESENT | PTE_USER | PTE_WRITE) };
	}
	limits_start();
	ck_assert_int_eq(limits_call(dom0_guest.v, 1, __HYPERVISOR_mmu_update, va(1, 0), 512, 0, 1), 0);
	limits_judge("mmu_update, foreign frames", 0, 512);
	u[0] = (struct mmu_update){ mfn_to_maddr(dom0_guest.l2).a + 8 * 9, 0 };
	limits_start();
	ck_assert_int_eq(limits_call(dom0_guest.v, 1, __HYPERVISOR_mmu_update, va(1, 0), 1, 0, DOMID_SELF), 0);
	limits_judge("devalidation of an L1 of foreign entries", 512, 1);
}
END_TEST

CHECK_MAIN("limits_mmu", setup, NULL, validation, validation_of_empty_tables,
	   validation_that_fails_at_the_end, base_pointers, descriptors, batches,
	   batches_in_a_multicall, foreign_entries, reservations, exchanges)
