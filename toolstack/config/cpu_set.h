/* Sets of physical CPUs as xl.cfg writes them: "0-3,^1", "2", "all". Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toolstack/why.h"

enum { CPU_SET_MAX = 256, CPU_SET_BYTES = CPU_SET_MAX / 8 };

/* Little-endian bitmap: CPU n is bit n % 8 of byte n / 8. */
struct cpu_set {
	uint8_t bits[CPU_SET_BYTES];
};

bool cpu_set_has(const struct cpu_set *s, unsigned int cpu);
bool cpu_set_is_empty(const struct cpu_set *s);

/* Parse hostile @text. Returns 0 and *s; -EINVAL: syntax, CPU above the maximum, or the set is empty. */
int cpu_set_parse(struct cpu_set *s, const char *text, struct why *why);

/* Write @s as ranges, "all" when it has every CPU below @cpus. Returns 0, -ENOSPC. */
int cpu_set_format(const struct cpu_set *s, unsigned int cpus, char *out, size_t size);
