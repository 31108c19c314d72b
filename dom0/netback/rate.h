/* How much a guest may send: so many bytes in each interval, packets whole. What a packet is too large by is owed.
 * Pure, but for the time that it is told. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

struct rate {
	uint64_t bytes;		/* of an interval; 0: no limit */
	uint64_t interval_ns;
	int64_t credit;
	uint64_t due_ns;	/* when there is credit of another interval */
};

/* Limit as node "rate" says, "BYTES,MICROSECONDS"; "": not. -EINVAL. */
int rate_set(struct rate *r, const char *text) MUST_CHECK;
/* Say whether one more packet may be sent at @now_ns, a time that does not go back, beside @bytes that will be. */
bool rate_allows(struct rate *r, uint64_t bytes, uint64_t now_ns) MUST_CHECK;
/* One of @bytes is. */
void rate_spend(struct rate *r, uint64_t bytes);
