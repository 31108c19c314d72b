/* The store as a whole: birth, end, and what happens to the belongings of a dead domain. */
#include "dom0/xenstored/store.h"

#include <stdlib.h>
#include <string.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/node_ops.h"
#include "dom0/xenstored/state.h"

static const struct subject dom0_subject = { .domid = 0 };

static void node_make(struct store *s, const char *path)
{
	struct changes changes;
	struct view v = view_live(s, &changes);

	changes_init(&changes);
	if (node_mkdir(&v, &dom0_subject, path))
		abort();	/* domain 0 has every right and no quota */
	changes_drop(&changes);
}

struct store *store_new(void)
{
	struct store *s = mem_alloc(sizeof *s);
	struct blob *empty = blob_new("", 0);
	struct perms *perms = perms_new(&s->accounts, 0);

	s->root = node_new("", 0, empty, perms, store_next_gen(s));
	s->run_last = &s->run_first;
	for (int i = 0; i < SPECIAL_COUNT; i++)
		s->special[i] = perms_get(perms);
	account_charge(&s->accounts, NULL, 0, 1, (int64_t)node_bytes(0, empty, perms));
	perms_put(perms);
	blob_put(empty);
	node_make(s, "/tool/xenstored");
	node_make(s, "/local/domain");
	node_make(s, "/vm");
	return s;
}

void store_free(struct store *s)
{
	journal_close(s);
	while (s->conns)
		conn_close(s->conns, 0);
	for (int i = 0; i < SPECIAL_COUNT; i++)
		perms_put(s->special[i]);
	node_put(s->root);
	accounts_free(&s->accounts);
	free(s);
}

static const char *const special_names[SPECIAL_COUNT] = {
	[SPECIAL_INTRODUCE] = "@introduceDomain",
	[SPECIAL_RELEASE] = "@releaseDomain",
};

enum special special_of(const char *path)
{
	int i = 0;

	while (i < SPECIAL_COUNT && strcmp(path, special_names[i]) != 0)
		i++;
	return (enum special)i;
}

const char *special_name(enum special s)
{
	return special_names[s];
}

/* ---- a domain's end ---- */

struct owned {
	uint16_t domid;
	char **path;
	size_t count, room;
};

/* Note the topmost nodes of the dead domain, and whatever names it. */
static void owned_find(struct node *n, const char *path, void *arg)
{
	struct owned *o = arg;
	bool named = false;

	for (uint32_t i = 0; i < n->perms->count; i++)
		named = named || n->perms->entry[i].domid == o->domid;
	if (!named)
		return;
	if (o->count == o->room) {
		o->room = o->room ? o->room * 2 : 64;
		o->path = mem_grow(o->path, o->room, sizeof *o->path);
	}
	o->path[o->count++] = mem_dup(path, strlen(path));
}

static void owned_settle(struct store *s, struct view *v, const char *path, uint16_t domid)
{
	struct node *n = tree_find(s->root, path);
	struct perms *p;

	if (!n)
		return;	/* went with a parent */
	if (perms_owner(n->perms) == domid && path[1]) {
		node_apply_rm(v, path);
		return;
	}
	p = perms_adopt(&s->accounts, n->perms, perms_owner(n->perms) == domid ? 0 : -1);
	if (p != n->perms && node_apply_perms(v, &dom0_subject, path, p))
		log_error("%s: permissions of dead domain %u stay", path, domid);
	perms_put(p);
}

void store_domain_gone(struct store *s, uint16_t domid)
{
	struct owned o = { .domid = domid };
	struct changes changes;
	struct view v = view_live(s, &changes);
	int changed = -1;

	if (domid == 0)
		return;
	s->accounts.gen[domid]++;
	journal_gen(s, domid);
	changes_init(&changes);
	tree_walk(s->root, "/", owned_find, &o);
	for (size_t i = 0; i < o.count; i++) {
		owned_settle(s, &v, o.path[i], domid);
		free(o.path[i]);
	}
	free(o.path);
	for (int i = 0; i < SPECIAL_COUNT; i++) {
		struct perms *p = perms_adopt(&s->accounts, s->special[i], -1);

		if (p != s->special[i])
			changed = i;
		perms_put(s->special[i]);
		s->special[i] = p;
		if (changed == i)
			journal_special(s, i);
	}
	watch_fire(s, &changes);
}
