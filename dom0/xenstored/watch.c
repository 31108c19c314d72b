/* Watches: registration and firing.
 *
 * Who may hear: a connection that could read the node (as it is now or, if removed, as it was).
 * A removal is told once to watchers of the node and its parents, and to each watcher of a node
 * below it with that node's own path. Neighbours: change.h collects, conn.h delivers. */
#include "dom0/xenstored/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"

static uint32_t path_hash(const char *path, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)path[i]) * 16777619u;
	return h;
}

static struct watch **bucket_of(struct watch_table *t, uint32_t hash)
{
	return &t->bucket[hash % WATCH_BUCKETS];
}

static struct watch **watch_slot(struct conn *c, const char *path, const char *token)
{
	struct watch **at = &c->watches;

	while (*at && (strcmp((*at)->path, path) != 0 || strcmp((*at)->token, token) != 0))
		at = &(*at)->conn_next;
	return at;
}

static int64_t watch_bytes(const struct watch *w)
{
	return (int64_t)(sizeof *w + strlen(w->path) + strlen(w->token) + 2);
}

int watch_add(struct store *s, struct conn *c, const char *path, size_t strip, const char *token,
	      struct watch **out)
{
	struct account *acct = account_of(&s->accounts, c->who.domid);
	size_t len = strlen(path);
	struct watch *w, **b;

	if (*watch_slot(c, path, token))
		return -EEXIST;
	if (c->who.domid != 0 && acct->watches >= store_limits.watches)
		return -E2BIG;
	w = mem_alloc(sizeof *w + len + 1);
	memcpy(w->path, path, len);
	w->token = mem_dup(token, strlen(token));
	w->conn = c;
	w->strip = strip;
	w->hash = path_hash(path, len);
	w->conn_next = c->watches;
	c->watches = w;
	b = bucket_of(&s->watches, w->hash);
	w->next = *b;
	w->prev = b;
	if (w->next)
		w->next->prev = &w->next;
	*b = w;
	s->watches.count++;
	acct->watches++;
	account_charge(&s->accounts, NULL, c->who.domid, 0, watch_bytes(w));
	journal_watch(s, w);
	*out = w;
	return 0;
}

static void watch_free(struct store *s, struct watch **slot)
{
	struct watch *w = *slot;

	journal_unwatch(s, w);
	*slot = w->conn_next;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	s->watches.count--;
	account_of(&s->accounts, w->conn->who.domid)->watches--;
	account_charge(&s->accounts, NULL, w->conn->who.domid, 0, -watch_bytes(w));
	free(w->token);
	free(w);
}

int watch_remove(struct store *s, struct conn *c, const char *path, const char *token)
{
	struct watch **slot = watch_slot(c, path, token);

	if (!*slot)
		return -ENOENT;
	watch_free(s, slot);
	return 0;
}

void watch_remove_all(struct store *s, struct conn *c)
{
	while (c->watches)
		watch_free(s, &c->watches);
}

void watch_announce(struct watch *w)
{
	w->lost = false;
	conn_event(w->conn, w, w->path);
}

static bool may_hear(struct store *s, const struct conn *c, const struct perms *perms)
{
	return perms_access(&s->accounts, perms, &c->who) & PERM_READ;
}

/* Watches registered at exactly @at (@len bytes) hear of @path. */
static void fire_at(struct store *s, const char *at, size_t len, const char *path,
		    const struct perms *perms)
{
	uint32_t hash = path_hash(at, len);

	for (struct watch *w = *bucket_of(&s->watches, hash); w; w = w->next)
		if (w->hash == hash && strncmp(w->path, at, len) == 0 && !w->path[len] &&
		    may_hear(s, w->conn, perms))
			conn_event(w->conn, w, path);
}

static void fire_with_parents(struct store *s, const char *path, const struct perms *perms)
{
	size_t len = strlen(path);

	fire_at(s, "/", 1, path, perms);
	for (size_t i = 1; i <= len; i++)
		if ((path[i] == '/' || path[i] == '\0') && i > 1)
			fire_at(s, path, i, path, perms);
}

struct fire_below {
	struct store *s;
	const char *top;
};

static void fire_removed(struct node *n, const char *path, void *arg)
{
	struct fire_below *f = arg;

	if (strcmp(path, f->top) != 0)
		fire_at(f->s, path, strlen(path), path, n->perms);
}

void watch_fire(struct store *s, struct changes *changes)
{
	if (s->watches.count > 0)
		for (struct change *ch = changes->first; ch; ch = ch->next) {
			struct fire_below below = { .s = s, .top = ch->path };

			fire_with_parents(s, ch->path, ch->perms);
			if (ch->removed && ch->removed->child_count)
				tree_walk(ch->removed, ch->path, fire_removed, &below);
		}
	changes_drop(changes);
}

void watch_fire_special(struct store *s, const char *name, struct perms *perms)
{
	fire_at(s, name, strlen(name), name, perms);
}
