/* The end of every test program: one suite of one case, each of its tests in a process of its own.
 *
 *   CHECK_MAIN("name", setup, teardown, test...)     setup and teardown, or NULL, run around each test
 *
 * A program with what a list of names cannot say (loops, expected panics, more time) writes main() itself; CHECK_CASE()'s
 * list is NULL where all are such:
 *
 *   TCase *c = CHECK_CASE(setup, teardown, test...);
 *   tcase_add_loop_test(c, other_test, 0, 5);
 *   return check_run("name", c); */
#pragma once
#include <check.h>

static inline TCase *check_case(void (*setup)(void), void (*teardown)(void), const TTest *const *test)
{
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	for (; *test; test++)
		tcase_add_test(c, *test);
	return c;
}
#define CHECK_CASE(setup, teardown, ...) \
	check_case((setup), (teardown), (const TTest *const[]){ __VA_ARGS__, NULL })

/* What main() should return. */
static inline int check_run(const char *name, TCase *c)
{
	Suite *s = suite_create(name);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

#define CHECK_MAIN(name, ...) \
	int main(void) \
	{ \
		return check_run(name, CHECK_CASE(__VA_ARGS__)); \
	}
