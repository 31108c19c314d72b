/* The console back end in the store: what is read of the front end, and when. */
#include "pvdrivers/vcon_back.h"

static void event(void *arg)
{
	struct vcon_back *v = arg;

	if (v->open)
		v->ready(v);
}

static uint64_t front_number(const struct vcon_back *v, const char *name)
{
	return store_get_number(v->device.os, v->device.other, name, UINT32_MAX, UINT64_MAX);
}

void vcon_back_push(struct vcon_back *v)
{
	if (v->open && con_ring_push(&v->con.ring))
		v->device.os->event_notify(v->device.os, v->port);
}

/* Open the ring that the front end has published, where it stands, and make up for what a predecessor has not told. */
static int ring_open(struct vcon_back *v)
{
	uint64_t ref = front_number(v, "ring-ref"), remote = front_number(v, "port");
	struct pv_os *os = v->device.os;
	int err;

	if (ref > UINT32_MAX || remote > UINT32_MAX || !remote)
		return -XEN_EINVAL;
	v->map = (struct pv_map){ .ref = (grant_ref_t)ref };
	err = os->map(os, v->device.peer, &v->map, 1, PV_MAP_WRITABLE);
	if (!err)
		err = os->event_open(os, v->device.peer, (uint32_t)remote, event, v, &v->port);
	if (err)
		return err;
	con_back_open(&v->con, v->map.addr, v->limits, v->now_ns(v));
	v->open = true;
	vcon_back_push(v);
	v->changed(v);
	return 0;
}

/* Let go of all that is shared, as far as it is. */
static void ring_close(struct vcon_back *v)
{
	struct pv_os *os = v->device.os;
	bool was_open = v->open;

	if (was_open && !v->con.ends) {
		con_back_end(&v->con);
		v->ready(v);
	}
	v->open = false;
	if (v->port)
		os->event_close(os, v->port);
	v->port = 0;
	if (v->map.addr)
		os->unmap(os, &v->map, 1);
	v->map.addr = NULL;
	if (was_open)
		v->changed(v);
}

static int act(struct pv_device *d, enum xenbus_action action)
{
	struct vcon_back *v = PV_CONTAINER_OF(d, struct vcon_back, device);

	switch (action) {
	case XENBUS_CONNECT:
		ring_close(v);
		return ring_open(v);
	case XENBUS_RESUME:
		return ring_open(v);
	case XENBUS_DRAIN:
	case XENBUS_DISCONNECT:
	case XENBUS_REMOVE:
		ring_close(v);
		return 0;
	default:
		return 0;
	}
}

int vcon_back_open(struct vcon_back *v, struct pv_os *os, const char *path)
{
	v->device = (struct pv_device){ .os = os, .end = XENBUS_BACK, .act = act };
	v->open = false;
	v->map.addr = NULL;
	v->port = 0;
	return pv_device_open(&v->device, path);
}

/* The result of a look at the ring. The device is closed if it makes no sense, but it may be closing just then. */
static int judged(struct vcon_back *v, int result)
{
	if (result == -XEN_EBADMSG && !v->con.ends) {
		v->con.ends = true;
		pv_device_fail(&v->device, "indices of its ring make no sense: not served any more", 0);
	}
	return result;
}

int vcon_back_read(struct vcon_back *v, char *buf, uint32_t size)
{
	return v->open ? judged(v, con_back_read(&v->con, v->now_ns(v), buf, size)) : -XEN_ENXIO;
}

int vcon_back_room(struct vcon_back *v)
{
	return v->open ? judged(v, con_ring_room(&v->con.ring)) : -XEN_ENXIO;
}

int vcon_back_write(struct vcon_back *v, const char *buf, uint32_t size)
{
	return v->open ? judged(v, con_ring_write(&v->con.ring, buf, size)) : -XEN_ENXIO;
}

void vcon_back_close(struct vcon_back *v)
{
	/* A successor reads what is left. */
	v->con.ends = true;
	ring_close(v);
	pv_device_close(&v->device);
}
