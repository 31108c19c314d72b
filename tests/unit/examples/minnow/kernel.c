/* Output to memory; a fatal error is the test's. */
#include "tests/unit/examples/minnow/kernel.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "examples/pv/kernel.h"
#include "examples/pv/print.h"

char printed[4096];

void print(const char *format, ...)
{
	size_t used = strlen(printed);
	va_list args;

	va_start(args, format);
	vsnprintf(printed + used, sizeof printed - used, format, args);
	va_end(args);
}

_Noreturn void kernel_fatal(const char *format, ...)
{
	(void)format;
	ck_abort_msg("fatal: %s", format);
	__builtin_unreachable();
}
