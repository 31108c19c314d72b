/* Amounts of memory: every unit, and what is none. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/check_main.h"
#include "toolstack/config/mem_size.h"

static const struct {
	const char *text;
	uint64_t kib;
} good[] = {
	{"0", 0},
	{"512", 524288},
	{"512m", 524288},
	{"512M", 524288},
	{"2048k", 2048},
	{"2g", 2097152},
	{"1T", 1073741824},
	{"4096b", 4},
	{"4095B", 3},
	{"999999999999999999k", 999999999999999999},
};

START_TEST(amounts)
{
	struct why why;
	uint64_t kib = 1;

	ck_assert_int_eq(mem_size_parse(good[_i].text, &kib, &why), 0);
	ck_assert_uint_eq(kib, good[_i].kib);
}
END_TEST

static const char *const bad[] = {"", "m", "-1", " 1", "1 ", "1x", "1mb", "0x10", "1.5g",
	"1000000000000000000", "999999999999999999m", "18014398509481985g"};

START_TEST(no_amounts)
{
	struct why why;
	uint64_t kib = 1;

	ck_assert_int_eq(mem_size_parse(bad[_i], &kib, &why), -EINVAL);
	ck_assert_uint_eq(kib, 1);
	ck_assert_str_ne(why.hint, "");
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, NULL);

	tcase_add_loop_test(c, amounts, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(c, no_amounts, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	return check_run("mem_size", c);
}
