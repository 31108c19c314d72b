/* The port table of a domain. Layer: event; only for hv/event. */
#pragma once
#include "hv/dom/paged.h"
#include "hv/event/evtchn.h"
#include "protocol/event_channel.h"

enum port_state { PORT_FREE, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_PIRQ, PORT_VIRQ, PORT_IPI };

struct port {
	uint8_t state;			/* enum port_state */
	uint8_t vcpu;			/* whom it notifies */
	uint16_t detail;		/* UNBOUND: who may bind; VIRQ: which */
	uint32_t number;		/* INTERDOMAIN: the other end's port; PIRQ: which */
	struct domain *remote;		/* INTERDOMAIN: the other end's domain */
};

struct evtchn_table {
	/* RANK_EVTCHN: all here, and vcpu->virq_port of the domain */
	struct lock lock;
	struct domain *domain;
	struct paged ports;		/* struct port */
	/* bit n: port n is not FREE; and those there can never be: 0, and from the limit on */
	uint64_t in_use[EVTCHN_PORTS / 64];
	uint64_t pirqs[EVTCHN_PIRQS / 64];	/* bit n: a port is bound to that PIRQ */
	uint32_t reset_cursor, kill_cursor;	/* ports below are closed */
};

/* A port in use, or NULL. Under its table's lock. */
struct port *port_at(struct evtchn_table *t, uint32_t port);
/* A free port; *number, still FREE. -ENOSPC, -ENOMEM; -ESRCH: the domain is dying. Under the
 * lock. */
int port_find_free(struct evtchn_table *t, uint32_t *number, struct port **out) MUST_CHECK;
void port_assign(struct evtchn_table *t, uint32_t number, struct port *p, struct port as);
void port_free(struct evtchn_table *t, uint32_t number, struct port *p);

/* deliver.c: make @port of @d pending and tell the vCPU it notifies. */
void port_raise(struct domain *d, uint32_t port, unsigned vcpu);
/* It is pending and not masked: tell the vCPU. */
void port_notify(struct domain *d, uint32_t port, unsigned vcpu);

/* close.c: close every port, at most 64 between preemption checks. 0, -ERESTART. */
int ports_close_all(struct domain *d) MUST_CHECK;

/* check.c: statement I10, for the audit. NULL, or what is broken. */
const char *evtchn_check(void);

/* deliver.c: WORK_VIRQ. */
void evtchn_deferred_run(void);
