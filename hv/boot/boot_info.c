/* Common to the boot protocols: choosing the parser, strings, modules. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/boot/boot_info.h"

void phys_string(const struct phys *p, uint64_t at, char *out, size_t room)
{
	size_t n = 0;

	out[0] = 0;
	if (at == 0 || at >= p->size)
		return;
	while (n + 1 < room && n < p->size - at && p->base[at + n] != 0) {
		out[n] = (char)p->base[at + n];
		n++;
	}
	out[n] = 0;
}

int boot_module_add(
	const struct phys *p, struct boot_info *out, uint64_t start, uint64_t end, const char *text)
{
	if (out->module_count == BOOT_MODULES)
		return -ENOSPC;
	if (start > end || !phys_at(p, start, end - start))
		return -EINVAL;
	struct boot_module *m = &out->module[out->module_count++];
	m->start = start;
	m->size = end - start;
	string_copy(m->text, text, sizeof m->text);
	return 0;
}

int boot_info_parse(const struct phys *p, uint32_t magic, uint64_t info, struct boot_info *out)
{
	int rc = -EINVAL;

	switch (magic) {
	case BOOT_MAGIC_MULTIBOOT1: rc = multiboot1_parse(p, info, out); break;
	case BOOT_MAGIC_MULTIBOOT2: rc = multiboot2_parse(p, info, out); break;
	case BOOT_MAGIC_PVH: rc = pvh_parse(p, info, out); break;
	default: break;
	}
	return rc == 0 && out->map->range_count == 0 ? -EINVAL : rc;
}

static size_t word_length(const char *s)
{
	size_t n = 0;
	while (s[n] != 0 && s[n] != ' ')
		n++;
	return n;
}

const char *boot_text_skip_name(const char *text, const char *keyword)
{
	while (*text == ' ')
		text++;
	size_t n = word_length(text);
	bool is_keyword = keyword && strlen(keyword) == n && strncmp(text, keyword, n) == 0;
	if (!is_keyword && !memchr(text, '=', n))
		text += n;
	while (*text == ' ')
		text++;
	return text;
}
