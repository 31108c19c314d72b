/* The words for flaws: those of the log and of `bothy info`. */
#include <stdlib.h>
#include "lib/flaws/flaws.h"
#include "tests/unit/check_main.h"

START_TEST(words)
{
	struct flaws f = { { FLAW_OPEN, FLAW_MITIGATED, FLAW_ABSENT, FLAW_UNTOLD, FLAW_MITIGATED } };
	static const char *const expected[FLAW_COUNT][2] = {
		{ "Meltdown", "affected, not mitigated: run only trusted guests" },
		{ "L1TF", "affected, mitigated: absent entries name no RAM" },
		{ "MDS", "not affected" },
		{ "Spectre v2", "" },
		{ "RSB", "affected, mitigated: SMEP" },
	};
	for (unsigned i = 0; i < FLAW_COUNT; i++) {
		ck_assert_str_eq(flaw_name(i), expected[i][0]);
		ck_assert_str_eq(flaw_verdict(&f, i), expected[i][1]);
	}
}
END_TEST

CHECK_MAIN("flaws", NULL, NULL, words)
