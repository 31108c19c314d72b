/* Network interfaces: a process of netback on the queues of a tap device, which is a port of a bridge, or to which dom0
 * has routes.
 *
 * The device is made for the first process and has backendd's descriptors of it from then on, so that it has a carrier and
 * lets packets wait while there is no process. When backendd itself ends it stays: what it is called, and what else of
 * dom0's network was changed for it, is in the device's file before it is done. All of it can be done and undone again.
 * Processes do nothing that outlives them. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/backendd/device.h"
#include "dom0/lib/interface.h"
#include "dom0/lib/route.h"
#include "dom0/lib/tun.h"
#include "pvdrivers/net_packet.h"

#define QUEUE_PACKETS	256u	/* for the guest, that wait in each queue: of up to 64 KiB each */

/* The device's file. */
struct network {
	char name[IFNAMSIZ];		/* of the interface; "": there is none */
	char uplink[IFNAMSIZ];		/* where dom0 answers for the guest's addresses; "": nowhere */
	uint32_t nat, count;		/* of these addresses, none with a bridge */
	struct net_address address[NET_ADDRESSES_MAX];
};

/* ---- what the store wants ---- */

/* As many as the guest may have, so that its flows stay apart. */
static uint32_t queues_wanted(const struct device *d)
{
	char text[16];
	unsigned long n = device_read(d, "queues", text, sizeof text) ? 1 : strtoul(text, NULL, 10);

	return n < 1 ? 1 : n > LINK_QUEUES_MAX ? LINK_QUEUES_MAX : (uint32_t)n;
}

/* The name of an interface in @node. */
static int name_read(const struct device *d, const char *node, char name[IFNAMSIZ])
{
	char text[IFNAMSIZ + 1];
	int err = device_read(d, node, text, sizeof text);

	if (err)
		return err;
	if (strlen(text) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	memset(name, 0, IFNAMSIZ);
	strcpy(name, text);
	return 0;
}

/* The interface's name, wanted or made up. */
static int name_choose(const struct device *d, char name[IFNAMSIZ])
{
	int err = name_read(d, "vifname", name);

	if (err != -ENOENT)
		return err;
	return snprintf(name, IFNAMSIZ, "vif%u.%u", d->domid, d->number) < IFNAMSIZ ? 0 : -ENAMETOOLONG;
}

/* What dom0's routes are to be: *@n, but for its name and uplink; none if a bridge is. */
static int routes_read(const struct device *d, struct network *n)
{
	char mode[16] = "bridged", text[LINK_TEXT_MAX];
	int err = device_read(d, "mode", mode, sizeof mode);

	if (err && err != -ENOENT)
		return err;
	n->nat = strcmp(mode, "nat") == 0;
	if (!n->nat && strcmp(mode, "routed") != 0)
		return strcmp(mode, "bridged") == 0 ? 0 : -EINVAL;
	err = device_read(d, "ip", text, sizeof text);
	if (!err)
		err = net_addresses_parse(n->address, &n->count, text);
	return err ? err : n->count ? 0 : -EINVAL;
}

/* ---- making it so ---- */

static int file_read(const struct device *d, struct network *n)
{
	ssize_t got = pread(d->file, n, sizeof *n, 0);

	if (got != (ssize_t)sizeof *n || n->count > NET_ADDRESSES_MAX)
		memset(n, 0, sizeof *n);
	n->name[IFNAMSIZ - 1] = n->uplink[IFNAMSIZ - 1] = '\0';
	return got < 0 ? -errno : 0;
}

static int file_write(const struct device *d, const struct network *n)
{
	return pwrite(d->file, n, sizeof *n, 0) == (ssize_t)sizeof *n ? 0 : -EIO;
}

/* Open interface @n's, which is a new one unless the device's file says that it is ours, and where its uplink is. */
static int taps_open(struct device *d, struct network *n)
{
	uint32_t queues = queues_wanted(d);
	struct network before;
	int err = file_read(d, &before);
	bool fresh = strcmp(before.name, n->name) != 0;

	if (!err)
		err = tun_open(n->name, queues, fresh, d->tap);
	/* The process of a backendd that has ended may have it for a moment. */
	if (err)
		return err == -EBUSY && !fresh ? -EAGAIN : err;
	d->taps = queues;
	if (!fresh)
		memcpy(n->uplink, before.uplink, sizeof n->uplink);
	return file_write(d, n);
}

/* Say in the file by which interface packets for @a leave by now, unless it is known. */
static int uplink_find(const struct device *d, struct network *n, const struct net_address *a)
{
	uint32_t uplink = 0;
	int err = route_find(a, &uplink);

	if (err || n->nat || n->uplink[0] || !uplink || uplink == if_nametoindex(n->name))
		return err;
	if (!if_indextoname(uplink, n->uplink))
		return -errno;
	return file_write(d, n);
}

/* Let packets for @a go to the guest, and those from it look as they should. */
static int route_make(const struct device *d, struct network *n, const struct net_address *a)
{
	uint32_t index = if_nametoindex(n->name), now = 0;
	int err = uplink_find(d, n, a);

	if (!err)
		err = route_add(a, index);
	/* It may be ours, of another backendd's time. */
	if (err == -EEXIST)
		err = route_find(a, &now) || now != index ? -EADDRINUSE : 0;
	if (!err && n->nat)
		err = route_masquerade(a, n->name, true);
	if (!err && !n->nat && n->uplink[0] && a->bits == 128)
		err = route_proxy(a, if_nametoindex(n->uplink), true);
	return err;
}

static int routes_make(const struct device *d, struct network *n, struct device_gift *g)
{
	bool ipv6 = false;
	int err;

	for (uint32_t i = 0; i < n->count; i++)
		ipv6 |= !net_address_is_ipv4(&n->address[i]);
	err = route_serve(n->name, ipv6);
	for (uint32_t i = 0; i < n->count && !err; i++) {
		char text[NET_ADDRESS_TEXT];

		net_address_format(&n->address[i], text);
		snprintf(g->what, sizeof g->what, "address %s", text);
		err = route_make(d, n, &n->address[i]);
	}
	return err;
}

/* Make the interface, and let it be a port of its bridge or have its routes. */
static int interface_make(struct device *d, struct device_gift *g)
{
	/* A bridge has the lowest address of its ports, and must not change it when guests come and go. */
	static const uint8_t mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct interface_setting setting = { .mac = mac, .queue_packets = QUEUE_PACKETS, .gso_bytes = NET_PACKET_MAX };
	struct network n = { .count = 0 };
	char bridge[IFNAMSIZ];
	int err = name_choose(d, n.name);

	snprintf(g->what, sizeof g->what, "vifname");
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "mode or ip");
	err = routes_read(d, &n);
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "interface %s", n.name);
	err = taps_open(d, &n);
	if (err)
		return err;
	if (!n.count) {
		snprintf(g->what, sizeof g->what, "bridge");
		err = name_read(d, "bridge", bridge);
		if (err)
			return err;
		snprintf(g->what, sizeof g->what, "bridge %s", bridge);
		setting.bridge = bridge;
	}
	err = interface_set(n.name, &setting);
	return err || !n.count ? err : routes_make(d, &n, g);
}

static int open_taps(struct device *d, struct device_gift *g)
{
	int err = d->taps ? 0 : interface_make(d, g);

	if (err)
		return err;
	g->start = (struct link_start){ .rings = d->taps };
	memcpy(g->fd, d->tap, sizeof d->tap);
	g->fds = d->taps;
	return 0;
}

/* Its routes go with it. */
static void interface_forget(struct device *d)
{
	struct network n;
	uint32_t uplink;

	while (d->taps > 0)
		close(d->tap[--d->taps]);
	if (d->file < 0 || file_read(d, &n) || !n.name[0])
		return;
	uplink = if_nametoindex(n.uplink);
	for (uint32_t i = 0; i < n.count; i++)
		if ((n.nat && route_masquerade(&n.address[i], n.name, false)) ||
		    (uplink && n.address[i].bits == 128 && route_proxy(&n.address[i], uplink, false)))
			log_warn("%s: what was changed for it in dom0's network cannot be undone", n.name);
	if (interface_remove(n.name) != -ENODEV)
		log_info("%s: removed", n.name);
}

static const char *const nodes[] = {
	"state", "feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload", "feature-rx-copy",
	"feature-multicast-control", "feature-split-event-channels", "multi-queue-max-queues", NULL,
};

const struct device_kind vif_kind = {
	.type = DEVICE_VIF, .name = "vif", .program = "netback", .nodes = nodes,
	.pages = 2 * LINK_QUEUES_MAX, .open = open_taps,
	.remove = interface_forget,
};
