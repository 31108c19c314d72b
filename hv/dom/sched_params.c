/* Weight and cap of a domain.
 *
 * The cap is a budget of CPU time per period for all the domain's vCPUs together. Each CPU that
 * runs one subtracts what it ran; whoever finds the budget spent throttles its vCPU (a hold
 * bit like any other) and arms the domain's timer for the period's end, which refills and
 * releases. Budget and period are atomics, not under a lock: CPUs charge at the same time.
 * INVARIANT S5: a throttled vCPU has an armed refill timer, or a refill is about to release it.
 * Neighbours: sched.c charges. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/dom/sched_policy.h"
#include "hv/mem/alloc.h"

#define PERIOD_NS   30000000ull
#define PERIODS_MAX 1000000u /* more pay any debt; keeps the product in range */

static int64_t quota_ns(const struct sched_domain *s)
{
	return (int64_t)(PERIOD_NS / 100 * READ_ONCE(s->params.cap));
}

/* Begin a new period if the last one is over; what was left over is lost, a debt stays. */
static void refill(struct sched_domain *s, uint64_t now)
{
	uint64_t end = READ_ONCE(s->period_end_ns);
	if (now < end)
		return;
	uint64_t periods = (now - end) / PERIOD_NS + 1;
	if (!ATOMIC_CAS(&s->period_end_ns, &end, end + periods * PERIOD_NS))
		return;
	int64_t quota = quota_ns(s), old = READ_ONCE(s->budget_ns), fresh;
	int64_t earned = quota * (int64_t)min_u64(periods, PERIODS_MAX);
	do
		fresh = old + earned < quota ? old + earned : quota;
	while (!ATOMIC_CAS(&s->budget_ns, &old, fresh));
}

static void throttle_end(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i] && (READ_ONCE(d->vcpu[i]->hold) & HOLD_THROTTLED))
			vcpu_release(d->vcpu[i], HOLD_THROTTLED);
}

static void refill_timer(void *arg)
{
	struct domain *d = arg;
	struct sched_domain *s = d->sched;
	refill(s, cpu_time_ns());
	if (READ_ONCE(s->params.cap) == 0 || READ_ONCE(s->budget_ns) > 0)
		throttle_end(d);
	else
		timer_set(&s->refill, READ_ONCE(s->period_end_ns));
}

void sched_cap_charge(struct vcpu *v, uint64_t ns, uint64_t now_ns)
{
	struct sched_domain *s = v->domain->sched;
	if (LIKELY(READ_ONCE(s->params.cap) == 0))
		return;
	ATOMIC_SUB(&s->budget_ns, (int64_t)ns);
	refill(s, now_ns);
	if (READ_ONCE(s->budget_ns) > 0)
		return;
	ATOMIC_OR(&v->hold, (uint32_t)HOLD_THROTTLED);
	timer_set(&s->refill, READ_ONCE(s->period_end_ns));
}

uint64_t sched_cap_limit(const struct vcpu *v, uint64_t slice_ns)
{
	struct sched_domain *s = v->domain->sched;
	if (LIKELY(READ_ONCE(s->params.cap) == 0))
		return slice_ns;
	int64_t left = READ_ONCE(s->budget_ns);
	return left > 0 ? min_u64(slice_ns, (uint64_t)left) : 1;
}

int sched_params_set(struct domain *d, const struct sched_params *p)
{
	struct sched_domain *s = d->sched;
	if (p->weight == 0)
		return -EINVAL;
	WRITE_ONCE(s->params.weight, p->weight);
	WRITE_ONCE(s->params.cap, p->cap);
	WRITE_ONCE(s->budget_ns, quota_ns(s));
	WRITE_ONCE(s->period_end_ns, cpu_time_ns() + PERIOD_NS);
	throttle_end(d);
	return 0;
}

void sched_params_get(struct domain *d, struct sched_params *p)
{
	p->weight = READ_ONCE(d->sched->params.weight);
	p->cap = READ_ONCE(d->sched->params.cap);
}

int sched_domain_add(struct domain *d)
{
	struct sched_domain *s = heap_alloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	s->params.weight = SCHED_WEIGHT_DEFAULT;
	timer_init(&s->refill, refill_timer, d, cpu_id());
	d->sched = s;
	return 0;
}

void sched_domain_remove(struct domain *d)
{
	timer_stop(&d->sched->refill);
	heap_free(d->sched);
	d->sched = NULL;
}
