/* The hypervisor's command line and the string of a boot module.
 *
 * The input is the text. Properties: values stay in the ranges their users rely on; parsing twice
 * gives the same; every complaint names a word of the text; sizes and numbers agree with the C
 * library's; a module's specification written back parses to itself. */
#include "tests/fuzz/targets/target.h"

#include <errno.h>
#include "hv/boot/module_spec.h"
#include "hv/boot/options.h"
#include "hv/dom/domain.h"

static unsigned int warnings;

static void warn(const char *word, const char *why)
{
	(void)why;
	HOLDS(word && strlen(word) < 128);
	warnings++;
}

static bool same_size(const struct memory_size *a, const struct memory_size *b)
{
	return a->is_set == b->is_set && a->is_negative == b->is_negative && a->bytes == b->bytes;
}

static void options_check(const char *text)
{
	struct boot_options o, again;
	unsigned int first;
	uint64_t pages, max_pages;

	warnings = 0;
	boot_options_default(&o);
	boot_options_parse(text, &o, warn);
	first = warnings;
	again = o;
	boot_options_parse(text, &again, warn);
	HOLDS(warnings == 2 * first);
	HOLDS(same_size(&o.dom0_size, &again.dom0_size) && same_size(&o.dom0_min, &again.dom0_min) &&
		same_size(&o.dom0_max, &again.dom0_max));
	HOLDS(o.console_serial == again.console_serial && o.max_cpus == again.max_cpus &&
		o.dom0_max_vcpus == again.dom0_max_vcpus && o.no_smp == again.no_smp);
	HOLDS(o.console_com < 2 && o.dom0_max_vcpus <= 8192 && o.max_cpus <= 8192);
	HOLDS(o.host_log <= LOG_DEBUG && o.guest_log <= LOG_DEBUG);
	for (unsigned int i = 0; i < 2; i++) {
		const struct serial_options *s = &o.com[i];

		HOLDS(s->irq < 16 && s->port >= 0x100 && s->port <= 0xfff8);
		HOLDS(s->baud == 0 || (s->baud >= 50 && s->baud <= 115200));
	}
	dom0_memory_choose(&o, 8ull << 30, 7ull << 30, &pages, &max_pages);
	HOLDS(pages <= max_pages && pages <= (7ull << 30) / PAGE_SIZE);
}

/* The C library's view of a number: digits only, no sign, no blanks, no octal. */
static bool number_reference(const char *s, uint64_t *out)
{
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x';
	const char *digits = hex ? s + 2 : s;
	char *end;

	if (!*digits || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
		return false;
	errno = 0;
	*out = strtoull(digits, &end, hex ? 16 : 10);
	return errno == 0;
}

static void numbers_check(const char *text)
{
	uint64_t ours = 0, theirs = 0, bytes;
	bool good = parse_number(text, &ours);

	HOLDS(good == number_reference(text, &theirs));
	HOLDS(!good || ours == theirs);
	if (good && strlen(text) < 20 && !strchr(text, 'x') && !strchr(text, 'X')) {
		HOLDS(parse_size(text, &bytes) == !(ours >> 54));
		HOLDS(ours >> 54 || bytes == ours << 10);
	}
}

/* Is "@key@value" a word of the text, not only the start of one? */
static bool is_word(const char *text, const char *key, const char *value)
{
	size_t n = strlen(value);

	for (const char *at = text; (at = strstr(at, key)); at++)
		if (strncmp(at + strlen(key), value, n) == 0 && strchr(" ", at[strlen(key) + n]))
			return true;
	return false;
}

static void module_check(const char *text)
{
	struct module_spec s, again;
	char *written = NULL;

	if (!module_is_domain(text) || module_spec_parse(text, &s))
		return;
	HOLDS(s.name[0] && strlen(s.name) < MODULE_NAME_SIZE && strlen(s.connect) < MODULE_NAME_SIZE);
	HOLDS(is_word(text, "name=", s.name) && (!*s.connect || is_word(text, "connect=", s.connect)));
	HOLDS(s.memory_mib >= 1 && s.memory_mib <= 1u << 20 && s.vcpus >= 1 && s.vcpus <= MAX_VCPUS);
	HOLDS(!*s.guest_line || (s.guest_line > text && s.guest_line < text + strlen(text)));
	HOLDS(asprintf(&written, "domain name=%s memory=%llu vcpus=%u %s%s -- %s", s.name,
		(unsigned long long)s.memory_mib, s.vcpus, s.connect[0] ? "connect=" : "", s.connect,
		s.guest_line) > 0);
	HOLDS(module_is_domain(written) && !module_spec_parse(written, &again));
	HOLDS(strcmp(s.name, again.name) == 0 && strcmp(s.connect, again.connect) == 0);
	HOLDS(s.memory_mib == again.memory_mib && s.vcpus == again.vcpus);
	HOLDS(strcmp(s.guest_line, again.guest_line) == 0);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	char *text = take_text(&in);

	options_check(text);
	numbers_check(text);
	module_check(text);
	free(text);
	return 0;
}
