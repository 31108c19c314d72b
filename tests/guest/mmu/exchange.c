/* Reservations: a page given back is not ours any more, a page got is; exchange turns scattered
 * pages into a run, which is how a kernel that drives devices gets memory for DMA. The contract:
 * all or nothing, the run is aligned to its size, and the hypervisor itself names the new frames
 * in the machine-to-physical table. */
#include "examples/pv/hypercall.h"
#include "protocol/memory.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/mmu/mmu.h"

enum { RUN = 4, RUN_ORDER = 2 };

static uint64_t *p2m;

static void balloon(void)
{
	uint8_t *page = page_alloc();
	uint64_t mfn = va_to_mfn(page), pfn = va_to_pfn(page), got = pfn;
	struct xen_memory_reservation r = { .extent_start = (uint64_t)&mfn, .nr_extents = 1,
					    .domid = DOMID_SELF };
	unsigned dirty = 0;

	memset(page, 0xa5, PAGE_SIZE);
	CHECK_EQ(update_va_mapping(page, 0, UVMF_INVLPG | UVMF_ALL), 0);
	CHECK_EQ(memory_op(XENMEM_decrease_reservation, &r), 1);
	CHECK_EQ(memory_op(XENMEM_decrease_reservation, &r), 0);
	if (!(start_info->flags & SIF_INITDOMAIN))
		CHECK(update_va_mapping(page, pte_make(mfn, PTE_KERNEL), UVMF_INVLPG) < 0,
		      "mapped a frame given back");
	r.extent_start = (uint64_t)&got;
	CHECK_EQ(memory_op(XENMEM_populate_physmap, &r), 1);
	CHECK_EQ(m2p(got), pfn);
	p2m[pfn] = got;
	CHECK_EQ(update_va_mapping(page, pte_make(got, PTE_KERNEL), UVMF_INVLPG), 0);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		dirty += page[i] != 0;
	if (dirty)
		print("%u bytes of the frame we got are not zero\n", dirty);
	if (option_given("zeroed"))
		CHECK_EQ(dirty, 0);
}

static void unmap_run(uint8_t *const *page)
{
	for (unsigned i = 0; i < RUN; i++)
		CHECK_EQ(update_va_mapping(page[i], 0, UVMF_INVLPG | UVMF_ALL), 0);
}

/* Map the new frames where the old ones were; the last name wins for each. */
static void map_run(uint8_t *const *page, const uint64_t *mfn)
{
	for (unsigned i = 0; i < RUN; i++) {
		uint64_t pfn = va_to_pfn(page[i]);

		CHECK(m2p(mfn[i]) == pfn, "frame 0x%lx has name 0x%lx, not 0x%lx", mfn[i],
		      m2p(mfn[i]), pfn);
		p2m[pfn] = mfn[i];
		CHECK_EQ(update_va_mapping(page[i], pte_make(mfn[i], PTE_KERNEL), UVMF_INVLPG), 0);
		page[i][0] = (uint8_t)i;
	}
}

static void exchange_there_and_back(void)
{
	uint8_t *page[RUN];
	uint64_t in[RUN], out[RUN], first;
	struct xen_memory_exchange x = {
		.in = { .extent_start = (uint64_t)in, .nr_extents = RUN, .domid = DOMID_SELF },
		.out = { .extent_start = (uint64_t)out, .nr_extents = 1,
			 .extent_order = RUN_ORDER, .domid = DOMID_SELF },
	};
	long rc;

	for (unsigned i = 0; i < RUN; i++) {
		page[i] = page_alloc();
		in[i] = va_to_mfn(page[i]);
	}
	out[0] = va_to_pfn(page[0]);
	unmap_run(page);
	rc = memory_op(XENMEM_exchange, &x);
	if (rc) {
		CHECK(x.nr_exchanged == 0, "refused (%ld), yet %lu exchanged", rc, x.nr_exchanged);
		print("exchange for a run of %u says %ld\n", RUN, rc);
		for (unsigned i = 0; i < RUN; i++)
			CHECK_EQ(update_va_mapping(page[i], pte_make(in[i], PTE_KERNEL), 0), 0);
		return;
	}
	CHECK_EQ(x.nr_exchanged, RUN);
	first = out[0];
	CHECK(first % RUN == 0, "the run starts at 0x%lx", first);
	for (unsigned i = 0; i < RUN; i++)
		out[i] = first + i;
	map_run(page, out);
	unmap_run(page);
	for (unsigned i = 0; i < RUN; i++)
		out[i] = va_to_pfn(page[i]);
	in[0] = first;
	x.in.nr_extents = 1, x.in.extent_order = RUN_ORDER;
	x.out.nr_extents = RUN, x.out.extent_order = 0;
	x.nr_exchanged = 0;
	CHECK_EQ(memory_op(XENMEM_exchange, &x), 0);
	CHECK_EQ(x.nr_exchanged, 1);
	map_run(page, out);
}

static void exchange_refused(void)
{
	uint64_t in = l4_mfn(), out = 5;
	struct xen_memory_exchange x = {
		.in = { .extent_start = (uint64_t)&in, .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .extent_start = (uint64_t)&out, .nr_extents = 2, .domid = DOMID_SELF },
	};

	CHECK(memory_op(XENMEM_exchange, &x) < 0, "one page became two");
	x.out.nr_extents = 1;
	in = 0xfffffffffful;
	CHECK(memory_op(XENMEM_exchange, &x) < 0, "a frame beyond memory was exchanged");
	CHECK_EQ(x.nr_exchanged, 0);
	x.in.nr_extents = x.out.nr_extents = ~0ul;
	CHECK(memory_op(XENMEM_exchange, &x) < 0, "2^64 extents were exchanged");
}

void exchange_test(void)
{
	p2m = (uint64_t *)start_info->mfn_list;
	balloon();
	exchange_there_and_back();
	exchange_refused();
}
