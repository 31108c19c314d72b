/* Amounts of memory as xl's commands take them. Pure. */
#pragma once
#include <stdint.h>

#include "toolstack/why.h"

/* Parse hostile @text: a decimal number of MiB, or with a suffix b, k, m, g or t (either case) of bytes,
 * KiB, MiB, GiB or TiB. Returns 0 and *kib, rounded down; -EINVAL with @why. */
int mem_size_parse(const char *text, uint64_t *kib, struct why *why);
