/* Sets of CPUs: parse the comma list left to right; `^` takes away from what stands before it.
 * Neighbours: guest_cfg.c (cpus=), verb_vcpu_list.c prints affinities with cpu_set_format().
 */
#include "toolstack/config/cpu_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "toolstack/config/field.h"

bool cpu_set_has(const struct cpu_set *s, unsigned int cpu)
{
	return cpu < CPU_SET_MAX && s->bits[cpu / 8] & (1u << cpu % 8);
}

bool cpu_set_is_empty(const struct cpu_set *s)
{
	uint8_t any = 0;

	for (size_t i = 0; i < CPU_SET_BYTES; i++)
		any |= s->bits[i];
	return any == 0;
}

static void cpu_set_change(struct cpu_set *s, unsigned int first, unsigned int last, bool add)
{
	for (unsigned int cpu = first; cpu <= last; cpu++) {
		uint8_t bit = (uint8_t)(1u << cpu % 8);

		if (add)
			s->bits[cpu / 8] |= bit;
		else
			s->bits[cpu / 8] &= (uint8_t)~bit;
	}
}

/* A decimal CPU number at *text, which is advanced. */
static int cpu_number(const char **text)
{
	int nr = 0;
	const char *start = *text;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		nr = nr * 10 + (**text - '0');
		if (nr >= CPU_SET_MAX)
			return -EINVAL;
	}
	return *text == start ? -EINVAL : nr;
}

static int range_parse(const char *text, unsigned int *first, unsigned int *last)
{
	int low, high;

	if (strcmp(text, "all") == 0) {
		*first = 0;
		*last = CPU_SET_MAX - 1;
		return 0;
	}
	low = high = cpu_number(&text);
	if (low >= 0 && *text == '-') {
		text++;
		high = cpu_number(&text);
	}
	if (low < 0 || high < low || *text)
		return -EINVAL;
	*first = (unsigned int)low;
	*last = (unsigned int)high;
	return 0;
}

int cpu_set_parse(struct cpu_set *s, const char *text, struct why *why)
{
	struct cpu_set set = {{0}};

	while (*text) {
		char word[32];
		unsigned int first, last;
		int rc = field_next(&text, word, sizeof(word), why);
		bool add = word[0] != '^';

		if (rc < 0)
			return rc;
		if (range_parse(word + !add, &first, &last) < 0) {
			why_set(why, -EINVAL, "\"%s\" is not a CPU, a range or \"all\"", word);
			why_hint(why, "for example \"0-3,^1\"; CPUs are below %d", CPU_SET_MAX);
			return -EINVAL;
		}
		cpu_set_change(&set, first, last, add);
	}
	if (cpu_set_is_empty(&set))
		return why_set(why, -EINVAL, "no CPU is left in the set");
	*s = set;
	return 0;
}

int cpu_set_format(const struct cpu_set *s, unsigned int cpus, char *out, size_t size)
{
	size_t used = 0;

	if (size == 0)
		return -ENOSPC;
	out[0] = '\0';
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		unsigned int first = cpu;
		int length;

		if (!cpu_set_has(s, cpu))
			continue;
		while (cpu + 1 < cpus && cpu_set_has(s, cpu + 1))
			cpu++;
		if (first == 0 && cpu + 1 == cpus)
			length = snprintf(out, size, "all");
		else if (first == cpu)
			length = snprintf(out + used, size - used, "%s%u", used ? "," : "", cpu);
		else
			length = snprintf(
				out + used, size - used, "%s%u-%u", used ? "," : "", first, cpu);
		if (length < 0 || (size_t)length >= size - used)
			return -ENOSPC;
		used += (size_t)length;
	}
	return 0;
}
