/* The network back end in the store: what is advertised, what is read of the front end, and when. */
#include "pvdrivers/vif_back.h"

#include <string.h>

/* All of it is read by the front end before it makes its rings. */
static int advertise(const struct vif_back *v)
{
	const struct net_limits *l = &v->config.limits;
	const struct {
		const char *name;
		uint32_t value;
	} node[] = {
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", l->gso_tcpv4 },
		{ "feature-gso-tcpv6", l->gso_tcpv6 },
		{ "feature-ipv6-csum-offload", 1 },
		{ "feature-rx-copy", 1 },
		{ "feature-multicast-control", l->multicast },
		{ "feature-split-event-channels", 1 },
		{ "multi-queue-max-queues", v->max_queues },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof node / sizeof node[0] && !err; i++)
		err = store_put_number(v->device.os, v->device.path, node[i].name, node[i].value);
	return err;
}

static uint64_t front_number(const struct vif_back *v, const char *name, uint64_t most, uint64_t otherwise)
{
	return store_get_number(v->device.os, v->device.other, name, most, otherwise);
}

static struct net_guest guest_read(const struct vif_back *v)
{
	return (struct net_guest){
		.csum_ipv4 = !front_number(v, "feature-no-csum-offload", 1, 0),
		.csum_ipv6 = front_number(v, "feature-ipv6-csum-offload", 1, 0),
		.sg = front_number(v, "feature-sg", 1, 0),
		.gso_tcpv4 = front_number(v, "feature-gso-tcpv4", 1, 0),
		.gso_tcpv6 = front_number(v, "feature-gso-tcpv6", 1, 0),
		.notifies = front_number(v, "feature-rx-notify", 1, 0),
		.multicast_control = v->config.limits.multicast && front_number(v, "request-multicast-control", 1, 0),
	};
}

/* ---- queues ---- */

static void event(void *arg)
{
	vif_back_run(arg);
}

/* The directory with the nodes of queue @i: the front end's own, if there is only one. */
static int queue_dir(const struct vif_back *v, uint32_t queues, uint32_t i, char *dir)
{
	char queue[PV_VALUE_MAX];

	if (queues == 1) {
		memcpy(dir, v->device.other, PV_PATH_MAX);
		return 0;
	}
	store_numbered(queue, "queue-", i);
	return store_path(dir, v->device.other, queue);
}

static int ring_map(struct vif_back *v, const char *dir, const char *name, struct pv_map *map)
{
	uint64_t ref = store_get_number(v->device.os, dir, name, UINT32_MAX, UINT64_MAX);

	if (ref == UINT64_MAX)
		return -XEN_EINVAL;
	map->ref = (grant_ref_t)ref;
	return v->device.os->map(v->device.os, v->device.peer, map, 1, PV_MAP_WRITABLE);
}

/* Bind the front end's port of node @name. */
static int port_bind(struct vif_back *v, const char *dir, const char *name, uint32_t *port)
{
	uint64_t remote = store_get_number(v->device.os, dir, name, UINT32_MAX, 0);

	return !remote ? -XEN_EINVAL :
	       v->device.os->event_open(v->device.os, v->device.peer, (uint32_t)remote, event, v, port);
}

/* One port for each direction, or one for both. */
static int ports_bind(struct vif_back *v, const char *dir, uint32_t port[2])
{
	char value[PV_VALUE_MAX];
	int err;

	if (store_get(v->device.os, dir, "event-channel-tx", value, sizeof value) == -XEN_ENOENT)
		return port_bind(v, dir, "event-channel", &port[VIF_TX]);
	err = port_bind(v, dir, "event-channel-tx", &port[VIF_TX]);
	return err ? err : port_bind(v, dir, "event-channel-rx", &port[VIF_RX]);
}

static int queue_open(struct vif_back *v, uint32_t queues, bool successor)
{
	uint32_t i = v->queues++, *port = v->port[i];
	struct pv_map *map = v->map[i];
	char dir[PV_PATH_MAX];
	int err = queue_dir(v, queues, i, dir);

	memset(map, 0, sizeof v->map[i]);
	memset(port, 0, sizeof v->port[i]);
	if (!err)
		err = ring_map(v, dir, "tx-ring-ref", &map[VIF_TX]);
	if (!err)
		err = ring_map(v, dir, "rx-ring-ref", &map[VIF_RX]);
	if (!err)
		err = ports_bind(v, dir, port);
	if (!err)
		err = net_back_add_queue(&v->net, map[VIF_TX].addr, port[VIF_TX], map[VIF_RX].addr,
			port[VIF_RX] ? port[VIF_RX] : port[VIF_TX], successor);
	return err;
}

/* Open all queues that the front end has published. */
static int queues_open(struct vif_back *v, bool successor)
{
	uint64_t queues = front_number(v, "multi-queue-num-queues", UINT32_MAX, 1);
	int err;

	if (queues < 1 || queues > v->max_queues || !front_number(v, "request-rx-copy", 1, 0))
		return -XEN_EINVAL;
	v->config.peer = v->device.peer;
	v->config.guest = guest_read(v);
	err = net_back_open(&v->net, &v->config);
	if (err)
		return err;
	v->open = true;
	while (!err && v->queues < queues)
		err = queue_open(v, (uint32_t)queues, successor);
	if (!err)
		v->changed(v);
	return err;
}

/* Let go of all that is shared, as far as it is. */
static void queues_close(struct vif_back *v)
{
	struct pv_os *os = v->device.os;
	bool was_open = v->open;

	v->again = v->open = false;
	if (was_open)
		net_back_close(&v->net);
	while (v->queues > 0) {
		v->queues--;
		for (int d = VIF_TX; d <= VIF_RX; d++) {
			if (v->port[v->queues][d])
				os->event_close(os, v->port[v->queues][d]);
			if (v->map[v->queues][d].addr)
				os->unmap(os, &v->map[v->queues][d], 1);
		}
	}
	if (was_open)
		v->changed(v);
}

static int act(struct pv_device *d, enum xenbus_action action)
{
	struct vif_back *v = PV_CONTAINER_OF(d, struct vif_back, device);

	switch (action) {
	case XENBUS_ADVERTISE:
		return advertise(v);
	case XENBUS_CONNECT:
		queues_close(v);
		return queues_open(v, false);
	case XENBUS_RESUME:
		return queues_open(v, true);
	case XENBUS_DRAIN:
	case XENBUS_DISCONNECT:
	case XENBUS_REMOVE:
		queues_close(v);
		return 0;
	default:
		return 0;
	}
}

int vif_back_open(struct vif_back *v, struct pv_os *os, const char *path)
{
	v->device = (struct pv_device){ .os = os, .end = XENBUS_BACK, .act = act };
	v->config.os = os;
	v->open = v->again = false;
	v->queues = 0;
	return pv_device_open(&v->device, path);
}

void vif_back_run(struct vif_back *v)
{
	int status;

	if (!v->open)
		return;
	status = net_back_run(&v->net);
	v->again = status > 0;
	if (status < 0)
		pv_device_fail(&v->device, "indices of its ring make no sense: not served any more", 0);
}

void vif_back_offer(struct vif_back *v, uint32_t flow, const struct net_packet *p)
{
	/* It may be amid a run, so that an error is the next one's. */
	if (v->open && net_back_offer(&v->net, flow % v->net.queues, p))
		v->again = true;
}

void vif_back_push(struct vif_back *v)
{
	if (v->open)
		net_back_push(&v->net);
}

bool vif_back_room(const struct vif_back *v, uint32_t flow)
{
	return v->open && net_back_room(&v->net, flow % v->net.queues);
}

void vif_back_close(struct vif_back *v)
{
	queues_close(v);
	pv_device_close(&v->device);
}
