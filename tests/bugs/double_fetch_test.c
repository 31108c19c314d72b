/* Memory that changes while it is read: XSA-155, XSA-166.
 *
 * What a guest asks for lies in memory that the guest can write, from another of its CPUs, between
 * the moment when a request is checked and the moment when it is used. In C that is easy to get
 * wrong without seeing it: the code copies a request to a local variable and the compiler, which
 * has not been told that the memory is shared, does not, and reads the field again when it is
 * needed. XSA-155 was that, in every back end there was: a count of segments was checked against
 * the size of an array and then fetched once more as the limit of a loop. XSA-166 the same in a
 * request that the hypervisor passes on for a device. The exploit is one store, at the right time,
 * tried as often as it takes.
 *
 * Here arguments are copied in once, by guest_read() (hv/mem/guest_copy.h), whole structures into
 * our own memory, and nothing behind it knows where they came from: handlers get the copy
 * (request_run() in hv/pv/mmu_update.c, copy_one() in hv/call/grant_table_op.c). Rings are read by
 * copying the bytes out, their indices by one atomic load each (dom0/xenstored/ring.c,
 * pvdrivers/con_ring.c).
 *
 * Each test is an honest request, and another CPU of the same guest that replaces it by a wicked
 * one at every point at which anything else is read or written. What is done must be the one or the
 * other as a whole: if the honest one was checked and the wicked one done, the frame behind the
 * target has been written, or an entry names another's frame.
 * Catches, seeded by hand: a grant copy whose bounds are checked before its arguments are read once
 * more, the same of an update of a page table. */
#include "hv/base/string.h"
#include "protocol/memory.h"
#include "protocol/xen.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/duel.h"

#define WITNESS 0x5ec7e75ec7e75ec7ull

static char *request;		/* CPU 0's arguments, as CPU 1 sees them */
static char wicked[512];
static size_t wicked_bytes;
static int64_t rc;

/* Alice, on both CPUs; CPU 0 is about to ask for @honest. */
static void scene(const void *honest, const void *instead, size_t n)
{
	duel(ALICE, ALICE);
	host_cpu_select(0);
	request = argument(0);
	memcpy(request, honest, n);
	memcpy(wicked, instead, n);
	wicked_bytes = n;
	/* What must not be reached: the frame behind FREE1, and another's memory. */
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		contents(ALICE, FREE2)[i] = contents(BOB, DATA1)[i] = WITNESS;
}

static void replaced(void)
{
	memcpy(request, wicked, wicked_bytes);
}

static void nothing_else_reached(void)
{
	judged();
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++) {
		ck_assert_uint_eq(contents(ALICE, FREE2)[i], WITNESS);
		ck_assert_uint_eq(contents(BOB, DATA1)[i], WITNESS);
	}
}

/* --- a length that was checked --- */

static void copies(void)
{
	rc = hyper(__HYPERVISOR_grant_table_op, GNTTABOP_copy, ARGUMENT_VA, 1, 0);
}

static struct gnttab_copy copy_of(unsigned offset, unsigned n)
{
	struct gnttab_copy op = { .len = (uint16_t)n };
	op.source.domid = op.dest.domid = DOMID_SELF;
	op.source.u.gmfn = guest[ALICE].m[DATA1].n;
	op.dest.u.gmfn = guest[ALICE].m[FREE1].n;
	op.dest.offset = (uint16_t)offset;
	return op;
}

START_TEST(length_of_a_copy)
{
	duel(ALICE, ALICE);		/* frame numbers are the same each time */
	struct gnttab_copy honest = copy_of(0, 16), instead = copy_of(4080, 4000);
	RACE(scene(&honest, &instead, sizeof honest), copies, replaced, {
		nothing_else_reached();
		ck_assert_int_eq(rc, 0);
	});
}
END_TEST

/* --- an entry that was checked --- */

static void updates(void)
{
	rc = hyper(__HYPERVISOR_mmu_update, ARGUMENT_VA, 1, 0, DOMID_SELF);
}

static struct mmu_update update_of(enum who whose_table, enum what table, enum who whose, enum what frame)
{
	return (struct mmu_update){ .ptr = mfn_to_maddr(guest[whose_table].m[table]).a + 8 * SLOT_MORE,
				    .val = pte_make(guest[whose].m[frame], PTE_PRESENT | PTE_USER | PTE_WRITE) };
}

START_TEST(entry_of_a_table)
{
	duel(ALICE, ALICE);
	const struct mmu_update honest = update_of(ALICE, L1, ALICE, DATA3);
	const struct mmu_update instead[] = {
		update_of(ALICE, L1, BOB, DATA1), update_of(ALICE, L1, ALICE, L1), update_of(BOB, L1, BOB, DATA1),
		update_of(ALICE, L2, ALICE, DATA3), { 4, ~0ull }, { ~0ull << 3, 0 },
	};
	for (unsigned i = 0; i < sizeof instead / sizeof instead[0]; i++)
		RACE(scene(&honest, &instead[i], sizeof honest), updates, replaced, {
			nothing_else_reached();
			uint64_t now = contents(ALICE, L1)[SLOT_MORE];
			ck_assert(rc == 0 ? (now & PTE_ADDR) == (honest.val & PTE_ADDR) : now == 0);
			ck_assert_uint_eq(contents(BOB, L1)[SLOT_MORE], 0);
		});
}
END_TEST

/* --- a size and a list that were checked --- */

static void gives_back(void)
{
	rc = hyper(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, ARGUMENT_VA, 0, 0);
}

START_TEST(size_of_an_extent)
{
	struct { struct xen_memory_reservation r; uint64_t list[2]; } honest, instead;
	duel(ALICE, ALICE);
	memset(&honest, 0, sizeof honest);
	honest.r = (struct xen_memory_reservation){ .nr_extents = 1, .domid = DOMID_SELF,
		.extent_start = ARGUMENT_VA + offsetof(__typeof__(honest), list) };
	honest.list[0] = guest[ALICE].m[FREE1].n;
	instead = honest;
	instead.r.extent_order = 1;		/* FREE2 as well */
	instead.r.nr_extents = 1ull << 40;
	instead.list[0] = guest[BOB].m[DATA1].n;
	instead.list[1] = guest[ALICE].m[L1].n;
	RACE(scene(&honest, &instead, sizeof honest), gives_back, replaced, {
		nothing_else_reached();
		ck_assert_uint_eq(frame_owner(frame_of(guest[ALICE].m[FREE2])), guest[ALICE].d->id);
		ck_assert_uint_gt(frame_refs_now(frame_of(guest[ALICE].m[FREE2])), 0);
	});
}
END_TEST

CHECK_MAIN("double_fetch", NULL, NULL, length_of_a_copy, entry_of_a_table, size_of_an_extent)
