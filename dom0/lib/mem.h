/* Heap memory that is there or the process ends.
 *
 * What hostile parties can make a daemon allocate is bounded by quotas, so running out means dom0
 * itself is out of memory; the supervisor starts the daemon again. */
#pragma once
#include <stddef.h>
#include "dom0/lib/attr.h"

/* Zeroed memory; free() it. */
void *mem_alloc(size_t size) MUST_CHECK __attribute__((malloc, alloc_size(1)));
/* realloc(); new bytes are not zeroed. @count * @size is checked. */
void *mem_grow(void *old, size_t count, size_t size) MUST_CHECK;
/* A copy of @len bytes with a NUL behind. */
char *mem_dup(const void *bytes, size_t len) MUST_CHECK;
/* Formatted text. */
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
