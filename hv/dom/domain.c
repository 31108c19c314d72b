/* Domains: the table of them, creation, pausing, shutting down. Death: domain_death.c.
 *
 * The table is a list by rising id; its lock covers the list and the taking of references from it.
 * A reference keeps the struct and the tables of events and grants, not the domain's life: check
 * domain_is_dying() under the lock of what you are about to change.
 * INVARIANT D1: a domain leaves the table only when the table's reference is the last one.
 * Shutting down and crashing use atomics and RANK_SCHED locks only, because hostile guests are
 * noticed under other locks.
 * Neighbours: domain_ops.c (layers above), vcpu.c, sched.c. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/core/work.h"
#include "hv/dom/domain_ops.h"
#include "hv/dom/sched.h"
#include "hv/dom/time.h"
#include "hv/mem/alloc.h"
#include "hv/mem/audit.h"
#include "hv/mem/frame.h"
#include "protocol/sched.h"

struct domain *dom0;
void (*domain_state_changed)(void);
void (*machine_shutdown)(unsigned code);

static struct lock table_lock = LOCK_INIT(RANK_DOMAIN_LIST);
static struct domain *table; /* under table_lock */
static domid_t last_chosen;

static void audit_enumerate(audit_add_fn *add)
{
	for (struct domain *d = table; d; d = d->next)
		for (unsigned i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i] && d->vcpu[i]->info_mfn.n != MFN_INVALID.n)
				add(d->vcpu[i]->info_mfn, 1, FT_WRITABLE, 1);
}

void domain_init(void)
{
	dom0 = table = NULL;
	last_chosen = 0;
	domain_state_changed = NULL;
	machine_shutdown = NULL;
	domain_ops_reset();
	time_init();
	lock_init(&table_lock, RANK_DOMAIN_LIST);
	audit_register(audit_enumerate);
	domain_reap_init();
}

/* --- the table --- */

/* The link that leads to the first domain with an id of at least @id. */
static struct domain **table_at(domid_t id)
{
	struct domain **link = &table;
	while (*link && (*link)->id < id)
		link = &(*link)->next;
	return link;
}

struct domain *domain_next(domid_t at_least)
{
	lock(&table_lock);
	struct domain *d = *table_at(at_least);
	if (d)
		domain_get(d);
	unlock(&table_lock);
	return d;
}

struct domain *domain_find(domid_t id)
{
	lock(&table_lock);
	struct domain *d = *table_at(id);
	if (d && d->id != id)
		d = NULL;
	if (d)
		domain_get(d);
	unlock(&table_lock);
	return d;
}

void domain_put(struct domain *d)
{
	bool last = domain_is_dying(d); /* afterwards @d may be gone */
	uint32_t old = ATOMIC_SUB(&d->refs, 1u);
	ASSERT(old > 1);
	if (old == 2 && last)
		work_raise(cpu_id(), WORK_REAP);
}

struct domain *domain_take_dead(bool *waiting)
{
	struct domain *found = NULL;
	lock(&table_lock);
	for (struct domain **link = &table; *link && !found; link = &(*link)->next) {
		if (READ_ONCE((*link)->dying) != DOMAIN_DEAD)
			continue;
		*waiting = true;
		if (LOAD_ACQUIRE(&(*link)->refs) != 1 || READ_ONCE((*link)->mem.frame_count) != 0)
			continue;
		found = *link;
		*link = found->next;
		break;
	}
	unlock(&table_lock);
	return found;
}

struct domain *domain_current(void)
{
	return vcpu_current()->domain;
}

/* --- creation --- */

/* A number that no domain has, nor a frame of a former one; 0 is dom0's. DOMID_FIRST_RESERVED:
 * none. */
static domid_t id_choose(void)
{
	for (unsigned tries = 1; tries < DOMID_FIRST_RESERVED; tries++) {
		domid_t id =
			(domid_t)(last_chosen + 1u < DOMID_FIRST_RESERVED ? last_chosen + 1u : 1u);
		last_chosen = id;
		if (!owner_by_domid(id))
			return id;
	}
	return DOMID_FIRST_RESERVED;
}

static int shared_info_create(struct domain *d)
{
	int rc = frame_alloc_shared(&d->mem, &d->shared_mfn);
	if (rc)
		return rc;
	d->shared = frame_map_keep(d->shared_mfn);
	d->mem.shared_info_mfn = d->shared_mfn.n;
	time_update_wallclock(d);
	return 0;
}

static void shared_info_free(struct domain *d)
{
	if (!d->shared)
		return;
	frame_unmap_keep(d->shared);
	d->shared = NULL;
	frame_free_shared(&d->mem, d->shared_mfn);
}

static int domain_parts(struct domain *d, const struct domain_config *config)
{
	int rc = sched_domain_add(d);
	if (!rc)
		rc = shared_info_create(d);
	return rc ? rc : domain_ops_create(d, config);
}

void domain_strip(struct domain *d)
{
	shared_info_free(d);
	if (d->sched)
		sched_domain_remove(d);
}

static void table_add(struct domain *d)
{
	lock(&table_lock);
	struct domain **link = table_at(d->id);
	d->next = *link;
	*link = d;
	unlock(&table_lock);
}

int domain_create(domid_t id, const struct domain_config *config, struct domain **out)
{
	if (config->max_vcpus < 1 || config->max_vcpus > MAX_VCPUS)
		return -EINVAL;
	if (id == DOMID_CHOOSE)
		id = id_choose();
	if (id >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (owner_by_domid(id))
		return -EEXIST;

	struct domain *d = heap_alloc(sizeof *d);
	if (!d)
		return -ENOMEM;
	d->id = id;
	d->is_control = config->is_control;
	memcpy(d->uuid, config->uuid, sizeof d->uuid);
	d->refs = 1;
	d->max_vcpus = config->max_vcpus;
	d->pause_count = 1;
	d->paused_by_control = true;
	lock_init(&d->lock, RANK_DOMAIN);
	owner_init(&d->mem, id, config->is_control);
	int rc = owner_register(&d->mem);
	if (rc) {
		heap_free(d);
		return rc;
	}
	rc = domain_parts(d, config);
	if (rc) {
		domain_strip(d);
		owner_unregister(&d->mem);
		heap_free(d);
		return rc;
	}
	table_add(d);
	if (config->is_control && !dom0)
		dom0 = d;
	*out = d;
	return 0;
}

/* --- pausing --- */

void domain_pause_nosync(struct domain *d)
{
	ATOMIC_ADD(&d->pause_count, 1u);
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			sched_stop(d->vcpu[i]);
}

void domain_pause(struct domain *d)
{
	domain_pause_nosync(d);
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_wait_stopped(d->vcpu[i]);
}

void domain_unpause(struct domain *d)
{
	uint32_t old = ATOMIC_SUB(&d->pause_count, 1u);
	ASSERT(old > 0);
	for (unsigned i = 0; old == 1 && i < d->max_vcpus; i++)
		if (d->vcpu[i])
			sched_wake(d->vcpu[i]);
}

void domain_control_pause(struct domain *d)
{
	domain_pause(d); /* before an unpause can see the flag and take it back */
	lock(&d->lock);
	bool was = d->paused_by_control;
	d->paused_by_control = true;
	unlock(&d->lock);
	if (was)
		domain_unpause(d);
}

int domain_control_unpause(struct domain *d)
{
	lock(&d->lock);
	bool was = d->paused_by_control;
	d->paused_by_control = false;
	bool ran = d->started_ns;
	if (!ran)
		WRITE_ONCE(d->started_ns, cpu_time_ns());
	unlock(&d->lock);
	if (!was)
		return -EINVAL;
	if (ran)
		time_stood_still(d);
	domain_unpause(d);
	return 0;
}

/* --- shutting down --- */

void domain_shutdown(struct domain *d, unsigned code)
{
	if (d == dom0 && machine_shutdown) {
		machine_shutdown(code);
		return;
	}
	WRITE_ONCE(d->shutdown_code, (uint8_t)code);
	/* A count, not a bit in each vCPU: a resume from now on takes back all of it or nothing. */
	domain_pause_nosync(d);
	if (ATOMIC_XCHG(&d->is_shut_down, true)) {
		domain_unpause(d);
		return;
	}
	if (domain_state_changed)
		domain_state_changed();
}

void domain_resume(struct domain *d)
{
	if (!domain_is_dying(d) && ATOMIC_XCHG(&d->is_shut_down, false))
		domain_unpause(d);
}

void domain_crash(struct domain *d, const char *why, ...)
{
	char text[128];
	va_list ap;
	va_start(ap, why);
	format_string_v(text, sizeof text, why, ap);
	va_end(ap);
	if (d == dom0)
		panic("dom0 crashed: %s", text);
	if (!READ_ONCE(d->is_shut_down))
		log_guest(&d->log_budget, d->id, LOG_ERR, "crashed: %s", text);
	domain_shutdown(d, SHUTDOWN_crash);
}
