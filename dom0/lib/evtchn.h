/* Event channels of user space: /dev/xen/evtchn.
 *
 * A port that fired stays masked until evtchn_unmask(). Closing the door closes its ports: the
 * other end of an interdomain port becomes unbound to us again, so a restarted daemon can bind it
 * anew. Spec: Linux include/uapi/xen/evtchn.h. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"

struct evtchn {
	int fd;		/* poll for reading */
};

/* Open the door, non-blocking. */
int evtchn_open(struct evtchn *e) MUST_CHECK;
void evtchn_close(struct evtchn *e);
/* From now on only ports of domain @domid can be bound. -EACCES: it was restricted before. */
int evtchn_restrict(struct evtchn *e, uint16_t domid) MUST_CHECK;

/* Bind: *@port is our own end. Remote: @remote_port of domain @domid. -EINVAL: not ours to bind. */
int evtchn_bind_interdomain(struct evtchn *e, uint16_t domid, uint32_t remote_port,
			    uint32_t *port) MUST_CHECK;
/* Bind VIRQ @virq on vCPU 0. -EEXIST: another process has this global VIRQ. */
int evtchn_bind_virq(struct evtchn *e, unsigned int virq, uint32_t *port) MUST_CHECK;
int evtchn_unbind(struct evtchn *e, uint32_t port) MUST_CHECK;
int evtchn_notify(struct evtchn *e, uint32_t port) MUST_CHECK;

/* Take one port that fired. -EAGAIN: none waits. -EFBIG: the kernel's queue overflowed and was
 * reset: look at every port. */
int evtchn_pending(struct evtchn *e, uint32_t *port) MUST_CHECK;
/* Take as many of @most ports as fired, each once: how many, 0 of none; -EFBIG. */
int evtchn_take(struct evtchn *e, uint32_t port[], unsigned int most) MUST_CHECK;
/* Let @port fire again, or all of @count. */
int evtchn_unmask(struct evtchn *e, uint32_t port) MUST_CHECK;
int evtchn_unmask_all(struct evtchn *e, const uint32_t port[], unsigned int count) MUST_CHECK;
