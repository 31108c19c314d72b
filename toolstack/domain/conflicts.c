/* Conflicts with guests that exist, read from the dom0-owned halves of their devices in the store.
 * Neighbours: create.c asks before anything is made.
 */
#include "toolstack/domain/conflicts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "toolstack/domain/guest_tree.h"

enum { DRAWS = 32 };

/* Ask @found about each back-end directory of @type, until it returns nonzero. */
static int for_each_backend(struct store *s, const char *type,
	int (*found)(struct store *s, const char *path, void *arg), void *arg)
{
	char path[STORE_PATH_SIZE], **domains = NULL, **devices = NULL;
	unsigned int domain_count = 0, device_count = 0;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s", type);
	rc = store_list(s, STORE_NO_TX, path, &domains, &domain_count);
	for (unsigned int i = 0; rc == 0 && i < domain_count; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%.16s", type, domains[i]);
		if (store_list(s, STORE_NO_TX, path, &devices, &device_count) < 0)
			continue; /* gone meanwhile */
		for (unsigned int k = 0; rc == 0 && k < device_count; k++) {
			snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%.16s/%.16s", type,
				domains[i], devices[k]);
			rc = found(s, path, arg);
		}
		free(devices);
	}
	free(domains);
	return rc == -ENOENT ? 0 : rc;
}

static int read_node(struct store *s, const char *dir, const char *name, char *out, size_t size)
{
	char path[STORE_PATH_SIZE + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return store_read_buf(s, STORE_NO_TX, path, out, size);
}

static int mac_found(struct store *s, const char *path, void *arg)
{
	char text[MAC_TEXT];
	uint8_t mac[6];

	return read_node(s, path, "mac", text, sizeof(text)) >= 0 && mac_parse(mac, text) == 0 &&
	       memcmp(mac, arg, sizeof(mac)) == 0;
}

/* 1: in use, here or by interface @before of the same guest. */
static int mac_in_use(struct store *s, struct guest_cfg *g, size_t before, uint8_t mac[6])
{
	for (size_t i = 0; i < g->vif_count; i++)
		if (i != before && g->vifs[i].mac_given && memcmp(g->vifs[i].mac, mac, 6) == 0)
			return 1;
	return for_each_backend(s, "vif", mac_found, mac);
}

static int mac_draw(struct store *s, struct guest_cfg *g, size_t index)
{
	struct vif_spec *v = &g->vifs[index];

	for (int i = 0; i < DRAWS; i++) {
		uint8_t mac[6] = {0x00, 0x16, 0x3e};
		int rc;

		if (getrandom(mac + 3, 3, 0) != 3)
			return -EIO;
		mac[3] &= 0x7f;
		rc = mac_in_use(s, g, index, mac);
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

int macs_settle(struct store *s, struct guest_cfg *g, struct why *why)
{
	for (size_t i = 0; i < g->vif_count; i++) {
		struct vif_spec *v = &g->vifs[i];
		char text[MAC_TEXT];
		int rc = v->mac_given ? mac_in_use(s, g, i, v->mac) : mac_draw(s, g, i);

		if (rc < 0)
			return why_set(why, rc, "vif: MAC address: %s", strerror(-rc));
		if (rc == 0)
			continue;
		mac_format(v->mac, text);
		return why_set(
			why, -EEXIST, "vif: MAC address %s is in use by another guest", text);
	}
	return 0;
}

struct sharing {
	const struct disk_spec *disk;
	const char *device; /* "fe:10", or empty for a loop device */
	char user[STORE_PATH_SIZE];
};

static int disk_found(struct store *s, const char *path, void *arg)
{
	struct sharing *sharing = arg;
	char params[512] = "", device[32] = "", mode[8] = "w";
	bool same;

	(void)!read_node(s, path, "params", params, sizeof(params));
	(void)!read_node(s, path, "physical-device", device, sizeof(device));
	(void)!read_node(s, path, "mode", mode, sizeof(mode));
	same = strcmp(params, sharing->disk->target) == 0 ||
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
	unsigned int user = 0;
	struct sharing sharing = {.disk = d, .device = device};
	int rc;

	if (!b->loop)
		snprintf(device, sizeof(device), "%x:%x", b->major, b->minor);
	rc = for_each_backend(s, "vbd", disk_found, &sharing);
	if (rc < 0)
		return why_set(why, rc, "disk %s: %s", d->target, strerror(-rc));
	if (rc == 0)
		return 0;
	(void)!sscanf(sharing.user, "/local/domain/0/backend/vbd/%u/", &user);
	why_set(why, -EBUSY, "disk %s: in use by domain %u", d->target, user);
	why_hint(why, "only disks that nobody writes can be shared: give it as read-only to all");
	return -EBUSY;
}

int uuid_draw(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		return -EIO;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return 0;
}
