/* Event channels, 2-level ABI. Layer: event. Ports 1..4095. State table: evtchn.c.
 * Locks: a table's RANK_EVTCHN lock; two tables by lock_pair in domid order. */
#pragma once
#include "hv/dom/domain.h"
#include "hv/dom/vcpu.h"

#define EVTCHN_PORTS 4096u
#define EVTCHN_PIRQS 512u
/* registers domain_ops, audit check, vcpu_raise_virq, domain_state_changed */
void evtchn_init(void);

/* The operations of EVTCHNOP_*: all check everything and either do the whole or nothing.
 * @d is the domain whose port it is. A @remote or domain of DOMID_SELF means @d.
 * Common errors: -EINVAL: no such port, or not in the state the operation needs; -ENOSPC: all ports
 * in use; -ENOMEM; -ESRCH: no such domain, or one of the two is dying; -ENOENT: no such vCPU. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port) MUST_CHECK;
int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port,
			    uint32_t *port) MUST_CHECK;
/* -EEXIST */
int evtchn_bind_virq(struct domain *d, unsigned virq, unsigned vcpu, uint32_t *port) MUST_CHECK;
int evtchn_bind_ipi(struct domain *d, unsigned vcpu, uint32_t *port) MUST_CHECK;
/* -EEXIST; -EINVAL: not below EVTCHN_PIRQS. hv/irq checks the pirq first */
int evtchn_bind_pirq(struct domain *d, unsigned pirq, uint32_t *port) MUST_CHECK;
int evtchn_close(struct domain *d, uint32_t port) MUST_CHECK;
/* the hot path: no allocation, one lock */
int evtchn_send(struct domain *d, uint32_t port) MUST_CHECK;
struct evtchn_status;
int evtchn_get_status(struct domain *of, uint32_t port, struct evtchn_status *out) MUST_CHECK;
int evtchn_bind_vcpu(struct domain *d, uint32_t port, unsigned vcpu) MUST_CHECK;
int evtchn_unmask(struct domain *d, uint32_t port) MUST_CHECK;
int evtchn_reset(struct domain *d) MUST_CHECK;	/* close all; -ERESTART: preempted, call again */

/* For the hypervisor itself. Take the table's lock. */
void evtchn_raise_virq(struct vcpu *v, unsigned virq);		/* per-vCPU VIRQ */
/* CONSOLE, CON_RING, ...: to dom0 */
void evtchn_raise_global_virq(struct domain *d, unsigned virq);
/* The same to dom0 from any context, whatever locks are held: at this CPU's next return to a
 * guest. */
void evtchn_defer_global_virq(unsigned virq);
/* from an interrupt; port from bind_pirq */
void evtchn_raise_pirq(struct domain *d, uint32_t port);
bool evtchn_port_is_pending(const struct domain *d, uint32_t port);
/* Told when a PIRQ port is closed (hv/irq masks the line); the table's lock is held. */
extern void (*evtchn_pirq_closed)(struct domain *d, unsigned pirq);
