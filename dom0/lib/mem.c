/* Heap memory that is there or the process ends: the contract and its reason are in mem.h. */
#include "dom0/lib/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/log.h"

static NORETURN void mem_fail(void)
{
	log_error("out of memory");
	_Exit(70);
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		mem_fail();
	return p;
}

void *mem_grow(void *old, size_t count, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(count, size, &bytes))
		mem_fail();
	p = realloc(old, bytes ? bytes : 1);
	if (!p)
		mem_fail();
	return p;
}

char *mem_dup(const void *bytes, size_t len)
{
	char *p = mem_grow(NULL, len + 1, 1);

	if (len)
		memcpy(p, bytes, len);
	p[len] = '\0';
	return p;
}

char *mem_printf(const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_fail();
	return p;
}
