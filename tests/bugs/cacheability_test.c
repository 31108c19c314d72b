/* Memory that is cached for one and not for another: XSA-154, XSA-402.
 *
 * A page-table entry chooses how its page is cached. A guest that maps its memory uncached, as
 * drivers must for devices, and again cached, has two views of it that need not agree: what it
 * wrote past the cache is in memory, what the hypervisor reads may still be in a cache. With a
 * device's page that was a machine check (XSA-154). With memory it is worse, as XSA-402 showed: a
 * page is filled through an uncached mapping with entries that are checked in the cache, is found
 * to be a good page table, and when the cache lets go of it the CPU walks what lies in memory.
 *
 * Here an entry of RAM is made write-back whatever the guest wrote: l1_entry_take() in
 * hv/mem/table_entry.c clears the three bits that choose a memory type, on every way an entry can
 * come into being, and upper_entry_check() those of upper levels. Excepted is a control domain
 * mapping its own memory, for its drivers; even that one maps others' memory only as they do.
 *
 * The tests ask for each of the seven other memory types on each way there is and read the raw
 * entry. If one way forgot to clear a bit, it would stand there.
 * Catches: cache-bits-kept, cache-pat-kept, blind/22-cache-bits-are-soft. */
#include "protocol/grant_table.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define TYPE_BITS (PTE_PWT | PTE_PCD | PTE_PSE)		/* in an L1 entry bit 7 is the PAT's */
#define SLOT 60u

static uint64_t type_of(unsigned n)
{
	return (n & 1 ? PTE_PWT : 0) | (n & 2 ? PTE_PCD : 0) | (n & 4 ? PTE_PSE : 0);
}

static void is_write_back(const struct guest *g, unsigned i)
{
	uint64_t entry = peek(g->l1, i);
	ck_assert(entry & PTE_PRESENT);
	ck_assert_uint_eq(entry & TYPE_BITS, 0);
}

START_TEST(own_memory)
{
	for (unsigned n = 1; n < 8; n++)
		for (unsigned writable = 0; writable < 2; writable++) {
			uint64_t entry = pte(mallory.page[5], type_of(n) | (writable ? PTE_WRITE : 0));
			WORKS(update(&mallory, slot(mallory.l1, SLOT), entry));
			is_write_back(&mallory, SLOT);
			/* As a change of flags alone, of an entry that is there. */
			(void)update(&mallory, slot(mallory.l1, SLOT), entry);
			is_write_back(&mallory, SLOT);
			(void)update(&mallory, slot(mallory.l1, SLOT) | MMU_PT_UPDATE_PRESERVE_AD, entry);
			is_write_back(&mallory, SLOT);
			(void)update_va(&mallory, va(SLOT, 0), entry | PTE_ACCESSED, UVMF_INVLPG);
			is_write_back(&mallory, SLOT);
			WORKS(update(&mallory, slot(mallory.l1, SLOT), 0));
			ck_assert(store_trapped(&mallory, va(100, 8 * SLOT), entry));
			is_write_back(&mallory, SLOT);
			ck_assert(store_trapped(&mallory, va(100, 8 * SLOT), entry ^ PTE_DIRTY));
			is_write_back(&mallory, SLOT);
		}
}
END_TEST

/* Entries that were written while the page was no table yet, and those of upper levels. */
START_TEST(prepared_tables)
{
	for (unsigned n = 0; n < 8; n++)
		*(uint64_t *)at(&mallory, 3, 8 * n) = pte(mallory.page[5], type_of(n) | PTE_WRITE);
	mfn_t t1 = unmapped(&mallory, 3), t2 = unmapped(&mallory, 4);
	WORKS(pin(&mallory, t1, 1));
	for (unsigned n = 0; n < 8; n++)
		ck_assert_uint_eq(peek(t1, n) & TYPE_BITS, 0);
	/* An L2 is fetched by the CPU through the cache, too. */
	((uint64_t *)host_frame(t2))[0] = pte(t1, PTE_PWT | PTE_PCD);
	WORKS(pin(&mallory, t2, 2));
	ck_assert_uint_eq(peek(t2, 0) & (PTE_PWT | PTE_PCD), 0);
	WORKS(update(&mallory, slot(mallory.l3, 3), pte(t2, PTE_PWT | PTE_PCD)));
	ck_assert_uint_eq(peek(mallory.l3, 3) & (PTE_PWT | PTE_PCD), 0);
}
END_TEST

/* Another's memory: by grant, where flags are ours, and by the control domain, whose own is the one exception. */
START_TEST(memory_of_others)
{
	struct grant_entry_v1 *e = (struct grant_entry_v1 *)host_frame(grant_frame(victim.d, 0)) + 9;
	struct gnttab_map_grant_ref *m = at(&mallory, ARGS, 0);
	*e = (struct grant_entry_v1){ GTF_permit_access, mallory.d->id, (uint32_t)victim.page[5].n };
	*m = (struct gnttab_map_grant_ref){ .host_addr = va(SLOT, 0), .ref = 9, .dom = victim.d->id,
		.flags = GNTMAP_host_map | 0xffu << _GNTMAP_guest_avail0 };
	WORKS(call(mallory.v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, va(ARGS, 0), 1));
	is_write_back(&mallory, SLOT);
	for (unsigned n = 1; n < 8; n++) {
		(void)update(&mallory, slot(mallory.l1, SLOT), peek(mallory.l1, SLOT) | type_of(n));
		is_write_back(&mallory, SLOT);
	}
	world_run(&dom0_guest);
	for (unsigned n = 1; n < 8; n++) {
		WORKS(update_for(&dom0_guest, slot(dom0_guest.l1, SLOT), pte(victim.page[6], type_of(n)), victim.d->id));
		is_write_back(&dom0_guest, SLOT);
		WORKS(update(&dom0_guest, slot(dom0_guest.l1, SLOT), pte(dom0_guest.page[6], type_of(n))));
		ck_assert_uint_eq(peek(dom0_guest.l1, SLOT) & TYPE_BITS, type_of(n));
	}
}
END_TEST

CHECK_MAIN("cacheability", scene_set, NULL, own_memory, prepared_tables, memory_of_others)
