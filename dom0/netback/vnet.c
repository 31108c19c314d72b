/* Blank checksums are those of TCP and UDP over either version of IP: other ends know no others. */
#include "dom0/netback/vnet.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include "dom0/netback/frame.h"

#define TCP_HEADER	20u
#define TCP_CHECKSUM	16u	/* where it is in the header */
#define UDP_CHECKSUM	6u

/* Where the checksum of @f is, from f->l4 on; 0: it has none that can be left blank. */
static uint16_t checksum_place(const struct frame *f, size_t size)
{
	uint16_t place = !f->ip ? 0 : f->protocol == IPPROTO_TCP ? TCP_CHECKSUM :
			 f->protocol == IPPROTO_UDP ? UDP_CHECKSUM : 0;

	return place && size - f->l4 >= place + 2u ? place : 0;
}

/* ---- a guest's ---- */

static int segments_header(struct virtio_net_hdr *h, const struct frame *f, const uint8_t *packet, size_t size,
			   const struct net_offload *o)
{
	uint16_t type = o->gso == NET_GSO_TCPV4 ? FRAME_IPV4 : FRAME_IPV6;
	size_t header = size - f->l4 < TCP_HEADER ? 0 : (packet[f->l4 + 12] >> 4) * 4u;

	if (f->type != type || f->protocol != IPPROTO_TCP || header < TCP_HEADER || header > size - f->l4)
		return -EINVAL;
	h->gso_type = o->gso == NET_GSO_TCPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = o->gso_bytes;
	h->hdr_len = (uint16_t)(f->l4 + header);
	return 0;
}

int vnet_header(struct virtio_net_hdr *h, const uint8_t *packet, size_t size, const struct net_offload *o)
{
	struct frame f;

	*h = (struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	if (!o->csum_blank)
		return 0;
	frame_parse(&f, packet, size);
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)f.l4;
	h->csum_offset = checksum_place(&f, size);
	if (!h->csum_offset)
		return -EINVAL;
	return o->gso ? segments_header(h, &f, packet, size, o) : 0;
}

/* ---- the kernel's ---- */

/* The checksum covers all from @start on, and what stands in its place. */
static int checksum_fill(uint8_t *packet, size_t size, size_t start, size_t offset)
{
	uint64_t sum = 0;

	if (start > size || size - start < 2 || offset > size - start - 2)
		return -EINVAL;
	for (size_t i = start; i + 1 < size; i += 2)
		sum += frame_u16(packet + i);
	if ((size - start) % 2)
		sum += (uint64_t)packet[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	/* Zero means to UDP that there is none. */
	sum = sum == 0xffff ? 0xffff : ~sum & 0xffff;
	packet[start + offset] = (uint8_t)(sum >> 8);
	packet[start + offset + 1] = (uint8_t)sum;
	return 0;
}

/* Whether @g finds the place of the checksum by itself, and fills it in. */
static bool takes_blank(const struct virtio_net_hdr *h, const uint8_t *packet, size_t size, const struct net_guest *g)
{
	struct frame f;

	frame_parse(&f, packet, size);
	return (f.type == FRAME_IPV4 ? g->csum_ipv4 : g->csum_ipv6) && !f.tagged && h->csum_start == f.l4 &&
	       h->csum_offset && h->csum_offset == checksum_place(&f, size);
}

int vnet_offload(struct net_offload *o, const struct virtio_net_hdr *h, uint8_t *packet, size_t size,
		 const struct net_guest *g)
{
	bool blank = h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	*o = (struct net_offload){ .csum_valid = blank || (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) };
	if (size < FRAME_HEADER)
		return -EINVAL;
	if (blank)
		o->csum_blank = takes_blank(h, packet, size, g);
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return blank && !o->csum_blank ? checksum_fill(packet, size, h->csum_start, h->csum_offset) : 0;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		o->gso = h->gso_type == VIRTIO_NET_HDR_GSO_TCPV4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6;
		o->gso_bytes = h->gso_size;
		return o->csum_blank && o->gso_bytes ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

unsigned int vnet_features(const struct net_guest *g)
{
	if (!g->csum_ipv4)
		return 0;
	return TUN_F_CSUM | (g->sg && g->gso_tcpv4 ? TUN_F_TSO4 : 0) |
	       (g->sg && g->gso_tcpv6 && g->csum_ipv6 ? TUN_F_TSO6 : 0);
}
