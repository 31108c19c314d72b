/* Reaping a domain.
 *
 * Order, and why: destroy first, so that the guest cannot write any more; then its front ends'
 * nodes, which makes the back ends disconnect by themselves (a front end whose state vanished is
 * closed); then wait for the back ends to go, since they map the guest's pages; the back ends' nodes
 * next; the store daemon's own ring with XS_RELEASE; the record in /bothy last, so that who dies on
 * the way is followed by another who sees that there is work left. Rules: every step may find its
 * work done already, and makes nothing anew that went meanwhile; after an error the other devices are
 * still cared for, but the domain's home and record, which lead to what is left, stay for the next try.
 */
#include "dom0/lib/reap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "dom0/lib/backends.h"
#include "dom0/lib/domctl.h"

enum {
	DESTROY_TRIES = 100000,
	BACKEND_TRIES = 250, /* times BACKEND_PAUSE_MS: five seconds */
	BACKEND_PAUSE_MS = 20,
	PATH_SIZE = 192,
};

struct reap {
	struct store *s;
	uint16_t domid;
	int error;
};

static void note(struct reap *r, int rc)
{
	if (rc < 0 && rc != -ENOENT && r->error == 0)
		r->error = rc;
}

/* List what may be there; returns whether it could be listed. */
static int list(struct reap *r, const char *path, char ***names, unsigned int *count)
{
	int rc = store_list(r->s, STORE_NO_TX, path, names, count);

	note(r, rc);
	return rc == 0;
}

static void remove_path(struct reap *r, const char *path)
{
	note(r, store_rm(r->s, STORE_NO_TX, path));
}

/* The domain's back ends of one type and kind, or one of them. */
struct backend {
	const char *kind, *type, *device;
	char dir[PATH_SIZE];	/* in the store */
};

/* Run @each for what there may be of every type and kind. */
static void for_each_type(struct reap *r, void (*each)(struct reap *r, struct backend *b))
{
	static const char *const kinds[] = { BACKENDS_KERNEL, BACKENDS_USER };
	char path[PATH_SIZE], **types;
	unsigned int count;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		snprintf(path, sizeof(path), "/local/domain/0/%s", kinds[k]);
		if (!list(r, path, &types, &count))
			continue;
		for (unsigned int i = 0; i < count; i++)
			each(r, &(struct backend){ .kind = kinds[k], .type = types[i] });
		free(types);
	}
}

static void for_each_device(struct reap *r, struct backend *b,
			    void (*each)(struct reap *r, const struct backend *b))
{
	char path[PATH_SIZE], **devices;
	unsigned int count;

	snprintf(path, sizeof(path), "/local/domain/0/%s/%.32s/%u", b->kind, b->type, r->domid);
	if (!list(r, path, &devices, &count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		b->device = devices[i];
		snprintf(b->dir, sizeof(b->dir), "/local/domain/0/%s/%.32s/%u/%.32s", b->kind,
			 b->type, r->domid, b->device);
		each(r, b);
	}
	free(devices);
}

/* Not one that backendd has just removed: it would be there anew. */
static int go_offline(struct store *s, uint32_t tx, void *dir)
{
	char path[PATH_SIZE + 8], value[8];
	int rc = store_read_buf(s, tx, dir, value, sizeof(value));

	snprintf(path, sizeof(path), "%s/online", (const char *)dir);
	return rc < 0 ? rc : store_write(s, tx, path, "0");
}

static void close_device(struct reap *r, const struct backend *b)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s", b->dir);
	note(r, store_transact(r->s, go_offline, path));
	snprintf(path, sizeof(path), "/local/domain/%u/device/%.32s/%.32s", r->domid, b->type,
		 b->device);
	remove_path(r, path);
}

static void close_devices(struct reap *r, struct backend *b)
{
	for_each_device(r, b, close_device);
}

static int sysfs_fd = -1;

void domain_reap_sysfs(int fd)
{
	sysfs_fd = fd;
}

/* The kernel's device is gone when its own directory is: its link under bus/xen-backend goes before the driver lets
 * go, which then asks the store once more. Of a process and its I/O backendd says so, by removing their directory. */
static bool is_there(struct reap *r, const struct backend *b)
{
	char path[PATH_SIZE];
	struct stat st;
	int rc;

	if (strcmp(b->kind, BACKENDS_USER) == 0) {
		rc = store_read_buf(r->s, STORE_NO_TX, b->dir, path, sizeof(path));
		note(r, rc);
		return rc == 0;
	}
	snprintf(path, sizeof(path), "%s%.32s-%u-%.32s",
		 sysfs_fd < 0 ? "/sys/devices/" : "", b->type, r->domid, b->device);
	return fstatat(sysfs_fd, path, &st, 0) == 0;
}

static void await_device(struct reap *r, const struct backend *b)
{
	static const struct timespec pause = { .tv_nsec = BACKEND_PAUSE_MS * 1000000L };

	for (int i = 0; i < BACKEND_TRIES && is_there(r, b); i++)
		nanosleep(&pause, NULL);
}

static void await_devices(struct reap *r, struct backend *b)
{
	for_each_device(r, b, await_device);
}

/* Also where no device is left: its error may be. */
static void forget_devices(struct reap *r, struct backend *b)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/local/domain/0/%s/%.32s/%u", b->kind, b->type, r->domid);
	remove_path(r, path);
	snprintf(path, sizeof(path), "/local/domain/0/error/%s/%.32s/%u", b->kind, b->type, r->domid);
	remove_path(r, path);
}

/* /vm/UUID belongs to this domain only as long as no successor of the same UUID points to it. */
static void forget_vm(struct reap *r)
{
	char path[PATH_SIZE], vm[64] = "", other[64], **domains;
	unsigned int count;
	int users = 0, rc;

	snprintf(path, sizeof(path), "/local/domain/%u/vm", r->domid);
	note(r, store_read_buf(r->s, STORE_NO_TX, path, vm, sizeof(vm)));
	if (strncmp(vm, "/vm/", 4) != 0 || strchr(vm + 4, '/') || vm[4] == '\0')
		return;
	if (!list(r, "/local/domain", &domains, &count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/local/domain/%.8s/vm", domains[i]);
		rc = store_read_buf(r->s, STORE_NO_TX, path, other, sizeof(other));
		note(r, rc);
		users += rc >= 0 && strcmp(other, vm) == 0;
	}
	free(domains);
	if (users <= 1 && r->error == 0)
		remove_path(r, vm);
}

static void forget_domain(struct reap *r)
{
	char path[PATH_SIZE];

	forget_vm(r);
	if (r->error)
		return;
	snprintf(path, sizeof(path), "/local/domain/%u", r->domid);
	remove_path(r, path);
	note(r, store_release(r->s, r->domid));
	if (r->error)
		return;
	snprintf(path, sizeof(path), "/bothy/domain/%u", r->domid);
	remove_path(r, path);
}

int device_reap(struct store *s, uint16_t domid, const char *kind, const char *type, uint32_t number)
{
	struct reap r = { .s = s, .domid = domid };
	char device[16], path[PATH_SIZE + 8];
	struct backend b = { .kind = kind, .type = type, .device = device };

	snprintf(device, sizeof(device), "%u", number);
	snprintf(b.dir, sizeof(b.dir), "/local/domain/0/%s/%.32s/%u/%s", kind, type, domid, device);
	close_device(&r, &b);
	await_device(&r, &b);
	if (r.error == 0 && is_there(&r, &b))
		return -EBUSY;
	remove_path(&r, b.dir);
	snprintf(path, sizeof(path), "/local/domain/0/error/%s/%.32s/%u/%s", kind, type, domid, device);
	remove_path(&r, path);
	return r.error;
}

int domain_reap(struct privcmd *p, struct store *s, uint16_t domid)
{
	struct reap r = { .s = s, .domid = domid };
	int rc;

	if (domid == 0)
		return -EPERM;
	rc = domctl_destroy_wait(p, domid, DESTROY_TRIES);
	if (rc < 0 && rc != -ESRCH)
		return rc;
	for_each_type(&r, close_devices);
	for_each_type(&r, await_devices);
	for_each_type(&r, forget_devices);
	forget_domain(&r);
	return r.error;
}
