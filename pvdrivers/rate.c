/* The contract is in rate.h. */
#include "pvdrivers/rate.h"

#define SECOND_NS 1000000000ull

uint64_t rate_wait_ns(const struct rate *r, uint64_t now_ns)
{
	return r->due_ns > now_ns ? r->due_ns - now_ns : 0;
}

void rate_take(struct rate *r, uint64_t amount, uint64_t now_ns)
{
	uint64_t full_ns = now_ns > r->burst_ns ? now_ns - r->burst_ns : 0, cost;

	if (!r->per_second)
		return;
	if (r->due_ns < full_ns) {
		r->due_ns = full_ns;
		r->rest = 0;
	}
	cost = amount * SECOND_NS + r->rest;
	r->due_ns += cost / r->per_second;
	r->rest = cost % r->per_second;
}
