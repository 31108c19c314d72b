/* Straight checks of what each protocol says about who sends. */
#include "dom0/netback/guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "dom0/netback/frame.h"

#define ARP_BYTES		28u
#define ICMP6_ROUTER_ADVERT	134
#define ICMP6_NEIGHBOUR_ADVERT	136
#define ICMP6_REDIRECT		137

static const uint8_t nobody[16];

/* One of those that it was given, of IPv4 or of IPv6: that one has a form for all of the other's says nothing here. */
static bool is_own(const struct guard *g, const uint8_t address[16], bool ipv4)
{
	uint32_t i = 0;

	while (i < g->count && (net_address_is_ipv4(&g->address[i]) != ipv4 || !net_address_covers(&g->address[i], address)))
		i++;
	return i < g->count;
}

static bool is_own_ipv4(const struct guard *g, const uint8_t ipv4[4])
{
	uint8_t address[16];

	net_address_from_ipv4(address, ipv4);
	return is_own(g, address, true);
}

/* The address that @g's address of Ethernet makes for this link. */
static bool is_link_local(const struct guard *g, const uint8_t address[16])
{
	const uint8_t *m = g->mac;
	const uint8_t own[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

	return memcmp(address, own, sizeof own) == 0;
}

static bool is_own_ipv6(const struct guard *g, const uint8_t address[16])
{
	return is_own(g, address, false) || is_link_local(g, address);
}

static bool arp_passes(const struct guard *g, const uint8_t *arp, size_t size)
{
	static const uint8_t ethernet_ipv4[6] = { 0, 1, 8, 0, 6, 4 };

	if (size < ARP_BYTES || memcmp(arp, ethernet_ipv4, sizeof ethernet_ipv4) != 0 || memcmp(arp + 8, g->mac, 6) != 0)
		return false;
	return !g->count || memcmp(arp + 14, nobody, 4) == 0 || is_own_ipv4(g, arp + 14);
}

static bool ipv4_passes(const struct guard *g, const struct frame *f, const uint8_t *ip)
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	return is_own_ipv4(g, ip + 12) ||
	       (memcmp(ip + 12, nobody, 4) == 0 && memcmp(ip + 16, all, 4) == 0 && f->protocol == IPPROTO_UDP);
}

/* What a neighbour may say of itself; all else is only its source's matter. */
static bool icmp6_passes(const struct guard *g, const uint8_t *icmp, size_t size)
{
	switch (size ? icmp[0] : 0) {
	case ICMP6_ROUTER_ADVERT:
	case ICMP6_REDIRECT:
		return false;
	case ICMP6_NEIGHBOUR_ADVERT:
		return size >= 24 && is_own_ipv6(g, icmp + 8);
	default:
		return true;
	}
}

static bool ipv6_passes(const struct guard *g, const struct frame *f, const uint8_t *bytes, size_t size)
{
	const uint8_t *from = bytes + f->l3 + 8;
	bool icmp = f->protocol == IPPROTO_ICMPV6;

	if (icmp && !icmp6_passes(g, bytes + f->l4, size - f->l4))
		return false;
	return is_own_ipv6(g, from) || (icmp && memcmp(from, nobody, sizeof nobody) == 0);
}

bool guard_passes(const struct guard *g, const uint8_t *bytes, size_t size)
{
	struct frame f;

	if (memcmp(bytes + 6, g->mac, sizeof g->mac) != 0)
		return false;
	frame_parse(&f, bytes, size);
	if (f.type == FRAME_ARP && !(f.tagged && g->count))
		return arp_passes(g, bytes + f.l3, size - f.l3);
	if (!g->count)
		return true;
	if (f.tagged || !f.ip)
		return false;
	return f.type == FRAME_IPV4 ? ipv4_passes(g, &f, bytes + f.l3) : ipv6_passes(g, &f, bytes, size);
}

int guard_set(struct guard *g, const char *mac, const char *addresses)
{
	struct guard set = { .count = 0 };
	int end = 0, n, err;

	n = sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &set.mac[0], &set.mac[1], &set.mac[2], &set.mac[3],
		   &set.mac[4], &set.mac[5], &end);
	if (n != 6 || mac[end])
		return -EINVAL;
	err = net_addresses_parse(set.address, &set.count, addresses);
	if (!err)
		*g = set;
	return err;
}
