/* Multiboot 1 information. Spec: Multiboot 0.6.96, section 3.3. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/boot/boot_info.h"

#define HAS_COMMAND_LINE	(1u << 2)
#define HAS_MODULES		(1u << 3)
#define HAS_MEMORY_MAP		(1u << 6)
#define HAS_FRAMEBUFFER		(1u << 12)
#define FRAMEBUFFER_RGB		1

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, command_line, module_count, modules;
	uint32_t symbols[4];
	uint32_t map_length, map, drives_length, drives, config_table, loader_name, apm_table;
	uint32_t vbe[4];
	uint64_t fb_base;
	uint32_t fb_pitch, fb_width, fb_height;
	uint8_t fb_bits, fb_type;
	uint8_t fb_color[6];	/* red position and size, green, blue */
} PACKED;
static_assert(offsetof(struct mb1_info, fb_base) == 88, "Multiboot 0.6.96");
struct mb1_module { uint32_t start, end, text, reserved; } PACKED;
struct mb1_range { uint32_t size; uint64_t start, length; uint32_t type; } PACKED;

static int map_parse(const struct phys *p, uint64_t at, uint32_t length, struct boot_info *out)
{
	uint64_t end = at + length;

	while (at + sizeof(struct mb1_range) <= end) {
		const struct mb1_range *r = phys_at(p, at, sizeof *r);
		if (!r || r->size < sizeof *r - 4)
			return -EINVAL;
		int rc = machine_range_add(out->map, r->start, r->length, r->type);
		if (rc < 0)
			return rc;
		at += (uint64_t)r->size + 4;
	}
	return 0;
}

static int modules_parse(const struct phys *p, const struct mb1_info *in, struct boot_info *out)
{
	char text[BOOT_STRING_SIZE];

	for (uint32_t i = 0; i < in->module_count; i++) {
		const struct mb1_module *m =
			phys_at(p, in->modules + (uint64_t)i * sizeof *m, sizeof *m);
		if (!m)
			return -EINVAL;
		phys_string(p, m->text, text, sizeof text);
		int rc = boot_module_add(p, out, m->start, m->end, text);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int multiboot1_parse(const struct phys *p, uint64_t info, struct boot_info *out)
{
	const struct mb1_info *in = phys_at(p, info, sizeof *in);
	int rc = 0;

	if (!in)
		return -EINVAL;
	out->protocol = "Multiboot 1";
	if (in->flags & HAS_COMMAND_LINE)
		phys_string(p, in->command_line, out->command_line, sizeof out->command_line);
	if (in->flags & HAS_MEMORY_MAP)
		rc = map_parse(p, in->map, in->map_length, out);
	if (rc == 0 && (in->flags & HAS_MODULES))
		rc = modules_parse(p, in, out);
	if (rc == 0 && (in->flags & HAS_FRAMEBUFFER) && in->fb_type == FRAMEBUFFER_RGB)
		out->video = (struct boot_video){.base = in->fb_base,
			.pitch = in->fb_pitch,
			.width = in->fb_width,
			.height = in->fb_height,
			.bits_per_pixel = in->fb_bits,
			.red_pos = in->fb_color[0],
			.red_size = in->fb_color[1],
			.green_pos = in->fb_color[2],
			.green_size = in->fb_color[3],
			.blue_pos = in->fb_color[4],
			.blue_size = in->fb_color[5]};
	return rc;
}
