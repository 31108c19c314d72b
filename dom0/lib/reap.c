/* Reaping a domain.
 *
 * Order, and why: destroy first, so that the guest cannot write any more; then its front ends'
 * nodes, which makes the kernel's back ends disconnect by themselves (a front end whose state
 * vanished is closed); then wait for the back ends to go, since they map the guest's pages; the
 * back ends' nodes next; the store daemon's own ring with XS_RELEASE; the record in /bothy last,
 * so that who dies on the way is followed by another who sees that there is work left. Rules:
 * every step may find its work done already; after an error the other devices are still cared for,
 * but the domain's home and record, which lead to what is left, stay for the next try.
 */
#include "dom0/lib/reap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

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

/* Run @each for every device of the domain that has a back end in dom0. */
static void for_each_device(struct reap *r, void (*each)(struct reap *r, const char *type,
							 const char *device))
{
	char path[PATH_SIZE], **types, **devices;
	unsigned int type_count, device_count;

	if (!list(r, "/local/domain/0/backend", &types, &type_count))
		return;
	for (unsigned int i = 0; i < type_count; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%.32s/%u", types[i],
			 r->domid);
		if (!list(r, path, &devices, &device_count))
			continue;
		for (unsigned int k = 0; k < device_count; k++)
			each(r, types[i], devices[k]);
		free(devices);
	}
	free(types);
}

static void close_device(struct reap *r, const char *type, const char *device)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/local/domain/0/backend/%.32s/%u/%.32s/online", type,
		 r->domid, device);
	note(r, store_write(r->s, STORE_NO_TX, path, "0"));
	snprintf(path, sizeof(path), "/local/domain/%u/device/%.32s/%.32s", r->domid, type, device);
	remove_path(r, path);
}

static int sysfs_fd = -1;

void domain_reap_sysfs(int fd)
{
	sysfs_fd = fd;
}

/* The kernel's device is gone when its own directory is: its link under bus/xen-backend goes before the driver lets
 * go, which then asks the store once more. */
static void await_device(struct reap *r, const char *type, const char *device)
{
	static const struct timespec pause = { .tv_nsec = BACKEND_PAUSE_MS * 1000000L };
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s%.32s-%u-%.32s",
		 sysfs_fd < 0 ? "/sys/devices/" : "", type, r->domid, device);
	for (int i = 0; i < BACKEND_TRIES && fstatat(sysfs_fd, path, &st, 0) == 0; i++)
		nanosleep(&pause, NULL);
}

static void forget_device(struct reap *r, const char *type, const char *device)
{
	char path[PATH_SIZE];

	(void)device;
	snprintf(path, sizeof(path), "/local/domain/0/backend/%.32s/%u", type, r->domid);
	remove_path(r, path);
	snprintf(path, sizeof(path), "/local/domain/0/error/backend/%.32s/%u", type, r->domid);
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

int domain_reap(struct privcmd *p, struct store *s, uint16_t domid)
{
	struct reap r = { .s = s, .domid = domid };
	int rc;

	if (domid == 0)
		return -EPERM;
	rc = domctl_destroy_wait(p, domid, DESTROY_TRIES);
	if (rc < 0 && rc != -ESRCH)
		return rc;
	for_each_device(&r, close_device);
	for_each_device(&r, await_device);
	for_each_device(&r, forget_device);
	forget_domain(&r);
	return r.error;
}
