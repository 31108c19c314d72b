/* The contract is in rate.h. */
#include "dom0/netback/rate.h"

#include <errno.h>
#include <stdlib.h>

#define BYTES_MAX	(1ull << 40)
#define INTERVAL_MAX_US	1000000000ull

static int number(const char **text, uint64_t most, uint64_t *n)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	*n = strtoull(*text, &end, 10);
	*text = end;
	return errno || *n == 0 || *n > most ? -EINVAL : 0;
}

int rate_set(struct rate *r, const char *text)
{
	struct rate set = { .bytes = 0 };
	uint64_t us;

	if (*text) {
		if (number(&text, BYTES_MAX, &set.bytes) || *text++ != ',' ||
		    number(&text, INTERVAL_MAX_US, &us) || *text)
			return -EINVAL;
		set.interval_ns = us * 1000;
		set.credit = (int64_t)set.bytes;
	}
	*r = set;
	return 0;
}

bool rate_allows(struct rate *r, uint64_t bytes, uint64_t now_ns)
{
	uint64_t intervals, owed;

	if (!r->bytes || r->credit > (int64_t)bytes)
		return true;
	if (r->credit > 0 || now_ns < r->due_ns)
		return false;
	/* What was not used in all this time is lost, but for one interval's. */
	intervals = (now_ns - r->due_ns) / r->interval_ns + 1;
	owed = (uint64_t)((int64_t)r->bytes - r->credit);
	r->credit = intervals > owed / r->bytes ? (int64_t)r->bytes : r->credit + (int64_t)(intervals * r->bytes);
	r->due_ns += intervals * r->interval_ns;
	return r->credit > (int64_t)bytes;
}

void rate_spend(struct rate *r, uint64_t bytes)
{
	if (r->bytes)
		r->credit -= (int64_t)bytes;
}
