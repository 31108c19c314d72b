/* Checked and wide arithmetic. Layer: base. */
#pragma once
#include "hv/base/types.h"

/* True if a+b or a*b does not fit 64 bits; *out then is undefined. */
static inline MUST_CHECK bool add_overflows(uint64_t a, uint64_t b, uint64_t *out)
{
	return __builtin_add_overflow(a, b, out);
}
static inline MUST_CHECK bool mul_overflows(uint64_t a, uint64_t b, uint64_t *out)
{
	return __builtin_mul_overflow(a, b, out);
}
/* a * b / c with a 128-bit product; the quotient must fit 64 bits. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 p = (unsigned __int128)a * b;
	uint64_t hi = (uint64_t)(p >> 64), lo = (uint64_t)p, q = 0;
	if (hi == 0)
		return lo / c;
	for (int i = 0; i < 64; i++) {	/* hi < c is required */
		uint64_t top = hi >> 63;
		hi = (hi << 1) | (lo >> 63);
		lo <<= 1;
		q <<= 1;
		if (top || hi >= c) {
			hi -= c;
			q |= 1;
		}
	}
	return q;
}
/* An index below @limit stays itself, any other becomes 0, without a branch that
 * speculation could run past. Use on every guest-chosen array index (Spectre v1). */
static inline uint64_t index_nospec(uint64_t index, uint64_t limit)
{
	uint64_t mask = (uint64_t)((int64_t)(~(index | (limit - 1 - index))) >> 63);
	return index & mask;
}
