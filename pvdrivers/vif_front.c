/* The network front end in the store: what it publishes, and what it reads of the device.
 *
 * Its pages are let go of when the back end has, which may be after this end says Closed: every later look at the
 * states tries it. */
#include "pvdrivers/vif_front.h"

#include <string.h>

static void usable(struct vif_front *v, bool now)
{
	v->usable = now;
	v->changed(v);
}

/* End grants. -EAGAIN: the back end still maps some pages, or packets are being taken. */
static int let_go(struct vif_front *v)
{
	if (v->running)
		return -XEN_EAGAIN;
	if (v->usable)
		usable(v, false);
	v->again = false;
	if (v->open && net_front_close(&v->net))
		return -XEN_EAGAIN;
	v->open = false;
	return 0;
}

void vif_front_run(struct vif_front *v)
{
	int status;

	if (!v->open || v->net.broken)
		return;
	v->running = true;
	status = net_front_run(&v->net);
	v->running = false;
	v->again = status > 0;
	if (status < 0)
		pv_device_fail(&v->device, "answers make no sense: not used any more", 0);
}

static void event(void *arg)
{
	vif_front_run(arg);
}

static void received(struct net_front *f, const struct net_packet *p)
{
	struct vif_front *v = PV_CONTAINER_OF(f, struct vif_front, net);

	/* The back end may be faster than its state. */
	if (v->usable)
		v->received(v, p);
}

/* The state comes after these, so the back end reads them when all are there. */
static int put_nodes(const struct vif_front *v)
{
	const struct {
		const char *name;
		uint32_t value;
	} node[] = {
		{ "tx-ring-ref", v->net.tx_ref },
		{ "rx-ring-ref", v->net.rx_ref },
		{ "event-channel", v->net.port },
		{ "request-rx-copy", 1 },
		{ "feature-rx-notify", 1 },
		{ "feature-sg", 1 },
		{ "feature-ipv6-csum-offload", 1 },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof node / sizeof node[0] && !err; i++)
		err = store_put_number(v->device.os, v->device.path, node[i].name, node[i].value);
	return err;
}

static int publish(struct vif_front *v)
{
	struct net_front_config c = {
		.os = v->device.os, .peer = v->device.peer, .tx_buffers = v->tx_buffers, .rx_buffers = v->rx_buffers,
		.received = received,
	};
	int err = let_go(v);

	if (err)
		return err;
	err = net_front_open(&v->net, &c, event, v);
	if (err)
		return err;
	v->open = true;
	return put_nodes(v);
}

static unsigned int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? (unsigned int)(c - '0') :
	       c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a' + 10) :
	       c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A' + 10) : 16;
}

/* Read node mac: six bytes in hexadecimal, a colon between any two. -EINVAL. */
static int mac_read(struct vif_front *v)
{
	char value[PV_VALUE_MAX];

	if (store_get(v->device.os, v->device.path, "mac", value, sizeof value) || strlen(value) != 6 * 3 - 1)
		return -XEN_EINVAL;
	for (int i = 0; i < 6; i++) {
		unsigned int high = hex_digit(value[3 * i]), low = hex_digit(value[3 * i + 1]);

		if (high > 15 || low > 15 || (i < 5 && value[3 * i + 2] != ':'))
			return -XEN_EINVAL;
		v->mac[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* A state that someone else left says so of rings that are not ours. */
static int connect(struct vif_front *v)
{
	int err = v->open ? mac_read(v) : -XEN_EINVAL;

	if (!err && !v->usable)
		usable(v, true);
	return err;
}

static int act(struct pv_device *d, enum xenbus_action action)
{
	struct vif_front *v = PV_CONTAINER_OF(d, struct vif_front, device);

	/* The user parts from within received(): what it wrote is looked at again after that. */
	if (v->running)
		return -XEN_EAGAIN;
	switch (action) {
	case XENBUS_PUBLISH:
		return publish(v);
	case XENBUS_CONNECT:
	case XENBUS_REFRESH:
		return connect(v);
	case XENBUS_DRAIN:
	case XENBUS_DISCONNECT:
	case XENBUS_REMOVE:
		(void)!let_go(v);
		return 0;
	default:
		if (v->open && v->net.broken)
			(void)!let_go(v);
		return 0;
	}
}

int vif_front_open(struct vif_front *v, struct pv_os *os, const char *path)
{
	v->device = (struct pv_device){ .os = os, .end = XENBUS_NET_FRONT, .act = act };
	v->usable = v->open = v->running = v->again = false;
	return pv_device_open(&v->device, path);
}

int vif_front_send(struct vif_front *v, const struct net_packet *p)
{
	int err = v->usable ? net_front_send(&v->net, p) : -XEN_ENXIO;

	if (!err)
		net_front_push(&v->net);
	return err;
}

void vif_front_part(struct vif_front *v)
{
	pv_device_part(&v->device, v->usable);
}

int vif_front_close(struct vif_front *v)
{
	if (let_go(v))
		return -XEN_EBUSY;
	pv_device_close(&v->device);
	return 0;
}
