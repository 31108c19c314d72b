/* Which packets a guest may send: with its own address of Ethernet as source and, if it was given addresses of IP, with
 * none but those and what finding each other takes. Pure; packets are hostile.
 *
 * With addresses it may send ARP and IP only, untagged: of IPv4 from its addresses, or from none to all by UDP (DHCP);
 * of IPv6 from its addresses, from the link-local one that its address of Ethernet makes, or from none by ICMPv6. It may be
 * no router to its neighbours, and advertise itself under no other address. Spec: RFC 826, 2131, 4291, 4861. */
#pragma once
#include "dom0/lib/net_address.h"

struct guard {
	uint8_t mac[6];
	uint32_t count;		/* 0: any */
	struct net_address address[NET_ADDRESSES_MAX];
};

/* Let pass what is of @mac ("00:16:3e:..") and of the list @addresses, which may be empty. -EINVAL; -E2BIG. */
int guard_set(struct guard *g, const char *mac, const char *addresses) MUST_CHECK;
/* Say whether the frame of @size bytes, >= 14, may pass. */
bool guard_passes(const struct guard *g, const uint8_t *frame, size_t size) MUST_CHECK;
