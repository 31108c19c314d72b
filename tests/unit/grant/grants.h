/* Two domains with address spaces, one grants to the other: for the tests of this folder. Domain 1
 * grants, domain 2 maps, domain 0 is nobody. */
#pragma once
#include "protocol/grant_table.h"
#include "tests/unit/domain_machine.h"

#define VA(i) ((uint64_t)(i) * PAGE_SIZE)

static struct domain *granter, *mapper;
static struct space gs, ms;
static struct vcpu *v;

static inline void world(void)
{
	machine_boot(2, 400);
	domain_start(0, 1);
	granter = domain_start(1, 1);
	mapper = domain_start(2, 1);
	gs = space_make(granter, 8);
	ms = space_make(mapper, 8);
	v = mapper->vcpu[0];
	vcpu_run_on(v, 0);
	/* Slots 9.. of the mapper's L1 are empty; a guest maps there. */
	AUDIT();
}

static inline struct grant_entry_v1 *entry(struct domain *d, uint32_t ref)
{
	return (struct grant_entry_v1 *)host_frame(grant_frame(d, ref / 512)) + ref % 512;
}

static inline void grant(uint32_t ref, mfn_t m, unsigned flags)
{
	*entry(granter, ref) = (struct grant_entry_v1){ (uint16_t)flags, mapper->id, (uint32_t)m.n };
}

static inline struct gnttab_map_grant_ref map(uint32_t ref, uint64_t at, uint32_t flags)
{
	struct gnttab_map_grant_ref op = { .host_addr = at, .flags = flags, .ref = ref, .dom = granter->id };
	host_cpu_select(0);
	grant_map(v, &op);
	AUDIT();
	return op;
}

static inline int unmap(uint64_t at, uint64_t bus, uint32_t handle)
{
	struct grant_unmap_batch b = { .n = 0 };
	struct gnttab_unmap_grant_ref op = { .host_addr = at, .dev_bus_addr = bus, .handle = handle };
	host_cpu_select(0);
	grant_unmap(mapper, &op, &b);
	AUDIT();
	grant_unmap_finish(mapper, &b);
	AUDIT();
	return op.status;
}

/* The mapper's own doings: it replaces the entry at VA(i); takes its L1 down; or has it again. */
static inline void mapper_update(mfn_t table, unsigned i, uint64_t val)
{
	maddr_t at = maddr(mfn_to_maddr(table).a + i * 8);
	host_cpu_select(0);
	REQUIRE(table_entry_update(&mapper->mem, &mapper->mem, at, val, false) == 0);
	while (owner_run_pending(&mapper->mem) == -ERESTART)
		machine_settle();
	AUDIT();
}

static inline void l1_drop(void)
{
	mapper_update(ms.l2, 0, 0);
	REQUIRE(frame_type_now(frame_of(ms.l1)) == FT_NONE);
}

static inline void l1_link(void)
{
	mapper_update(ms.l2, 0, pte_make(ms.l1, PTE_PRESENT | PTE_WRITE));
}

static inline uint64_t refs(mfn_t m)
{
	return frame_refs_now(frame_of(m));
}

static inline struct gnttab_copy copy_op(uint64_t from, unsigned from_at, uint64_t to,
					 unsigned to_at, unsigned n, unsigned flags)
{
	struct gnttab_copy op = { .len = (uint16_t)n, .flags = (uint16_t)flags };
	op.source.domid = flags & GNTCOPY_source_gref ? granter->id : DOMID_SELF;
	op.dest.domid = flags & GNTCOPY_dest_gref ? granter->id : DOMID_SELF;
	op.source.u.gmfn = from;
	op.dest.u.gmfn = to;
	op.source.offset = (uint16_t)from_at;
	op.dest.offset = (uint16_t)to_at;
	return op;
}

static inline int copy(struct gnttab_copy op)
{
	host_cpu_select(0);
	uint64_t digest = frame_audit_digest();
	grant_copy(mapper, &op);
	AUDIT();
	REQUIRE(frame_audit_digest() == digest);	/* counts as before, whatever the outcome */
	return op.status;
}
