/* Domains with one running vCPU and mapped memory on a modelled machine, for tests of hypercalls:
 * include, world_start() in each test's set-up, then call(v, nr, ...) as the guest would. Memory
 * of a guest: page n (1..WORLD_PAGES) lies at virtual address n << 12, mapped writable, one vCPU
 * at a time is current (world_run()). world_check() judges the machine after every hypercall. */
#pragma once
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/mem/alloc.h"
#include "hv/mem/table.h"
#include "protocol/hypercall.h"
#include "protocol/xen.h"
#include "tests/unit/check_main.h"
#include "tests/unit/host_machine.h"
#include "tests/unit/layers.h"

#define WORLD_PAGES 16u
#ifndef WORLD_FRAMES
#define WORLD_FRAMES 4096u
#endif
#ifndef WORLD_CPUS
#define WORLD_CPUS 1u		/* the first of which schedules */
#endif
struct guest {
	struct domain *d;
	struct vcpu *v;
	mfn_t page[WORLD_PAGES + 1];	/* [0] unused */
	mfn_t l4, l3, l2, l1;
};

static uint64_t world_hv_slots[HV_L4_COUNT];
static maddr_t world_ecam;		/* set before world_start(): PCI configuration by memory; 0: by ports */
static unsigned world_preempt_every, world_windows, world_preempted;

static inline void world_check(void)
{
	const char *broken = host_machine_check();
	ck_assert_msg(!broken, "audit: %s", broken);
}

/* Preempt at every @n-th window from now on; 0: never. */
static inline void world_preempt(unsigned n)
{
	world_preempt_every = n;
	world_windows = world_preempted = 0;
}

static inline void world_window(void)
{
	if (world_preempt_every && ++world_windows % world_preempt_every == 0) {
		world_preempted++;
		work_raise(cpu_id(), WORK_CONSOLE);
	}
}

static inline void world_panicked(const char *text, size_t n)
{
	(void)fwrite(text, 1, n, stderr);
}

static inline void world_start(void)
{
	panic_init(world_panicked, false);
	host_machine_start(WORLD_CPUS, WORLD_FRAMES);
	table_hv_slots = world_hv_slots;
	layers_start(world_ecam);
	world_preempt(0);
	host_hook_preempt = world_window;
}

static inline mfn_t world_take(struct domain *d)
{
	mfn_t m;
	ck_assert_int_eq(frame_alloc(&d->mem, 0, 0, pfn(M2P_INVALID), &m), 0);
	return m;
}

static inline void world_link(mfn_t table, unsigned i, mfn_t to, uint64_t flags)
{
	((uint64_t *)host_frame(table))[i] = pte_make(to, PTE_PRESENT | PTE_USER | flags);
}

static inline void world_tables(struct guest *g)
{
	g->l4 = world_take(g->d);
	g->l3 = world_take(g->d);
	g->l2 = world_take(g->d);
	g->l1 = world_take(g->d);
	world_link(g->l4, 0, g->l3, PTE_WRITE);
	world_link(g->l3, 0, g->l2, PTE_WRITE);
	world_link(g->l2, 0, g->l1, PTE_WRITE);
	for (unsigned i = 1; i <= WORLD_PAGES; i++) {
		g->page[i] = world_take(g->d);
		m2p_set(g->page[i], pfn(i));
		world_link(g->l1, i, g->page[i], PTE_WRITE);
	}
	world_link(g->l1, 100, g->l1, 0);
}

/* A domain with its first vCPU loaded with a context, unpaused. */
static inline void world_guest(struct guest *g, domid_t id, bool is_control, unsigned vcpus)
{
	struct domain_config config = { .max_vcpus = vcpus, .is_control = is_control };
	static struct vcpu_guest_context ctx;

	ck_assert_int_eq(domain_create(id, &config, &g->d), 0);
	g->d->mem.frame_max = 1024;
	for (unsigned i = 0; i < vcpus; i++) {
		struct vcpu *v;
		ck_assert_int_eq(vcpu_create(g->d, i, &v), 0);
	}
	g->v = g->d->vcpu[0];
	world_tables(g);
	memset(&ctx, 0, sizeof ctx);
	ctx.flags = VGCF_in_kernel;
	ctx.ctrlreg[3] = mfn_to_maddr(g->l4).a;
	ctx.user_regs.rip = 0x1000;
	int rc;
	while ((rc = pv_vcpu_set_context(g->v, &ctx)) == -ERESTART)
		work_run();
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(vcpu_up(g->v), 0);
	ck_assert_int_eq(domain_control_unpause(g->d), 0);
}

/* Make @g's vCPU the current one (others wait). */
static inline void world_run(struct guest *g)
{
	for (struct domain *d = domain_next(0), *next; d; d = next) {
		next = domain_next((domid_t)(d->id + 1u));
		for (unsigned i = 0; i < d->max_vcpus; i++) {
			if (!d->vcpu[i])
				continue;
			if (d->vcpu[i] == g->v)
				vcpu_release(d->vcpu[i], HOLD_THROTTLED);
			else
				vcpu_hold(d->vcpu[i], HOLD_THROTTLED);
		}
		domain_put(d);
	}
	work_raise(0, WORK_RESCHED);
	work_run();
	ck_assert_ptr_eq(vcpu_current(), g->v);
}

/* Byte @offset of @g's page @n: ours to look at; and where the guest sees it. */
static inline void *at(struct guest *g, unsigned n, unsigned offset)
{
	return (char *)host_frame(g->page[n]) + offset;
}
static inline uint64_t va(unsigned n, unsigned offset)
{
	return ((uint64_t)n << PAGE_SHIFT) + offset;
}

static inline void world_pass(struct vcpu *v)
{
	call_dispatch(v);
	world_check();
}

/* One hypercall of the current vCPU, re-entered until it is done; @pass runs the handler once. */
static inline int64_t call_by(void (*pass)(struct vcpu *v), struct vcpu *v, uint64_t nr, const uint64_t a[6])
{
	struct cpu_regs *r = &v->ctx.regs;
	uint64_t rip = r->rip;

	ck_assert_ptr_eq(vcpu_current(), v);
	v->ctx.kernel_mode = true;
	r->rax = nr;
	r->rdi = a[0];
	r->rsi = a[1];
	r->rdx = a[2];
	r->r10 = a[3];
	r->r8 = a[4];
	r->r9 = a[5];
	for (unsigned tries = 0; ; tries++) {
		r->rip = rip + 2;
		pass(v);
		if (r->rip == rip + 2)
			break;
		ck_assert_uint_eq(r->rip, rip);
		ck_assert_uint_eq(r->rax, nr);
		ck_assert_uint_lt(tries, 100000);
		work_run();
		if (vcpu_current() != v)	/* crashed or stopped in the middle */
			return -ERESTART;
	}
	r->rip = rip;
	work_run();
	world_check();
	return (int64_t)r->rax;
}
static inline int64_t call6(struct vcpu *v, uint64_t nr, const uint64_t a[6])
{
	return call_by(world_pass, v, nr, a);
}
#define call(v, nr, ...) call6((v), (nr), (const uint64_t[6]){ __VA_ARGS__ })
