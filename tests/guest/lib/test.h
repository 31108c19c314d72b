/* What a test kernel is made of: its name, its body, and how it says how it went.
 *
 * A kernel defines test_name and test_main(). Its last line of output is
 *     TEST name: success | skip reason | error reason | failure reason
 * after which the domain powers off, or crashes after a failure or error. There is no fifth way:
 * test_main() returning means success, or failure if a CHECK failed. */
#pragma once
#include <stdint.h>
#include <string.h>
#include "examples/pv/kernel.h"
#include "examples/pv/print.h"

extern const char test_name[];
void test_main(void);

/* Record a failed check and go on. */
void test_failed(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define CHECK(condition, ...) \
	((condition) ? (void)0 : test_failed(__FILE__, __LINE__, __VA_ARGS__))

/* Check that @expression is @expected, both long. */
#define CHECK_EQ(expression, expected)							\
	do {										\
		long got_ = (long)(expression), want_ = (long)(expected);		\
		CHECK(got_ == want_, "%s is %ld (0x%lx), expected %ld (0x%lx)",		\
		      #expression, got_, (unsigned long)got_, want_, (unsigned long)want_); \
	} while (0)

/* End now: not applicable here. */
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* End now: the test itself could not be carried out. */
_Noreturn void test_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* End now: success, or failure if a check failed. */
_Noreturn void test_end(void);

/* Return the value of word KEY=value of the command line as a number, or @otherwise. */
long option_number(const char *key, long otherwise);
/* Say whether the command line has the word, alone or as KEY=. */
int option_given(const char *key);
