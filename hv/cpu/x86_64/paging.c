/* The hypervisor's own page tables: everything hangs from one L4, hv_l4, whose slots 256..271
 * are the template of every guest's L4 (cpu_hv_slots).
 *
 * Rules: only tables below those slots change after start-up, so that all address spaces agree;
 * code is never writable, data never executable; only the machine-to-physical table is
 * accessible to guests, read-only. Mappings are global; per-CPU descriptor pages are flushed by
 * address when they change.
 * Spec: SDM 3A 4.5. Neighbours: layout.h, boot.S (first tables), context.c. */
#include "hv/base/atomic.h"
#include "hv/cpu/x86_64/internal.h"

extern char image_start[], text_end[], rodata_end[], boot_stage_start[], boot_stage_end[], image_end[];

static uint64_t image_l3[512] ALIGNED(4096), image_l2[512] ALIGNED(4096), image_l1[2][512] ALIGNED(4096);
static uint64_t percpu_l3[512] ALIGNED(4096), percpu_l2[512] ALIGNED(4096);
static uint64_t mmio_l3[512] ALIGNED(4096), m2p_l3[512] ALIGNED(4096);
static uint64_t empty_page[512] ALIGNED(4096);
static uint64_t mmio_l2[512] ALIGNED(4096);

const uint64_t *cpu_hv_slots(void)
{
	return &hv_l4[HV_L4_FIRST];
}

maddr_t image_maddr(const void *p)
{
	return maddr((uint64_t)p - IMAGE_VIRT);
}

uint64_t nx_bit(void)
{
	return cpu_features.has_nx ? HPTE_NX : 0;
}

void *frame_map(mfn_t m)
{
	return (void *)(RAM_VIRT + (m.n << PAGE_SHIFT));
}

void frame_unmap(const void *p)
{
	(void)p;
}

void *frame_map_keep(mfn_t m)
{
	return frame_map(m);
}

void frame_unmap_keep(const void *p)
{
	(void)p;
}

static uint64_t table_entry(const void *table)
{
	return image_maddr(table).a | HPTE_PRESENT | HPTE_WRITE | HPTE_AD;
}

static void image_map(const char *from, const char *to, uint64_t flags)
{
	for (uint64_t at = image_maddr(from).a; at < image_maddr(to).a; at += PAGE_SIZE)
		image_l1[at >> 21][(at >> 12) & 511] = at | HPTE_PRESENT | HPTE_AD | HPTE_GLOBAL | flags;
}

void paging_init(void)
{
	image_map(image_start, text_end, 0);
	image_map(text_end, rodata_end, nx_bit());
	image_map(rodata_end, boot_stage_start, HPTE_WRITE | nx_bit());
	image_map(boot_stage_start, boot_stage_end, HPTE_WRITE);	/* code and data, until it is dropped */
	image_map(boot_stage_end, image_end, HPTE_WRITE | nx_bit());
	image_l2[0] = table_entry(image_l1[0]);
	image_l2[1] = table_entry(image_l1[1]);
	image_l3[0] = table_entry(image_l2);
	percpu_l3[0] = table_entry(percpu_l2);
	mmio_l3[0] = table_entry(mmio_l2);
	hv_l4[256] = table_entry(m2p_l3) | HPTE_USER;
	hv_l4[257] = table_entry(percpu_l3);
	hv_l4[258] = table_entry(image_l3);
	hv_l4[259] = table_entry(mmio_l3);
	hv_l4[0] = 0;
	cr3_write(image_maddr(hv_l4).a);
}

void paging_map_low(bool on)
{
	static uint64_t low_l3[512] ALIGNED(4096), low_l2[512] ALIGNED(4096);
	low_l2[0] = HPTE_PRESENT | HPTE_WRITE | HPTE_AD | HPTE_LARGE;
	low_l3[0] = table_entry(low_l2);
	hv_l4[0] = on ? table_entry(low_l3) : 0;
	cpu_tlb_flush(cpu_online_mask());
}

void cpu_image_range(maddr_t *start, maddr_t *end)
{
	*start = image_maddr(image_start);
	*end = image_maddr(image_end);
}

void cpu_boot_stage_range(maddr_t *start, maddr_t *end)
{
	*start = image_maddr(boot_stage_start);
	*end = image_maddr(boot_stage_end);
}

void cpu_drop_boot_stage(void)
{
	for (const char *p = boot_stage_start; p < boot_stage_end; p += PAGE_SIZE) {
		uint64_t at = image_maddr(p).a;
		image_l1[at >> 21][(at >> 12) & 511] = 0;
		tlb_flush_page((uint64_t)p);
	}
	cpu_tlb_flush(cpu_online_mask());
}

/* Slot 262 continues boot.S's first 4 GiB; one L3 reaches 512 GiB, further ones are added. */
void cpu_map_ram(maddr_t end, boot_alloc_fn *alloc)
{
	for (uint64_t at = 0; at < end.a; at += 1ull << 21) {
		uint64_t *l4e = &hv_l4[262 + (at >> 39)];
		if (!*l4e)
			*l4e = alloc().a | HPTE_PRESENT | HPTE_WRITE | HPTE_AD;
		uint64_t *l3 = frame_map(mfn((*l4e & ~HPTE_FLAGS) >> PAGE_SHIFT));
		uint64_t *l3e = &l3[(at >> 30) & 511];
		if (!*l3e)
			*l3e = alloc().a | HPTE_PRESENT | HPTE_WRITE | HPTE_AD;
		uint64_t *l2 = frame_map(mfn((*l3e & ~HPTE_FLAGS) >> PAGE_SHIFT));
		l2[(at >> 21) & 511] = at | HPTE_PRESENT | HPTE_WRITE | HPTE_AD | HPTE_LARGE | HPTE_GLOBAL | nx_bit();
	}
	cr3_write(cr3_read());
}

void cpu_map_m2p(maddr_t base, uint64_t bytes, boot_alloc_fn *alloc)
{
	for (uint64_t offset = 0; offset < bytes; offset += 1ull << 21) {
		uint64_t *l3e = &m2p_l3[(offset >> 30) & 511];
		if (!*l3e)
			*l3e = alloc().a | HPTE_PRESENT | HPTE_WRITE | HPTE_USER | HPTE_AD;
		uint64_t *l2 = frame_map(mfn((*l3e & ~HPTE_FLAGS) >> PAGE_SHIFT));
		l2[(offset >> 21) & 511] = (base.a + offset) | HPTE_PRESENT | HPTE_USER | HPTE_AD | HPTE_LARGE |
					   HPTE_GLOBAL | nx_bit();
	}
}

/* --- device memory ---
 * Windows of 2 MiB, handed out in order of first use and kept: what we touch ourselves (APICs,
 * PCI configuration, MSI-X tables) lies in few of them. dom0 chooses where MSI-X tables lie, so
 * running out is no reason to stop: what has no window reads all ones, like a bus without a device. */

#define WINDOW_COUNT 512
#define WINDOW_SIZE (1ull << 21)
static unsigned window_count;

static volatile void *mmio_map(maddr_t at)
{
	uint64_t base = at.a & ~(WINDOW_SIZE - 1);
	uint64_t entry = base | HPTE_PRESENT | HPTE_WRITE | HPTE_AD | HPTE_LARGE | HPTE_UNCACHED | HPTE_GLOBAL | nx_bit();
	unsigned i = 0, n = (unsigned)min_u64(LOAD_ACQUIRE(&window_count), WINDOW_COUNT);
	while (i < n && mmio_l2[i] != entry)
		i++;
	if (i == n) {
		if (n == WINDOW_COUNT || (i = ATOMIC_ADD(&window_count, 1u)) >= WINDOW_COUNT)
			return NULL;
		mmio_l2[i] = entry;
	}
	return (volatile void *)(MMIO_VIRT + i * WINDOW_SIZE + (at.a & (WINDOW_SIZE - 1)));
}

uint64_t cpu_mmio_read(maddr_t at, unsigned size)
{
	volatile void *p = mmio_map(at);
	if (!p)
		return ~0ull >> (64 - 8 * size);
	switch (size) {
	case 1: return *(volatile uint8_t *)p;
	case 2: return *(volatile uint16_t *)p;
	case 4: return *(volatile uint32_t *)p;
	default: return *(volatile uint64_t *)p;
	}
}

void cpu_mmio_write(maddr_t at, unsigned size, uint64_t value)
{
	volatile void *p = mmio_map(at);
	if (!p)
		return;
	switch (size) {
	case 1: *(volatile uint8_t *)p = (uint8_t)value; break;
	case 2: *(volatile uint16_t *)p = (uint16_t)value; break;
	case 4: *(volatile uint32_t *)p = (uint32_t)value; break;
	default: *(volatile uint64_t *)p = value; break;
	}
}

/* --- one CPU's area --- */

static uint64_t *percpu_entry(unsigned cpu, uint64_t offset)
{
	uint64_t *l1 = frame_map(mfn((percpu_l2[cpu] & ~HPTE_FLAGS) >> PAGE_SHIFT));
	return &l1[offset >> PAGE_SHIFT];
}

static void percpu_map_page(unsigned cpu, uint64_t offset, uint64_t at, uint64_t flags)
{
	*percpu_entry(cpu, offset) = at | HPTE_PRESENT | HPTE_AD | HPTE_GLOBAL | flags;
}

void percpu_map(unsigned cpu, maddr_t at)
{
	const uint64_t data = HPTE_WRITE | nx_bit();
	percpu_l2[cpu] = (at.a + offsetof(struct percpu_pages, l1)) | HPTE_PRESENT | HPTE_WRITE | HPTE_AD;
	for (unsigned i = 0; i < 4; i++)
		percpu_map_page(cpu, i * PAGE_SIZE, at.a + i * PAGE_SIZE, data);
	for (unsigned i = 0; i < 8; i++)
		percpu_map_page(cpu, STACK_MAIN + i * PAGE_SIZE, at.a + (4 + i) * PAGE_SIZE, data);
	for (unsigned i = 0; i < GDT_GUEST_PAGES; i++)
		percpu_set_gdt_page(cpu, i, mfn(0));
	percpu_map_page(cpu, PERCPU_GDT + 14 * PAGE_SIZE, at.a + offsetof(struct percpu_pages, gdt), data);
	percpu_map_page(cpu, PERCPU_GDT + 15 * PAGE_SIZE, image_maddr(empty_page).a, nx_bit());
	for (unsigned i = 0; i < LDT_PAGES; i++)
		percpu_set_ldt_page(cpu, i, mfn(0));
	percpu_map_page(cpu, PERCPU_TSS, at.a + offsetof(struct percpu_pages, tss), data);
	percpu_map_page(cpu, PERCPU_STUB, at.a + offsetof(struct percpu_pages, stub), 0);
	percpu_map_page(cpu, PERCPU_STUB_DATA, at.a + offsetof(struct percpu_pages, stub_data), data);
}

maddr_t percpu_stub_maddr(unsigned cpu)
{
	return maddr(*percpu_entry(cpu, PERCPU_STUB) & ~HPTE_FLAGS);
}

static void percpu_set_page(unsigned cpu, uint64_t offset, mfn_t m)
{
	percpu_map_page(cpu, offset, m.n ? m.n << PAGE_SHIFT : image_maddr(empty_page).a, nx_bit());
	tlb_flush_page(percpu_area(cpu) + offset);
}

void percpu_set_gdt_page(unsigned cpu, unsigned page, mfn_t m)
{
	percpu_set_page(cpu, PERCPU_GDT + page * PAGE_SIZE, m);
}

void percpu_set_ldt_page(unsigned cpu, unsigned page, mfn_t m)
{
	percpu_set_page(cpu, PERCPU_LDT + page * PAGE_SIZE, m);
}
