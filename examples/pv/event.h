/* Events of a small PV kernel: shared_info, the upcall, handlers per port (2-level layout). */
#pragma once
#include <stdint.h>
#include "protocol/event_channel.h"
#include "protocol/xen.h"

/* vCPUs that events can be delivered on. */
enum { EVENT_VCPUS = 4 };

extern volatile struct shared_info *shared_info;

/* Map shared_info. All ports start masked, events disabled. */
void event_open(void);
void event_upcall(void);

volatile struct vcpu_info *vcpu_info_of(unsigned vcpu);

/* Count events of @port, delivered on @vcpu, and call @handler if it is not NULL. Unmasks. */
void event_handle(evtchn_port_t port, unsigned vcpu, void (*handler)(evtchn_port_t port));
/* Events of @port handled so far. */
unsigned event_count(evtchn_port_t port);
void event_mask(evtchn_port_t port);
void event_unmask(evtchn_port_t port);	/* by hypercall */
int event_is_pending(evtchn_port_t port);
void event_clear(evtchn_port_t port);

/* The vCPU's interrupt flag. Enabling delivers what is pending before it returns. */
void events_enable(void);
void events_disable(void);

/* Return a port, or -errno. */
long event_bind_virq(unsigned virq, unsigned vcpu);
long event_bind_ipi(unsigned vcpu);
long event_alloc_unbound(domid_t remote);
long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port);
long event_close(evtchn_port_t port);
long event_send(evtchn_port_t port);
