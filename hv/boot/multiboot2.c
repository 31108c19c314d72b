/* Multiboot 2 information: tags, each 8-byte aligned. Spec: Multiboot 2.0, section 3.6. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/boot/boot_info.h"

enum {
	TAG_END,
	TAG_COMMAND_LINE,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15
};
#define FRAMEBUFFER_RGB 1

struct mb2_info { uint32_t total_size, reserved; } PACKED;
struct mb2_tag { uint32_t type, size; } PACKED;
struct mb2_module { struct mb2_tag tag; uint32_t start, end; } PACKED;
struct mb2_map { struct mb2_tag tag; uint32_t entry_size, version; } PACKED;
struct mb2_range { uint64_t start, length; uint32_t type, reserved; };
struct mb2_framebuffer {
	struct mb2_tag tag;
	uint64_t base;
	uint32_t pitch, width, height;
	uint8_t bits, type;
	uint16_t reserved;
	uint8_t color[6];
} PACKED;

/* The string at @offset of a tag, which ends with the tag at the latest. */
static void tag_string(const struct mb2_tag *t, size_t offset, char *out, size_t room)
{
	const char *s = (const char *)t + offset;
	size_t n = strnlen(s, t->size - offset);

	if (n > room - 1)
		n = room - 1;
	memcpy(out, s, n);
	out[n] = 0;
}

static int module_parse(const struct phys *p, const struct mb2_tag *t, struct boot_info *out)
{
	const struct mb2_module *m = (const void *)t;
	char text[BOOT_STRING_SIZE];

	if (t->size < sizeof *m)
		return -EINVAL;
	tag_string(t, sizeof *m, text, sizeof text);
	return boot_module_add(p, out, m->start, m->end, text);
}

static int map_parse(const struct mb2_tag *t, struct boot_info *out)
{
	const struct mb2_map *m = (const void *)t;

	if (t->size < sizeof *m || m->entry_size < sizeof(struct mb2_range))
		return -EINVAL;
	for (uint64_t at = sizeof *m; at + sizeof(struct mb2_range) <= t->size;
		at += m->entry_size) {
		struct mb2_range r;
		memcpy(&r, (const uint8_t *)t + at, sizeof r);
		int rc = machine_range_add(out->map, r.start, r.length, r.type);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void framebuffer_parse(const struct mb2_tag *t, struct boot_info *out)
{
	struct mb2_framebuffer f;

	if (t->size < sizeof f)
		return;
	memcpy(&f, t, sizeof f);
	if (f.type == FRAMEBUFFER_RGB)
		out->video = (struct boot_video){.base = f.base,
			.pitch = f.pitch,
			.width = f.width,
			.height = f.height,
			.bits_per_pixel = f.bits,
			.red_pos = f.color[0],
			.red_size = f.color[1],
			.green_pos = f.color[2],
			.green_size = f.color[3],
			.blue_pos = f.color[4],
			.blue_size = f.color[5]};
}

static int tag_parse(
	const struct phys *p, const struct mb2_tag *t, uint64_t at, struct boot_info *out)
{
	switch (t->type) {
	case TAG_COMMAND_LINE:
		tag_string(t, sizeof *t, out->command_line, sizeof out->command_line);
		return 0;
	case TAG_MODULE: return module_parse(p, t, out);
	case TAG_MEMORY_MAP: return map_parse(t, out);
	case TAG_FRAMEBUFFER: framebuffer_parse(t, out); return 0;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:	/* the loader gives both if it can; the new one names the XSDT */
		if (!out->rsdp || t->type == TAG_RSDP_NEW)
			out->rsdp = at + sizeof *t;
		out->rsdp_is_copy = true;
		return 0;
	default: return 0;
	}
}

int multiboot2_parse(const struct phys *p, uint64_t info, struct boot_info *out)
{
	const struct mb2_info *in = phys_at(p, info, sizeof *in);

	if (!in || !phys_at(p, info, in->total_size))
		return -EINVAL;
	out->protocol = "Multiboot 2";
	out->info_start = info;
	out->info_size = in->total_size;
	uint64_t end = info + in->total_size;
	for (uint64_t at = info + 8; at + sizeof(struct mb2_tag) <= end;) {
		const struct mb2_tag *t = phys_at(p, at, sizeof *t);
		if (!t || t->size < sizeof *t || t->size > end - at)
			return -EINVAL;
		if (t->type == TAG_END)
			return 0;
		int rc = tag_parse(p, t, at, out);
		if (rc < 0)
			return rc;
		at += align_up(t->size, 8);
	}
	return -EINVAL;
}
