/* The end of every test program here: one suite of the named cases. */
#pragma once
#include <check.h>
#include <stdlib.h>

static inline int tests_run(const char *name, const TTest *const *test, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, test[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
#define TESTS_RUN(name, ...) \
	int main(void) \
	{ \
		const TTest *const all[] = { __VA_ARGS__ }; \
		return tests_run(name, all, sizeof all / sizeof all[0]); \
	}
