/* How much of something is let through in a second. Pure: time is the caller's, in ns of one clock that does not go back.
 *
 * A token bucket, told as the time at which it is no longer in debt. What is let through may be more than there is left, and
 * is paid for by what waits after it: so an amount of any size passes some time, and in any time of t seconds
 * per_second * (t + burst) pass, and the last amount's excess over that. */
#pragma once
#include <stdint.h>

struct rate {
	uint64_t per_second;		/* 0: no limit; <= 1 << 53 */
	uint64_t burst_ns;		/* what was not used for so long can be used at once */
	uint64_t due_ns;		/* nothing passes before; 0 at first */
	uint64_t rest;			/* of a division by per_second: nothing is lost by rounding */
};

/* How long nothing passes; 0: something does now. */
uint64_t rate_wait_ns(const struct rate *r, uint64_t now_ns);
/* @amount <= 1 << 33 passes now, when rate_wait_ns() is 0. */
void rate_take(struct rate *r, uint64_t amount, uint64_t now_ns);
