/* Amounts of memory. Neighbours: verb_mem.c. */
#include "toolstack/config/mem_size.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { DIGITS_MAX = 18 }; /* fit into 64 bits */

static int wrong(const char *text, struct why *why)
{
	why_set(why, -EINVAL, "\"%.40s\" is not an amount of memory", text);
	why_hint(why, "MiB, or with a suffix b, k, m, g or t: 512, 512m, 2g");
	return -EINVAL;
}

int mem_size_parse(const char *text, uint64_t *kib, struct why *why)
{
	static const struct {
		const char *suffix;
		unsigned int kib_shift;
	} units[] = {{"", 10}, {"k", 0}, {"m", 10}, {"g", 20}, {"t", 30}};
	size_t digits = strspn(text, "0123456789");
	uint64_t number = 0;

	if (digits == 0 || digits > DIGITS_MAX)
		return wrong(text, why);
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	if (strcasecmp(text + digits, "b") == 0) {
		*kib = number >> 10;
		return 0;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(text + digits, units[i].suffix) != 0)
			continue;
		if (number > UINT64_MAX >> units[i].kib_shift)
			break;
		*kib = number << units[i].kib_shift;
		return 0;
	}
	return wrong(text, why);
}
