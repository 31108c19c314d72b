/* Addresses of IP that a host can have, or the first bits of several: of both versions in one form. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

#define NET_ADDRESSES_MAX	8u
#define NET_ADDRESS_TEXT	64	/* with the NUL */

struct net_address {
	uint8_t bytes[16];		/* IPv4's as ::ffff:a.b.c.d */
	uint8_t bits;			/* that count: of 128, also for IPv4 */
};

/* Parse "ADDRESS" or "ADDRESS/BITS". -EINVAL: it is neither, or none that a host has. */
int net_address_parse(struct net_address *a, const char *text) MUST_CHECK;
/* Parse a list of them with blanks between, which may be empty: *count <= NET_ADDRESSES_MAX. -EINVAL; -E2BIG: more. Then
 * @list holds anything. */
int net_addresses_parse(struct net_address list[NET_ADDRESSES_MAX], uint32_t *count, const char *text) MUST_CHECK;
void net_address_format(const struct net_address *a, char text[NET_ADDRESS_TEXT]);
bool net_address_is_ipv4(const struct net_address *a) MUST_CHECK;
/* Say whether @a covers the address @bytes, in the same form. */
bool net_address_covers(const struct net_address *a, const uint8_t bytes[16]) MUST_CHECK;
/* The address of IPv4 @ipv4 in this form. */
void net_address_from_ipv4(uint8_t bytes[16], const uint8_t ipv4[4]);
