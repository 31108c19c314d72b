/* Memory functions, for third-party decoders in the hypervisor, which defines them in hv/base, and for small PV
 * kernels (examples/pv), which have strcmp(), too. */
#pragma once
#include <stddef.h>
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
