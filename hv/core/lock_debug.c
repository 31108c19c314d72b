/* The rank checker: each CPU's stack of held locks must rise in rank.
 *
 * A violation is our own bug and panics at the acquisition that breaks the order, long before
 * the deadlock it could cause. A lock waited for far longer than any critical section lasts is
 * reported the same way. */
#include "hv/core/lock_check.h"
#include "hv/core/panic.h"
#include "hv/cpu/cpu.h"

#define HELD_MAX 12
#define SPIN_LIMIT_NS 20000000000ull	/* emulated machines stall for seconds */

static struct held {
	const struct lock *lock[HELD_MAX];
	unsigned count;
	uint32_t spins;
	uint64_t spin_start_ns;
} held_by[MAX_CPUS];

void lock_check_acquire(const struct lock *l, bool same_rank)
{
	struct held *h = &held_by[cpu_id()];
	for (unsigned i = 0; i < h->count; i++) {
		unsigned rank = h->lock[i]->rank;
		if (h->lock[i] == l)
			panic("lock of rank %u taken twice", l->rank);
		if (rank > l->rank || (rank == l->rank && !same_rank))
			panic("lock order: rank %u taken while holding rank %u", l->rank, rank);
	}
	ASSERT(h->count < HELD_MAX);
	h->lock[h->count++] = l;
	h->spins = 0;
}

void lock_check_release(const struct lock *l)
{
	struct held *h = &held_by[cpu_id()];
	unsigned i = h->count;
	while (i > 0 && h->lock[i - 1] != l)
		i--;
	ASSERT(i > 0);
	for (; i < h->count; i++)
		h->lock[i - 1] = h->lock[i];
	h->count--;
}

void lock_check_spin(const struct lock *l)
{
	struct held *h = &held_by[cpu_id()];
	if (h->spins++ == 0)
		h->spin_start_ns = cpu_time_ns();
	else if (h->spins % 65536 == 0 && cpu_time_ns() - h->spin_start_ns > SPIN_LIMIT_NS)
		panic("lock of rank %u held by CPU %d for too long", l->rank, l->cpu);
}

unsigned lock_held_count(void)
{
	return held_by[cpu_id()].count;
}
