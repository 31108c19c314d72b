/* Marks of creations.
 *
 * A process is named by its id and start time, so that a reused id is not taken for it. The mark holds no
 * domain id: between createdomain and a second write one could be killed; the UUID, given to the
 * hypervisor as the domain's handle, is there from the first moment.
 * Rules: only marks decide what is half-made, never the looks of a domain.
 * Neighbours: create.c sets and clears, dom0/lib/reap.c removes.
 */
#include "toolstack/domain/marker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0/lib/reap.h"
#include "dom0/lib/sysctl.h"

#define CREATING "/bothy/creating"

enum { MARK_SIZE = 64 + DOMAIN_NAME_SIZE, PATH_SIZE = 128 };

struct mark {
	long pid;
	unsigned long long start;
	char name[DOMAIN_NAME_SIZE];
};

/* Start time of @pid in clock ticks since boot; 0: no such process. Spec: proc(5), stat field 22. */
static unsigned long long process_start(long pid)
{
	char path[64], text[1024];
	unsigned long long start = 0;
	const char *p;
	size_t length;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	length = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[length] = '\0';
	p = strrchr(text, ')'); /* the name in front may hold anything */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		start = strtoull(p, NULL, 10);
	return start;
}

static void mark_path(const uint8_t uuid[16], char out[PATH_SIZE])
{
	char text[UUID_TEXT];

	uuid_format(uuid, text);
	snprintf(out, PATH_SIZE, "%s/%s", CREATING, text);
}

static int mark_read(struct store *s, uint32_t tx, const char *uuid, struct mark *m)
{
	char path[PATH_SIZE], text[MARK_SIZE];
	int rc;

	memset(m, 0, sizeof(*m));
	snprintf(path, sizeof(path), "%s/%.40s", CREATING, uuid);
	rc = store_read_buf(s, tx, path, text, sizeof(text));
	if (rc >= 0 && sscanf(text, "%ld %llu %127s", &m->pid, &m->start, m->name) != 3)
		m->pid = 0; /* nobody's: a leftover */
	return rc;
}

static bool mark_is_alive(const struct mark *m)
{
	return m->pid > 0 && process_start(m->pid) == m->start && m->start != 0;
}

struct setting {
	struct host *host;
	const struct guest_cfg *guest;
	const struct xen_domctl_getdomaininfo *domains;
	uint32_t domain_count;
	struct why *why;
};

static int taken(struct setting *s, const char *what, unsigned int domid)
{
	why_set(s->why, -EEXIST, "%s is taken by domain %u", what, domid);
	why_hint(s->why, "bothy destroy %u, or choose another", domid);
	return -EEXIST;
}

/* No living domain may have the name or the UUID; a dying one may, while it is restarted. */
static int check_domains(struct setting *s, uint32_t tx)
{
	char path[PATH_SIZE], name[DOMAIN_NAME_SIZE];

	for (uint32_t i = 0; i < s->domain_count; i++) {
		const struct xen_domctl_getdomaininfo *d = &s->domains[i];

		if (d->flags & XEN_DOMINF_dying)
			continue;
		if (d->domain != 0 && memcmp(d->handle, s->guest->uuid, 16) == 0)
			return taken(s, "the UUID", d->domain);
		snprintf(path, sizeof(path), "/local/domain/%u/name", d->domain);
		if (store_read_buf(s->host->store, tx, path, name, sizeof(name)) < 0)
			continue;
		if (strcmp(name, s->guest->name) == 0)
			return taken(s, "the name", d->domain);
	}
	return 0;
}

static int check_marks(struct setting *s, uint32_t tx)
{
	char **uuids = NULL, uuid[UUID_TEXT];
	unsigned int count = 0;
	int rc = store_list(s->host->store, tx, CREATING, &uuids, &count);

	uuid_format(s->guest->uuid, uuid);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (unsigned int i = 0; rc >= 0 && i < count; i++) {
		struct mark m;

		if (mark_read(s->host->store, tx, uuids[i], &m) < 0 || !mark_is_alive(&m))
			continue;
		if (strcmp(m.name, s->guest->name) == 0 || strcmp(uuids[i], uuid) == 0)
			rc = why_set(s->why, -EEXIST,
				"a domain of this name or UUID is being created "
				"(process %ld)",
				m.pid);
	}
	free(uuids);
	return rc;
}

static int set_body(struct store *store, uint32_t tx, void *arg)
{
	struct setting *s = arg;
	char path[PATH_SIZE];
	int rc = check_domains(s, tx);

	if (rc == 0)
		rc = check_marks(s, tx);
	if (rc < 0)
		return rc;
	mark_path(s->guest->uuid, path);
	return store_printf(store, tx, path, "%ld %llu %s", (long)getpid(),
		process_start((long)getpid()), s->guest->name);
}

/* Everything below /bothy is dom0's alone. */
static int make_private(struct store *s)
{
	static const char *const dirs[] = {"/bothy", "/bothy/domain", CREATING};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		rc = store_mkdir(s, STORE_NO_TX, dirs[i]);
		if (rc == 0)
			rc = store_set_perms(s, STORE_NO_TX, dirs[i], "n0");
	}
	return rc;
}

int marker_set(struct host *h, const struct guest_cfg *g, struct why *why)
{
	struct setting s = {.host = h, .guest = g, .why = why};
	struct xen_domctl_getdomaininfo *list = NULL;
	int rc = sysctl_domain_list(&h->hv, &list, &s.domain_count);

	why->what[0] = '\0';
	s.domains = list;
	if (rc == 0)
		rc = make_private(h->store);
	if (rc == 0)
		rc = store_transact(h->store, set_body, &s);
	free(list);
	if (rc < 0 && !why->what[0])
		why_set(why, rc, "marking the creation: %s", strerror(-rc));
	return rc;
}

int marker_clear(struct host *h, const uint8_t uuid[16])
{
	char path[PATH_SIZE];

	mark_path(uuid, path);
	return store_rm(h->store, STORE_NO_TX, path);
}

/* Reap every domain with this handle. */
static int remove_by_uuid(struct host *h, const uint8_t uuid[16])
{
	struct xen_domctl_getdomaininfo *list = NULL;
	uint32_t count = 0;
	int rc = sysctl_domain_list(&h->hv, &list, &count);

	for (uint32_t i = 0; rc == 0 && i < count; i++)
		if (list[i].domain != 0 && memcmp(list[i].handle, uuid, 16) == 0)
			rc = domain_reap(&h->hv, h->store, list[i].domain);
	free(list);
	return rc;
}

static int leftover_remove(struct host *h, const char *text)
{
	uint8_t uuid[16];
	char path[PATH_SIZE];
	int rc;

	if (uuid_parse(uuid, text) < 0) {
		snprintf(path, sizeof(path), "%s/%.64s", CREATING, text);
		return store_rm(h->store, STORE_NO_TX, path);
	}
	rc = remove_by_uuid(h, uuid);
	return rc < 0 ? rc : marker_clear(h, uuid);
}

int leftovers_remove(struct host *h)
{
	char **uuids = NULL;
	unsigned int count = 0;
	int removed = 0, rc = store_list(h->store, STORE_NO_TX, CREATING, &uuids, &count);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (unsigned int i = 0; rc >= 0 && i < count; i++) {
		struct mark m;

		if (mark_read(h->store, STORE_NO_TX, uuids[i], &m) < 0 || mark_is_alive(&m))
			continue;
		rc = leftover_remove(h, uuids[i]);
		removed += rc >= 0;
	}
	free(uuids);
	return rc < 0 ? rc : removed;
}
