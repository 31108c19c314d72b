/* The contract is in interface.h. */
#include "dom0/lib/interface.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include "dom0/lib/netlink.h"

int interface_set(const char *name, const struct interface_setting *s)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP,
	};
	unsigned int bridge = s->bridge ? if_nametoindex(s->bridge) : 0;
	struct netlink n;

	if (!info.ifi_index || (s->bridge && !bridge))
		return -ENODEV;
	netlink_begin(&n, RTM_NEWLINK, 0, &info, sizeof info);
	if (s->mac)
		netlink_add(&n, IFLA_ADDRESS, s->mac, 6);
	if (s->queue_packets)
		netlink_add(&n, IFLA_TXQLEN, &s->queue_packets, sizeof s->queue_packets);
	if (s->gso_bytes)
		netlink_add(&n, IFLA_GSO_MAX_SIZE, &s->gso_bytes, sizeof s->gso_bytes);
	if (s->bridge)
		netlink_add(&n, IFLA_MASTER, &bridge, sizeof bridge);
	return netlink_do(&n);
}

int interface_remove(const char *name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name) };
	struct netlink n;

	if (!info.ifi_index)
		return -ENODEV;
	netlink_begin(&n, RTM_DELLINK, 0, &info, sizeof info);
	return netlink_do(&n);
}
