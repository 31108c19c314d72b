/* A device and its two states in the store. Nothing of either is remembered, but that there was one: every step reads both
 * anew. */
#include "pvdrivers/device.h"

#include <string.h>

/* More steps than any run of them takes without the other end's; then the watches say when to go on. */
#define STEPS 8

static void changed(void *arg)
{
	pv_device_step(arg);
}

static enum xenbus_state state(struct pv_device *d, const char *dir)
{
	char value[PV_VALUE_MAX];

	return store_get(d->os, dir, "state", value, sizeof value) ? XenbusStateUnknown : xenbus_parse(value);
}

/* The directory is that of the device that was opened, as far as its front end says. */
static bool same_front(struct pv_device *d)
{
	char front[PV_PATH_MAX];

	return store_get_number(d->os, d->path, "frontend-id", UINT16_MAX, UINT64_MAX) == d->peer &&
	       store_get(d->os, d->path, "frontend", front, sizeof front) == 0 && strcmp(front, d->other) == 0;
}

/* The own state. A back end's directory that was removed and made again at once is another device's, and ours is gone. */
static enum xenbus_state own_state(struct pv_device *d)
{
	enum xenbus_state mine = state(d, d->path);

	if (d->end == XENBUS_BACK && ((d->advertised && mine == XenbusStateInitialising) || !same_front(d)))
		return XenbusStateUnknown;
	d->advertised |= mine != XenbusStateInitialising;
	return mine;
}

static int state_write(struct pv_device *d, enum xenbus_state s)
{
	int err = store_put_number(d->os, d->path, "state", (uint64_t)s);

	d->advertised |= !err;
	return err;
}

void pv_device_log(struct pv_device *d, const char *what, int err)
{
	char line[PV_PATH_MAX + 128];
	size_t a = strlen(d->path), b = strlen(what);

	memcpy(line, d->path, a);
	memcpy(line + a, ": ", 2);
	memcpy(line + a + 2, what, b);
	line[a + 2 + b] = '\0';
	if (err)
		store_numbered(line + a + 2 + b, ": error ", (uint64_t)-(int64_t)err);
	d->os->log(d->os, line);
}

int pv_device_open(struct pv_device *d, const char *path)
{
	bool front = d->end != XENBUS_BACK;
	char watched[PV_PATH_MAX];
	uint64_t peer;

	if (strlen(path) >= sizeof d->path)
		return -XEN_EINVAL;
	memcpy(d->path, path, strlen(path) + 1);
	d->advertised = d->started = d->failed = d->gone = false;
	peer = store_get_number(d->os, path, front ? "backend-id" : "frontend-id", UINT16_MAX, UINT64_MAX);
	if (peer == UINT64_MAX || store_get(d->os, path, front ? "backend" : "frontend", d->other, sizeof d->other) ||
	    store_path(watched, d->other, "state"))
		return -XEN_EINVAL;
	d->peer = (domid_t)peer;
	if (d->os->store_watch(d->os, watched, changed, d))
		return -XEN_ENOSPC;
	if (store_path(watched, d->path, "state") || d->os->store_watch(d->os, watched, changed, d)) {
		pv_device_close(d);
		return -XEN_ENOSPC;
	}
	return 0;
}

void pv_device_close(struct pv_device *d)
{
	char watched[PV_PATH_MAX];

	if (store_path(watched, d->path, "state") == 0)
		d->os->store_unwatch(d->os, watched, changed, d);
	if (store_path(watched, d->other, "state") == 0)
		d->os->store_unwatch(d->os, watched, changed, d);
}

bool pv_device_connected(struct pv_device *d)
{
	return own_state(d) == XenbusStateConnected;
}

void pv_device_touch(struct pv_device *d)
{
	if (pv_device_connected(d) && state_write(d, XenbusStateConnected))
		pv_device_log(d, "its state cannot be written", 0);
}

void pv_device_part(struct pv_device *d, bool usable)
{
	if (usable && state_write(d, XenbusStateClosing))
		pv_device_log(d, "its state cannot be written", 0);
	pv_device_step(d);
}

void pv_device_fail(struct pv_device *d, const char *why, int err)
{
	enum xenbus_state mine = own_state(d), ask = xenbus_ask_close(mine);

	pv_device_log(d, why, err);
	/* What cannot be let go of yet is let go of on the way to Closed. */
	d->failed = d->act(d, XENBUS_DISCONNECT) != 0 && d->end == XENBUS_BACK;
	if (d->end == XENBUS_BACK && !d->failed && mine != XenbusStateUnknown)
		ask = XenbusStateClosed;
	if (ask != mine && state_write(d, ask))
		pv_device_log(d, "its state cannot be written", 0);
}

/* A back end that starts where a predecessor had connected. */
static int resume(struct pv_device *d, enum xenbus_state mine, enum xenbus_state theirs)
{
	bool first = !d->started;

	d->started = true;
	if (!first || d->end != XENBUS_BACK || !xenbus_takes_over(mine, theirs))
		return 0;
	return d->act(d, XENBUS_RESUME);
}

/* One step. True: there may be another. */
static bool step(struct pv_device *d)
{
	bool online = d->end != XENBUS_BACK || store_get_number(d->os, d->path, "online", 1, 0);
	enum xenbus_state mine = own_state(d), theirs = state(d, d->other);
	struct xenbus_move move = xenbus_step(d->end, mine, theirs, online);
	int err = resume(d, mine, theirs);

	if (d->failed && mine == XenbusStateClosing)
		move = (struct xenbus_move){ XENBUS_DISCONNECT, XenbusStateClosed };
	if (!err)
		err = d->act(d, move.action);
	if (err == -XEN_EAGAIN || (!err && move.action == XENBUS_WAIT))
		return false;
	if (!err && move.next != mine)
		err = state_write(d, move.next);
	if (err) {
		pv_device_fail(d, move.action == XENBUS_ADVERTISE ? "cannot be offered" :
			move.action == XENBUS_PUBLISH ? "its rings cannot be published" :
			"cannot be connected as its other end says", err);
		return false;
	}
	d->failed &= move.next == XenbusStateClosing;
	d->gone = move.action == XENBUS_REMOVE;
	return move.next != mine;
}

void pv_device_step(struct pv_device *d)
{
	for (int n = 0; n < STEPS && !d->gone && step(d); n++)
		;
}
