/* crc32.c: the sum that its specification's readers know, in one piece or several. */
#include "examples/minnow/crc32.h"

#include "tests/unit/check_main.h"

START_TEST(known_sums)
{
	ck_assert_uint_eq(crc32_add(0, "", 0), 0);
	ck_assert_uint_eq(crc32_add(0, "123456789", 9), 0xcbf43926);
	ck_assert_uint_eq(crc32_add(0, "\0\0\0\0", 4), 0x2144df1c);
}
END_TEST

START_TEST(in_pieces)
{
	ck_assert_uint_eq(crc32_add(crc32_add(crc32_add(0, "1234", 4), "", 0), "56789", 5), 0xcbf43926);
}
END_TEST

CHECK_MAIN("crc32", NULL, NULL, known_sums, in_pieces)
