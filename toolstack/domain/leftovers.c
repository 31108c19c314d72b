/* Removing what was left half-made.
 *
 * Domains: a mark whose process is gone is taken over first, so that of several who see it one removes it,
 * and nobody can begin anew under its UUID before that one is done. Domains have the UUID for their handle; of
 * one whose reaper was killed there may be only its record left, which names the UUID too.
 * Files: a kept configuration is used as long as a creation's mark, a domain's record or a restart that is
 * owed names it. Those three are read in one transaction, for a guest goes from one to the next while we look;
 * the directory is locked meanwhile, for a new file may take the place of an old one of the same UUID.
 * Neighbours: marker.c the marks, create.c the transaction, dom0/lib/reap.c removes a domain, dom0/domaind
 * owes restarts.
 */
#include "toolstack/domain/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0/lib/reap.h"
#include "dom0/lib/sysctl.h"
#include "toolstack/domain/marker.h"
#include "toolstack/files.h"
#include "toolstack/image/kernel_cache.h"

struct domains {
	struct xen_domctl_getdomaininfo *list;
	uint32_t count;
};

/* Reap every domain with this handle. */
static int remove_listed(struct host *h, const struct domains *d, const uint8_t uuid[16])
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < d->count; i++)
		if (d->list[i].domain != 0 && memcmp(d->list[i].handle, uuid, 16) == 0)
			rc = domain_reap(&h->hv, h->store, d->list[i].domain);
	return rc;
}

static bool is_listed(const struct domains *d, unsigned long domid)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (d->list[i].domain == domid)
			return true;
	return false;
}

/* Reap the rest of one that is gone from the hypervisor: its record is what goes last. */
static int remove_recorded(struct host *h, const struct domains *d, const char *uuid)
{
	char **names = NULL, path[64], text[UUID_TEXT + 1];
	unsigned int count = 0;
	int rc = store_list(h->store, STORE_NO_TX, "/bothy/domain", &names, &count);

	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		unsigned long domid = strtoul(names[i], NULL, 10);

		snprintf(path, sizeof(path), "/bothy/domain/%lu/uuid", domid);
		rc = store_read_buf(h->store, STORE_NO_TX, path, text, sizeof(text));
		if (rc == 0 && strcmp(text, uuid) == 0 && !is_listed(d, domid))
			rc = domain_reap(&h->hv, h->store, (uint16_t)domid);
		rc = rc == -ENOENT ? 0 : rc;
	}
	free(names);
	return rc == -ENOENT ? 0 : rc;
}

static int remove_by_uuid(struct host *h, const uint8_t uuid[16])
{
	struct domains d = {NULL, 0};
	char text[UUID_TEXT];
	int rc = sysctl_domain_list(&h->hv, &d.list, &d.count);

	uuid_format(uuid, text);
	if (rc == 0)
		rc = remove_listed(h, &d, uuid);
	if (rc == 0)
		rc = remove_recorded(h, &d, text);
	free(d.list);
	return rc;
}

/* Returns 1: removed; 0: not ours to remove; -Exxx. */
static int leftover_remove(struct host *h, char *text)
{
	uint8_t uuid[16];
	int rc = marker_take_over(h, text);

	if (rc < 0)
		return rc == -EBUSY || rc == -ENOENT ? 0 : rc;
	if (uuid_parse(uuid, text) == 0)
		rc = remove_by_uuid(h, uuid);
	if (rc == 0)
		rc = marker_forget(h, text);
	return rc < 0 ? rc : 1;
}

static int domains_remove(struct host *h)
{
	char **uuids = NULL;
	unsigned int count = 0;
	int removed = 0, error = 0, rc = marker_list(h, &uuids, &count);

	if (rc < 0)
		return rc;
	for (unsigned int i = 0; i < count; i++) {
		rc = leftover_remove(h, uuids[i]);
		removed += rc > 0;
		error = error ? error : rc < 0 ? rc : 0;
	}
	free(uuids);
	return error ? error : removed;
}

/* Files of a directory of kept configurations. */
struct kept {
	const char *dir;
	struct dirent **files;
	int count;
	bool *used;
};

/* UUID.cfg, or UUID.cfg.new of one that was being written. */
static int is_kept(const struct dirent *entry)
{
	char text[UUID_TEXT];
	uint8_t uuid[16];

	snprintf(text, sizeof(text), "%.36s", entry->d_name);
	if (uuid_parse(uuid, text) < 0)
		return 0;
	return strcmp(entry->d_name + UUID_TEXT - 1, ".cfg") == 0 ||
	       strcmp(entry->d_name + UUID_TEXT - 1, ".cfg.new") == 0;
}

static void use_path(struct kept *k, const char *path)
{
	size_t length = strlen(k->dir);

	if (strncmp(path, k->dir, length) != 0 || path[length] != '/')
		return;
	for (int i = 0; i < k->count; i++)
		k->used[i] |= strcmp(k->files[i]->d_name, path + length + 1) == 0;
}

static void use_uuid(struct kept *k, const char *uuid)
{
	for (int i = 0; i < k->count; i++)
		k->used[i] |= strncmp(k->files[i]->d_name, uuid, UUID_TEXT - 1) == 0;
}

/* Look at every child of @dir: at what its node @leaf says or, without one, at its name. */
static int use_all(struct kept *k, struct store *s, uint32_t tx, const char *dir, const char *leaf)
{
	char **names = NULL, path[128], value[256];
	unsigned int count = 0;
	int rc = store_list(s, tx, dir, &names, &count);

	for (unsigned int i = 0; rc >= 0 && i < count; i++) {
		if (!leaf) {
			use_uuid(k, names[i]);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%.40s%s", dir, names[i], leaf);
		rc = store_read_buf(s, tx, path, value, sizeof(value));
		if (rc >= 0)
			use_path(k, value);
		rc = rc == -ENOENT ? 0 : rc;
	}
	free(names);
	return rc == -ENOENT || rc > 0 ? 0 : rc;
}

static int use_body(struct store *s, uint32_t tx, void *arg)
{
	struct kept *k = arg;
	int rc = use_all(k, s, tx, "/bothy/creating", NULL);

	if (rc == 0)
		rc = use_all(k, s, tx, "/bothy/domain", "/config");
	if (rc == 0)
		rc = use_all(k, s, tx, "/bothy/restart", "");
	return rc;
}

/* Unlink what nobody uses; @dir is locked. */
static int kept_unlink(struct host *h, struct kept *k)
{
	char path[512];
	int rc;

	k->used = calloc((size_t)k->count, sizeof(*k->used));
	rc = k->used ? store_transact(h->store, use_body, k) : -ENOMEM;
	for (int i = 0; rc == 0 && i < k->count; i++) {
		snprintf(path, sizeof(path), "%s/%s", k->dir, k->files[i]->d_name);
		if (!k->used[i])
			unlink(path);
	}
	free(k->used);
	return rc;
}

static int kept_sweep(struct host *h, const char *dir)
{
	struct kept k = {.dir = dir};
	int lock = directory_lock(dir), rc;

	if (lock < 0)
		return lock == -ENOENT ? 0 : lock;
	k.count = scandir(dir, &k.files, is_kept, NULL);
	rc = k.count > 0 ? kept_unlink(h, &k) : 0;
	close(lock);
	for (int i = 0; i < k.count; i++)
		free(k.files[i]);
	free(k.files);
	return rc;
}

int leftovers_remove(struct host *h, const struct places *p)
{
	int removed = domains_remove(h), rc = kept_sweep(h, p->kept);

	kernel_cache_sweep(p->kernel_cache);
	return removed >= 0 && rc < 0 ? rc : removed;
}

void leftovers_clear(struct cli *c, struct host *h)
{
	char text[160];
	int rc = h->store ? leftovers_remove(h, c->places) : 0;

	if (rc > 0)
		cli_warn(c, "removed what an earlier, interrupted creation had left");
	if (rc >= 0)
		return;
	snprintf(text, sizeof(text),
		"what an interrupted creation left could not all be removed: %s", strerror(-rc));
	cli_warn(c, text);
}
