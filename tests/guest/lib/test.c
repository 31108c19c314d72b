/* Start and end of a test kernel, and its command line. Neighbours: examples/pv/start.c. */
#include "tests/guest/lib/test.h"

#include <stdarg.h>
#include "examples/pv/console.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "protocol/sched.h"

static unsigned failed_checks;

_Noreturn void kernel_main(void)
{
	test_main();
	test_end();
}

/* console_io is what the hypervisor may refuse to an unprivileged domain. Both are tried. */
void print_line(const char *line, unsigned bytes)
{
	hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, bytes, (unsigned long)line);
	console_write(line, bytes);
}

void test_failed(const char *file, int line, const char *format, ...)
{
	va_list args;

	failed_checks++;
	if (failed_checks > 20)
		return;
	print("%s:%d: ", file, line);
	va_start(args, format);
	print_args(format, args);
	va_end(args);
	print("\n");
}

static _Noreturn void end_with(const char *outcome, const char *format, va_list args)
{
	print("TEST %s: %s ", test_name, outcome);
	print_args(format, args);
	print("\n");
	console_flush();
	guest_shutdown(outcome[0] == 's' ? SHUTDOWN_poweroff : SHUTDOWN_crash);
}

_Noreturn void test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end_with("skip", format, args);
}

_Noreturn void test_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end_with("error", format, args);
}

_Noreturn void kernel_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end_with("error", format, args);
}

static _Noreturn void test_failure(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end_with("failure", format, args);
}

_Noreturn void test_end(void)
{
	if (failed_checks)
		test_failure("%u checks failed", failed_checks);
	print("TEST %s: success\n", test_name);
	console_flush();
	guest_shutdown(SHUTDOWN_poweroff);
}

int option_given(const char *key)
{
	return option_find(key) != 0;
}

long option_number(const char *key, long otherwise)
{
	const char *p = option_find(key);
	long value = 0;

	if (!p || *p < '0' || *p > '9')
		return otherwise;
	while (*p >= '0' && *p <= '9')
		value = value * 10 + (*p++ - '0');
	return value;
}
