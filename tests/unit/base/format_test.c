/* format_string(): the same text as the C library's printf, never past the buffer. */
#include <stdio.h>
#include <stdlib.h>
#include "hv/base/string.h"
#include "tests/unit/check_main.h"

#define SAME(...) do { \
	char ours[128], theirs[128]; \
	size_t n = format_string(ours, sizeof ours, __VA_ARGS__); \
	int m = snprintf(theirs, sizeof theirs, __VA_ARGS__); \
	ck_assert_str_eq(ours, theirs); \
	ck_assert_uint_eq(n, (size_t)m); \
} while (0)

START_TEST(numbers_like_printf)
{
	SAME("%d %i %u", -1, 2147483647, 4294967295u);
	SAME("%x %X %#x", 0xdeadbeefu, 0xdeadbeefu, 0x1fu);
	SAME("%ld %lu %lx", (long)(-9223372036854775807L - 1), 18446744073709551615ul, 0xfffffffffffffffful);
	SAME("[%5d][%-5d][%05d][%.3d][%8.3x]", 42, 42, 42, 7, 0xau);
	SAME("[%*d][%-*d]", 6, 1, 6, 2);
	SAME("%zu %llu %hx", (size_t)77, 5ull, (unsigned short)0x12);
	SAME("%08lx %-10lu|", 0x1234ul, 99ul);
}
END_TEST

START_TEST(strings_like_printf)
{
	SAME("%s|%10s|%-10s|%.2s|%.*s|%c|%%", "abc", "abc", "abc", "abc", 1, "abc", 'x');
	char ours[16];
	const char *volatile none = NULL;
	format_string(ours, sizeof ours, "%s", none);
	ck_assert_str_eq(ours, "(null)");
}
END_TEST

START_TEST(output_is_cut_and_terminated)
{
	char buf[8];
	for (size_t size = 0; size <= sizeof buf; size++) {
		memset(buf, '#', sizeof buf);
		size_t n = format_string(buf, size, "%s-%d", "abcdefgh", 12345);
		ck_assert_uint_eq(n, size ? size - 1 : 0);
		if (size)
			ck_assert_int_eq(buf[size - 1], '\0');
		for (size_t i = size; i < sizeof buf; i++)
			ck_assert_int_eq(buf[i], '#');
	}
}
END_TEST

START_TEST(any_format_is_safe)
{
	/* Garbage after % may print anything, but within bounds and without reading arguments it
	 * was not given (each conversion here has one). */
	char fmt[8], buf[32];
	srand(1);
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k + 1 < sizeof fmt; k++)
			fmt[k] = "%-0#19.lzq"[rand() % 10];
		fmt[sizeof fmt - 1] = '\0';
		_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
		_Pragma("GCC diagnostic ignored \"-Wformat-security\"")
		size_t n = format_string(buf, sizeof buf, fmt, 1ul, 2ul, 3ul, 4ul, 5ul, 6ul, 7ul, 8ul);
		_Pragma("GCC diagnostic pop")
		ck_assert_uint_eq(n, strlen(buf));
	}
}
END_TEST

START_TEST(copy_cuts)
{
	char buf[4];
	string_copy(buf, "abcdef", sizeof buf);
	ck_assert_str_eq(buf, "abc");
	string_copy(buf, "x", sizeof buf);
	ck_assert_str_eq(buf, "x");
	buf[0] = '!';
	string_copy(buf, "abc", 0);
	ck_assert_int_eq(buf[0], '!');
}
END_TEST

CHECK_MAIN("format", NULL, NULL, numbers_like_printf, strings_like_printf,
	   output_is_cut_and_terminated, any_format_is_safe, copy_cuts)
