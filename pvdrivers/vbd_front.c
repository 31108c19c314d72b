/* The block front end in the store: what it publishes, and what it reads of the disk.
 *
 * Its pages are let go of when the back end has, which may be after this end says Closed: every later look at the
 * states tries it. */
#include "pvdrivers/vbd_front.h"

#include <string.h>
#include "protocol/io/protocols.h"

/* Sectors whose bytes can be counted. */
#define SECTORS_MOST	(UINT64_MAX / BLK_SECTOR_BYTES)

static uint64_t back_number(const struct vbd_front *v, const char *name, uint64_t most, uint64_t otherwise)
{
	return store_get_number(v->device.os, v->device.other, name, most, otherwise);
}

static void event(void *arg)
{
	struct vbd_front *v = arg;
	int err;

	if (!v->open || v->blk.broken)
		return;
	v->running = true;
	err = blk_front_run(&v->blk);
	v->running = false;
	if (err)
		pv_device_fail(&v->device, "answers make no sense: not used any more", 0);
	else if (!v->usable)
		pv_device_step(&v->device);	/* it waits for the last answer */
}

static void usable(struct vbd_front *v, bool now)
{
	v->usable = now;
	v->changed(v);
}

/* End operations and grants. -EAGAIN: the back end still maps some pages, or operations are ending. */
static int let_go(struct vbd_front *v)
{
	int err = 0;

	if (v->running)
		return -XEN_EAGAIN;
	if (v->usable)
		usable(v, false);
	v->running = true;
	if (v->open)
		err = blk_front_close(&v->blk);
	v->running = false;
	if (err)
		return -XEN_EAGAIN;
	v->open = false;
	return 0;
}

static int blk_open(struct vbd_front *v)
{
	uint64_t order = back_number(v, "max-ring-page-order", UINT32_MAX, 0);
	uint64_t segments = back_number(v, "feature-max-indirect-segments", UINT32_MAX, 0);
	struct blk_front_config c = { .os = v->device.os, .peer = v->device.peer, .data_pages = v->data_pages };
	int err;

	c.ring_pages = 1u << (order < v->max_ring_order ? order : v->max_ring_order);
	c.max_segments = segments < v->max_segments ? (uint32_t)segments : v->max_segments;
	err = blk_front_open(&v->blk, &c, event, v);
	v->open = !err;
	return err;
}

static int put_ring(const struct vbd_front *v)
{
	struct pv_os *os = v->device.os;
	const char *dir = v->device.path;
	uint32_t pages = v->blk.config.ring_pages, order = 0;
	char name[PV_VALUE_MAX] = "ring-ref";
	int err = 0;

	while (1u << order < pages)
		order++;
	for (uint32_t i = 0; i < pages && !err; i++) {
		if (pages > 1)
			store_numbered(name, "ring-ref", i);
		err = store_put_number(os, dir, name, v->blk.ring_ref[i]);
	}
	if (!err && order)
		err = store_put_number(os, dir, "ring-page-order", order);
	return err;
}

/* The state comes after these, so the back end reads them when all are there. */
static int publish(struct vbd_front *v)
{
	struct pv_os *os = v->device.os;
	const char *dir = v->device.path;
	int err = let_go(v);

	if (!err)
		err = blk_open(v);
	if (!err)
		err = put_ring(v);
	if (!err)
		err = store_put_number(os, dir, "event-channel", v->blk.port);
	if (!err)
		err = store_put(os, dir, "protocol", XEN_IO_PROTO_ABI_NATIVE);
	if (!err)
		err = store_put_number(os, dir, "feature-persistent", 1);
	return err;
}

static int read_properties(struct vbd_front *v)
{
	uint64_t sectors = back_number(v, "sectors", SECTORS_MOST, UINT64_MAX);
	uint64_t bytes = back_number(v, "sector-size", PV_PAGE, BLK_SECTOR_BYTES);
	bool news = !v->usable || v->limits.sectors != sectors;

	if (sectors == UINT64_MAX || bytes < BLK_SECTOR_BYTES || (bytes & (bytes - 1)))
		return -XEN_EINVAL;
	v->limits = (struct blk_limits){
		.sectors = sectors,
		.sector_bytes = (uint32_t)bytes,
		.max_segments = v->blk.config.max_segments,
		.read_only = back_number(v, "info", UINT32_MAX, 0) & VDISK_READONLY,
		.flush = back_number(v, "feature-flush-cache", 1, 0),
		.barrier = back_number(v, "feature-barrier", 1, 0),
		.discard = back_number(v, "feature-discard", 1, 0),
		.secure_discard = back_number(v, "discard-secure", 1, 0),
	};
	if (news)
		usable(v, true);
	return 0;
}

static int drain(struct vbd_front *v)
{
	if (v->usable)
		usable(v, false);
	if (v->open && !v->blk.broken && blk_front_unanswered(&v->blk))
		return -XEN_EAGAIN;
	(void)!let_go(v);
	return 0;
}

static int act(struct pv_device *d, enum xenbus_action action)
{
	struct vbd_front *v = PV_CONTAINER_OF(d, struct vbd_front, device);

	/* The user parts from within done(): what it wrote is looked at again after that. */
	if (v->running)
		return -XEN_EAGAIN;
	switch (action) {
	case XENBUS_PUBLISH:
		return publish(v);
	case XENBUS_CONNECT:
	case XENBUS_REFRESH:
		/* A state that someone else left says so of rings that are not ours. */
		return v->open ? read_properties(v) : -XEN_EINVAL;
	case XENBUS_DRAIN:
		return drain(v);
	case XENBUS_DISCONNECT:
	case XENBUS_REMOVE:
		(void)!let_go(v);
		return 0;
	default:
		if (v->open && v->blk.broken)
			(void)!let_go(v);
		return 0;
	}
}

int vbd_front_open(struct vbd_front *v, struct pv_os *os, const char *path)
{
	v->device = (struct pv_device){ .os = os, .end = XENBUS_FRONT, .act = act };
	v->usable = v->open = v->running = false;
	return pv_device_open(&v->device, path);
}

int vbd_front_send(struct vbd_front *v, struct blk_operation *o)
{
	return v->usable ? blk_front_send(&v->blk, o) : -XEN_ENXIO;
}

void vbd_front_part(struct vbd_front *v)
{
	pv_device_part(&v->device, v->usable);
}

int vbd_front_close(struct vbd_front *v)
{
	if (let_go(v))
		return -XEN_EBUSY;
	pv_device_close(&v->device);
	return 0;
}
