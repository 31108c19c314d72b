/* What the lock code tells the rank checker. Layer: core; only for lock*.c. */
#pragma once
#include "hv/core/lock.h"

#if defined(__clang__)
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define NO_LOCK_ANALYSIS
#endif

/* About to take @l; @same_rank: the second of a pair. Panics when the order is violated. */
void lock_check_acquire(const struct lock *l, bool same_rank);
void lock_check_release(const struct lock *l);
/* One round of waiting for @l. */
void lock_check_spin(const struct lock *l);
