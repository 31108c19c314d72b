/* Routes of dom0 to guests, and who answers for a guest where its packets come from. Spec: rtnetlink(7), ip-sysctl. */
#pragma once
#include "dom0/lib/net_address.h"

/* The interface by which packets to @a leave now: *index; 0: none does. -EADDRINUSE: it is an address of dom0's own. */
int route_find(const struct net_address *a, uint32_t *index) MUST_CHECK;
/* Send what is for @a to interface @index from now on. -EEXIST: it is sent elsewhere, by a route of just this. */
int route_add(const struct net_address *a, uint32_t index) MUST_CHECK;
/* Answer on interface @index for the one address @a, or do not. It may be so already. */
int route_proxy(const struct net_address *a, uint32_t index, bool on) MUST_CHECK;
/* Let interface @name be a router's: packets are forwarded from it, and dom0 answers there for whoever it has routes to. Of
 * IPv6 also as fe80::1. -ENOENT: the kernel has no such version of IP. */
int route_serve(const char *name, bool ipv6) MUST_CHECK;
/* Give what comes from @a and leaves by another interface than @name an address of dom0's, or do not. It may be so
 * already. IPv4 only. */
int route_masquerade(const struct net_address *a, const char *name, bool on) MUST_CHECK;
