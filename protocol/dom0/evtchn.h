/* /dev/xen/evtchn: event channels in dom0's processes. read() gives ports as uint32_t, each then
 * masked until it is written back. The bind calls return the local port.
 * Spec: Linux, xen/evtchn.h. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

struct ioctl_evtchn_bind_virq {
	uint32_t virq;
};

struct ioctl_evtchn_bind_interdomain {
	uint32_t remote_domain;
	uint32_t remote_port;
};

struct ioctl_evtchn_bind_unbound_port {
	uint32_t remote_domain;
};

struct ioctl_evtchn_unbind {
	uint32_t port;
};

struct ioctl_evtchn_notify {
	uint32_t port;
};

struct ioctl_evtchn_restrict_domid {
	domid_t domid;
};

#define IOCTL_EVTCHN_BIND_VIRQ		0x00044500ul
#define IOCTL_EVTCHN_BIND_INTERDOMAIN	0x00084501ul
#define IOCTL_EVTCHN_BIND_UNBOUND_PORT	0x00044502ul
#define IOCTL_EVTCHN_UNBIND		0x00044503ul
#define IOCTL_EVTCHN_NOTIFY		0x00044504ul
#define IOCTL_EVTCHN_RESET		0x00004505u	/* no argument */
#define IOCTL_EVTCHN_RESTRICT_DOMID	0x00024506ul
