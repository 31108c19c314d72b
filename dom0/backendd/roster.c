/* Which devices there are.
 *
 * An event that can mean another set of devices makes us compare the whole list: what is there and not known is opened;
 * what is known, has no process and is offline or gone is forgotten, and its directory removed, which tells who
 * waits for it that its process and operations have ended. A process ends by itself when its device goes. What went while
 * there was no backendd is seen by its file, at the first look. */
#include "dom0/backendd/roster.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/daemon.h"
#include "dom0/lib/sandbox.h"

static struct device *find(const struct roster *r, const struct device_kind *kind, uint16_t domid, uint32_t number)
{
	struct device *d = r->devices;

	while (d && (d->kind != kind || d->domid != domid || d->number != number))
		d = d->next;
	return d;
}

/* ---- those that go ---- */

static void forget(struct roster *r, struct device *d)
{
	struct device **at = &r->devices;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	if (store_rm(r->host.store, STORE_NO_TX, d->path))
		log_error("%s: cannot be removed", d->path);
	device_free(d);
}

static void device_ended(struct device *d)
{
	struct roster *r = CONTAINER_OF(d->host, struct roster, host);

	if (!d->refused || device_offline(d))
		forget(r, d);
}

static void devices_leave(struct roster *r)
{
	for (struct device *d = r->devices, *next; d; d = next) {
		next = d->next;
		if (d->refused && device_offline(d))
			forget(r, d);
	}
}

/* ---- those that come ---- */

static uid_t uid_unused(const struct roster *r)
{
	uid_t uid = DEVICES_UID;

	for (const struct device *d = r->devices; d; )
		if (d->uid == uid) {
			uid++;
			d = r->devices;
		} else {
			d = d->next;
		}
	return uid;
}

static void device_come(struct roster *r, const struct device_kind *kind, const char *domid, const char *number)
{
	unsigned long id = strtoul(domid, NULL, 10), nr = strtoul(number, NULL, 10);
	char path[DEVICE_PATH];
	struct device *d;

	snprintf(path, sizeof path, DEVICES_DIR "/%s/%.8s/%.16s", kind->name, domid, number);
	if (id >= DOMID_FIRST_RESERVED || nr > UINT32_MAX || find(r, kind, (uint16_t)id, (uint32_t)nr))
		return;
	if (device_open(&d, &r->host, kind, (uint16_t)id, (uint32_t)nr, path, uid_unused(r)))
		return;		/* being made, or removed: there will be another event */
	d->next = r->devices;
	r->devices = d;
	log_info("%s: served%s", path, d->refused ? ": no" : "");
}

static void devices_come(struct roster *r, const struct device_kind *kind)
{
	char **domids, **numbers, path[DEVICE_PATH];
	unsigned int n, m;

	snprintf(path, sizeof path, DEVICES_DIR "/%s", kind->name);
	if (store_list(r->host.store, STORE_NO_TX, path, &domids, &n))
		return;
	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof path, DEVICES_DIR "/%s/%.8s", kind->name, domids[i]);
		if (store_list(r->host.store, STORE_NO_TX, path, &numbers, &m))
			continue;
		for (unsigned int k = 0; k < m; k++)
			device_come(r, kind, domids[i], numbers[k]);
		free(numbers);
	}
	free(domids);
}

/* ---- those that went while nobody looked ---- */

/* NULL: there is none of that name. */
static const struct device_kind *kind_of(const char *name)
{
	for (unsigned int t = 0; t < DEVICE_TYPES; t++)
		if (strcmp(device_kinds[t]->name, name) == 0)
			return device_kinds[t];
	return NULL;
}

/* Files of devices that are no longer in the store. */
static void leftovers_clear(struct roster *r)
{
	DIR *dir = opendir(r->host.run_dir);
	unsigned int domid, number;
	struct dirent *e;
	char name[8];

	while (dir && (e = readdir(dir))) {
		const struct device_kind *kind = NULL;

		if (sscanf(e->d_name, "%7[a-z]-%u-%u", name, &domid, &number) == 3)
			kind = kind_of(name);
		if (kind && !find(r, kind, (uint16_t)domid, number))
			device_clear(&r->host, kind, (uint16_t)domid, number);
	}
	if (dir)
		closedir(dir);
	r->cleared = true;
}

/* ---- the store ---- */

/* An event of the watch on all devices: whether it can mean that one comes or goes. Most are of nodes that its own
 * process writes. */
static bool is_change(const char *path)
{
	const char *end = strrchr(path, '/');
	unsigned int depth = 0;

	for (const char *p = path + strlen(DEVICES_DIR); *p; p++)
		depth += *p == '/';
	return depth <= 3 || (end && (strcmp(end, "/online") == 0 || strcmp(end, "/frontend") == 0));
}

/* True: look at all devices. */
static bool event(struct roster *r, const struct store_event *ev)
{
	unsigned int domid, number, watch;
	const struct device_kind *kind;
	struct device *d;
	char name[8];

	if (strcmp(ev->token, "devices") == 0)
		return strncmp(ev->path, DEVICES_DIR, strlen(DEVICES_DIR)) == 0 && is_change(ev->path);
	if (sscanf(ev->token, "%7s %u %u %u", name, &domid, &number, &watch) != 4)
		return false;
	kind = kind_of(name);
	d = kind ? find(r, kind, (uint16_t)domid, number) : NULL;
	if (d)
		broker_changed(d, watch);
	return false;
}

bool roster_look(struct roster *r)
{
	struct store_event ev;
	bool look = false;
	int err;

	while ((err = store_event(r->host.store, 0, &ev)) == 0) {
		look |= event(r, &ev);
		store_event_free(&ev);
	}
	if (err != -EAGAIN)
		daemon_fail("store", err);
	if (look) {
		devices_leave(r);
		for (unsigned int t = 0; t < DEVICE_TYPES; t++)
			devices_come(r, device_kinds[t]);
		if (!r->cleared)
			leftovers_clear(r);
	}
	return look;
}

int roster_start(struct roster *r)
{
	r->host.ended = device_ended;
	return store_watch(r->host.store, DEVICES_DIR, "devices");
}
