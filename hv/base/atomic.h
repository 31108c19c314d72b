/* Atomics: C11 orders under short names, and the read-once idiom for hostile memory.
 * Layer: base. */
#pragma once
#include "hv/base/types.h"

/* One load or store that the compiler may not split, repeat or invent. */
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define LOAD_ACQUIRE(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define STORE_RELEASE(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define ATOMIC_ADD(p, v)	__atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)	/* old value */
#define ATOMIC_SUB(p, v)	__atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)	/* old value */
#define ATOMIC_OR(p, v)		__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)	/* old value */
#define ATOMIC_AND(p, v)	__atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)	/* old value */
#define ATOMIC_XCHG(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
/* Compare *p with *expected; store v if equal, else refresh *expected. True if stored. */
#define ATOMIC_CAS(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define SMP_MB()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

/* Bit operations on an array of 64-bit words shared with guests or other CPUs. */
static inline bool bit_test(const uint64_t *map, uint64_t bit)
{
	return (__atomic_load_n(&map[bit / 64], __ATOMIC_RELAXED) >> (bit % 64)) & 1;
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
