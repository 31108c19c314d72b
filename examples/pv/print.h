/* Formatted output of a small PV kernel, by whole lines. */
#pragma once
#include <stdarg.h>

/* Print a line, or a part of one. Knows %s %c %d %u %x %p, widths, and the length l. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_args(const char *format, va_list args);

/* Supplied by the kernel: where @bytes, a line with its newline, go. */
void print_line(const char *line, unsigned bytes);
