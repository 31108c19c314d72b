/* Network interfaces: a process of netback on the queues of a tap device, which is a port of a bridge.
 *
 * The device is made for the first process and has backendd's descriptors of it from then on, so that it has a carrier and
 * lets packets wait while there is no process. When backendd itself ends it stays, by its name in the device's file.
 * Processes do nothing that outlives them. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/backendd/device.h"
#include "dom0/lib/interface.h"
#include "dom0/lib/tun.h"
#include "pvdrivers/net_packet.h"

#define QUEUE_PACKETS	256u	/* for the guest, that wait in each queue: of up to 64 KiB each */

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

/* Open the interface @name, which is a new one unless the device's file says that it is ours. */
static int taps_open(struct device *d, const char name[IFNAMSIZ])
{
	uint32_t queues = queues_wanted(d);
	char ours[IFNAMSIZ] = "";
	bool fresh = pread(d->file, ours, sizeof ours, 0) <= 0 || memcmp(ours, name, sizeof ours) != 0;
	int err = tun_open(name, queues, fresh, d->tap);

	/* The process of a backendd that has ended may have it for a moment. */
	if (err)
		return err == -EBUSY && !fresh ? -EAGAIN : err;
	d->taps = queues;
	return !fresh || pwrite(d->file, name, IFNAMSIZ, 0) == IFNAMSIZ ? 0 : -EIO;
}

/* Make the interface and let it be a port of its bridge. */
static int interface_make(struct device *d, struct device_gift *g)
{
	/* A bridge has the lowest address of its ports, and must not change it when guests come and go. */
	static const uint8_t mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	char name[IFNAMSIZ] = "", bridge[IFNAMSIZ];
	struct interface_setting setting = {
		.mac = mac, .bridge = bridge, .queue_packets = QUEUE_PACKETS, .gso_bytes = NET_PACKET_MAX,
	};
	int err = name_choose(d, name);

	snprintf(g->what, sizeof g->what, "vifname");
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "interface %s", name);
	err = taps_open(d, name);
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "bridge");
	err = name_read(d, "bridge", bridge);
	if (err)
		return err;
	snprintf(g->what, sizeof g->what, "bridge %s", bridge);
	return interface_set(name, &setting);
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

static void interface_forget(struct device *d)
{
	char name[IFNAMSIZ + 1] = "";

	while (d->taps > 0)
		close(d->tap[--d->taps]);
	if (d->file >= 0 && pread(d->file, name, IFNAMSIZ, 0) > 0 && name[0] && interface_remove(name) != -ENODEV)
		log_info("%s: removed", name);
}

static const char *const nodes[] = {
	"state", "feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload", "feature-rx-copy",
	"feature-multicast-control", "feature-split-event-channels", "multi-queue-max-queues", NULL,
};

const struct device_kind vif_kind = {
	.type = DEVICE_VIF, .name = "vif", .program = "netback", .nodes = nodes, .open = open_taps,
	.remove = interface_forget,
};
