/* The network: lwIP on a front end. One interface, one thread.
 *
 * What comes from the network, or from a hostile back end, is lwIP's to judge; here lengths are bounded, and a packet that
 * there is no room for is lost. */
#pragma once
#include <lwip/netif.h>
#include "pvdrivers/vif_front.h"

struct inet {
	struct vif_front vif;
	struct netif netif;
	uint64_t (*now_ns)(void);
	bool dhcp;
	bool has_address;
};

/* Drive the device whose directory is @path. @address: "A.B.C.D/BITS", or NULL: ask by DHCP. Once in a program. Errors of
 * pv_device_open(); -EINVAL: @address is none. */
int inet_open(struct inet *n, struct pv_os *os, const char *path, const char *address, uint64_t (*now_ns)(void)) PV_MUST_CHECK;
/* Do what time has made due. */
void inet_run(struct inet *n);
/* When inet_run() is next to be called, as @now_ns tells the time; UINT64_MAX: something has to happen first. */
uint64_t inet_deadline_ns(const struct inet *n) PV_MUST_CHECK;
