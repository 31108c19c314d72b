/* What is left to be done to a packet, said to the kernel's tap device and by it: a header before the packet. Pure.
 * Spec: virtio 1.1, 5.1.6; Linux include/uapi/linux/virtio_net.h, if_tun.h. */
#pragma once
#include <linux/virtio_net.h>
#include "dom0/lib/attr.h"
#include "pvdrivers/net_back.h"

/* Make the header of a guest's packet, of @size bytes that are hostile. -EINVAL: it is none of which @o can hold. */
int vnet_header(struct virtio_net_hdr *h, const uint8_t *packet, size_t size, const struct net_offload *o) MUST_CHECK;
/* What @h leaves to be done of the kernel's packet, of @size bytes, for guest @g: a checksum that it does not
 * take blank is filled in. -EINVAL: there is more than a guest can do. */
int vnet_offload(struct net_offload *o, const struct virtio_net_hdr *h, uint8_t *packet, size_t size,
		 const struct net_guest *g) MUST_CHECK;
/* TUN_F_*: what the kernel may leave to guest @g. */
unsigned int vnet_features(const struct net_guest *g);
