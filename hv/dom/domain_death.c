/* The end of a domain: preemptible destruction, zombies, reaping.
 *
 * domain_kill() closes the gate (dying), stops every vCPU, lets the layers above release what the
 * guest made, then gives back all frames. What others still refer to survives: the struct while it
 * is referenced (each grant map of its frames holds one), a frame while anybody maps it. Such a
 * zombie is DOMAIN_DEAD and stays in the table; domain_reap() takes it out and frees it when the
 * last reference has gone. If then one of our frames that were shared with it (grant table) is
 * still mapped by the control domain, a husk remains: the struct with its owner, and its number is
 * taken.
 * Grant maps wake the reaper when they go; privileged mappings do not, so it looks again from time
 * to time.
 * INVARIANT D2: a dying domain gains nothing: owner->is_dying gates frames, the event and grant
 * layers refuse under their table locks.
 * Neighbours: domain_ops.c, hv/mem's owner_relinquish(). */
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/dom/domain_ops.h"
#include "hv/dom/sched.h"
#include "hv/dom/time.h"
#include "hv/mem/alloc.h"
#include "hv/mem/audit.h"
#include "hv/mem/frame.h"

static void gate_close(struct domain *d)
{
	lock(&d->lock);
	WRITE_ONCE(d->dying, DOMAIN_DYING);
	lock(&d->mem.lock);
	WRITE_ONCE(d->mem.is_dying, true);
	unlock(&d->mem.lock);
	unlock(&d->lock);
}

static void vcpus_stop(struct domain *d)
{
	domain_pause(d);
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		if (!d->vcpu[i])
			continue;
		preempt_count(PREEMPT_ITEM);
		vcpu_timers_stop(d->vcpu[i]);
		cpu_context_evict(&d->vcpu[i]->ctx);
	}
}

int domain_kill(struct domain *d)
{
	if (d == dom0 || d == domain_current())
		return -EINVAL;
	if (d->dying == DOMAIN_DEAD)
		return 0;
	if (d->dying == DOMAIN_ALIVE) {
		gate_close(d);
		vcpus_stop(d);
	}
	int rc = domain_ops_kill(d);
	if (rc)
		return rc;
	preempt_count(d->max_vcpus * PREEMPT_ITEM);
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_info_unregister(d->vcpu[i]);
	rc = owner_relinquish(&d->mem);
	if (rc)
		return rc;
	lock(&d->lock);
	WRITE_ONCE(d->dying, DOMAIN_DEAD);
	unlock(&d->lock);
	work_raise(cpu_id(), WORK_REAP);
	return 0;
}

/* --- zombies and husks --- */

#define REAP_INTERVAL_NS 100000000ull
static struct timer reap_timer;
static struct lock husk_lock = LOCK_INIT(RANK_DOMAIN_LIST);
static struct domain *husks; /* under husk_lock */

static void destroy(struct domain *d)
{
	for (unsigned i = d->max_vcpus; i-- > 0;) {
		preempt_count(PREEMPT_ENTRIES / 8);	/* some pages each */
		if (d->vcpu[i])
			vcpu_destroy(d->vcpu[i]);
	}
	domain_ops_destroy(d);
	domain_strip(d);
	lock(&husk_lock);
	d->next = husks;
	husks = d;
	unlock(&husk_lock);
}

static bool husks_free(void)
{
	lock(&husk_lock);
	for (struct domain **link = &husks; *link;) {
		struct domain *d = *link;
		if (!owner_is_empty(&d->mem)) {
			link = &d->next;
			continue;
		}
		*link = d->next;
		owner_unregister(&d->mem);
		heap_free(d);
	}
	bool remain = husks != NULL;
	unlock(&husk_lock);
	return remain;
}

void domain_reap(void)
{
	struct domain *d;
	bool waiting = false;
	while ((d = domain_take_dead(&waiting)) != NULL) {
		destroy(d);
		if (domain_state_changed)
			domain_state_changed();
		waiting = false;
	}
	if (husks_free() || waiting)
		timer_set(&reap_timer, cpu_time_ns() + REAP_INTERVAL_NS);
}

/* Statement I12, for the audit: what others map is on no list any more. */
static const char *dead_check(void)
{
	const char *broken = NULL;
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		if (READ_ONCE(d->dying) == DOMAIN_DEAD && READ_ONCE(d->mem.first) != FRAME_NONE)
			broken = "I12: a dead domain has frames of its own";
	}
	return broken;
}

static void reap_again(void *arg)
{
	(void)arg;
	work_raise(cpu_id(), WORK_REAP);
}

void domain_reap_init(void)
{
	husks = NULL;
	lock_init(&husk_lock, RANK_DOMAIN_LIST);
	timer_init(&reap_timer, reap_again, NULL, 0);
	work_register(WORK_REAP, domain_reap);
	audit_register_check(dead_check);
}
