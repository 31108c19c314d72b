/* Atomics: C11 orders under short names, and the read-once idiom for hostile memory.
 * Layer: base. */
#pragma once
#include "hv/base/types.h"

/* Between any two accesses marked here another CPU may act. A build that interleaves CPUs says what to
 * do then (hv/cpu/host/yield.h); for all others a point is nothing. */
#ifndef ATOMIC_POINT
#define ATOMIC_POINT(kind)	((void)0)
#endif

/* One load or store that the compiler may not split, repeat or invent. */
#define READ_ONCE(x)		(ATOMIC_POINT(LOOK), __atomic_load_n(&(x), __ATOMIC_RELAXED))
#define WRITE_ONCE(x, v)	(ATOMIC_POINT(LOOK), __atomic_store_n(&(x), (v), __ATOMIC_RELAXED))
#define LOAD_ACQUIRE(p)		(ATOMIC_POINT(LOOK), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define STORE_RELEASE(p, v)	(ATOMIC_POINT(STEP), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define ATOMIC_ADD(p, v)	ATOMIC_STEP(fetch_add, p, v)	/* old value */
#define ATOMIC_SUB(p, v)	ATOMIC_STEP(fetch_sub, p, v)	/* old value */
#define ATOMIC_OR(p, v)		ATOMIC_STEP(fetch_or, p, v)	/* old value */
#define ATOMIC_AND(p, v)	ATOMIC_STEP(fetch_and, p, v)	/* old value */
#define ATOMIC_XCHG(p, v)	ATOMIC_STEP(exchange_n, p, v)
#define ATOMIC_STEP(op, p, v)	(ATOMIC_POINT(STEP), __atomic_##op((p), (v), __ATOMIC_SEQ_CST))
/* Compare *p with *expected; store v if equal, else refresh *expected. True if stored. */
#define ATOMIC_CAS(p, expected, v) \
	(ATOMIC_POINT(STEP), __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, \
							 __ATOMIC_SEQ_CST))
#define SMP_MB()		(ATOMIC_POINT(STEP), __atomic_thread_fence(__ATOMIC_SEQ_CST))

/* Copy @n 64-bit words where one side is memory that a guest, or another CPU for it, may be writing: each word once. */
static inline void words_copy(uint64_t *to, const uint64_t *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		WRITE_ONCE(to[i], READ_ONCE(from[i]));
}

/* Bit operations on an array of 64-bit words shared with guests or other CPUs. */
static inline bool bit_test(const uint64_t *map, uint64_t bit)
{
	return (READ_ONCE(map[bit / 64]) >> (bit % 64)) & 1;
}
static inline bool bit_test_and_set(uint64_t *map, uint64_t bit)
{
	uint64_t m = 1ull << (bit % 64);
	return (ATOMIC_OR(&map[bit / 64], m) & m) != 0;
}
static inline bool bit_test_and_clear(uint64_t *map, uint64_t bit)
{
	uint64_t m = 1ull << (bit % 64);
	return (ATOMIC_AND(&map[bit / 64], ~m) & m) != 0;
}
