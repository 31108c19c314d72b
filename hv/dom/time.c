/* Guest time: clock records, wall clock, per-vCPU timers.
 *
 * A clock record is written under its version protocol: odd while being changed, so that a reader
 * of another vCPU never uses half of it. Guests can scribble over records; nothing here depends on
 * what is read back from them.
 * The record must be valid before a guest first looks: Linux divides by its multiplier.
 * Neighbours: runstate.c, guest_area.c; vcpu_raise_virq is hv/event's. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/dom/guest_area.h"
#include "hv/dom/time.h"

#define SECOND_NS         1000000000ull
#define PERIOD_MIN_NS     1000000ull
#define WALLCLOCK_SEC_MAX (1ull << 33)

/* What dom0 set the wall clock to, at system time 0; 0: the host's own. */
static uint64_t wallclock_base_ns;
static bool clock_is_stable;

/* --- clock records --- */

static void record_fill(struct vcpu_time_info *t)
{
	struct clock_params p;
	cpu_clock_params(&p);
	WRITE_ONCE(clock_is_stable, p.stable);
	*t = (struct vcpu_time_info){
		.tsc_timestamp = p.base_tsc,
		.system_time = p.base_ns,
		.tsc_to_system_mul = p.mul,
		.tsc_shift = p.shift,
		.flags = p.stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
	};
}

/* The guest's copy through the protocol, its version kept; so is STOPPED, which the guest clears when it
 * has seen it. */
static void record_publish(struct vcpu_time_info *to, struct vcpu_time_info record, bool stopped)
{
	uint32_t version = READ_ONCE(to->version) | 1;
	if (stopped || (READ_ONCE(to->flags) & XEN_PVCLOCK_GUEST_STOPPED))
		record.flags |= XEN_PVCLOCK_GUEST_STOPPED;
	WRITE_ONCE(to->version, version);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	/* Words: another vCPU's registration may be copying this very place. */
	words_copy(&to->tsc_timestamp, &record.tsc_timestamp,
		(sizeof *to - offsetof(struct vcpu_time_info, tsc_timestamp)) / sizeof(uint64_t));
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(to->version, version + 1);
}

/* The secondary copy, whose version is ours alone. */
static int area_publish(struct vcpu *v, gva_t at, struct vcpu_time_info *record)
{
	struct guest_area area;
	int rc = guest_area_open(v, at, sizeof *record, &area);
	if (rc)
		return rc;
	/* Its own vCPU and several that register a place for it may do this at once. */
	record->version = ATOMIC_ADD(&v->time_version, 2u) + 1;
	guest_area_write(&area, 0, &record->version, sizeof record->version);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	guest_area_write(&area, 0, record, sizeof *record);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	record->version++;
	guest_area_write(&area, 0, &record->version, sizeof record->version);
	guest_area_close(&area);
	return 0;
}

void time_update_vcpu(struct vcpu *v)
{
	struct vcpu_time_info record;
	record_fill(&record);
	record_publish(&v->info->time, record, v->was_stopped);
	gva_t area = gva(READ_ONCE(v->time_area.a));
	if (area.a)
		(void)!area_publish(v, area, &record); /* unmapped just now: later again */
	v->time_valid = true;
	v->was_stopped = false;
}

void time_stood_still(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i]) {
			d->vcpu[i]->was_stopped = true;
			d->vcpu[i]->time_valid = false;
		}
}

void time_update_if_stale(struct vcpu *v)
{
	if (UNLIKELY(!v->time_valid || !READ_ONCE(clock_is_stable)))
		time_update_vcpu(v);
}

int time_area_register(struct vcpu *v, gva_t area)
{
	struct vcpu_time_info record;
	if (area.a == 0) {
		WRITE_ONCE(v->time_area.a, area.a);
		return 0;
	}
	record_fill(&record);
	int rc = area_publish(v, area, &record);
	if (rc == 0)
		WRITE_ONCE(v->time_area.a, area.a);
	return rc;
}

/* --- wall clock --- */

void time_update_wallclock(struct domain *d)
{
	uint64_t set = READ_ONCE(wallclock_base_ns);
	uint64_t base = set ? set : cpu_wallclock_ns() - cpu_time_ns();
	struct shared_info *s = d->shared;
	lock(&d->lock);
	uint32_t version = READ_ONCE(s->wc_version) | 1;
	WRITE_ONCE(s->wc_version, version);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(s->wc_sec, (uint32_t)(base / SECOND_NS));
	WRITE_ONCE(s->wc_sec_hi, (uint32_t)(base / SECOND_NS >> 32));
	WRITE_ONCE(s->wc_nsec, (uint32_t)(base % SECOND_NS));
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(s->wc_version, version + 1);
	unlock(&d->lock);
}

void time_set_wallclock(uint64_t sec, uint32_t nsec, uint64_t system_ns)
{
	if (sec >= WALLCLOCK_SEC_MAX)
		return;
	uint64_t wall = sec * SECOND_NS + nsec;
	if (wall <= system_ns)
		return;
	WRITE_ONCE(wallclock_base_ns, wall - system_ns);
	domid_t id = 0;
	for (struct domain *d; (d = domain_next(id)) != NULL; domain_put(d)) {
		id = (domid_t)(d->id + 1);
		time_update_wallclock(d);
	}
}

void time_init(void)
{
	wallclock_base_ns = 0;
	clock_is_stable = false;
}

/* --- timers --- */

static void timer_virq(struct vcpu *v)
{
	if (vcpu_raise_virq)
		vcpu_raise_virq(v, VIRQ_TIMER);
}

static void singleshot_fired(void *arg)
{
	timer_virq(arg);
}

static void periodic_fired(void *arg)
{
	struct vcpu *v = arg;
	uint64_t period = READ_ONCE(v->periodic_ns), now = cpu_time_ns();
	timer_virq(v);
	/* Ticks that were missed are not made up for. */
	if (period && !domain_is_dying(v->domain))
		timer_set(&v->periodic, max_u64(v->periodic.deadline_ns + period, now + 1));
}

static void poll_expired(void *arg)
{
	vcpu_release(arg, HOLD_POLLING);
}

void vcpu_timers_init(struct vcpu *v)
{
	unsigned cpu = cpu_id();
	timer_init(&v->singleshot, singleshot_fired, v, cpu);
	timer_init(&v->periodic, periodic_fired, v, cpu);
	timer_init(&v->poll_timer, poll_expired, v, cpu);
}

void vcpu_timers_stop(struct vcpu *v)
{
	WRITE_ONCE(v->periodic_ns, 0);
	timer_stop(&v->singleshot);
	timer_stop(&v->periodic);
	timer_stop(&v->poll_timer);
}

void vcpu_timers_migrate(struct vcpu *v, unsigned cpu)
{
	if (v->singleshot.cpu != cpu)
		timer_migrate(&v->singleshot, cpu);
	if (v->periodic.cpu != cpu)
		timer_migrate(&v->periodic, cpu);
	if (v->poll_timer.cpu != cpu)
		timer_migrate(&v->poll_timer, cpu);
}

int vcpu_singleshot_set(struct vcpu *v, uint64_t deadline_ns, bool future)
{
	if (future && deadline_ns < cpu_time_ns())
		return -ETIME;
	timer_set(&v->singleshot, deadline_ns);
	return 0;
}

void vcpu_singleshot_stop(struct vcpu *v)
{
	timer_stop(&v->singleshot);
}

int vcpu_periodic_set(struct vcpu *v, uint64_t period_ns)
{
	if (period_ns && (period_ns < PERIOD_MIN_NS || period_ns > 1ull << 62))
		return -EINVAL;
	WRITE_ONCE(v->periodic_ns, period_ns);
	if (period_ns)
		timer_set(&v->periodic, cpu_time_ns() + period_ns);
	else
		timer_stop(&v->periodic);
	return 0;
}
