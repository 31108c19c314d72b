/* The scene of this folder's tests of the hypervisor: dom0, Mallory who attacks and a victim, each a domain with its
 * own page tables, on one CPU. Mallory's moves are those of a guest kernel: hypercalls, loads and stores. The audit
 * judges the machine after each hypercall (guest_world.h), whoever made it.
 * A guest's page n lies at va(n), its L1 maps itself read-only as page 100, and its arguments are in page ARGS. */
#pragma once
#include "hv/base/string.h"
#include "tests/unit/guest_world.h"

#define ARGS 16u

static struct guest dom0_guest, mallory, victim;

static inline void scene_set(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&mallory, 1, false, 2);
	world_guest(&victim, 2, false, 1);
	world_run(&mallory);
}

/* The call fails with @err, and nothing in the machine is other than before. */
#define REFUSED(expr, err) do { \
	uint64_t digest_ = frame_audit_digest(); \
	ck_assert_int_eq((expr), -(err)); \
	ck_assert_uint_eq(frame_audit_digest(), digest_); \
} while (0)
#define WORKS(expr) ck_assert_int_eq((expr), 0)

/* --- page tables --- */

static inline uint64_t slot(mfn_t table, unsigned i)
{
	return mfn_to_maddr(table).a + i * 8;
}

static inline uint64_t peek(mfn_t table, unsigned i)
{
	return ((uint64_t *)host_frame(table))[i];
}

static inline uint64_t pte(mfn_t m, uint64_t flags)
{
	return pte_make(m, PTE_PRESENT | PTE_USER | flags);
}

/* mmu_update with one request; @whose, as in the ABI: frames of that domain, and from bit 16 on tables of that one. */
static inline int64_t update_for(struct guest *g, uint64_t at_maddr, uint64_t entry, uint32_t whose)
{
	struct mmu_update r = { at_maddr, entry };
	memcpy(at(g, ARGS, 0), &r, sizeof r);
	return call(g->v, __HYPERVISOR_mmu_update, va(ARGS, 0), 1, 0, whose);
}

static inline int64_t update(struct guest *g, uint64_t at_maddr, uint64_t entry)
{
	return update_for(g, at_maddr, entry, DOMID_SELF);
}

static inline int64_t update_va(struct guest *g, uint64_t address, uint64_t entry, uint64_t flush)
{
	return call(g->v, __HYPERVISOR_update_va_mapping, address, entry, flush);
}

static inline int64_t mmuext(struct guest *g, uint32_t cmd, mfn_t m)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = m.n };
	memcpy(at(g, ARGS, 0), &op, sizeof op);
	return call(g->v, __HYPERVISOR_mmuext_op, va(ARGS, 0), 1, 0, DOMID_SELF);
}

static inline int64_t pin(struct guest *g, mfn_t m, unsigned level)
{
	return mmuext(g, MMUEXT_PIN_L1_TABLE + level - 1, m);
}

static inline int64_t unpin(struct guest *g, mfn_t m)
{
	return mmuext(g, MMUEXT_UNPIN_TABLE, m);
}

/* @g unmaps its page @n, so that the frame can become a table; what lies in it stays. */
static inline mfn_t unmapped(struct guest *g, unsigned n)
{
	WORKS(update_va(g, va(n, 0), 0, UVMF_INVLPG | UVMF_ALL));
	return g->page[n];
}

/* A store by the guest to the page-table entry at @target, read-only to it: its kernel traps and we may write it
 * instead. True: it was done. */
static inline bool store_trapped(struct guest *g, uint64_t target, uint64_t value)
{
	memcpy(at(g, ARGS, 0), "\x48\x89\x07", 3);		/* mov %rax,(%rdi) */
	g->v->ctx.regs.rip = va(ARGS, 0);
	g->v->ctx.regs.rax = value;
	bool done = pv_pt_write_fault(g->v, gva(target));
	world_check();
	return done;
}

/* --- loads and stores: false if they fault --- */

static inline bool loads(uint64_t address, uint64_t *value)
{
	return host_guest_load(0, address, value) == 0;
}

static inline bool stores(uint64_t address, uint64_t value)
{
	return host_guest_store(0, address, value) == 0;
}

/* --- life --- */

/* dom0 destroys @g, to the end. */
static inline void destroy(struct guest *g)
{
	struct domain *d = g->d;
	unsigned slices = 0;
	int rc;
	world_run(&dom0_guest);
	domain_get(d);
	while ((rc = domain_kill(d)) == -ERESTART) {
		ck_assert_uint_lt(slices++, 10000);
		work_run();
		world_check();
	}
	WORKS(rc);
	domain_put(d);
	work_run();
	world_check();
}
