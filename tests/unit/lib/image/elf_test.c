/* ELF kernels: what is read from a good one, each refusal, and that mutated files give a refusal
 * or a description that keeps the header's promises (ASan watches the reads). */
#include <stdlib.h>
#include "lib/image/elf.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

static struct elf_make e;
static struct pv_image_info in;

/* Parse a copy whose end is the end of its allocation. */
static const char *parse(const struct elf_make *m, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	memcpy(exact, m->b, size);
	const char *why = pv_image_parse(exact, size, &in);
	free(exact);
	return why;
}

START_TEST(good_kernel)
{
	elf_make(&e, 1, 1);
	ck_assert_ptr_null(parse(&e, e.size));
	ck_assert_uint_eq(in.virt_base, MAKE_VIRT_BASE);
	ck_assert_uint_eq(in.entry, MAKE_ENTRY);
	ck_assert_uint_eq(in.init_p2m, MAKE_P2M);
	ck_assert_uint_eq(in.hypercall_page, MAKE_VIRT_BASE + MAKE_TEXT + 0x1000);
	ck_assert(in.mod_start_pfn);
	ck_assert_str_eq(in.guest_os, "test");
	ck_assert_uint_eq(in.segment_count, 2);
	ck_assert_uint_eq(in.kernel_start, MAKE_TEXT);
	ck_assert_uint_eq(in.kernel_end, MAKE_DATA + MAKE_DATA_MEM);
	ck_assert_uint_eq(in.segment[1].file_size, 0x800);
}
END_TEST

START_TEST(defaults)
{
	elf_make(&e, 0, 0);
	ck_assert_ptr_null(parse(&e, e.size));
	ck_assert_uint_eq(in.init_p2m, PV_IMAGE_NO_VA);
	ck_assert_uint_eq(in.hypercall_page, PV_IMAGE_NO_VA);
	ck_assert(!in.mod_start_pfn);
}
END_TEST

START_TEST(paddr_offset_shifts_segments)
{
	elf_make(&e, 0, 0);
	make_note_number(&e, XEN_ELFNOTE_PADDR_OFFSET, MAKE_VIRT_BASE);
	make_phdr(&e, 0, 1, 0x1000, MAKE_VIRT_BASE + MAKE_TEXT, 0x1800, 0x2000);
	make_phdr(&e, 1, 1, 0x2800, MAKE_VIRT_BASE + MAKE_DATA, 0x800, MAKE_DATA_MEM);
	make_phdr(&e, 2, 4, e.notes_at, 0, e.notes_size, e.notes_size);
	ck_assert_ptr_null(parse(&e, e.size));
	ck_assert_uint_eq(in.kernel_start, MAKE_TEXT);
}
END_TEST

static void refused(const char *text)
{
	const char *why = parse(&e, e.size);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
	elf_make(&e, 1, 1);
}

START_TEST(refusals)
{
	elf_make(&e, 1, 1);
	e.b[1] = 'F', refused("not an ELF file");
	e.size = 3, refused("not an ELF file");
	e.size = 63, refused("cut short");
	e.b[4] = 1, refused("another processor");
	e.b[5] = 2, refused("another processor");
	e.b[18] = 183, refused("another processor");
	e.b[16] = 1, refused("not an executable");
	make_le(e.b + 32, ~0ull - 8, 8), refused("outside the file");
	make_le(e.b + 56, 0xffff, 2), refused("outside the file");
	make_le(e.b + 56, 0, 2), refused("no program headers");
	make_phdr(&e, 0, 1, 0x2f00, MAKE_TEXT, 0x1800, 0x2000), refused("segment lies outside");
	make_phdr(&e, 0, 1, ~0ull, MAKE_TEXT, 0x1800, 0x2000), refused("segment lies outside");
	make_phdr(&e, 0, 1, 0x1000, MAKE_TEXT, 0x1800, 0x1000), refused("larger in the file");
	make_phdr(&e, 0, 1, 0x1000, 1ull << 40, 0x1800, 0x2000), refused("out of range");
	make_phdr(&e, 0, 1, 0x1000, MAKE_TEXT, 0x1800, ~0ull), refused("out of range");
	make_phdr(&e, 0, 1, 0x1000, MAKE_DATA + 0x4fff, 0x1800, 0x2000), refused("overlap");
	make_phdr(&e, 2, 4, 0x2ff8, 0, 0x100, 0x100), refused("notes lie outside");
	make_le(e.b + e.notes_at + 4, 0xfffffff0u, 4), refused("note runs past");
	make_le(e.b + e.notes_at, 0xffffffffu, 4), refused("note runs past");
	make_note_number(&e, XEN_ELFNOTE_ENTRY, MAKE_VIRT_BASE + 0x1000);
	make_phdr(&e, 2, 4, e.notes_at, 0, e.notes_size, e.notes_size), refused("entry point");
	make_note_number(&e, XEN_ELFNOTE_HYPERCALL_PAGE, MAKE_VIRT_BASE + MAKE_DATA + 0x5000);
	make_phdr(&e, 2, 4, e.notes_at, 0, e.notes_size, e.notes_size), refused("hypercall page");
	make_note_number(&e, XEN_ELFNOTE_VIRT_BASE, ~0xfffull);
	make_phdr(&e, 2, 4, e.notes_at, 0, e.notes_size, e.notes_size),
		refused("does not fit above");
	make_phdr(&e, 2, 0, e.notes_at, 0, e.notes_size, e.notes_size), refused("not a PV kernel");
	make_phdr(&e, 0, 0, 0, 0, 0, 0), make_phdr(&e, 1, 0, 0, 0, 0, 0),
		refused("nothing to load");
}
END_TEST

START_TEST(too_many_segments)
{
	elf_make(&e, 0, 0);
	make_le(e.b + 32, 0x3000, 8), make_le(e.b + 56, 20, 2);
	e.size = 0x3000 + 20 * 56;
	for (unsigned i = 0; i < 20; i++) {
		uint8_t *p = e.b + 0x3000 + i * 56;
		make_le(p, 1, 4), make_le(p + 24, 0x1000 * (i + 1), 8), make_le(p + 40, 0x1000, 8);
	}
	ck_assert_str_eq(parse(&e, e.size), "ELF file has too many segments");
}
END_TEST

static void promises_hold(size_t size)
{
	ck_assert_uint_ge(in.segment_count, 1);
	for (unsigned i = 0; i < in.segment_count; i++) {
		const struct pv_image_segment *s = &in.segment[i];
		ck_assert(s->offset <= size && s->file_size <= size - s->offset &&
			  s->file_size <= s->mem_size);
		ck_assert(s->paddr >= in.kernel_start && s->paddr + s->mem_size <= in.kernel_end);
		for (unsigned j = 0; j < i; j++)
			ck_assert(s->paddr >= in.segment[j].paddr + in.segment[j].mem_size ||
				  in.segment[j].paddr >= s->paddr + s->mem_size);
	}
	ck_assert(in.kernel_end <= 1ull << 40 && in.virt_base + in.kernel_end > in.virt_base);
	ck_assert(in.entry >= in.virt_base && in.entry < in.virt_base + in.kernel_end);
}

START_TEST(mutated_files)
{
	uint32_t seed = 0x1234567;
	unsigned accepted = 0;

	for (unsigned round = 0; round < 60000; round++) {
		elf_make(&e, 1, 1);
		size_t size = round % 7 ? e.size : make_random(&seed) % e.size;
		for (unsigned n = make_random(&seed) % 6; n > 0; n--) {
			/* Headers and notes, where it matters. */
			uint8_t *p = &e.b[make_random(&seed) % 0x2c0];
			uint32_t value = make_random(&seed), bit = 1u << make_random(&seed) % 8;
			*p = (uint8_t)(make_random(&seed) % 2 ? value : *p ^ bit);
		}
		if (parse(&e, size) == NULL) {
			promises_hold(size);
			accepted++;
		}
	}
	ck_assert_uint_gt(accepted, 300);
}
END_TEST

CHECK_MAIN("elf", NULL, NULL, good_kernel, defaults, paddr_offset_shifts_segments, refusals,
	   too_many_segments, mutated_files)
