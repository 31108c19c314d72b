/* What a boot loader hands over, whichever protocol it speaks. Layer: boot. Parsers are pure:
 * they read machine memory only through struct phys, so that tests can hand them any bytes. A
 * loader is trusted, but addresses outside @phys, unterminated strings and absurd counts are
 * refused. */
#pragma once
#include "hv/mem/machine_map.h"

/* Machine memory [0, size) as the parsers may read it. */
struct phys {
	const uint8_t *base;
	uint64_t size;
};
/* @n bytes at machine address @at, or NULL. */
static inline const void *phys_at(const struct phys *p, uint64_t at, uint64_t n)
{
	return at != 0 && at < p->size && n <= p->size - at ? p->base + at : NULL;
}
/* Copy the string at @at, cut to fit @room; unreadable: empty. */
void phys_string(const struct phys *p, uint64_t at, char *out, size_t room);

#define BOOT_MODULES	 32
#define BOOT_STRING_SIZE 1024
struct boot_module {
	uint64_t start, size;		/* machine address, bytes */
	char text[BOOT_STRING_SIZE];	/* as the loader gives it */
};

struct boot_video {			/* a linear framebuffer; width 0: none (text mode) */
	uint64_t base;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel, red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

struct boot_info {
	const char *protocol;
	unsigned module_count;
	struct boot_module module[BOOT_MODULES];
	char command_line[BOOT_STRING_SIZE];	/* with the image's name, as the loader gives it */
	uint64_t rsdp; /* machine address of the RSDP or of the loader's copy; 0: scan for it */
	bool rsdp_is_copy;
	uint64_t info_start, info_size;	/* the loader's structure, if rsdp lies in it */
	struct boot_video video;
	struct machine *map;		/* ranges go here */
};

#define BOOT_MAGIC_MULTIBOOT1 0x2badb002u
#define BOOT_MAGIC_MULTIBOOT2 0x36d76289u
#define BOOT_MAGIC_PVH	      0x336ec578u

/* Fill *out (zeroed, ->map set) from the information at @info. 0; -EINVAL: not readable,
 * nonsense or no memory map; -ENOSPC: too many modules or ranges. */
int boot_info_parse(
	const struct phys *p, uint32_t magic, uint64_t info, struct boot_info *out) MUST_CHECK;
int multiboot1_parse(const struct phys *p, uint64_t info, struct boot_info *out) MUST_CHECK;
int multiboot2_parse(const struct phys *p, uint64_t info, struct boot_info *out) MUST_CHECK;
int pvh_parse(const struct phys *p, uint64_t info, struct boot_info *out) MUST_CHECK;

/* For the parsers: append a module. -ENOSPC, -EINVAL. */
int boot_module_add(const struct phys *p, struct boot_info *out, uint64_t start, uint64_t end,
	const char *text) MUST_CHECK;

/* @text without the file name a loader may have put first: the first word is one if it has no
 * '=' and is not @keyword. */
const char *boot_text_skip_name(const char *text, const char *keyword);
