/* Start and end of a test kernel, its command line, and the C library's four functions that the
 * compiler may call. Neighbours: print.c, start.S. */
#include "tests/guest/lib/test.h"

#include <stdarg.h>
#include "protocol/sched.h"
#include "tests/guest/lib/hypercall.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/trap.h"

struct start_info *start_info;
uint8_t boot_stack[16384] __attribute__((aligned(16384)));

static unsigned failed_checks;

_Noreturn void guest_start(struct start_info *si);

_Noreturn void guest_start(struct start_info *si)
{
	start_info = si;
	print_open();
	trap_open();
	test_main();
	test_end();
}

_Noreturn void guest_shutdown(unsigned reason)
{
	struct sched_shutdown arg = { .reason = reason };

	for (;;)
		sched_op(SCHEDOP_shutdown, &arg);
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
	print_flush();
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
	print_flush();
	guest_shutdown(SHUTDOWN_poweroff);
}

/* Return what follows KEY in the command line where KEY is a word or ends in '=', or NULL. */
static const char *option_find(const char *key)
{
	const char *line = (const char *)start_info->cmd_line;

	for (const char *p = line; *p; p++) {
		const char *a = p, *b = key;

		if (p != line && p[-1] != ' ')
			continue;
		while (*b && *a == *b)
			a++, b++;
		if (!*b && (*a == '=' || *a == ' ' || !*a))
			return *a == '=' ? a + 1 : a;
	}
	return 0;
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

void *memset(void *to, int byte, unsigned long n)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, unsigned long n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
	return to;
}

int memcmp(const void *a, const void *b, unsigned long n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
