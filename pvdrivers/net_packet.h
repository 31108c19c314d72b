/* A packet on its way through a network device, whole: its bytes in pieces, and what is left to be done to it. */
#pragma once
#include "pvdrivers/os.h"
#include "protocol/io/netif.h"

#define NET_PACKET_MIN	14u	/* bytes: the header of Ethernet */
#define NET_PACKET_MAX	((uint32_t)XEN_NETIF_MAX_TX_SIZE)
/* Slots with data that a packet may have, each of one page at most; pieces, too. */
#define NET_SLOTS_MAX	((uint32_t)XEN_NETIF_NR_SLOTS_MIN)
/* Slots of a ring, which is one page. */
#define NET_RING_SLOTS	256u

enum net_gso {
	NET_GSO_NONE = XEN_NETIF_GSO_TYPE_NONE,
	NET_GSO_TCPV4 = XEN_NETIF_GSO_TYPE_TCPV4,
	NET_GSO_TCPV6 = XEN_NETIF_GSO_TYPE_TCPV6,
};

/* Layout of an iovec. */
struct net_piece {
	void *addr;
	size_t bytes;
};

/* What the sender left to whoever puts the packet on a wire. */
struct net_offload {
	bool csum_blank;	/* the checksum of TCP or UDP covers the pseudo header only */
	bool csum_valid;	/* it is known to be right, or blank */
	enum net_gso gso;	/* to be cut into segments */
	uint16_t gso_bytes;	/* payload of each; >= 1 unless NET_GSO_NONE */
};

struct net_packet {
	const struct net_piece *piece;
	uint32_t pieces;
	struct net_offload offload;
};
