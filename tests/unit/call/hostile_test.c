/* Two hostile guests beside dom0, each issuing random hypercalls whose operands come from what
 * exists: frames of any domain, live ports, addresses of tables, their own memory. One call in
 * eight is preempted at random windows. The judge is the audit after every call, and that
 * destroying both leaves the machine as it was. A guest that was crashed or shut down is replaced.
 * Reproduce a failure with HOSTILE_SEED=n (printed) and HOSTILE_STEPS. */
#define WORLD_FRAMES 1024u
#include "protocol/callback.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/physdev.h"
#include "protocol/sched.h"
#include "protocol/version.h"
#include "tests/unit/guest_world.h"

static struct guest dom0_, guest[2];
static uint64_t random_state;

static uint64_t rnd(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static struct guest *any_guest(void)
{
	return rnd(8) == 0 ? &dom0_ : &guest[rnd(2)];
}

static uint64_t some_mfn(void)
{
	const struct guest *g = any_guest();
	switch (rnd(10)) {
	case 0: return g->l4.n;
	case 1: return g->l3.n;
	case 2: return g->l2.n;
	case 3: return g->l1.n;
	case 4: return g->d->shared_mfn.n;
	case 5: return rnd(WORLD_FRAMES);
	case 6: return rnd(2) ? ~0ull : rnd(1ull << 52);
	default: return g->page[1 + rnd(WORLD_PAGES)].n;
	}
}

static uint64_t some_entry(void)
{
	uint64_t flags =
		PTE_PRESENT | (rnd(2) ? PTE_WRITE : 0) | (rnd(2) ? PTE_USER : 0) | PTE_ACCESSED;
	if (rnd(4) == 0)
		flags ^= 1ull << rnd(64);
	return rnd(6) == 0 ? rnd(2) * rnd(~0ull) : pte_make(mfn(some_mfn()), flags);
}

static uint64_t some_word(void)
{
	switch (rnd(12)) {
	case 0: return some_mfn();
	case 1: return some_mfn() << PAGE_SHIFT | (rnd(512) * 8 + rnd(4));
	case 2: return some_entry();
	case 3: return va((unsigned)(1 + rnd(WORLD_PAGES)), (unsigned)rnd(512) * 8);
	case 4: return DOMID_SELF + rnd(3);
	case 5: return rnd(4);
	case 6: return rnd(64);
	case 7: return rnd(~0ull);
	case 8: return HV_VIRT_START + rnd(1ull << 43);
	case 9: return rnd(300) << 32 | rnd(300);
	default: return rnd(16);
	}
}

/* The argument structure: random words, random halves in them. */
static void fill(struct guest *g, unsigned page)
{
	uint64_t *p = at(g, page, 0);
	if (frame_type_now(frame_of(g->page[page])) >= FT_SEGDESC)
		return;		/* the guest could not write it either */
	for (unsigned i = 0; i < 96; i++) {
		p[i] = some_word();
		if (rnd(3) == 0)
			p[i] = (p[i] & 0xffffffff) | some_word() << 32;
		if (rnd(6) == 0)
			p[i] = (p[i] & 0xffff) | rnd(16) << 16 | some_word() << 32;
	}
}

static void fill_mmu(struct guest *g, unsigned page)
{
	struct mmu_update *u = at(g, page, 0);
	if (frame_type_now(frame_of(g->page[page])) >= FT_SEGDESC)
		return;
	for (unsigned i = 0; i < 48; i++) {
		const struct guest *of = rnd(6) ? g : any_guest();
		const mfn_t table[] = {of->l1, of->l1, of->l1, of->l2, of->l3, of->l4,
			of->page[1 + rnd(WORLD_PAGES)]};
		u[i].ptr = mfn_to_maddr(table[rnd(ARRAY_COUNT(table))]).a |
			   (rnd(2) ? rnd(110) : rnd(512)) * 8 | rnd(4);
		u[i].val = some_entry();
	}
}

static void fill_mmuext(struct guest *g, unsigned page)
{
	struct mmuext_op *o = at(g, page, 0);
	if (frame_type_now(frame_of(g->page[page])) >= FT_SEGDESC)
		return;
	for (unsigned i = 0; i < 32; i++) {
		o[i].cmd = (uint32_t)rnd(22);
		o[i].arg1.mfn = some_mfn();
		o[i].arg2.vcpumask = rnd(2) ? va((unsigned)(1 + rnd(WORLD_PAGES)), 0) : some_word();
	}
}

static const unsigned numbers[] = {
	__HYPERVISOR_set_trap_table,
	__HYPERVISOR_mmu_update,
	__HYPERVISOR_mmu_update,
	__HYPERVISOR_mmu_update,
	__HYPERVISOR_set_gdt,
	__HYPERVISOR_stack_switch,
	__HYPERVISOR_fpu_taskswitch,
	__HYPERVISOR_platform_op,
	__HYPERVISOR_set_debugreg,
	__HYPERVISOR_get_debugreg,
	__HYPERVISOR_update_descriptor,
	__HYPERVISOR_memory_op,
	__HYPERVISOR_memory_op,
	__HYPERVISOR_multicall,
	__HYPERVISOR_update_va_mapping,
	__HYPERVISOR_set_timer_op,
	__HYPERVISOR_xen_version,
	__HYPERVISOR_console_io,
	__HYPERVISOR_grant_table_op,
	__HYPERVISOR_grant_table_op,
	__HYPERVISOR_vm_assist,
	__HYPERVISOR_update_va_mapping_otherdomain,
	__HYPERVISOR_vcpu_op,
	__HYPERVISOR_set_segment_base,
	__HYPERVISOR_mmuext_op,
	__HYPERVISOR_mmuext_op,
	__HYPERVISOR_sched_op,
	__HYPERVISOR_callback_op,
	__HYPERVISOR_event_channel_op,
	__HYPERVISOR_event_channel_op,
	__HYPERVISOR_physdev_op,
	__HYPERVISOR_sysctl,
	__HYPERVISOR_domctl,
};

/* Number and arguments of one random hypercall; its argument structures are filled in. */
static unsigned one_call(struct guest *g, uint64_t a[6])
{
	unsigned nr = numbers[rnd(ARRAY_COUNT(numbers))];
	unsigned page = 1 + (unsigned)rnd(WORLD_PAGES);

	for (unsigned i = 0; i < 6; i++)
		a[i] = some_word();
	switch (nr) {
	case __HYPERVISOR_mmu_update:
		fill_mmu(g, page);
		a[0] = va(page, 0);
		a[1] = 1 + rnd(rnd(4) ? 3 : 48);
		a[2] = rnd(3) ? 0 : va(1 + (unsigned)rnd(WORLD_PAGES), 64);
		a[3] = rnd(6) ? DOMID_SELF : some_word();
		break;
	case __HYPERVISOR_mmuext_op:
		fill_mmuext(g, page);
		a[0] = va(page, 0);
		a[1] = 1 + rnd(4);
		a[2] = 0;
		a[3] = rnd(6) ? DOMID_SELF : some_word();
		break;
	case __HYPERVISOR_update_va_mapping:
		a[0] = va((unsigned)rnd(120), 0);
		a[1] = some_entry();
		a[2] = rnd(8);
		break;
	case __HYPERVISOR_memory_op:
	case __HYPERVISOR_vm_assist:
	case __HYPERVISOR_sched_op:
	case __HYPERVISOR_event_channel_op:
	case __HYPERVISOR_callback_op:
	case __HYPERVISOR_physdev_op:
	case __HYPERVISOR_xen_version:
		fill(g, page);
		a[0] = rnd(16);
		a[1] = va(page, 0);
		break;
	case __HYPERVISOR_vcpu_op:
		fill(g, page);
		a[0] = rnd(15);
		a[1] = rnd(3);
		a[2] = va(page, 0);
		break;
	case __HYPERVISOR_grant_table_op:
		fill(g, page);
		a[0] = rnd(13);
		a[1] = va(page, 0);
		a[2] = rnd(3) ? 1 : rnd(20);
		break;
	}
	return nr;
}

/* A short list of reasonable reservations, so that frames really come and go. */
static void reservation(struct guest *g)
{
	struct xen_memory_reservation *r = at(g, 1, 0);
	uint64_t *list = at(g, 2, 0);
	if (frame_type_now(frame_of(g->page[1])) >= FT_SEGDESC ||
		frame_type_now(frame_of(g->page[2])) >= FT_SEGDESC)
		return;
	*r = (struct xen_memory_reservation){ .extent_start = va(2, 0), .nr_extents = 1 + rnd(4),
		.extent_order = rnd(3) ? 0 : (unsigned)rnd(3), .domid = DOMID_SELF };
	for (unsigned i = 0; i < 4; i++)
		list[i] = rnd(2) ? some_mfn() : rnd(500);
	uint64_t a[6] = {rnd(2) ? XENMEM_populate_physmap : XENMEM_decrease_reservation, va(1, 0)};
	(void)call6(g->v, __HYPERVISOR_memory_op, a);
}

static void grants_refresh(struct guest *g)
{
	if (grant_setup_table(g->d, 1) != GNTST_okay)
		return;
	struct grant_entry_v1 *e = host_frame(grant_frame(g->d, 0));
	for (unsigned i = 0; i < 16; i++) {
		if (e[i].flags & (GTF_reading | GTF_writing))
			continue;
		e[i] = (struct grant_entry_v1){.domid = any_guest()->d->id,
			.frame = (uint32_t)some_mfn(),
			.flags = (uint16_t)(GTF_permit_access | rnd(2) * GTF_readonly)};
	}
}

static void multicall(struct guest *g)
{
	struct multicall_entry *e = at(g, 3, 0);
	struct multicall_entry batch[6];
	for (unsigned i = 0; i < 6; i++) {
		uint64_t a[6];
		batch[i].op = one_call(g, a);
		memcpy(batch[i].args, a, sizeof a);
	}
	if (frame_type_now(frame_of(g->page[3])) >= FT_SEGDESC)
		return;
	memcpy(e, batch, sizeof batch);
	uint64_t a[6] = { va(3, 0), 6 };
	(void)call6(g->v, __HYPERVISOR_multicall, a);
}

static void kill_guest(struct guest *g)
{
	struct domain *d = g->d;
	world_run(&dom0_);
	domain_get(d);
	for (int rc; (rc = domain_kill(d)) != 0; ) {
		ck_assert_int_eq(rc, -ERESTART);
		work_run();
	}
	domain_put(d);
	work_run();
	world_check();
}

static void renew(unsigned i)
{
	static domid_t next;
	if (guest[i].d)
		kill_guest(&guest[i]);
	next = (domid_t)(next % 1000 + 1);
	while (domain_find(next) || owner_by_domid(next))	/* a zombie may still have it */
		next++;
	world_guest(&guest[i], next, false, 2);
	guest[i].d->mem.frame_max = 120;
}

/* Put the guest back on its feet, or replace it. */
static void revive(unsigned i)
{
	struct guest *g = &guest[i];
	if (g->d->is_shut_down) {
		renew(i);
		return;
	}
	vcpu_release(g->v, HOLD_BLOCKED);
	vcpu_release(g->v, HOLD_POLLING);
	vcpu_release(g->v, HOLD_DOWN);
	if (g->d->vcpu[1])
		vcpu_hold(g->d->vcpu[1], HOLD_DOWN);
}

static void run(uint64_t seed, unsigned steps)
{
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	world_start();
	world_guest(&dom0_, 0, true, 1);
	uint64_t free_before = frame_free_count(), heap_before = heap_pages_in_use();
	memset(guest, 0, sizeof guest);
	renew(0);
	renew(1);
	for (unsigned n = 0; n < steps; n++) {
		unsigned i = (unsigned)rnd(2);
		if (rnd(150) == 0)
			renew(i);
		revive(i);
		world_run(&guest[i]);
		world_preempt(rnd(8) ? 0 : 1 + (unsigned)rnd(5));
		switch (rnd(12)) {
		case 0: reservation(&guest[i]); break;
		case 1: multicall(&guest[i]); break;
		case 2: grants_refresh(&guest[i]); break;
		default: {
			uint64_t a[6];
			unsigned nr = one_call(&guest[i], a);
			if (getenv("HOSTILE_TRACE"))
				fprintf(stderr, "%u: d%u %u(%llx, %llx, %llx, %llx)", n,
					guest[i].d->id, nr, (unsigned long long)a[0],
					(unsigned long long)a[1], (unsigned long long)a[2],
					(unsigned long long)a[3]);
			int64_t rc = call6(guest[i].v, nr, a);
			if (getenv("HOSTILE_TRACE"))
				fprintf(stderr, " = %lld\n", (long long)rc);
		}
		}
		world_preempt(0);
	}
	kill_guest(&guest[0]);
	kill_guest(&guest[1]);
	ck_assert_uint_eq(heap_pages_in_use(), heap_before);
	ck_assert_uint_ge(
		frame_free_count() + 1, free_before); /* a page of dom0's table of grants in use */
}

#define SEEDS 12
START_TEST(hostile)
{
	const char *seed = getenv("HOSTILE_SEED"), *steps = getenv("HOSTILE_STEPS");
	uint64_t s = seed ? strtoull(seed, NULL, 0) : 1 + (uint64_t)_i;
	log_set_levels(LOG_ERR, LOG_ERR);
	run(s, steps ? (unsigned)strtoul(steps, NULL, 0) : 400);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, NULL);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, hostile, 0, getenv("HOSTILE_SEED") ? 1 : SEEDS);
	return check_run("hostile", c);
}
