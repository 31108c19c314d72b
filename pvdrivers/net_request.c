/* Packets of network devices: where a chain ends, then straight checks of its copy, extra info first.
 *
 * The first slot's size is the packet's: what its own page holds is what the other slots leave of it. */
#include "pvdrivers/net_request.h"

#include <string.h>

static struct netif_extra_info extra_at(const struct net_chain *c, uint32_t slot)
{
	struct netif_extra_info extra;

	memcpy(&extra, &c->slot[slot], sizeof extra);
	return extra;
}

bool net_chain_add(struct net_chain *c)
{
	uint32_t slot = c->slots++;
	uint16_t flags = c->slot[slot].req.flags;

	if (slot && c->extra_next) {
		c->extras++;
		c->extra_next = extra_at(c, slot).flags & XEN_NETIF_EXTRA_FLAG_MORE;
	} else {
		/* Only the first may be followed by extra info. */
		c->extra_next = slot == 0 && (flags & NETTXF_extra_info);
		c->data_next = flags & NETTXF_more_data;
	}
	return !c->extra_next && !c->data_next;
}

static bool gso_judge(struct net_request *r, const struct netif_extra_info *extra, const struct net_limits *limits)
{
	uint8_t type = extra->u.gso.type;
	bool known = (type == XEN_NETIF_GSO_TYPE_TCPV4 && limits->gso_tcpv4) ||
		     (type == XEN_NETIF_GSO_TYPE_TCPV6 && limits->gso_tcpv6);

	/* There is no feature that we know; segments' checksums cannot be there yet. */
	if (!known || r->offload.gso || !extra->u.gso.size || extra->u.gso.features || !r->offload.csum_blank)
		return false;
	r->offload.gso = type == XEN_NETIF_GSO_TYPE_TCPV4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6;
	r->offload.gso_bytes = extra->u.gso.size;
	return true;
}

static bool extra_judge(struct net_request *r, const struct netif_extra_info *extra, const struct net_limits *limits)
{
	switch (extra->type) {
	case XEN_NETIF_EXTRA_TYPE_GSO:
		return gso_judge(r, extra, limits);
	case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
	case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
		if (!limits->multicast || r->multicast)
			return false;
		r->multicast = extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD ? NET_MULTICAST_ADD : NET_MULTICAST_DEL;
		memcpy(r->address, extra->u.mcast.addr, sizeof r->address);
		/* It is about groups of receivers. */
		return r->address[0] & 1;
	default:
		return false;
	}
}

/* The slots with data, all but the first as they say, then the first with what is left. */
static bool parts_judge(struct net_request *r, const struct net_chain *c)
{
	const struct netif_tx_request *first = &c->slot[0].req;
	uint32_t left = first->size;

	r->bytes = left;
	r->parts = c->slots - c->extras;
	if (left < NET_PACKET_MIN || r->parts > NET_SLOTS_MAX)
		return false;
	for (uint32_t i = r->parts; i-- > 0;) {
		const struct netif_tx_request *req = i ? &c->slot[c->extras + i].req : first;
		uint32_t bytes = i ? req->size : left;

		if (bytes == 0 || bytes > left || req->offset + bytes > PV_PAGE)
			return false;
		r->part[i] = (struct net_part){ req->gref, req->offset, (uint16_t)bytes };
		left -= bytes;
	}
	return true;
}

int net_request_judge(struct net_request *r, const struct net_chain *c, const struct net_limits *limits)
{
	uint16_t flags = c->slot[0].req.flags;

	*r = (struct net_request){ .multicast = NET_MULTICAST_NONE };
	r->offload.csum_blank = flags & NETTXF_csum_blank;
	r->offload.csum_valid = flags & (NETTXF_csum_blank | NETTXF_data_validated);
	for (uint32_t i = 1; i <= c->extras; i++) {
		struct netif_extra_info extra = extra_at(c, i);

		if (!extra_judge(r, &extra, limits))
			return NETIF_RSP_ERROR;
	}
	/* Such a request has a slot only to carry its extra info. */
	if (r->multicast)
		return r->offload.gso || c->slots - c->extras > 1 ? NETIF_RSP_ERROR : NETIF_RSP_OKAY;
	return parts_judge(r, c) ? NETIF_RSP_OKAY : NETIF_RSP_ERROR;
}
