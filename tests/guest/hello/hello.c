/* hello: the smallest kernel that runs.
 *
 * What is tested: that a domain can be built and started at all: the image is loaded by its
 * notes, entered in 64-bit mode on mapped memory with start_info in rsi; hypercalls work by
 * `syscall`; the console takes text; memory follows the frame lists; a domain can end itself.
 *
 * How it is shown: what start_info says is compared with what is there: the magic, the page
 * tables (read through the kernel's mapping), the frame list against the machine-to-physical
 * table for every page of the domain. The line of success is itself the last part of the test. */
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/version.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"

const char test_name[] = "hello";

static void frame_list_check(void)
{
	const uint64_t *list = (const uint64_t *)start_info->mfn_list;

	for (uint64_t pfn = 0; pfn < start_info->nr_pages; pfn++) {
		if (m2p(list[pfn]) == pfn)
			continue;
		CHECK(0, "pfn 0x%lx has frame 0x%lx, which names pfn 0x%lx", pfn, list[pfn],
		      m2p(list[pfn]));
		return;
	}
}

/* Every page of the image is mapped at VIRT_BASE + its physical address. */
static void image_check(void)
{
	static const uint8_t *const points[] = { (const uint8_t *)image_check,
						 (const uint8_t *)test_name,
						 (const uint8_t *)&start_info };

	for (unsigned i = 0; i < 3; i++) {
		volatile uint64_t *pte = pt_entry(points[i], 1);

		CHECK(pte && *pte & PTE_P, "no L1 entry for %p", (const void *)points[i]);
		if (pte)
			CHECK_EQ((*pte & PTE_FRAME) >> 12, va_to_mfn(points[i]));
	}
}

static void page_tables_check(void)
{
	for (uint64_t i = 0; i < start_info->nr_pt_frames; i++) {
		void *table = (void *)(start_info->pt_base + i * PAGE_SIZE);
		volatile uint64_t *pte = pt_entry(table, 1);

		CHECK(pte && (*pte & (PTE_P | PTE_RW)) == PTE_P,
		      "page table %lu at %p is not mapped read-only", i, table);
	}
}

void test_main(void)
{
	struct xen_feature_info features = { .submap_idx = 0 };
	struct xen_platform_parameters parameters;
	long version = xen_version(XENVER_version, 0);

	print("hello from a domain of %lu pages on version %ld.%ld, flags 0x%x, \"%s\"\n",
	      start_info->nr_pages, version >> 16, version & 0xffff, start_info->flags,
	      (const char *)start_info->cmd_line);
	CHECK(memcmp(start_info->magic, "xen-3.0", 7) == 0, "magic is \"%s\"", start_info->magic);
	CHECK(version >= (4 << 16), "version is 0x%lx", version);
	CHECK_EQ(xen_version(XENVER_get_features, &features), 0);
	CHECK(features.submap & 1u << XENFEAT_mmu_pt_update_preserve_ad, "features 0x%x",
	      features.submap);
	CHECK(features.submap & 1u << XENFEAT_gnttab_map_avail_bits, "features 0x%x",
	      features.submap);
	CHECK_EQ(xen_version(XENVER_platform_parameters, &parameters), 0);
	CHECK_EQ(parameters.virt_start, __HYPERVISOR_VIRT_START);
	CHECK_EQ(xen_version(XENVER_pagesize, 0), PAGE_SIZE);
	CHECK_EQ(vcpu_info_of(0)->evtchn_upcall_mask, 1);
	frame_list_check();
	image_check();
	page_tables_check();
}
