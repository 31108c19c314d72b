/* Conflicts with guests that exist, read from the dom0-owned halves of their devices in the store, be they the
 * kernel's or those of dom0's own processes.
 * Neighbours: create.c asks before anything is made.
 */
#include "toolstack/domain/conflicts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "dom0/lib/backends.h"
#include "toolstack/domain/guest_tree.h"

enum { DRAWS = 32 };

typedef int backend_found(struct store *s, const char *path, void *arg);

/* Ask @found about each back end in @dir, a domain's, until it returns nonzero. */
static int for_each_of_domain(struct store *s, const char *dir, backend_found *found, void *arg)
{
	char path[STORE_PATH_SIZE + 32], **devices = NULL;
	unsigned int count = 0;
	int rc = store_list(s, STORE_NO_TX, dir, &devices, &count);

	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		snprintf(path, sizeof(path), "%s/%.16s", dir, devices[i]);
		rc = found(s, path, arg);
	}
	free(devices);
	return rc == -ENOENT ? 0 : rc; /* gone meanwhile */
}

static int for_each_of_kind(
	struct store *s, const char *kind, const char *type, backend_found *found, void *arg)
{
	char path[STORE_PATH_SIZE], **domains = NULL;
	unsigned int count = 0;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/%s/%s", kind, type);
	rc = store_list(s, STORE_NO_TX, path, &domains, &count);
	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/%s/%s/%.16s", kind, type, domains[i]);
		rc = for_each_of_domain(s, path, found, arg);
	}
	free(domains);
	return rc == -ENOENT ? 0 : rc;
}

/* Ask @found about each back end of @type, until it returns nonzero. */
static int for_each_backend(struct store *s, const char *type, backend_found *found, void *arg)
{
	int rc = for_each_of_kind(s, BACKENDS_KERNEL, type, found, arg);

	return rc ? rc : for_each_of_kind(s, BACKENDS_USER, type, found, arg);
}

/* @out keeps what it has if there is no such node. */
static int read_node(struct store *s, const char *dir, const char *name, char *out, size_t size)
{
	char path[STORE_PATH_SIZE + 32];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	rc = store_read_buf(s, STORE_NO_TX, path, out, size);
	return rc == -ENOENT ? 0 : rc;
}

/* Which domain the back end at @path serves. */
static unsigned int backend_user(const char *path)
{
	unsigned int domid = 0;

	(void)!sscanf(path, "/local/domain/0/%*[a-z-]/%*[a-z]/%u/", &domid);
	return domid;
}

struct mac_search {
	const uint8_t *mac;
	unsigned int user; /* the domain that has it */
};

static int mac_found(struct store *s, const char *path, void *arg)
{
	struct mac_search *search = arg;
	char text[MAC_TEXT] = "";
	uint8_t mac[6];
	int rc = read_node(s, path, "mac", text, sizeof(text));

	if (rc < 0 || mac_parse(mac, text) < 0 || memcmp(mac, search->mac, sizeof(mac)) != 0)
		return rc;
	search->user = backend_user(path);
	return 1;
}

/* Is the drawn @mac that of another interface of the same guest? */
static bool mac_is_own(const struct guest_cfg *g, const uint8_t mac[6])
{
	for (size_t i = 0; i < g->vif_count; i++)
		if (g->vifs[i].mac_given && memcmp(g->vifs[i].mac, mac, 6) == 0)
			return true;
	return false;
}

static int mac_draw(struct store *s, struct guest_cfg *g, size_t index)
{
	struct vif_spec *v = &g->vifs[index];

	for (int i = 0; i < DRAWS; i++) {
		uint8_t mac[6] = {0x00, 0x16, 0x3e};
		struct mac_search search = {.mac = mac};
		int rc;

		if (getrandom(mac + 3, 3, 0) != 3)
			return -EIO;
		mac[3] &= 0x7f;
		rc = mac_is_own(g, mac) ? 1 : for_each_backend(s, "vif", mac_found, &search);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			memcpy(v->mac, mac, sizeof(mac));
			v->mac_given = true;
			return 0;
		}
	}
	return -EEXIST;
}

static int mac_settle(struct store *s, struct guest_cfg *g, size_t index, struct why *why)
{
	struct mac_search search = {.mac = g->vifs[index].mac};
	char text[MAC_TEXT];
	int rc = g->vifs[index].mac_given ? for_each_backend(s, "vif", mac_found, &search)
					  : mac_draw(s, g, index);

	if (rc < 0)
		why_set(why, rc, "MAC address: %s", strerror(-rc));
	if (rc > 0) {
		mac_format(g->vifs[index].mac, text);
		rc = why_set(
			why, -EEXIST, "MAC address %s is in use by domain %u", text, search.user);
	}
	if (rc < 0)
		why_where(why, "vif");
	return rc;
}

int macs_settle(struct store *s, struct guest_cfg *g, struct why *why)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->vif_count; i++)
		rc = mac_settle(s, g, i, why);
	return rc;
}

/* One file under two names is one disk. */
static bool same_target(const char *a, const char *b)
{
	struct stat sa, sb;

	if (strcmp(a, b) == 0)
		return true;
	if (stat(a, &sa) < 0 || stat(b, &sb) < 0)
		return false;
	if (S_ISBLK(sa.st_mode) && S_ISBLK(sb.st_mode))
		return sa.st_rdev == sb.st_rdev;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

int disk_check_own(const struct guest_cfg *g, size_t index, struct why *why)
{
	const struct disk_spec *d = &g->disks[index], *other = g->disks;

	for (; other < d; other++) {
		if ((!d->writable && !other->writable) || !same_target(d->target, other->target))
			continue;
		why_set(why, -EINVAL, "%s and %s are both %s, and one of them is writable",
			other->vdev, d->vdev, d->target);
		why_where(why, "disk");
		return -EINVAL;
	}
	return 0;
}

struct sharing {
	const struct disk_spec *disk;
	const char *device; /* "fe:10", or empty for a file */
	char user[STORE_PATH_SIZE];
};

static int disk_found(struct store *s, const char *path, void *arg)
{
	struct sharing *sharing = arg;
	char params[512] = "", device[32] = "", mode[8] = "w";
	bool same;
	int rc = read_node(s, path, "params", params, sizeof(params));

	if (rc == 0)
		rc = read_node(s, path, "physical-device", device, sizeof(device));
	if (rc == 0)
		rc = read_node(s, path, "mode", mode, sizeof(mode));
	if (rc < 0)
		return rc;
	same = same_target(params, sharing->disk->target) ||
	       (sharing->device[0] && strcmp(device, sharing->device) == 0);
	if (!same || (!sharing->disk->writable && !strchr(mode, 'w')))
		return 0;
	snprintf(sharing->user, sizeof(sharing->user), "%s", path);
	return 1;
}

int disk_check_shared(
	struct store *s, const struct disk_spec *d, const struct block_handle *b, struct why *why)
{
	char device[32] = "";
	struct sharing sharing = {.disk = d, .device = device};
	int rc;

	if (!b->file)
		snprintf(device, sizeof(device), "%x:%x", b->major, b->minor);
	rc = for_each_backend(s, "vbd", disk_found, &sharing);
	if (rc == 0)
		return 0;
	if (rc < 0) {
		why_set(why, rc, "%s", strerror(-rc));
	} else {
		why_set(why, -EBUSY, "in use by domain %u", backend_user(sharing.user));
		why_hint(why,
			"only disks that nobody writes can be shared: give it as read-only to all");
	}
	why_where(why, "disk %s", d->target);
	return why->code;
}

int uuid_draw(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		return -EIO;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return 0;
}
