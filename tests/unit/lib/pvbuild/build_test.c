/* A whole domain built into an array, then read back the way a CPU and a kernel would: through
 * the page tables. MFNs are a permutation, so a PFN used for an MFN anywhere is seen. */
#include <stdlib.h>
#include "lib/pvbuild/build.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

#define PAGES 4096u	/* 16 MiB */
static uint8_t *memory;	/* by PFN */
static struct elf_make e;
static struct pv_image_info in;
static struct pv_layout l;
static unsigned maps_left = ~0u;
static int mapped;

static uint64_t mfn_of(void *opaque, uint64_t pfn)
{
	(void)opaque;
	ck_assert_uint_lt(pfn, PAGES);
	return 0x100000 + (pfn ^ 0x555);
}
static uint64_t pfn_of(uint64_t m)
{
	ck_assert(m >= 0x100000 && m < 0x100000 + PAGES);
	return (m - 0x100000) ^ 0x555;
}
static void *map(void *opaque, uint64_t pfn)
{
	(void)opaque;
	ck_assert_uint_lt(pfn, PAGES);
	if (maps_left == 0)
		return NULL;
	maps_left--;
	mapped++;
	return memory + pfn * 4096;
}
static void unmap(void *opaque, void *page)
{
	(void)opaque, (void)page;
	mapped--;
}
static const struct pv_memory mem = { NULL, mfn_of, map, unmap };

/* Walk from the L4: the PFN that maps @va, with the flags of the L1 entry; ~0 if none. */
static uint64_t walk(uint64_t va, uint64_t *flags)
{
	uint64_t table = l.run.frames.pfn;
	for (unsigned level = 4; level > 0; level--) {
		uint64_t index = va >> (12 + 9 * (level - 1)) & 511, entry;
		memcpy(&entry, memory + table * 4096 + index * 8, 8);
		if (!(entry & 1))
			return ~0ull;
		ck_assert_uint_eq(entry & 0x25, 0x25);	/* present, user, accessed */
		table = pfn_of(entry >> 12 & 0xffffffffff);
		*flags = entry & 0xfff;
	}
	return table;
}

static const char *build(int with_p2m, int with_hypercalls, size_t initrd_size, bool rings,
	const struct pv_start_params *s)
{
	static uint8_t initrd[100000];
	memset(initrd, 0xc3, sizeof initrd);
	memset(memory, 0, PAGES * 4096ull);
	elf_make(&e, with_p2m, with_hypercalls);
	ck_assert_ptr_null(pv_image_parse(e.b, e.size, &in));
	struct pv_layout_request r = {
		.image = &in, .nr_pages = PAGES, .initrd_size = initrd_size, .has_rings = rings};
	ck_assert_ptr_null(pv_layout_make(&r, &l));
	struct pv_content c = { .kernel = e.b, .image = &in, .initrd = initrd };
	const char *why = pv_build(&l, &c, s, &mem);
	ck_assert_int_eq(mapped, 0);
	return why;
}

static void tables_check(void)
{
	uint64_t flags = 0, pages = (l.run.va_end - l.virt_base) >> 12;

	for (uint64_t pfn = 0; pfn < pages; pfn++) {
		ck_assert_uint_eq(walk(pv_va(&l, pfn), &flags), pfn);
		bool is_table =
			pfn >= l.run.frames.pfn && pfn < l.run.frames.pfn + l.run.frames.count;
		ck_assert_uint_eq(flags >> 1 & 1, !is_table);
	}
	ck_assert_uint_eq(walk(l.run.va_end, &flags), ~0ull);
	ck_assert_uint_eq(walk(0, &flags), ~0ull);
	for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
		uint64_t page = walk(l.p2m_va + pfn * 8, &flags), entry;
		ck_assert_uint_eq(page, l.p2m.pfn + pfn / 512);
		memcpy(&entry, memory + page * 4096 + pfn % 512 * 8, 8);
		ck_assert_uint_eq(entry, mfn_of(NULL, pfn));
	}
}

START_TEST(dom0_like)
{
	struct dom0_vga_console_info video = { .video_type = XEN_VGATYPE_TEXT_MODE_3 };
	struct pv_start_params s = {.flags = SIF_PRIVILEGED | SIF_INITDOMAIN,
		.shared_info = 0xabc000,
		.command_line = "console=hvc0",
		.video = &video};
	ck_assert_ptr_null(build(1, 1, 70001, false, &s));
	tables_check();
	const struct start_info *si = (void *)(memory + l.start_info.pfn * 4096);
	ck_assert_str_eq(si->magic, "xen-3.0-x86_64");
	ck_assert_uint_eq(si->nr_pages, PAGES);
	ck_assert_uint_eq(si->shared_info, 0xabc000);
	ck_assert_uint_eq(si->flags, SIF_PRIVILEGED | SIF_INITDOMAIN | SIF_MOD_START_PFN);
	ck_assert_uint_eq(si->mod_start, l.initrd.pfn);
	ck_assert_uint_eq(si->mod_len, 70001);
	ck_assert_uint_eq(si->mfn_list, MAKE_P2M);
	ck_assert_uint_eq(si->first_p2m_pfn, l.p2m.pfn);
	ck_assert_uint_eq(si->nr_p2m_frames, l.p2m.count + l.apart.frames.count);
	ck_assert_uint_eq(si->pt_base, pv_va(&l, l.run.frames.pfn));
	ck_assert_uint_eq(si->store_mfn, 0);
	ck_assert_uint_eq(si->console.dom0.info_size, sizeof video);
	ck_assert_uint_eq(
		((const uint8_t *)si)[si->console.dom0.info_off], XEN_VGATYPE_TEXT_MODE_3);
	ck_assert_str_eq((const char *)si->cmd_line, "console=hvc0");
	ck_assert_uint_eq(
		memory[MAKE_TEXT + 0x17ff], 0xcc); /* hypercall page over the text's second page */
	ck_assert_mem_eq(memory + MAKE_TEXT, e.b + 0x1000, 0x1000);
	ck_assert_mem_eq(memory + MAKE_DATA, e.b + 0x2800, 0x800);
	ck_assert_uint_eq(memory[MAKE_DATA + 0x800], 0);
	ck_assert_uint_eq(memory[l.initrd.pfn * 4096 + 70000], 0xc3);
	ck_assert_uint_eq(memory[l.initrd.pfn * 4096 + 70001], 0);
}
END_TEST

START_TEST(guest_like)
{
	struct pv_start_params s = { .shared_info = 0x1000, .store_port = 1, .console_port = 2 };
	ck_assert_ptr_null(build(0, 0, 5000, true, &s));
	tables_check();
	const struct start_info *si = (void *)(memory + l.start_info.pfn * 4096);
	ck_assert_uint_eq(si->flags, 0);
	ck_assert_uint_eq(si->mod_start, pv_va(&l, l.initrd.pfn));
	ck_assert_uint_eq(si->store_mfn, mfn_of(NULL, l.store.pfn));
	ck_assert_uint_eq(si->store_evtchn, 1);
	ck_assert_uint_eq(si->console.domU.mfn, mfn_of(NULL, l.console.pfn));
	ck_assert_uint_eq(si->console.domU.evtchn, 2);
	ck_assert_uint_eq(si->mfn_list, pv_va(&l, l.p2m.pfn));
	ck_assert_uint_eq(si->first_p2m_pfn, 0);
	ck_assert_uint_eq(memory[MAKE_TEXT + 0x17ff], 0xa5);
}
END_TEST

START_TEST(context)
{
	struct pv_start_params s = { 0 };
	struct vcpu_guest_context c;
	ck_assert_ptr_null(build(0, 0, 0, false, &s));
	memset(&c, 0xff, sizeof c);
	pv_context_fill(&l, &mem, &c);
	ck_assert_uint_eq(c.user_regs.rip, MAKE_ENTRY);
	ck_assert_uint_eq(c.user_regs.rsi, pv_va(&l, l.start_info.pfn));
	ck_assert_uint_eq(c.user_regs.rsp, pv_va(&l, l.stack.pfn + 1));
	ck_assert_uint_eq(c.user_regs.cs, 0xe033);
	ck_assert_uint_eq(c.ctrlreg[3], mfn_of(NULL, l.run.frames.pfn) << 12);
	ck_assert_uint_eq(c.ctrlreg[1], 0);
	ck_assert_uint_eq(c.gdt_ents, 0);
	ck_assert(c.flags & VGCF_in_kernel);
}
END_TEST

START_TEST(long_command_line_is_cut)
{
	char text[3000];
	memset(text, 'x', sizeof text);
	text[2999] = 0;
	struct pv_start_params s = { .command_line = text };
	ck_assert_ptr_null(build(0, 0, 0, false, &s));
	const struct start_info *si = (void *)(memory + l.start_info.pfn * 4096);
	ck_assert_uint_eq(strlen((const char *)si->cmd_line), MAX_GUEST_CMDLINE - 1);
}
END_TEST

START_TEST(hypercall_page)
{
	uint8_t page[4096];
	pv_hypercall_page_fill(page);
	ck_assert_uint_eq(page[17 * 32 + 4], 17);
	ck_assert_uint_eq(page[17 * 32 + 8], 0x0f);
	ck_assert_uint_eq(page[17 * 32 + 13], 0xc3);
	ck_assert_uint_eq(page[23 * 32 + 5], 23);
	ck_assert_uint_eq(page[23 * 32 + 11], 0xcc);
}
END_TEST

START_TEST(map_failures_are_reported)
{
	struct pv_start_params s = { 0 };
	unsigned needed;

	maps_left = ~0u;
	ck_assert_ptr_null(build(1, 1, 9000, true, &s));
	needed = ~0u - maps_left;
	for (unsigned i = 0; i < needed; i++) {
		maps_left = i;
		ck_assert_ptr_nonnull(build(1, 1, 9000, true, &s));
	}
	maps_left = ~0u;
}
END_TEST

int main(void)
{
	memory = malloc(PAGES * 4096ull);
	int failed = check_run("build", CHECK_CASE(NULL, NULL, dom0_like, guest_like, context, long_command_line_is_cut,
						   hypercall_page, map_failures_are_reported));
	free(memory);
	return failed;
}
