/* PVH start information. Spec: public header arch-x86/hvm/start_info.h. */
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/boot/boot_info.h"

struct pvh_start_info {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, command_line, rsdp;
	uint64_t map;		/* version 1 on */
	uint32_t map_count, reserved;
} PACKED;
static_assert(sizeof(struct pvh_start_info) == 56, "start_info.h");
struct pvh_module { uint64_t start, size, text, reserved; } PACKED;
struct pvh_range { uint64_t start, length; uint32_t type, reserved; } PACKED;

static int modules_parse(
	const struct phys *p, const struct pvh_start_info *in, struct boot_info *out)
{
	char text[BOOT_STRING_SIZE];

	for (uint32_t i = 0; i < in->module_count; i++) {
		uint64_t at, end;
		if (add_overflows(in->modules, (uint64_t)i * sizeof(struct pvh_module), &at))
			return -EINVAL;
		const struct pvh_module *m = phys_at(p, at, sizeof *m);
		if (!m || add_overflows(m->start, m->size, &end))
			return -EINVAL;
		phys_string(p, m->text, text, sizeof text);
		int rc = boot_module_add(p, out, m->start, end, text);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int map_parse(const struct phys *p, const struct pvh_start_info *in, struct boot_info *out)
{
	for (uint32_t i = 0; i < in->map_count; i++) {
		uint64_t at;
		if (add_overflows(in->map, (uint64_t)i * sizeof(struct pvh_range), &at))
			return -EINVAL;
		const struct pvh_range *r = phys_at(p, at, sizeof *r);
		if (!r)
			return -EINVAL;
		int rc = machine_range_add(out->map, r->start, r->length, r->type);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int pvh_parse(const struct phys *p, uint64_t info, struct boot_info *out)
{
	const struct pvh_start_info *in = phys_at(p, info, sizeof *in);

	if (!in || in->magic != BOOT_MAGIC_PVH || in->version < 1)
		return -EINVAL;
	out->protocol = "PVH";
	phys_string(p, in->command_line, out->command_line, sizeof out->command_line);
	out->rsdp = in->rsdp;
	int rc = map_parse(p, in, out);
	return rc < 0 ? rc : modules_parse(p, in, out);
}
