/* Domains: identity, life and death. Layer: dom. Small on purpose: events, grants, PV state
 * hang behind opaque pointers, each defined and locked by its owner.
 *
 * Life: domain_create -> (built, paused) -> running -> shut down -> domain_kill -> dying ->
 * dead when every frame, port, grant and timer has gone; the struct lives while referenced. */
#pragma once
#include "hv/core/lock.h"
#include "hv/core/log.h"
#include "hv/mem/owner.h"

struct vcpu;
struct evtchn_table;
struct grant_table;
struct shared_info;
struct pv_domain;
struct irq_domain;

#define MAX_VCPUS 32			/* vcpu_info slots in shared_info; more vCPUs are refused */
#define DOMID_FIRST_RESERVED 0x7ff0u

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

struct domain_config {			/* what domain_create() needs; checked by it */
	uint8_t uuid[16];
	unsigned max_vcpus;		/* 1..MAX_VCPUS */
	unsigned max_ports;		/* 0 = all 4096 of the 2-level ABI */
	unsigned max_grant_frames;	/* 0 = default 64 */
	unsigned max_maptrack_frames;	/* 0 = default 1024 */
	bool is_control;		/* dom0 */
	bool allow_tsc;			/* native TSC (always true now) */
};

struct domain {
	struct owner mem;		/* first: frames are found by &d->mem */
	domid_t id;
	bool is_control;
	uint8_t uuid[16];
	uint32_t refs;			/* domain_find()/domain_put(); the list holds one until dead */
	enum domain_dying dying;	/* under lock for writers */
	struct lock lock;		/* RANK_DOMAIN: the fields below */
	bool is_shut_down;
	uint8_t shutdown_code;		/* SHUTDOWN_* of the ABI */
	unsigned pause_count;		/* control pauses; created with 1 */
	bool paused_by_control;		/* what getdomaininfo reports as paused */
	unsigned max_vcpus;
	struct vcpu *vcpu[MAX_VCPUS];	/* NULL = not allocated; set once, before the domain runs */

	struct shared_info *shared;	/* our mapping of its shared_info frame */
	mfn_t shared_mfn;
	uint64_t created_ns;
	uint32_t handle_flags;		/* reserved, 0 */
	struct log_budget log_budget;
	uint32_t vm_assist;		/* bits 1 << VMASST_TYPE_* */
	uint64_t wallclock_offset_ns;	/* informational */

	struct evtchn_table *events;	/* hv/event */
	struct grant_table *grants;	/* hv/grant */
	struct pv_domain *pv;		/* hv/pv */
	struct irq_domain *irqs;	/* hv/irq: PIRQs; NULL unless it has any */
};

/* Create a domain with @config, paused, without vCPU contexts; *out referenced by the list.
 * @id: 0..DOMID_FIRST_RESERVED-1, or DOMID_INVALID-like 0xffff: choose the lowest free one above 0
 * that was used longest ago. -EEXIST, -EINVAL, -ENOMEM. Serialised by the caller (RANK_DOMCTL lock). */
int domain_create(domid_t id, const struct domain_config *config, struct domain **out) MUST_CHECK;
/* Constructors and destructors of the layers above, run in registration order by
 * domain_create() and in reverse by the reaper; create -> 0/-Exxx; destroy must free what create
 * made; kill: preemptible release of what the guest made (may return -ERESTART). Any may be NULL. */
struct domain_ops {
	const char *name;
	int (*create)(struct domain *d, const struct domain_config *config);
	int (*kill)(struct domain *d);
	void (*destroy)(struct domain *d);
	int (*vcpu_create)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
};
void domain_register_ops(const struct domain_ops *ops);	/* at boot; at most 8 */

struct domain *domain_find(domid_t id);	/* referenced (domain_put); also dying ones; NULL if none */
void domain_put(struct domain *d);
struct domain *domain_next(domid_t at_least);	/* lowest id >= at_least, referenced; NULL at the end */
extern struct domain *dom0;		/* NULL until created */
struct domain *domain_current(void);	/* of the vCPU this CPU runs; NULL when idle */
static inline struct domain *domain_of_owner(struct owner *o) { return (struct domain *)(void *)o; }

void domain_pause(struct domain *d);	/* count up; returns when no vCPU runs (never on own vCPU: use vcpu_pause_nosync) */
void domain_unpause(struct domain *d);
/* SCHEDOP_shutdown and friends: mark, pause all vCPUs, raise VIRQ_DOM_EXC for dom0. dom0: poweroff or reboot of
 * the machine. Idempotent. May be called for the current domain. */
void domain_shutdown(struct domain *d, unsigned code);
void domain_resume(struct domain *d);	/* domctl resumedomain */
/* A hostile or broken guest: log why (rate-limited), shut down with SHUTDOWN_crash. The
 * current vCPU will not run again; callers just return. dom0: panic of the machine. */
void domain_crash(struct domain *d, const char *why, ...) PRINTF_LIKE(2, 3);
/* Preemptible destruction. 0 done (maybe still referenced by others' maps: then a zombie that is
 * reaped later), -ERESTART call again. */
int domain_kill(struct domain *d) MUST_CHECK;
/* Try to finish zombies whose last foreign reference went; from WORK_REAP. */
void domain_reap(void);
/* Set by hv/event: tell the control domain that a domain's state changed (VIRQ_DOM_EXC). */
extern void (*domain_state_changed)(void);
/* The machine stops: set by hv/boot (ACPI); code = SHUTDOWN_*. */
extern void (*machine_shutdown)(unsigned code);
