/* ELF64 PV kernels: program headers and Xen notes.
 *
 * The file is hostile. Rules:
 *  - every offset and size is checked against the file before the byte is read (bytes_fit);
 *  - addresses are pseudo-physical (p_paddr - PADDR_OFFSET) below PADDR_LIMIT, so that sums cannot
 *    wrap;
 *  - segments may not overlap: their order then does not matter to the loader;
 *  - p_vaddr and section headers are never used: a kernel's per-CPU segment has p_vaddr 0. Two
 *    passes: the notes first, since PADDR_OFFSET shifts every segment; then the segments.
 *    Neighbours: payload.c finds the ELF inside a distribution's file, lib/pvbuild loads it. */
#include "lib/image/elf.h"
#include "lib/image/bytes.h"
#include "protocol/elfnote.h"

#define PADDR_LIMIT	(1ull << 40)
#define EHDR_SIZE	64
#define PHDR_SIZE	56
#define PT_LOAD		1u
#define PT_NOTE		4u
#define ET_EXEC		2
#define ET_DYN		3
#define EM_X86_64	62
#define ELFCLASS64	2
#define ELFDATA2LSB	1

/* SUPPORTED_FEATURES is the only feature statement we use: FEATURES names are advice to us. */
struct parse {
	const uint8_t *file;
	size_t size;
	uint64_t phoff;
	unsigned phnum;
	uint64_t paddr_offset;
	bool has_virt_base;
	struct pv_image_info info;
};

struct phdr {
	uint32_t type;
	uint64_t offset, paddr, file_size, mem_size;
};

static struct phdr phdr_read(const struct parse *p, unsigned i)
{
	const uint8_t *h = p->file + p->phoff + (uint64_t)i * PHDR_SIZE;
	return (struct phdr){.type = read_le32(h),
		.offset = read_le64(h + 8),
		.paddr = read_le64(h + 24),
		.file_size = read_le64(h + 32),
		.mem_size = read_le64(h + 40)};
}

static const char *header_parse(struct parse *p)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };
	const uint8_t *h = p->file;

	if (p->size < sizeof magic || memcmp(h, magic, sizeof magic) != 0)
		return "not an ELF file";
	if (p->size < EHDR_SIZE)
		return "ELF file is cut short";
	if (h[4] != ELFCLASS64 || h[5] != ELFDATA2LSB || read_le16(h + 18) != EM_X86_64)
		return "ELF file is for another processor than x86-64";
	unsigned type = read_le16(h + 16);
	if (type != ET_EXEC && type != ET_DYN)
		return "ELF file is not an executable";
	p->info.entry = read_le64(h + 24);
	p->phoff = read_le64(h + 32);
	p->phnum = read_le16(h + 56);
	if (read_le16(h + 54) != PHDR_SIZE || p->phnum == 0)
		return "ELF file has no program headers of the expected size";
	if (!bytes_fit(p->size, p->phoff, (uint64_t)p->phnum * PHDR_SIZE))
		return "ELF program headers lie outside the file";
	return NULL;
}

static void guest_os_copy(char out[16], const uint8_t *desc, uint32_t size)
{
	unsigned i = 0;
	for (; i < 15 && i < size && desc[i] >= 0x20 && desc[i] < 0x7f; i++)
		out[i] = (char)desc[i];
	out[i] = 0;
}

/* A number of 4 or 8 bytes; other sizes give 0, as a missing note would. */
static uint64_t note_number(const uint8_t *desc, uint32_t size)
{
	return size == 4 ? read_le32(desc) : size == 8 ? read_le64(desc) : 0;
}

static void note_take(struct parse *p, uint32_t type, const uint8_t *desc, uint32_t size)
{
	uint64_t n = note_number(desc, size);

	switch (type) {
	case XEN_ELFNOTE_ENTRY: p->info.entry = n; break;
	case XEN_ELFNOTE_HYPERCALL_PAGE: p->info.hypercall_page = n; break;
	case XEN_ELFNOTE_VIRT_BASE: p->info.virt_base = n; p->has_virt_base = true; break;
	case XEN_ELFNOTE_PADDR_OFFSET: p->paddr_offset = n; break;
	case XEN_ELFNOTE_INIT_P2M: p->info.init_p2m = n; break;
	case XEN_ELFNOTE_MOD_START_PFN: p->info.mod_start_pfn = n != 0; break;
	case XEN_ELFNOTE_SUSPEND_CANCEL: p->info.suspend_cancel = n != 0; break;
	case XEN_ELFNOTE_SUPPORTED_FEATURES: p->info.features = (uint32_t)n; break;
	case XEN_ELFNOTE_GUEST_OS: guest_os_copy(p->info.guest_os, desc, size); break;
	default: break;	/* new types appear; none changes the meaning of these */
	}
}

static const char *notes_parse(struct parse *p, const uint8_t *notes, uint64_t size)
{
	uint64_t at = 0;

	while (bytes_fit(size, at, 12)) {
		uint32_t name_size = read_le32(notes + at), desc_size = read_le32(notes + at + 4);
		uint32_t type = read_le32(notes + at + 8);
		uint64_t name = at + 12;
		uint64_t desc = name + (((uint64_t)name_size + 3) & ~3ull);
		if (!bytes_fit(size, name, name_size) || !bytes_fit(size, desc, desc_size))
			return "ELF note runs past its segment";
		if (name_size == 4 && memcmp(notes + name, "Xen", 4) == 0)
			note_take(p, type, notes + desc, desc_size);
		at = desc + (((uint64_t)desc_size + 3) & ~3ull);
	}
	return NULL;
}

static const char *all_notes_parse(struct parse *p)
{
	for (unsigned i = 0; i < p->phnum; i++) {
		struct phdr h = phdr_read(p, i);
		if (h.type != PT_NOTE)
			continue;
		if (!bytes_fit(p->size, h.offset, h.file_size))
			return "ELF notes lie outside the file";
		const char *why = notes_parse(p, p->file + h.offset, h.file_size);
		if (why)
			return why;
	}
	return NULL;
}

static const char *segment_add(struct parse *p, const struct phdr *h)
{
	struct pv_image_info *in = &p->info;
	uint64_t paddr = h->paddr - p->paddr_offset;	/* may wrap: then it is too high */

	if (!bytes_fit(p->size, h->offset, h->file_size))
		return "ELF segment lies outside the file";
	if (h->file_size > h->mem_size)
		return "ELF segment is larger in the file than in memory";
	if (!bytes_fit(PADDR_LIMIT, paddr, h->mem_size))
		return "ELF segment's physical address is out of range";
	if (in->segment_count == PV_IMAGE_SEGMENTS)
		return "ELF file has too many segments";
	for (unsigned i = 0; i < in->segment_count; i++) {
		const struct pv_image_segment *s = &in->segment[i];
		if (paddr < s->paddr + s->mem_size && s->paddr < paddr + h->mem_size)
			return "ELF segments overlap";
	}
	in->segment[in->segment_count++] = (struct pv_image_segment){.offset = h->offset,
		.file_size = h->file_size,
		.paddr = paddr,
		.mem_size = h->mem_size};
	if (paddr < in->kernel_start)
		in->kernel_start = paddr;
	if (paddr + h->mem_size > in->kernel_end)
		in->kernel_end = paddr + h->mem_size;
	return NULL;
}

static const char *segments_parse(struct parse *p)
{
	p->info.kernel_start = PADDR_LIMIT;
	for (unsigned i = 0; i < p->phnum; i++) {
		struct phdr h = phdr_read(p, i);
		const char *why = h.type == PT_LOAD && h.mem_size != 0 ? segment_add(p, &h) : NULL;
		if (why)
			return why;
	}
	return p->info.segment_count == 0 ? "ELF file has nothing to load" : NULL;
}

/* The notes' virtual addresses, once the extent is known. */
static const char *addresses_check(const struct parse *p)
{
	const struct pv_image_info *in = &p->info;
	uint64_t end;

	if (!p->has_virt_base)
		return "kernel has no Xen note VIRT_BASE: not a PV kernel";
	if (in->virt_base & 0xfff)
		return "kernel's VIRT_BASE is not page-aligned";
	if (__builtin_add_overflow(in->virt_base, in->kernel_end, &end))
		return "kernel does not fit above its VIRT_BASE";
	if (in->entry < in->virt_base + in->kernel_start || in->entry >= end)
		return "kernel's entry point lies outside it";
	if (in->hypercall_page != PV_IMAGE_NO_VA &&
		((in->hypercall_page & 0xfff) ||
			in->hypercall_page < in->virt_base + in->kernel_start ||
			end - in->hypercall_page < 0x1000 || in->hypercall_page >= end))
		return "kernel's hypercall page lies outside it";
	if (in->init_p2m != PV_IMAGE_NO_VA && (in->init_p2m & 0x1fffff))
		return "kernel's INIT_P2M is not 2 MiB aligned";
	return NULL;
}

const char *pv_image_parse(const void *file, size_t size, struct pv_image_info *out)
{
	struct parse p = {.file = file,
		.size = size,
		.info = {.hypercall_page = PV_IMAGE_NO_VA, .init_p2m = PV_IMAGE_NO_VA}};
	const char *why = header_parse(&p);

	if (!why)
		why = all_notes_parse(&p);
	if (!why)
		why = segments_parse(&p);
	if (!why)
		why = addresses_check(&p);
	if (!why)
		*out = p.info;
	return why;
}
