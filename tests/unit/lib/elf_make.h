/* A small PV kernel as an ELF64 file, for tests: two PT_LOAD segments and the Xen notes. */
#pragma once
#include <stdint.h>
#include <string.h>
#include "protocol/elfnote.h"

#define MAKE_VIRT_BASE	0xffffffff80000000ull
#define MAKE_TEXT	0x200000ull	/* pseudo-physical */
#define MAKE_DATA	0x300000ull
#define MAKE_DATA_MEM	0x5000ull
#define MAKE_ENTRY	(MAKE_VIRT_BASE + MAKE_TEXT + 0x10)
#define MAKE_P2M	0x8000000000ull

struct elf_make {
	uint8_t b[16384];
	size_t size;
	size_t notes_at, notes_size;	/* of the note segment */
};

static inline void make_le(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void make_note(struct elf_make *e, uint32_t type, const void *desc, uint32_t n)
{
	uint8_t *p = e->b + e->notes_at + e->notes_size;
	make_le(p, 4, 4), make_le(p + 4, n, 4), make_le(p + 8, type, 4);
	memcpy(p + 12, "Xen", 4);
	memcpy(p + 16, desc, n);
	e->notes_size += 16 + ((n + 3u) & ~3u);
}

static inline void make_note_number(struct elf_make *e, uint32_t type, uint64_t v)
{
	make_note(e, type, &v, 8);
}

static inline void make_phdr(struct elf_make *e, unsigned i, uint32_t type, uint64_t offset,
	uint64_t paddr, uint64_t file, uint64_t mem)
{
	uint8_t *p = e->b + 64 + i * 56;
	make_le(p, type, 4), make_le(p + 8, offset, 8), make_le(p + 16, 0, 8),
		make_le(p + 24, paddr, 8);
	make_le(p + 32, file, 8), make_le(p + 40, mem, 8), make_le(p + 48, 0x1000, 8);
}

/* Text is 0x1800 bytes of 0xa5 at MAKE_TEXT; data 0x800 bytes of 0x5a at MAKE_DATA. */
static inline void elf_make(struct elf_make *e, int with_p2m, int with_hypercall_page)
{
	static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	memset(e, 0, sizeof *e);
	memcpy(e->b, ident, 16);
	make_le(e->b + 16, 2, 2), make_le(e->b + 18, 62, 2), make_le(e->b + 24, 0x1000, 8);
	make_le(e->b + 32, 64, 8), make_le(e->b + 54, 56, 2), make_le(e->b + 56, 3, 2);
	memset(e->b + 0x1000, 0xa5, 0x1800);
	memset(e->b + 0x2800, 0x5a, 0x800);
	make_phdr(e, 0, 1, 0x1000, MAKE_TEXT, 0x1800, 0x2000);
	make_phdr(e, 1, 1, 0x2800, MAKE_DATA, 0x800, MAKE_DATA_MEM);
	e->notes_at = 0x200;
	make_note(e, XEN_ELFNOTE_GUEST_OS, "test", 5);
	make_note_number(e, XEN_ELFNOTE_VIRT_BASE, MAKE_VIRT_BASE);
	make_note_number(e, XEN_ELFNOTE_ENTRY, MAKE_ENTRY);
	if (with_p2m) {
		make_note_number(e, XEN_ELFNOTE_INIT_P2M, MAKE_P2M);
		make_note_number(e, XEN_ELFNOTE_MOD_START_PFN, 1);
	}
	if (with_hypercall_page)
		make_note_number(
			e, XEN_ELFNOTE_HYPERCALL_PAGE, MAKE_VIRT_BASE + MAKE_TEXT + 0x1000);
	make_phdr(e, 2, 4, e->notes_at, 0, e->notes_size, e->notes_size);
	e->size = 0x3000;
}

static inline uint32_t make_random(uint32_t *s)
{
	*s ^= *s << 13, *s ^= *s >> 17, *s ^= *s << 5;
	return *s;
}
