/* What a boot loader hands over: Multiboot 1, Multiboot 2, PVH; and the modules' strings.
 *
 * The input chooses the protocol and the address of the information; the rest is machine memory
 * from address 0 on. Properties: strings end; modules lie in memory; counts keep their bounds; the
 * memory map is in order; the framebuffer and the RSDP are taken as they are, without a look. */
#include "tests/fuzz/targets/target.h"

#include "hv/base/errno.h"
#include "hv/boot/boot_info.h"
#include "hv/boot/module_spec.h"

static bool ends(const char *text)
{
	return memchr(text, 0, BOOT_STRING_SIZE);
}

static void text_check(const char *text)
{
	struct module_spec spec;
	const char *end = text + strlen(text), *rest = boot_text_skip_name(text, "domain");

	HOLDS(rest >= text && rest <= end && *rest != ' ');
	rest = boot_text_skip_name(text, NULL);
	HOLDS(rest >= text && rest <= end && *rest != ' ');
	if (module_is_domain(text) && !module_spec_parse(text, &spec))
		HOLDS(!*spec.guest_line || (spec.guest_line > text && spec.guest_line < end));
}

static void info_check(const struct phys *p, const struct boot_info *b)
{
	HOLDS(b->protocol && b->module_count <= BOOT_MODULES && ends(b->command_line));
	for (unsigned int i = 0; i < b->module_count; i++) {
		const struct boot_module *m = &b->module[i];

		HOLDS(m->start > 0 && m->start < p->size && m->size <= p->size - m->start);
		HOLDS(ends(m->text));
		text_check(m->text);
	}
	text_check(b->command_line);
	HOLDS(b->map->range_count >= 1 && b->map->range_count <= MACHINE_RANGES);
	for (unsigned int i = 0; i < b->map->range_count; i++) {
		const struct machine_range *r = &b->map->range[i];

		HOLDS(r->size > 0 && r->start + r->size > r->start);
		HOLDS(i == 0 || r[-1].start + r[-1].size <= r->start);
	}
	HOLDS(!b->info_size || (b->info_start < p->size && b->info_size <= p->size - b->info_start));
	HOLDS(!b->rsdp_is_copy || (b->rsdp > b->info_start &&
				b->rsdp <= b->info_start + b->info_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t magic[] = { BOOT_MAGIC_MULTIBOOT1, BOOT_MAGIC_MULTIBOOT2,
		BOOT_MAGIC_PVH, 0x12345678 };
	static struct boot_info b;
	static struct machine map;
	struct input in = { data, data + size };
	unsigned int which = take(&in, 1) % 4;
	uint64_t info = take(&in, 3);
	struct phys p = { in.at, input_left(&in) };

	memset(&b, 0, sizeof b);
	memset(&map, 0, sizeof map);
	b.map = &map;
	int rc = boot_info_parse(&p, magic[which], info, &b);

	HOLDS(rc == 0 || rc == -EINVAL || rc == -ENOSPC);
	HOLDS(b.module_count <= BOOT_MODULES && map.range_count <= MACHINE_RANGES);
	if (rc == 0)
		info_check(&p, &b);
	return 0;
}
