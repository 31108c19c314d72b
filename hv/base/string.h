/* The few string functions a freestanding build needs. Layer: base.
 * Names and meaning are C's own (the compiler emits calls to the mem* ones); the hosted
 * build takes them from the C library. format_*: no floating point, no %n. */
#pragma once
#include <stdarg.h>
#include "hv/base/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

/* Copy @src, cut to fit @size bytes with the terminating zero. */
void string_copy(char *dst, const char *src, size_t size);
/* Format into @buf of @size bytes (always terminated when size > 0). Returns the length
 * written without the zero, never more than size - 1. Conversions: %d %i %u %x %X %c %s %p
 * %%, with 0, -, width, .precision (also *), l ll z h. */
size_t format_string(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
size_t format_string_v(char *buf, size_t size, const char *fmt, va_list ap);
