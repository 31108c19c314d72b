/* Formatted output of a test kernel. print() itself is in test.h. */
#pragma once
#include <stdarg.h>

/* Find the consoles: the ring named by start_info, unless we are the initial domain. */
void print_open(void);
void print_args(const char *format, va_list args);
/* Wait, not for ever, until the ring's reader has taken everything. */
void print_flush(void);
