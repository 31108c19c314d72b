/* Grants that are counted wrongly: XSA-224, XSA-227, XSA-230, XSA-234, XSA-236, XSA-316, XSA-394.
 *
 * A grant is a promise between two guests that the hypervisor keeps for both: while the mapper has
 * the page, the granter cannot make a page table of it. What stands for that are counts, in four
 * places: pins of the grant, references and writable counts of the frame, flags of the mapper's
 * handle, bits in the granter's table. Every step that changes one of them and not the others is an
 * exploit. In XSA-224 a page mapped both by address and for a device was given back too often, by
 * halves; in XSA-236 a count of pins went round; in XSA-230 the bits in the granter's table were
 * cleared while a mapping lived, so that the granter took the page back and used it. In XSA-227 the
 * mapper named the page-table entry by its machine address, not a multiple of eight: two entries
 * were overwritten in part. In XSA-234 the mapper removed the entry by an ordinary update, then
 * unmapped, and the counts went down twice; XSA-394 counted down twice when the halves of a mapping
 * were taken away one after the other. In XSA-316 a failure was reported as success.
 *
 * Here references are an exact function of the handle's flags: each half holds one, the entry its
 * own (rules G2 and G3 of hv/grant/grant.c). grant_map() undoes in reverse what it did;
 * grant_unmap() checks all it is told before it does anything. A mapping's entry is marked
 * (PTE_GRANT), and is otherwise an entry like any: its guest may remove it, replace it, and take
 * down the table it stands in, and kernels do, when a process dies while its pages are in use. Then
 * it gives up what it held itself, once, and the handle keeps the grant. The other way is closed
 * too: what is unmapped later must not write to whatever the frame of that table has become
 * (table_grant_clear() in hv/mem/table_update.c).
 *
 * The tests take each wrong step; statements I7 to I9 of the audit recount all four places after
 * each.
 * Catches: grant-clears-any-entry, grant-clears-what-was-a-table, grant-clears-what-was-let-go,
 * grant-entry-unmarked, grant-failed-map-keeps-pin, grant-for-anyone, grant-half-unpinned,
 * grant-other-mapper, grant-readonly-entry-writable, grant-readonly-written,
 * grant-unmap-any-address, blind/32, 33, 35, 36. */
#include "protocol/grant_table.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define REF 9u
#define SLOT 60u		/* where Mallory maps */
#define HOST GNTMAP_host_map
#define BOTH (GNTMAP_host_map | GNTMAP_device_map)

static struct grant_entry_v1 *shared(struct guest *g, unsigned ref)
{
	return (struct grant_entry_v1 *)host_frame(grant_frame(g->d, 0)) + ref;
}

static void grant(unsigned ref, mfn_t m, unsigned flags)
{
	*shared(&victim, ref) = (struct grant_entry_v1){ (uint16_t)(GTF_permit_access | flags), mallory.d->id, (uint32_t)m.n };
}

static int map_at(uint64_t where, unsigned ref, uint32_t flags, uint32_t *handle)
{
	struct gnttab_map_grant_ref *m = at(&mallory, ARGS, 0);
	*m = (struct gnttab_map_grant_ref){ .host_addr = where, .flags = flags, .ref = ref, .dom = victim.d->id };
	WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(ARGS, 0), 1));
	*handle = m->handle;
	return m->status;
}

static int unmap(uint64_t where, uint64_t bus, uint32_t handle)
{
	struct gnttab_unmap_grant_ref *u = at(&mallory, ARGS, 0);
	*u = (struct gnttab_unmap_grant_ref){ .host_addr = where, .dev_bus_addr = bus, .handle = handle };
	WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(ARGS, 0), 1));
	return u->status;
}

/* The page as it is when nobody has mapped it but its owner. */
static void untouched(unsigned ref, mfn_t m)
{
	ck_assert_uint_eq(shared(&victim, ref)->flags & (GTF_reading | GTF_writing), 0);
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 2);
	ck_assert_uint_eq(frame_type_count_now(frame_of(m)), 1);
}

/* XSA-224, XSA-394: both halves, in every order, each twice: the second time does nothing. */
START_TEST(halves_in_every_order)
{
	mfn_t m = victim.page[5];
	const uint64_t host = va(SLOT, 0), bus = mfn_to_maddr(m).a;
	const struct { uint64_t host, bus; unsigned refs_left; } step[3][2] = {
		{ { host, 0, 1 }, { 0, bus, 0 } },
		{ { 0, bus, 2 }, { host, 0, 0 } },		/* a half, and the entry that maps it */
		{ { host, bus, 0 } },
	};
	uint32_t handle;
	grant(REF, m, 0);
	for (unsigned order = 0; order < 3; order++) {
		ck_assert_int_eq(map_at(host, REF, BOTH, &handle), GNTST_okay);
		ck_assert_uint_eq(frame_refs_now(frame_of(m)), 2 + 3);
		for (unsigned i = 0; i < (order == 2 ? 1 : 2); i++) {
			ck_assert_int_eq(unmap(step[order][i].host, step[order][i].bus, handle), GNTST_okay);
			(void)unmap(step[order][i].host, step[order][i].bus, handle);
			ck_assert_uint_eq(frame_refs_now(frame_of(m)), 2 + step[order][i].refs_left);
			/* XSA-230: the granter is told that it is over when it is. */
			ck_assert_uint_eq((shared(&victim, REF)->flags & GTF_writing) != 0, step[order][i].refs_left != 0);
		}
		untouched(REF, m);
		ck_assert_int_eq(unmap(host, bus, handle), GNTST_bad_handle);
	}
}
END_TEST

/* Both halves in one batch, which flushes once: neither is free before the other is. */
START_TEST(halves_in_one_batch)
{
	uint64_t bus = mfn_to_maddr(victim.page[5]).a;
	struct gnttab_unmap_grant_ref *u = at(&mallory, ARGS, 0);
	uint32_t handle;
	grant(REF, victim.page[5], 0);
	ck_assert_int_eq(map_at(va(SLOT, 0), REF, BOTH, &handle), GNTST_okay);
	u[0] = u[2] = (struct gnttab_unmap_grant_ref){ .host_addr = va(SLOT, 0), .handle = handle };
	u[1] = u[3] = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = bus, .handle = handle };
	WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, va(ARGS, 0), 4));
	ck_assert_int_eq(u[0].status | u[1].status, GNTST_okay);
	ck_assert_int_lt(u[2].status, 0);
	ck_assert_int_lt(u[3].status, 0);
	untouched(REF, victim.page[5]);
}
END_TEST

/* XSA-227: entries named by machine address. */
START_TEST(entry_not_aligned_or_not_an_entry)
{
	const uint64_t bad[] = {
		slot(mallory.l1, SLOT) + 1, slot(mallory.l1, SLOT) + 4, slot(mallory.l1, SLOT) | 7, slot(mallory.l2, 5),
		slot(mallory.l4, 5), slot(victim.l1, SLOT), slot(mallory.page[3], 0), slot(mfn(1ull << 40), 0), 0, ~7ull,
	};
	uint32_t handle;
	grant(REF, victim.page[5], 0);
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_lt(map_at(bad[i], REF, HOST | GNTMAP_contains_pte, &handle), 0);
		untouched(REF, victim.page[5]);
	}
	ck_assert_uint_eq(peek(mallory.l1, SLOT) | peek(mallory.l1, SLOT + 1), 0);
}
END_TEST

/* Nothing of Mallory's maps the page any more, but her handle keeps it: the victim is told so, and it can become no table. */
static void still_granted(mfn_t m)
{
	ck_assert_uint_eq(frame_refs_now(frame_of(m)), 2 + 1);
	ck_assert_uint_eq(frame_type_count_now(frame_of(m)), 1 + 1);
	ck_assert_uint_eq(shared(&victim, REF)->flags & GTF_writing, GTF_writing);
	ck_assert_int_eq(frame_pin(&victim.d->mem, m, FT_L1), -EBUSY);
}

/* XSA-234: the entry is Mallory's, in a table of hers, and hers to remove by all ways there are: once. */
START_TEST(entry_removed_by_its_guest)
{
	const uint64_t other[] = { 0, pte(mallory.page[3], PTE_WRITE), 1ull << 9 };
	const uint64_t keep = slot(mallory.l1, SLOT) | MMU_PT_UPDATE_PRESERVE_AD;
	uint32_t handle;
	grant(REF, victim.page[5], 0);
	for (unsigned i = 0; i < 4 * ARRAY_COUNT(other); i++) {
		uint64_t entry = other[i / 4];
		ck_assert_int_eq(map_at(va(SLOT, 0), REF, HOST, &handle), GNTST_okay);
		switch (i % 4) {
		case 0: WORKS(update(&mallory, slot(mallory.l1, SLOT), entry)); break;
		case 1: WORKS(update(&mallory, keep, entry)); break;
		case 2: WORKS(update_va(&mallory, va(SLOT, 0), entry, 0)); break;
		default: ck_assert(store_trapped(&mallory, va(100, 8 * SLOT), entry));
		}
		still_granted(victim.page[5]);
		uint64_t left = peek(mallory.l1, SLOT);
		ck_assert_int_eq(unmap(va(SLOT, 0), 0, handle), GNTST_okay);
		untouched(REF, victim.page[5]);
		ck_assert_int_eq(unmap(va(SLOT, 0), 0, handle), GNTST_bad_handle);
		ck_assert_uint_eq(peek(mallory.l1, SLOT), left);
		WORKS(update(&mallory, slot(mallory.l1, SLOT), 0));
	}
}
END_TEST

/* But it is not hers to make more of, and no other entry is the grant's, though it lies in the same table. */
START_TEST(entry_changed_by_its_guest)
{
	uint32_t handle;
	grant(REF, victim.page[5], 0);
	ck_assert_int_eq(map_at(va(SLOT, 0), REF, HOST, &handle), GNTST_okay);
	const uint64_t more[] = { peek(mallory.l1, SLOT) & ~PTE_WRITE, peek(mallory.l1, SLOT) & ~PTE_NX };
	for (unsigned i = 0; i < ARRAY_COUNT(more); i++) {
		REFUSED(update(&mallory, slot(mallory.l1, SLOT), more[i]), EPERM);
		REFUSED(update(&mallory, slot(mallory.l1, SLOT) | MMU_PT_UPDATE_PRESERVE_AD, more[i]), EPERM);
		REFUSED(update_va(&mallory, va(SLOT, 0), more[i], 0), EPERM);
		ck_assert(!store_trapped(&mallory, va(100, 8 * SLOT), more[i]));
	}
	REFUSED(update(&mallory, slot(mallory.l1, SLOT + 1), peek(mallory.l1, SLOT)), EPERM);
	ck_assert_int_eq(unmap(va(5, 0), 0, handle), GNTST_bad_virt_addr);
	ck_assert_int_eq(unmap(va(SLOT, 8), 0, handle), GNTST_bad_virt_addr);
	ck_assert_int_eq(unmap(0, mfn_to_maddr(victim.page[5]).a, handle), GNTST_okay);	/* no such half: nothing */
	ck_assert_int_eq(unmap(va(SLOT, 0), 0, handle), GNTST_okay);
	untouched(REF, victim.page[5]);
}
END_TEST

/* The table under the entry, taken out of the tree, is Mallory's to write: she leaves the very words there by which the
 * hypervisor knew its entry, and then unmaps. It takes them for what they are, and they get her nothing as a table. */
START_TEST(table_removed_under_the_entry)
{
	uint32_t handle;
	uint64_t high = 1ull << 21;
	mfn_t table = unmapped(&mallory, 3);
	WORKS(update(&mallory, slot(mallory.l2, 1), pte(table, PTE_WRITE)));
	grant(REF, victim.page[5], 0);
	ck_assert_int_eq(map_at(high, REF, HOST, &handle), GNTST_okay);
	uint64_t entry = peek(table, 0);
	WORKS(update(&mallory, slot(mallory.l2, 1), 0));
	still_granted(victim.page[5]);
	WORKS(update_va(&mallory, va(3, 0), pte(table, PTE_WRITE), 0));
	ck_assert(stores(va(3, 0), entry) && stores(va(3, 8), entry));
	REFUSED(update(&mallory, slot(mallory.l2, 1), pte(table, PTE_WRITE)), EBUSY);
	ck_assert_int_eq(unmap(high, 0, handle), GNTST_okay);
	untouched(REF, victim.page[5]);
	ck_assert_uint_eq(peek(table, 0) & peek(table, 1), entry);
	WORKS(update_va(&mallory, va(3, 0), 0, UVMF_INVLPG | UVMF_ALL));
	ck_assert_int_eq(update(&mallory, slot(mallory.l2, 1), pte(table, PTE_WRITE)), -EINVAL);
	untouched(REF, victim.page[5]);
}
END_TEST

/* XSA-316: what fails says so, and leaves nothing: no pin, no handle, no mark. */
START_TEST(mapping_that_fails)
{
	uint32_t handle, first;
	grant(REF, victim.page[5], 0);
	grant(REF + 1, victim.l1, 0);
	ck_assert_int_eq(map_at(va(SLOT, 0), REF, HOST, &first), GNTST_okay);
	ck_assert_int_eq(unmap(va(SLOT, 0), 0, first), GNTST_okay);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_lt(map_at(va(5, 0), REF, i ? BOTH : HOST, &handle), 0);		/* occupied */
		ck_assert_int_lt(map_at(va(SLOT, 0), REF + 1, i ? BOTH : HOST, &handle), 0);	/* a page table, to write */
		ck_assert_int_lt(map_at(va(SLOT, 0), REF + 2, HOST, &handle), 0);		/* not granted */
		ck_assert_int_lt(map_at(va(SLOT, 0), 1u << 31, HOST, &handle), 0);
		untouched(REF, victim.page[5]);
		ck_assert_uint_eq(shared(&victim, REF + 1)->flags, GTF_permit_access);
	}
	ck_assert_int_eq(map_at(va(SLOT, 0), REF, HOST, &handle), GNTST_okay);
	ck_assert_uint_eq(handle, first);		/* none was lost */
}
END_TEST

/* What was granted for reading is not written, and not used by whom it was not granted to: neither the first time nor
 * beside a mapping that is there, when the granter has changed its entry. */
START_TEST(rights)
{
	uint32_t handle, second;
	grant(REF, victim.page[5], GTF_readonly);
	ck_assert_int_lt(map_at(va(SLOT, 0), REF, HOST, &handle), 0);
	ck_assert_int_eq(map_at(va(SLOT, 0), REF, HOST | GNTMAP_readonly, &handle), GNTST_okay);
	ck_assert(!stores(va(SLOT, 0), 1));
	REFUSED(update(&mallory, slot(mallory.l1, SLOT), peek(mallory.l1, SLOT) | PTE_WRITE), EPERM);
	ck_assert_int_lt(map_at(va(SLOT + 1, 0), REF, HOST, &second), 0);
	/* dom0 is no better: the grant is Mallory's while she has it, whatever its entry says now. */
	shared(&victim, REF)->domid = 0;
	struct gnttab_map_grant_ref *m = at(&dom0_guest, ARGS, 0);
	*m = (struct gnttab_map_grant_ref){ .host_addr = va(SLOT, 0), .flags = HOST | GNTMAP_readonly, .ref = REF,
		.dom = victim.d->id };
	world_run(&dom0_guest);
	WORKS(call(dom0_guest.v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(ARGS, 0), 1));
	ck_assert_int_lt(m->status, 0);
	world_run(&mallory);
	ck_assert_int_eq(unmap(va(SLOT, 0), 0, handle), GNTST_okay);
	ck_assert_int_lt(map_at(va(SLOT, 0), REF, HOST | GNTMAP_readonly, &handle), 0);
}
END_TEST

/* The granter writes another frame into its entry while the first is mapped: that misleads nobody but itself. Were it
 * believed, the counts would go down on a frame on which they never went up. */
START_TEST(entry_changed_by_its_granter)
{
	uint32_t reader, writer;
	grant(REF, victim.page[5], 0);
	ck_assert_int_eq(map_at(va(SLOT, 0), REF, HOST | GNTMAP_readonly, &reader), GNTST_okay);
	shared(&victim, REF)->frame = (uint32_t)victim.page[6].n;
	ck_assert_int_eq(map_at(va(SLOT + 1, 0), REF, HOST, &writer), GNTST_okay);
	ck_assert_uint_eq(pte_mfn(peek(mallory.l1, SLOT + 1)).n, victim.page[5].n);
	ck_assert_int_eq(unmap(va(SLOT, 0), 0, reader), GNTST_okay);
	ck_assert_int_eq(unmap(va(SLOT + 1, 0), 0, writer), GNTST_okay);
	untouched(REF, victim.page[5]);
	untouched(REF, victim.page[6]);
}
END_TEST

CHECK_MAIN("grant_counts", scene_set, NULL, halves_in_every_order, halves_in_one_batch,
	   entry_changed_by_its_granter, entry_not_aligned_or_not_an_entry, entry_removed_by_its_guest,
	   entry_changed_by_its_guest, table_removed_under_the_entry, mapping_that_fails, rights)
