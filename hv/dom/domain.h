/* Domains: identity, life and death. Layer: dom. Small on purpose: events, grants, PV state
 * hang behind opaque pointers, each defined and locked by its owner.
 *
 * Life: domain_create -> (built, paused) -> running -> shut down -> domain_kill -> dying ->
 * dead when every frame, port, grant and timer has gone; the struct lives while referenced. */
#pragma once
#include "hv/base/atomic.h"
#include "hv/core/lock.h"
#include "hv/core/log.h"
#include "hv/mem/owner.h"
#include "protocol/xen.h"

struct vcpu;
struct evtchn_table;
struct grant_table;
struct shared_info;
struct pv_domain;
struct memory_map;
struct sched_domain;

#define MAX_VCPUS 32			/* vcpu_info slots in shared_info; more vCPUs are refused */
#define DOMID_CHOOSE 0xffffu		/* domain_create(): any free number */

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

struct domain_config {			/* what domain_create() needs; checked by it */
	uint8_t uuid[16];
	unsigned max_vcpus;		/* 1..MAX_VCPUS */
	unsigned max_ports;		/* 0 = all 4096 of the 2-level ABI */
	unsigned max_grant_frames;	/* 0 = default 64 */
	unsigned max_maptrack_frames;	/* 0 = default 1024 */
	bool is_control;		/* dom0 */
};

struct domain {
	struct owner mem;		/* first: frames are found by &d->mem */
	domid_t id;
	bool is_control;
	uint8_t uuid[16];
	struct domain *next;		/* in the table of domains, by rising id; under its lock */
	uint32_t refs;			/* domain_find()/domain_put(); the table holds one */
	enum domain_dying dying;	/* written under lock */
	unsigned kill_step;		/* domain_kill(): how many layers have finished */
	struct lock lock;		/* RANK_DOMAIN: control pauses, vCPU creation */
	bool is_shut_down;		/* atomic: domain_crash() comes from under any lock; a pause */
	uint8_t shutdown_code;		/* SHUTDOWN_* of the ABI */
	/* atomic: reasons for the whole domain not to run; created with 1 */
	uint32_t pause_count;
	/* one of them is the control domain's: what getdomaininfo reports */
	bool paused_by_control;
	uint32_t pollers;		/* atomic: bit n = vCPU n waits in SCHEDOP_poll */
	unsigned max_vcpus;
	struct vcpu *vcpu[MAX_VCPUS];	/* NULL = not allocated; set once, before the domain runs */

	struct shared_info *shared;	/* our mapping of its shared_info frame */
	mfn_t shared_mfn;
	uint64_t started_ns;		/* first unpaused by control; 0: not yet */
	struct log_budget log_budget;
	uint32_t vm_assist;		/* bits 1 << VMASST_TYPE_* */

	struct sched_domain *sched;	/* weight, cap */
	struct evtchn_table *events;	/* hv/event */
	struct grant_table *grants;	/* hv/grant */
	struct pv_domain *pv;		/* hv/pv */
	struct memory_map *memory_map;	/* hv/call: XENMEM_set_memory_map, NULL = none */
	bool may_print;			/* console_io write, rate-limited: boot modules */
};

/* Audit enumerator and WORK_REAP; called by sched_init(). */
void domain_init(void);
/* Create a domain with @config, paused, without vCPUs; *out referenced by the table.
 * @id: 0..DOMID_FIRST_RESERVED-1, or DOMID_CHOOSE: the next free one above the one chosen last, so
 * that a number is reused as late as possible. A frame for shared_info is allocated, its wall clock
 * filled.
 * -EEXIST, -EINVAL, -ENOMEM. Serialised by the caller (RANK_DOMCTL lock). */
int domain_create(domid_t id, const struct domain_config *config, struct domain **out) MUST_CHECK;
/* Constructors and destructors of the layers above, run in registration order by
 * domain_create() and in reverse by the reaper; create -> 0/-Exxx; destroy must free what create
 * made; kill: preemptible release of what the guest made (may return -ERESTART). Any may be
 * NULL. */
struct domain_ops {
	const char *name;
	int (*create)(struct domain *d, const struct domain_config *config);
	int (*kill)(struct domain *d);
	void (*destroy)(struct domain *d);
	int (*vcpu_create)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
};
void domain_register_ops(const struct domain_ops *ops);	/* at boot; at most 8 */

/* Another reference for someone who can prove that the domain has one already. */
static inline void domain_get(struct domain *d) { ATOMIC_ADD(&d->refs, 1u); }
static inline bool domain_is_dying(const struct domain *d)
{
	return READ_ONCE(d->dying) != DOMAIN_ALIVE;
}
struct domain *domain_find(domid_t id);	/* referenced (domain_put); also dying ones; NULL if none */
void domain_put(struct domain *d);
/* lowest id >= at_least, referenced; NULL at the end */
struct domain *domain_next(domid_t at_least);
extern struct domain *dom0;		/* NULL until created */
struct domain *domain_current(void);	/* of the vCPU this CPU runs; NULL when idle */
static inline struct domain *domain_of_owner(struct owner *o) { return (struct domain *)(void *)o; }

/* Counted. domain_pause() returns when no vCPU of @d runs (a vCPU pausing its own domain is left
 * out and stops at its next return). */
void domain_pause(struct domain *d);
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
/* domctl pausedomain and unpausedomain: one pause of the control domain's, however often asked. A
 * created domain has it. -EINVAL: it is not paused by control (only unpause). */
void domain_control_pause(struct domain *d);
int domain_control_unpause(struct domain *d) MUST_CHECK;
/* SCHEDOP_shutdown and friends: mark, hold all vCPUs, raise VIRQ_DOM_EXC for dom0. dom0: poweroff
 * or reboot of the machine. Idempotent, from any context (needs no lock below RANK_SCHED). */
void domain_shutdown(struct domain *d, unsigned code);
void domain_resume(struct domain *d);	/* domctl resumedomain: undo a shutdown */
/* A hostile or broken guest: log why (rate-limited), shut down with SHUTDOWN_crash. The
 * current vCPU will not run again; callers just return. dom0: panic of the machine. */
void domain_crash(struct domain *d, const char *why, ...) PRINTF_LIKE(2, 3);
/* Preemptible destruction; the caller holds a reference and drops it afterwards. 0: all the domain
 * held is given back (frames and the struct itself go when the last reference of others goes: until
 * then it is a zombie, DOMAIN_DEAD); -ERESTART: call again; -EINVAL: the caller's own, or dom0. */
int domain_kill(struct domain *d) MUST_CHECK;
/* Free dead domains that nobody refers to any more; from WORK_REAP, which domain_put() raises. */
void domain_reap(void);
/* Set by hv/event: tell the control domain that a domain's state changed (VIRQ_DOM_EXC). Called
 * from any context. */
extern void (*domain_state_changed)(void);
/* The machine stops: set by hv/boot (ACPI); code = SHUTDOWN_*. */
extern void (*machine_shutdown)(unsigned code);
