/* Marks of creations.
 *
 * A process is named by its id and start time, so that a reused id is not taken for it. The mark holds no
 * domain id: between createdomain and a second write one could be killed; the UUID, given to the
 * hypervisor as the domain's handle, is there from the first moment.
 * Rules: only marks decide what is half-made, never the looks of a domain.
 * Neighbours: create.c sets and clears, leftovers.c takes over what was left.
 */
#include "toolstack/domain/marker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0/lib/sysctl.h"

#define CREATING "/bothy/creating"

enum { MARK_SIZE = 64 + DOMAIN_NAME_SIZE, PATH_SIZE = 128 };

struct mark {
	long pid;
	unsigned long long start;
	char name[DOMAIN_NAME_SIZE];
};

/* Since when does process @pid run, in clock ticks since boot? Returns 0 and *start; -ESRCH: it has ended (a
 * zombie too); -EIO: nobody can tell. Spec: proc(5), stat fields 3 and 22. */
static int process_look(long pid, unsigned long long *start)
{
	char path[64], text[1024];
	const char *p;
	size_t length;
	FILE *f;

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return -EIO;
	length = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[length] = '\0';
	p = strrchr(text, ')'); /* the name in front may hold anything */
	if (p && strncmp(p, ") Z", 3) == 0)
		return -ESRCH;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	*start = p ? strtoull(p, NULL, 10) : 0;
	return *start ? 0 : -EIO;
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

/* In doubt it is: what lives must not be removed. */
static bool mark_is_alive(const struct mark *m)
{
	unsigned long long start = 0;
	int rc = m->pid > 0 ? process_look(m->pid, &start) : -ESRCH;

	return rc == 0 ? start == m->start || m->start == 0 : rc != -ESRCH;
}

/* Write a mark of this process. */
static int mark_write(struct store *s, uint32_t tx, const char *path, const char *name)
{
	unsigned long long start = 0;

	(void)process_look((long)getpid(), &start);
	return store_printf(s, tx, path, "%ld %llu %s", (long)getpid(), start, name);
}

/* Of a name, and of a UUID unless it is NULL, by a creation or by domain @self; DOMID_INVALID: a creation. */
struct claim {
	struct host *host;
	const char *name;
	const uint8_t *uuid;
	uint16_t self;
	const struct xen_domctl_getdomaininfo *domains;
	uint32_t domain_count;
	struct why *why;
};

static int taken(struct claim *s, const char *key, const char *value, unsigned int domid)
{
	why_set(s->why, -EEXIST, "\"%s\" is taken by domain %u", value, domid);
	why_where(s->why, "%s", key);
	why_hint(s->why, "bothy destroy %u, or choose another %s", domid, key);
	return -EEXIST;
}

/* No living domain may have the name or the UUID; a dying one may, while it is restarted. */
static int check_domains(struct claim *s, uint32_t tx)
{
	char path[PATH_SIZE], name[DOMAIN_NAME_SIZE], uuid[UUID_TEXT];
	int rc;

	for (uint32_t i = 0; i < s->domain_count; i++) {
		const struct xen_domctl_getdomaininfo *d = &s->domains[i];

		if (d->flags & XEN_DOMINF_dying || d->domain == s->self)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/name", d->domain);
		rc = store_read_buf(s->host->store, tx, path, name, sizeof(name));
		if (rc < 0 && rc != -ENOENT)
			return rc;
		if (rc >= 0 && strcmp(name, s->name) == 0)
			return taken(s, "name", name, d->domain);
		if (d->domain == 0 || !s->uuid || memcmp(d->handle, s->uuid, 16) != 0)
			continue;
		uuid_format(s->uuid, uuid);
		return taken(s, "uuid", uuid, d->domain);
	}
	return 0;
}

/* Nor may another creation that is under way. */
static int check_marks(struct claim *s, uint32_t tx)
{
	char **uuids = NULL, uuid[UUID_TEXT] = "";
	unsigned int count = 0;
	int rc = store_list(s->host->store, tx, CREATING, &uuids, &count);

	if (s->uuid)
		uuid_format(s->uuid, uuid);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (unsigned int i = 0; rc >= 0 && i < count; i++) {
		struct mark m;

		rc = mark_read(s->host->store, tx, uuids[i], &m);
		if (rc < 0 || !mark_is_alive(&m))
			continue;
		if (strcmp(m.name, s->name) != 0 && strcmp(uuids[i], uuid) != 0)
			continue;
		rc = why_set(s->why, -EEXIST, "\"%s\" is being created or removed by process %ld",
			m.name, m.pid);
		why_where(s->why, "name");
	}
	free(uuids);
	return rc;
}

static int check(struct claim *s, uint32_t tx)
{
	int rc = check_marks(s, tx); /* first: a creation's domain may be listed already */

	return rc < 0 ? rc : check_domains(s, tx);
}

static int set_body(struct store *store, uint32_t tx, void *arg)
{
	struct claim *s = arg;
	char path[PATH_SIZE];
	int rc = check(s, tx);

	if (rc < 0)
		return rc;
	mark_path(s->uuid, path);
	return mark_write(store, tx, path, s->name);
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
	struct claim s = {
		.host = h, .name = g->name, .uuid = g->uuid, .self = DOMID_INVALID, .why = why};
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

int marker_check_name(struct host *h, uint32_t tx, uint16_t self, const char *name, struct why *why)
{
	struct claim s = {.host = h, .name = name, .self = self, .why = why};
	struct xen_domctl_getdomaininfo *list = NULL;
	int rc = sysctl_domain_list(&h->hv, &list, &s.domain_count);

	s.domains = list;
	if (rc == 0)
		rc = check(&s, tx);
	free(list);
	return rc;
}

int marker_list(struct host *h, char ***uuids, unsigned int *count)
{
	int rc = store_list(h->store, STORE_NO_TX, CREATING, uuids, count);

	if (rc == -ENOENT) {
		*uuids = NULL;
		*count = 0;
	}
	return rc == -ENOENT ? 0 : rc;
}

static int take_over_body(struct store *s, uint32_t tx, void *arg)
{
	const char *uuid = arg;
	char path[PATH_SIZE];
	struct mark m;
	int rc = mark_read(s, tx, uuid, &m);

	if (rc < 0)
		return rc;
	if (mark_is_alive(&m))
		return -EBUSY;
	snprintf(path, sizeof(path), "%s/%.40s", CREATING, uuid);
	return mark_write(s, tx, path, m.name[0] ? m.name : "?");
}

int marker_take_over(struct host *h, char *uuid)
{
	return store_transact(h->store, take_over_body, uuid);
}

int marker_forget(struct host *h, const char *uuid)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%.40s", CREATING, uuid);
	return store_rm(h->store, STORE_NO_TX, path);
}

int marker_clear(struct host *h, const uint8_t uuid[16])
{
	char text[UUID_TEXT];

	uuid_format(uuid, text);
	return marker_forget(h, text);
}
