/* Which CPU a runnable vCPU waits on, and which waiting vCPU a CPU takes from another.
 *
 * Placing: an idle CPU it likes (the last one first, its caches are warm), an idle CPU it may use,
 * else where it ran last, else the shortest queue. Pulling: a CPU without work takes any
 * waiting vCPU it may run, those that like it first; a busy one, at the end of a slice, takes one
 * that lags behind its own: so shares hold over all CPUs and not only within a queue.
 * Neighbours: sched.c. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/dom/sched_policy.h"

static unsigned pick_from(cpumask_t mask, unsigned preferred)
{
	return mask >> preferred & 1 ? preferred : (unsigned)__builtin_ctzll(mask);
}

static unsigned shortest_queue(cpumask_t mask, unsigned preferred)
{
	unsigned best = pick_from(mask, preferred);
	for (cpumask_t left = mask; left; left &= left - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(left);
		if (READ_ONCE(sched_queue_of(cpu)->waiting_count) <
			READ_ONCE(sched_queue_of(best)->waiting_count))
			best = cpu;
	}
	return best;
}

unsigned sched_place(const struct vcpu *v)
{
	cpumask_t allowed = sched_allowed(v), idle = sched_idle_cpus() & allowed;
	cpumask_t liked = allowed & READ_ONCE(v->soft_affinity);
	if (idle & liked)
		return pick_from(idle & liked, v->cpu);
	if (idle)
		return pick_from(idle, v->cpu);
	return shortest_queue(liked ? liked : allowed, v->cpu);
}

/* A waiting vCPU of @from that may move to @to: the first that likes it there, else any. */
static struct vcpu *candidate(struct sched_queue *from, unsigned to, uint64_t mine)
{
	struct vcpu *any = NULL;
	list_for_each(pos, &from->waiting)
	{
		struct sched_vcpu *s = list_entry(pos, struct sched_vcpu, link);
		if (mine != ~0ull && !sched_policy->worth_moving(s->vtime, mine))
			break;
		if (!(sched_allowed(s->vcpu) >> to & 1))
			continue;
		if (s->vcpu->soft_affinity >> to & 1)
			return s->vcpu;
		if (!any && mine == ~0ull)
			any = s->vcpu;
	}
	return any;
}

static bool pull_from(struct sched_queue *from, struct sched_queue *q, uint64_t mine)
{
	lock_pair(&from->lock, from->cpu, &q->lock, q->cpu);
	struct vcpu *v = candidate(from, q->cpu, mine);
	if (v) {
		sched_dequeue(from, v);
		STORE_RELEASE(&v->cpu, q->cpu);
		sched_enqueue(q, v, ENTRY_RAN);
	}
	unlock_pair(&from->lock, &q->lock);
	return v != NULL;
}

bool sched_pull(struct sched_queue *q, uint64_t mine)
{
	unsigned count = cpu_count();
	for (unsigned i = 1; i < count; i++) {
		unsigned cpu = (q->cpu + i) % count;
		struct sched_queue *from = sched_queue_of(cpu);
		uint64_t first = READ_ONCE(from->first_vtime);
		/* An idle CPU has been told already and takes its own. */
		if (!((sched_cpus() & ~sched_idle_cpus()) >> cpu & 1) || first == ~0ull)
			continue;
		if (mine != ~0ull && !sched_policy->worth_moving(first, mine))
			continue;
		if (pull_from(from, q, mine))
			return true;
	}
	return false;
}

int sched_affinity_set(struct vcpu *v, cpumask_t hard, cpumask_t soft)
{
	if (!(hard & sched_cpus()))
		return -EINVAL;
	struct sched_queue *q = sched_queue_lock(v);
	WRITE_ONCE(v->hard_affinity, hard);
	WRITE_ONCE(v->soft_affinity, soft);
	bool wrong = !(hard >> q->cpu & 1), running = v->is_running;
	if (wrong && v->sched->is_queued)
		sched_dequeue(q, v);
	unlock(&q->lock);
	if (wrong && running)
		work_raise(q->cpu, WORK_RESCHED);
	sched_wake(v);
	return 0;
}
