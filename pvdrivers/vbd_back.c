/* The block back end in the store: what is advertised, what is read of the front end, and when. */
#include "pvdrivers/vbd_back.h"

#include <string.h>
#include "protocol/io/protocols.h"

struct number {
	const char *name;
	uint64_t value;
};

static int put_all(const struct vbd_back *v, const struct number *n, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = store_put_number(v->device.os, v->device.path, n[i].name, n[i].value);
	return err;
}

/* What a front end must know before it makes its rings. */
static int advertise(const struct vbd_back *v)
{
	const struct number n[] = {
		{ "feature-max-indirect-segments", v->config.limits.max_segments },
		{ "multi-queue-max-queues", v->max_rings },
		{ "max-ring-page-order", v->max_ring_order },
	};

	return put_all(v, n, sizeof n / sizeof n[0]);
}

/* What the disk is and can do. */
static int put_properties(const struct vbd_back *v)
{
	const struct blk_limits *l = &v->config.limits;
	const struct number n[] = {
		{ "feature-flush-cache", l->flush },
		{ "feature-barrier", l->barrier },
		{ "feature-discard", l->discard },
		{ "discard-granularity", l->sector_bytes },
		{ "discard-alignment", 0 },
		{ "discard-secure", l->secure_discard },
		{ "feature-persistent", v->kept_pages != 0 },
		{ "info", l->read_only ? VDISK_READONLY : 0 },
		{ "sector-size", l->sector_bytes },
		{ "physical-sector-size", l->sector_bytes },
		{ "sectors", l->sectors },
	};

	return put_all(v, n, sizeof n / sizeof n[0]);
}

/* ---- rings ---- */

static void event(void *arg)
{
	vbd_back_run(arg);
}

/* The directory with the nodes of ring @i: the front end's own, if there is only one. */
static int ring_dir(const struct vbd_back *v, uint32_t rings, uint32_t i, char *dir)
{
	char queue[PV_VALUE_MAX];

	if (rings == 1) {
		memcpy(dir, v->device.other, PV_PATH_MAX);
		return 0;
	}
	store_numbered(queue, "queue-", i);
	return store_path(dir, v->device.other, queue);
}

/* References of the ring's pages: ring-ref, or ring-ref0 and on if there is an order. */
static int ring_refs(struct vbd_back *v, const char *dir, uint32_t i, bool numbered)
{
	char name[PV_VALUE_MAX] = "ring-ref";

	for (uint32_t k = 0; k < v->ring_pages; k++) {
		uint64_t ref;

		if (numbered)
			store_numbered(name, "ring-ref", k);
		ref = store_get_number(v->device.os, dir, name, UINT32_MAX, UINT64_MAX);
		if (ref == UINT64_MAX)
			return -XEN_EINVAL;
		v->map[i][k].ref = (grant_ref_t)ref;
	}
	return 0;
}

/* Serve mapped ring @i, which the front end notifies by @remote_port. -EBADMSG: a predecessor served another one. */
static int ring_serve(struct vbd_back *v, uint32_t i, uint32_t remote_port, bool successor)
{
	struct blk_record *record = &v->record[i];
	struct blk_origin origin = { .remote_port = remote_port };
	int err;

	for (uint32_t k = 0; k < v->ring_pages; k++)
		origin.ref[k] = v->map[i][k].ref;
	if (successor && memcmp(&record->origin, &origin, sizeof origin) != 0)
		return -XEN_EBADMSG;
	err = blk_back_add_ring(&v->blk, v->map[i][0].addr, (size_t)v->ring_pages * PV_PAGE, v->port[i], record, successor);
	if (!err)
		record->origin = origin;
	return err;
}

static int ring_open(struct vbd_back *v, uint32_t rings, bool numbered, bool successor)
{
	struct pv_os *os = v->device.os;
	uint32_t i = v->rings;
	char dir[PV_PATH_MAX];
	uint64_t port;
	int err = ring_dir(v, rings, i, dir);

	if (!err)
		err = ring_refs(v, dir, i, numbered);
	if (!err)
		err = os->map(os, v->device.peer, v->map[i], v->ring_pages, PV_MAP_WRITABLE | PV_MAP_TOGETHER);
	if (err)
		return err;
	v->port[i] = 0;
	v->rings++;
	port = store_get_number(os, dir, "event-channel", UINT32_MAX, 0);
	if (!port)
		return -XEN_EINVAL;
	err = os->event_open(os, v->device.peer, (uint32_t)port, event, v, &v->port[i]);
	return err ? err : ring_serve(v, i, (uint32_t)port, successor);
}

static bool protocol_is_ours(const struct vbd_back *v)
{
	char value[PV_VALUE_MAX];
	int err = store_get(v->device.os, v->device.other, "protocol", value, sizeof value);

	return err == -XEN_ENOENT || (!err && strcmp(value, XEN_IO_PROTO_ABI_NATIVE) == 0);
}

/* Open all rings that the front end has published. A new connection's records are of no other one, even if it fails. */
static int rings_open(struct vbd_back *v, bool successor)
{
	struct pv_os *os = v->device.os;
	const char *front = v->device.other;
	uint64_t none = UINT64_MAX;
	uint64_t order = store_get_number(os, front, "ring-page-order", v->max_ring_order, none);
	uint64_t rings = store_get_number(os, front, "multi-queue-num-queues", UINT32_MAX, 1);
	int err;

	for (uint32_t i = 0; i < v->max_rings && !successor; i++)
		blk_record_clear(&v->record[i]);
	if (rings < 1 || rings > v->max_rings || !protocol_is_ours(v))
		return -XEN_EINVAL;
	v->ring_pages = order == none ? 1 : 1u << order;
	v->config.peer = v->device.peer;
	v->config.kept_pages = store_get_number(os, front, "feature-persistent", 1, 0) ? v->kept_pages : 0;
	err = blk_back_open(&v->blk, &v->config);
	if (err)
		return err;
	v->open = true;
	while (!err && v->rings < rings)
		err = ring_open(v, (uint32_t)rings, order != none, successor);
	return err;
}

/* Let go of all that is shared, as far as it is. */
static int rings_close(struct vbd_back *v)
{
	struct pv_os *os = v->device.os;

	v->again = false;
	v->wait_ns = 0;
	if (v->open && !blk_back_close(&v->blk))
		return -XEN_EAGAIN;
	v->open = false;
	for (; v->rings > 0; v->rings--) {
		if (v->port[v->rings - 1])
			os->event_close(os, v->port[v->rings - 1]);
		os->unmap(os, v->map[v->rings - 1], v->ring_pages);
	}
	return 0;
}

static int connect(struct vbd_back *v)
{
	int err = rings_close(v);

	if (err)
		return err;
	err = rings_open(v, false);
	if (!err)
		err = put_properties(v);
	if (!err)
		v->record[0].told = v->config.limits.sectors;
	return err;
}

/* The front end looks at the size when the state is written, be it the same. */
static void size_tell(struct vbd_back *v)
{
	if (!pv_device_connected(&v->device))
		return;
	if (store_put_number(v->device.os, v->device.path, "sectors", v->config.limits.sectors)) {
		pv_device_log(&v->device, "its new size cannot be told", 0);
		return;
	}
	pv_device_touch(&v->device);
	v->record[0].told = v->config.limits.sectors;
}

/* The predecessor may have died before it had told a size. Front ends log what they are told. */
static int take_over(struct vbd_back *v)
{
	int err = rings_open(v, true);

	if (!err && v->record[0].told != v->config.limits.sectors)
		size_tell(v);
	return err;
}

static int act(struct pv_device *d, enum xenbus_action action)
{
	struct vbd_back *v = PV_CONTAINER_OF(d, struct vbd_back, device);

	switch (action) {
	case XENBUS_ADVERTISE:
		return advertise(v);
	case XENBUS_CONNECT:
		return connect(v);
	case XENBUS_RESUME:
		return take_over(v);
	case XENBUS_DRAIN:
	case XENBUS_DISCONNECT:
	case XENBUS_REMOVE:
		return rings_close(v);
	default:
		/* A block front end has nothing to reconfigure. */
		return 0;
	}
}

int vbd_back_open(struct vbd_back *v, struct pv_os *os, const char *path)
{
	v->device = (struct pv_device){ .os = os, .end = XENBUS_BACK, .act = act };
	v->config.os = os;
	v->open = v->again = false;
	v->wait_ns = 0;
	v->rings = 0;
	return pv_device_open(&v->device, path);
}

void vbd_back_run(struct vbd_back *v)
{
	int status;

	if (!v->open)
		return;
	if (v->blk.stopped) {
		/* It waits for I/O, and its device for it. */
		if (rings_close(v) == 0)
			pv_device_step(&v->device);
		return;
	}
	status = blk_back_run(&v->blk);
	v->again = status > 0;
	v->wait_ns = v->blk.wait_ns;
	if (status < 0)
		pv_device_fail(&v->device, "indices of its ring make no sense: not served any more", 0);
}

void vbd_back_resize(struct vbd_back *v, uint64_t sectors)
{
	v->config.limits.sectors = sectors;
	if (!v->open)
		return;
	blk_back_resize(&v->blk, sectors);
	size_tell(v);
}

bool vbd_back_close(struct vbd_back *v)
{
	if (rings_close(v))
		return false;
	pv_device_close(&v->device);
	return true;
}
