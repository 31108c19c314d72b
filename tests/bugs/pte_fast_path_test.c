/* The fast path of page-table updates: XSA-148, XSA-167, XSA-182.
 *
 * Most updates of a page-table entry keep its frame and change a flag, so every PV hypervisor has a
 * path that skips the full check for them. It has to know which flags may change. In XSA-182 the
 * list of the harmless ones had the write bit in it, by way of a comparison that left it out: a
 * guest took an entry that mapped its own page table read-only, which all of them have, and added
 * the write bit. Nobody looked at the frame's type again. From there on it wrote its page tables as
 * it liked, and with them any byte of the machine's memory. XSA-148 was the same one level up and
 * lay there for seven years: adding the large-page bit to an L2 entry was no change of frame, and
 * turned "the L1 table at this address" into "two megabytes writable from this address on". XSA-167
 * let large pages be marked and unmarked without asking what lay in them.
 *
 * Here the fast path is a whitelist: l1_is_soft_change() in hv/mem/table_update.c compares all bits
 * but accessed, dirty, the ones left to software (and no-execute), and whatever else differs takes
 * a reference and a type anew. There are no large pages: upper_entry_check() refuses the bit at
 * every level, MMUEXT_MARK_SUPER does not exist.
 *
 * Each test changes a live entry as the exploit did, and then does not ask what the entry says but
 * stores through it: were the check gone, the store would reach a page table.
 * Catches: pte-write-is-soft, pte-preserve-keeps-write, pte-large-page, blind/01. */
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define WINDOW 100u		/* where the L1 maps itself */
#define TARGET 200u		/* the entry of it that Mallory wants */

static bool by_request(uint64_t entry) { return update(&mallory, slot(mallory.l1, WINDOW), entry) == 0; }
static bool by_request_keeping_bits(uint64_t entry)
{
	return update(&mallory, slot(mallory.l1, WINDOW) | MMU_PT_UPDATE_PRESERVE_AD, entry) == 0;
}
static bool by_address(uint64_t entry) { return update_va(&mallory, va(WINDOW, 0), entry, UVMF_INVLPG) == 0; }
static bool by_trapped_store(uint64_t entry) { return store_trapped(&mallory, va(WINDOW, 8 * WINDOW), entry); }

static bool (*const route[])(uint64_t entry) = { by_request, by_request_keeping_bits, by_address, by_trapped_store };

/* XSA-182: the write bit, on each of the four ways an entry can be changed. */
START_TEST(write_bit_added)
{
	uint64_t honest = peek(mallory.l1, WINDOW);
	ck_assert(!stores(va(WINDOW, 8 * TARGET), pte(victim.page[1], PTE_WRITE)));
	for (unsigned i = 0; i < ARRAY_COUNT(route); i++) {
		ck_assert(!route[i](honest | PTE_WRITE));
		ck_assert(!stores(va(WINDOW, 8 * TARGET), pte(victim.page[1], PTE_WRITE)));
		ck_assert_uint_eq(peek(mallory.l1, TARGET), 0);
	}
}
END_TEST

/* No single bit, and no bit together with the write bit, does it either. Some are taken, and some name another
 * frame. */
START_TEST(every_bit_flipped)
{
	uint64_t honest = peek(mallory.l1, WINDOW);
	for (unsigned n = 0; n < 128 * ARRAY_COUNT(route); n++) {
		uint64_t entry = honest ^ 1ull << n % 64 ^ (n & 64 ? PTE_WRITE : 0);
		(void)route[n / 128](entry);
		mmuext(&mallory, MMUEXT_TLB_FLUSH_LOCAL, mfn(0));
		if (stores(va(WINDOW, 8 * TARGET), 0))
			ck_assert_int_lt(frame_type_now(frame_of(mfn(host_reached))), FT_SEGDESC);
		WORKS(update(&mallory, slot(mallory.l1, WINDOW), honest));
	}
}
END_TEST

/* A table that was writable a moment ago is the same the other way round: the fast path may not keep the old write bit
 * where the new value lacks it, or the page could not become a table. */
START_TEST(write_bit_dropped)
{
	mfn_t m = mallory.page[3];
	ck_assert(stores(va(3, 0), 0));
	WORKS(update(&mallory, slot(mallory.l1, 3) | MMU_PT_UPDATE_PRESERVE_AD, pte(m, 0)));
	WORKS(mmuext(&mallory, MMUEXT_TLB_FLUSH_LOCAL, mfn(0)));
	ck_assert(!stores(va(3, 8 * TARGET), pte(victim.page[1], PTE_WRITE)));
	WORKS(pin(&mallory, m, 1));
}
END_TEST

/* XSA-148: the large-page bit on a live L2 entry. The 2 MiB around the L1 have the other tables in them. */
START_TEST(large_page_bit_added)
{
	static const uint64_t flags[] = { PTE_PSE, PTE_PSE | PTE_WRITE, PTE_PSE | PTE_GLOBAL, PTE_PSE | PTE_DIRTY };
	uint64_t honest = peek(mallory.l2, 0);
	for (unsigned i = 0; i < ARRAY_COUNT(flags); i++) {
		REFUSED(update(&mallory, slot(mallory.l2, 0), honest | flags[i]), EINVAL);
		REFUSED(update(&mallory, slot(mallory.l3, 0), peek(mallory.l3, 0) | flags[i]), EINVAL);
		REFUSED(update(&mallory, slot(mallory.l2, 5), pte(mallory.l1, flags[i])), EINVAL);
	}
	/* Written while the page was still plain, and then offered as a table. */
	*(uint64_t *)at(&mallory, 3, 0) = pte(mallory.page[4], PTE_PSE | PTE_WRITE);
	ck_assert_int_eq(pin(&mallory, unmapped(&mallory, 3), 2), -EINVAL);
	/* XSA-167: there is nothing to mark. */
	REFUSED(mmuext(&mallory, MMUEXT_MARK_SUPER, mallory.page[4]), EOPNOTSUPP);
	REFUSED(mmuext(&mallory, MMUEXT_UNMARK_SUPER, mallory.page[4]), EOPNOTSUPP);
}
END_TEST

CHECK_MAIN("pte_fast_path", scene_set, NULL, write_bit_added, every_bit_flipped,
	   write_bit_dropped, large_page_bit_added)
