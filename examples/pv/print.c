/* Formatted output. A line is put together first and written whole, so that the lines of two guests or
 * of two vCPUs do not mix. Neighbours: console.c. */
#include "examples/pv/print.h"

#include "examples/pv/hypercall.h"
#include "protocol/sched.h"

enum { LINE = 512 };

static char line[LINE];
static unsigned used;
static volatile int busy;

static void put(char c)
{
	if (used < LINE)
		line[used++] = c;
	if (c == '\n') {
		print_line(line, used);
		used = 0;
	}
}

static void put_number(unsigned long value, unsigned base, int negative, unsigned width, char pad)
{
	char digits[24];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	if (negative)
		put('-');
	for (unsigned i = n; i < width; i++)
		put(pad);
	while (n)
		put(digits[--n]);
}

static unsigned long take(va_list *args, int is_long, int is_signed)
{
	if (is_long)
		return va_arg(*args, unsigned long);
	if (is_signed)
		return (unsigned long)(long)va_arg(*args, int);
	return va_arg(*args, unsigned);
}

/* Handle one conversion; @f points behind '%'. Return what follows it. */
static const char *convert(const char *f, va_list *args)
{
	unsigned width = 0;
	int is_long = 0;
	char pad = *f == '0' ? '0' : ' ';
	unsigned long value;

	while (*f >= '0' && *f <= '9')
		width = width * 10 + (unsigned)(*f++ - '0');
	for (; *f == 'l'; f++)
		is_long = 1;
	switch (*f) {
	case 'd':
		value = take(args, is_long, 1);
		put_number((long)value < 0 ? -value : value, 10, (long)value < 0, width, pad);
		break;
	case 'u':
		put_number(take(args, is_long, 0), 10, 0, width, pad);
		break;
	case 'x':
		put_number(take(args, is_long, 0), 16, 0, width, pad);
		break;
	case 'p':
		put_number(take(args, 1, 0), 16, 0, 16, '0');
		break;
	case 'c':
		put((char)va_arg(*args, int));
		break;
	case 's':
		for (const char *s = va_arg(*args, const char *); *s; s++)
			put(*s);
		break;
	default:
		put(*f);
	}
	return f + 1;
}

void print_args(const char *format, va_list args)
{
	va_list copy;

	va_copy(copy, args);
	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		sched_op(SCHEDOP_yield, 0);
	while (*format) {
		if (*format == '%')
			format = convert(format + 1, &copy);
		else
			put(*format++);
	}
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	va_end(copy);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_args(format, args);
	va_end(args);
}
