/* Memory at start-up: from the firmware's map to the frame table.
 *
 * Order: note what is in use; map all RAM; take frame table and M2P from the top; hand the rest
 * to the page allocator. What start-up itself needs for a while (modules, unpacked kernels)
 * follows when all domains are built. RAM we keep stays typed RAM in dom0's map, and is unknown
 * to the frame table, so that no guest can map it. Neighbours: boot_memory.c keeps the books. */
#include "hv/base/string.h"
#include "hv/boot/boot.h"
#include "hv/core/panic.h"
#include "hv/cpu/machine.h"
#include "hv/mem/table.h"
#include "hv/mem/alloc.h"
#include "hv/mem/frame.h"

#define FOUR_GIB	(1ull << 32)
#define RAM_LIMIT	(1ull << 42)	/* the hypervisor's map of RAM ends there */
#define M2P_ALIGN	(2ull << 20)

struct boot_memory boot_memory;
static uint64_t mapped_end = FOUR_GIB;

struct phys memory_phys(void)
{
	return (struct phys){ .base = frame_map(mfn(0)), .size = mapped_end };
}

static void *range_ptr(uint64_t at)
{
	return frame_map(maddr_to_mfn(maddr(at)));
}

static uint64_t take(uint64_t size, uint64_t align, uint64_t below, const char *what)
{
	uint64_t at = boot_memory_take(&boot_memory, size, align, below, MEMORY_PERMANENT);
	if (!at)
		give_up("not enough memory for %s (%lu KiB)", what, (unsigned long)(size >> 10));
	return at;
}

static maddr_t table_alloc(void)
{
	uint64_t at = take(PAGE_SIZE, PAGE_SIZE, FOUR_GIB, "page tables");
	memset(range_ptr(at), 0, PAGE_SIZE);
	return maddr(at);
}

static void hold(uint64_t start, uint64_t size, uint32_t kind)
{
	if (boot_memory_hold(&boot_memory, start, size, kind) < 0)
		give_up("the machine's memory map has too many ranges");
}

void memory_map(const struct boot_info *info)
{
	maddr_t start, end;

	if (boot_memory_init(&boot_memory, info->map) < 0)
		give_up("the machine's memory map has too many ranges");
	cpu_image_range(&start, &end);
	hold(start.a, end.a - start.a, MEMORY_PERMANENT);
	hold(0, LOW_MEMORY_END, MEMORY_PERMANENT);
	hold(RAM_LIMIT, ~0ull - RAM_LIMIT - PAGE_SIZE, MEMORY_NOT_RAM);
	hold(info->info_start, info->info_size, MEMORY_TEMPORARY);
	for (unsigned i = 0; i < info->module_count; i++)
		hold(info->module[i].start, info->module[i].size, MEMORY_TEMPORARY);
	mapped_end = max_u64(FOUR_GIB, boot_memory_end(&boot_memory));
	cpu_map_ram(maddr(mapped_end), table_alloc);
}

void memory_frames(void)
{
	uint64_t max_mfn = boot_memory_end(&boot_memory) >> PAGE_SHIFT;
	uint64_t m2p_bytes = align_up(max_mfn * sizeof(uint64_t), M2P_ALIGN);
	uint64_t table = take(max_mfn * sizeof(struct frame), PAGE_SIZE, ~0ull, "the frame table");
	uint64_t m2p = take(m2p_bytes, M2P_ALIGN, ~0ull, "the machine-to-physical table");

	memset(range_ptr(m2p), 0xff, m2p_bytes);
	cpu_map_m2p(maddr(m2p), m2p_bytes, table_alloc);
	table_hv_slots = cpu_hv_slots();
	frame_table_init(range_ptr(table), range_ptr(m2p), max_mfn);
	boot_memory_each(&boot_memory, MEMORY_FREE, frame_table_add_ram);
	log_info("memory: frame table %lu KiB, machine-to-physical %lu KiB",
		(unsigned long)(max_mfn * sizeof(struct frame) >> 10),
		(unsigned long)(m2p_bytes >> 10));
}

void memory_give_back(void)
{
	boot_memory_each(&boot_memory, MEMORY_TEMPORARY, frame_table_add_ram);
}

maddr_t memory_pages(unsigned n)
{
	unsigned order = 0;
	while (1u << order < n)
		order++;
	char *p = page_alloc(order, 0);
	if (!p)
		return maddr(0);
	for (unsigned i = n; i < 1u << order; i++)
		page_free(p + i * PAGE_SIZE, 0);
	return mfn_to_maddr(page_mfn(p));
}
