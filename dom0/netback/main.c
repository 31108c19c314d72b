/* netback: serves one virtual network interface of one guest. Started by backendd, with the descriptors of
 * dom0/backend/link.h.
 *
 * Its parts are pvdrivers/vif_back (the device), dom0/backend/port (what of dom0 it can reach) and tap.c. It holds nothing
 * that its death loses, but for packets that a network may lose: requests are in the rings, packets for the guest in the
 * tap device. What the guest may send stands in nodes of the back end's directory that the toolstack writes:
 *
 *   mac    the address of the guest's interface, its only one
 *   ip     the addresses of IP that it may use, with blanks between; none: any
 *   rate   BYTES,MICROSECONDS: so many in so long */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/backend/port.h"
#include "dom0/backend/process.h"
#include "dom0/lib/daemon.h"
#include "dom0/lib/log.h"
#include "dom0/netback/tap.h"

#define WAITING		64u	/* packets for the guest, of a queue, that it had no buffers for: one, unless it does not tell
				 * of new ones */
#define TURN		64u	/* packets of a queue of the tap device before other things have their turn */
#define ROUNDS		4	/* of work between two looks at what else there is */

static struct port port;
static struct tap tap;
static struct vif_back vif;

/* The value of a node of the toolstack's; "": there is none. */
static const char *node(const char *dir, const char *name)
{
	static char value[LINK_TEXT_MAX];
	char path[PV_PATH_MAX];
	int err = store_path(path, dir, name);

	if (!err)
		err = port.os.store_read(&port.os, path, value, sizeof value);
	if (err == -XEN_ENOENT)
		value[0] = '\0';
	else if (err)
		daemon_fail(name, err);
	return value;
}

static void limits_read(const char *dir)
{
	char mac[32];
	int err;

	strncpy(mac, node(dir, "mac"), sizeof mac - 1);
	mac[sizeof mac - 1] = '\0';
	err = guard_set(&tap.guard, mac, node(dir, "ip"));
	if (err)
		daemon_fail("mac or ip", err);
	err = rate_set(&tap.rate, node(dir, "rate"));
	if (err)
		daemon_fail("rate", err);
}

static void changed(struct vif_back *v)
{
	int err = v->open ? tap_features(&tap, &v->config.guest) : 0;

	if (err)
		log_warn("the tap device does not take what the guest can do: %s", strerror(-err));
}

/* Take the guest's packets and bring it those that wait. True: there is more, for when others had their turn. */
static bool work(void)
{
	bool more = true;

	for (int round = 0; more && round < ROUNDS; round++) {
		tap.held = false;
		vif_back_run(&vif);
		more = vif.again;
		for (uint32_t i = 0; i < tap.queues; i++)
			more |= tap_receive(&tap, i, &vif, TURN);
		vif_back_push(&vif);
	}
	return more;
}

/* How long to wait: for ever, unless the guest's packets are held for a time. */
static int wait_ms(void)
{
	uint64_t now;

	if (!tap.held)
		return -1;
	now = loop_now_ns();
	return tap.rate.due_ns > now ? (int)((tap.rate.due_ns - now) / 1000000) + 1 : 0;
}

static void serve(void)
{
	struct pollfd wait[2 + LINK_QUEUES_MAX] = {
		{ .fd = LINK_FD_SOCKET, .events = POLLIN },
		{ .fd = LINK_FD_EVENTS, .events = POLLIN },
	};
	bool more = false;

	while (!vif.device.gone) {
		for (uint32_t i = 0; i < tap.queues; i++)
			wait[2 + i] = (struct pollfd){ .fd = vif_back_room(&vif, i) ? tap.fd[i] : -1, .events = POLLIN };
		if (poll(wait, 2 + tap.queues, more || port.kept ? 0 : wait_ms()) < 0 && errno != EINTR)
			daemon_fail("poll", -errno);
		port_run(&port, wait[0].revents, wait[1].revents);
		more = work();
	}
}

int main(void)
{
	struct link_start start = process_begin("netback");
	int err;

	port_open(&port);
	tap_open(&tap, LINK_FD_TAP, start.rings);
	process_confine(&process_netback, start.uid);
	limits_read(start.path);
	vif.max_queues = start.rings;
	vif.changed = changed;
	vif.config = (struct net_config){
		.port = &tap.port, .limits = { .gso_tcpv4 = true, .gso_tcpv6 = true, .multicast = true },
		.waiting_packets = WAITING, .waiting_bytes = 4 * NET_PACKET_MAX,
	};
	err = vif_back_open(&vif, &port.os, start.path);
	if (err)
		daemon_fail(start.path, err);
	serve();
	return 0;
}
