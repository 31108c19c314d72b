/* Contract: test_kernel.h. */
#include "tests/unit/toolstack/domain/test_kernel.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct note {
	uint32_t name_size, value_size, type;
	char name[4];
	uint64_t value;
} __attribute__((packed));

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	struct note notes[2];
	char text[64];
};

static struct note note_make(uint32_t type, uint64_t value)
{
	return (struct note){
		.name_size = 4, .value_size = 8, .type = type, .name = "Xen", .value = value};
}

void test_kernel_write(const char *path)
{
	struct image i = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2},
		.segments = {{.p_type = PT_LOAD,
				     .p_flags = PF_R | PF_X,
				     .p_offset = offsetof(struct image, text),
				     .p_paddr = TEST_KERNEL_PADDR,
				     .p_filesz = sizeof(i.text),
				     .p_memsz = 0x2000,
				     .p_align = 16},
			{.p_type = PT_NOTE,
				.p_offset = offsetof(struct image, notes),
				.p_filesz = sizeof(i.notes),
				.p_align = 4}},
		.notes = {note_make(3, 0xffffffff80000000), note_make(1, 0xffffffff80100000)},
		.text = TEST_KERNEL_TEXT,
	};
	FILE *f = fopen(path, "w");

	if (!f || fwrite(&i, sizeof(i), 1, f) != 1 || fclose(f) != 0)
		abort();
}
