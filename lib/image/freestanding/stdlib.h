/* No heap: our decoders get their memory from the caller's allocator; what falls back to these
 * fails. */
#pragma once
#include <stddef.h>
static inline void *malloc(size_t n) { (void)n; return NULL; }
static inline void *calloc(size_t n, size_t size) { (void)n, (void)size; return NULL; }
static inline void free(void *p) { (void)p; }
