/* The console front end in the store: what it publishes.
 *
 * Its page is let go of when the back end has, which may be after this end says Closed: every later look at the states
 * tries it. */
#include "pvdrivers/vcon_front.h"

#include "pvdrivers/grants.h"

static void usable(struct vcon_front *v, bool now)
{
	v->usable = now;
	v->changed(v);
}

/* -EAGAIN: the back end still maps the page. */
static int let_go(struct vcon_front *v)
{
	struct pv_os *os = v->device.os;

	if (v->usable)
		usable(v, false);
	if (v->port)
		os->event_close(os, v->port);
	v->port = 0;
	if (pv_grants_end(os, &v->ref, 1))
		return -XEN_EAGAIN;
	os->free(os, v->page, PV_PAGE);
	v->page = NULL;
	return 0;
}

static void event(void *arg)
{
	struct vcon_front *v = arg;

	/* The back end may be faster than its state. */
	if (v->usable)
		v->ready(v);
}

static int publish(struct vcon_front *v)
{
	struct pv_os *os = v->device.os;
	int err = let_go(v);

	if (err)
		return err;
	v->page = os->alloc(os, PV_PAGE);
	if (!v->page)
		return -XEN_ENOMEM;
	con_ring_open(&v->ring, v->page, CON_FRONT);
	err = os->grant(os, v->device.peer, v->page, false, &v->ref);
	if (!err)
		err = os->event_open(os, v->device.peer, 0, event, v, &v->port);
	if (!err)
		err = store_put_number(os, v->device.path, "ring-ref", v->ref);
	if (!err)
		err = store_put_number(os, v->device.path, "port", v->port);
	return err;
}

/* A state that someone else left says so of a ring that is not ours. */
static int connect(struct vcon_front *v)
{
	if (!v->port)
		return -XEN_EINVAL;
	if (v->usable)
		return 0;
	usable(v, true);
	/* What came before that was not told. */
	event(v);
	return 0;
}

static int act(struct pv_device *d, enum xenbus_action action)
{
	struct vcon_front *v = PV_CONTAINER_OF(d, struct vcon_front, device);

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
		if (v->page && !v->port)
			(void)!let_go(v);
		return 0;
	}
}

int vcon_front_open(struct vcon_front *v, struct pv_os *os, const char *path)
{
	v->device = (struct pv_device){ .os = os, .end = XENBUS_FRONT, .act = act };
	v->usable = false;
	v->page = NULL;
	v->ref = v->port = 0;
	return pv_device_open(&v->device, path);
}

/* Publish what was moved. The device is closed if the @result says that the ring makes no sense. */
static int pushed(struct vcon_front *v, int result)
{
	if (con_ring_push(&v->ring))
		v->device.os->event_notify(v->device.os, v->port);
	if (result == -XEN_EBADMSG)
		pv_device_fail(&v->device, "indices of its ring make no sense: not used any more", 0);
	return result;
}

int vcon_front_read(struct vcon_front *v, char *buf, uint32_t size)
{
	return v->usable ? pushed(v, con_ring_read(&v->ring, buf, size)) : -XEN_ENXIO;
}

int vcon_front_write(struct vcon_front *v, const char *buf, uint32_t size)
{
	uint32_t done = 0;
	int n = 1;

	if (!v->usable)
		return -XEN_ENXIO;
	/* It is full only if there is no room after all of it was published. */
	while (n > 0 && done < size) {
		n = pushed(v, con_ring_write(&v->ring, buf + done, size - done));
		done += n > 0 ? (uint32_t)n : 0;
	}
	return n < 0 ? n : (int)done;
}

void vcon_front_part(struct vcon_front *v)
{
	pv_device_part(&v->device, v->usable);
}

int vcon_front_close(struct vcon_front *v)
{
	if (let_go(v))
		return -XEN_EBUSY;
	pv_device_close(&v->device);
	return 0;
}
