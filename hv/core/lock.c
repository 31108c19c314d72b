/* Ticket locks. The rank checker is a file of its own: lock_debug.c or lock_release.c, chosen by
 * the configuration.
 *
 * Rules: a lock is taken and dropped by one CPU, with interrupts disabled; whoever waits answers
 * flush requests (cpu_relax), because the holder may be waiting for us to flush.
 * Neighbours: hv/core/lock_check.h. */
#include "hv/base/atomic.h"
#include "hv/core/lock.h"
#include "hv/core/lock_check.h"
#include "hv/core/panic.h"
#include "hv/cpu/cpu.h"

void lock_init(struct lock *l, enum lock_rank rank)
{
	*l = (struct lock)LOCK_INIT((uint16_t)rank);
}

static void lock_take(struct lock *l)
{
	uint32_t ticket = ATOMIC_ADD(&l->next, 1u);
	while (LOAD_ACQUIRE(&l->serving) != ticket) {
		lock_check_spin(l);
		cpu_relax();
	}
	l->cpu = (int16_t)cpu_id();
}

NO_LOCK_ANALYSIS void lock(struct lock *l)
{
	lock_check_acquire(l, false);
	lock_take(l);
}

bool trylock(struct lock *l)
{
	uint32_t serving = LOAD_ACQUIRE(&l->serving);
	uint32_t expected = serving;
	if (!ATOMIC_CAS(&l->next, &expected, serving + 1))
		return false;
	lock_check_acquire(l, false);
	l->cpu = (int16_t)cpu_id();
	return true;
}

NO_LOCK_ANALYSIS void unlock(struct lock *l)
{
	ASSERT(lock_is_held(l));
	lock_check_release(l);
	l->cpu = -1;
	STORE_RELEASE(&l->serving, l->serving + 1);
}

void lock_pair(struct lock *a, uint64_t key_a, struct lock *b, uint64_t key_b)
{
	struct lock *first = key_a <= key_b ? a : b;
	struct lock *second = first == a ? b : a;
	lock_check_acquire(first, false);
	lock_take(first);
	if (first == second)
		return;
	lock_check_acquire(second, true);
	lock_take(second);
}

void unlock_pair(struct lock *a, struct lock *b)
{
	unlock(a);
	if (a != b)
		unlock(b);
}

bool lock_is_held(const struct lock *l)
{
	return READ_ONCE(l->cpu) == (int16_t)cpu_id();
}
