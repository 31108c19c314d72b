/* For tests of the audit itself: change one thing that no operation would leave so, and see that the audit names the
 * statement that is broken; then all is as it was and the audit is content. Include after domain_machine.h. */
#pragma once
#include <string.h>
#include "tests/unit/domain_machine.h"

static inline void oracle_says(const char *what)
{
	const char *said = frame_audit();
	ck_assert_msg(said && strstr(said, what), "the audit says '%s', not '%s'", said ? said : "nothing", what);
}
#define BROKEN_BY(lvalue, value, what) do { \
	__typeof__(lvalue) was_ = (lvalue); \
	(lvalue) = (__typeof__(lvalue))(value); \
	oracle_says(what); \
	(lvalue) = was_; \
	AUDIT(); \
} while (0)
