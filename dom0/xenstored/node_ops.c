/* Operations on nodes: right, quota, then the change.
 *
 * node_X() judges and node_apply_X() does. Both run on the live tree or on a transaction's copy;
 * a view says which. In a transaction every judgement is noted as a dependency, since the commit
 * repeats only the doing. Neighbours: tree.c (data), tx.c (commit), request_node.c (callers). */
#include "dom0/xenstored/node_ops.h"

#include <errno.h>
#include <string.h>
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

struct view view_live(struct store *s, struct changes *changes)
{
	return (struct view){ .store = s, .root = &s->root, .changes = changes };
}

struct view view_tx(struct store *s, struct tx *tx)
{
	return (struct view){ .store = s, .root = &tx->root, .ledger = &tx->ledger, .tx = tx };
}

static int view_touch(struct view *v, const char *path, unsigned int what)
{
	return v->tx ? tx_touch(v->store, v->tx, path, what) : 0;
}

/* Is there room to log a change, so that it cannot fail once made? */
static int view_log_room(struct view *v, const char *path, size_t bytes)
{
	return v->tx ? tx_log_room(v->store, v->tx, strlen(path) + bytes) : 0;
}

/* Note a node of the live tree for a successor: the one at the first @len bytes of @path. */
static void view_journal(struct view *v, const char *path, size_t len, const struct node *n)
{
	char part[PATH_ROOM];

	if (v->tx || !v->store->journal)
		return;
	memcpy(part, path, len);
	part[len] = '\0';
	journal_node(v->store, part, n);
}

static unsigned int access_of(struct view *v, const struct node *n, const struct subject *who)
{
	return perms_access(&v->store->accounts, n->perms, who);
}

static int part_touch(struct view *v, const char *path, size_t len)
{
	char part[PATH_ROOM];

	memcpy(part, path, len);
	part[len] = '\0';
	return view_touch(v, part, TOUCH_NODE);
}

/* The judgement for a node that is not there falls to its nearest parent. A transaction depends on
 * that one, and on no nearer one coming before it commits: its rights would be another's to give. */
static int nearest_find(struct view *v, const char *path, struct node **out, size_t *len)
{
	size_t next;
	int err;

	*out = tree_nearest(*v->root, path, len);
	if (!v->tx)
		return 0;
	next = *len == 1 ? 1 : *len + 1;
	next += strcspn(path + next, "/");
	err = part_touch(v, path, *len);
	return err ? err : part_touch(v, path, next);
}

int node_find(struct view *v, const struct subject *who, const char *path, unsigned int need,
	      unsigned int touch, struct node **out)
{
	struct node *n = tree_find(*v->root, path), *near;
	size_t len;
	int err = view_touch(v, path, touch);

	if (err)
		return err;
	if (n) {
		if ((access_of(v, n, who) & need) != need)
			return -EACCES;
		*out = n;
		return 0;
	}
	err = nearest_find(v, path, &near, &len);
	if (err)
		return err;
	return (access_of(v, near, who) & need & PERM_ALL) ? -ENOENT : -EACCES;
}

/* Who owns a node made by @who below @near. */
static int creator(const struct subject *who)
{
	return who->domid == 0 ? -1 : who->domid;
}

static int quota_check(struct view *v, const struct subject *who, uint16_t owner, int64_t nodes,
		       int64_t bytes)
{
	if (who->domid == 0)
		return 0;
	return account_may(&v->store->accounts, v->ledger, owner, nodes, bytes);
}

static int node_size_check(const struct subject *who, size_t bytes)
{
	return who->domid != 0 && bytes > store_limits.node_bytes ? -ENOSPC : 0;
}

static size_t last_name_len(const char *path)
{
	return strlen(strrchr(path, '/') + 1);
}

/* Nodes and bytes that making @path below its first @len bytes takes. */
static int64_t create_cost(const char *path, size_t len, const struct perms *perms,
			   const struct blob *value, int64_t *bytes)
{
	int64_t nodes = 0;

	*bytes = value->len;
	for (size_t at = len == 1 ? 0 : len; path[at]; at++)
		if (path[at] == '/')
			nodes++;
		else
			(*bytes)++;
	*bytes += nodes * (int64_t)(perms->count * sizeof perms->entry[0]);
	return nodes;
}

static void create_commit(struct view *v, const char *path, size_t len, struct perms *perms,
			  struct blob *value)
{
	struct node *n = tree_own(v->root, path, len);
	struct blob *empty = blob_new("", 0);
	size_t at = len == 1 ? 1 : len + 1;

	while (path[at - 1]) {
		size_t part = strcspn(path + at, "/");
		bool last = path[at + part] == '\0';
		uint64_t gen = store_next_gen(v->store);
		struct node *child = node_new(path + at, part, last ? value : empty, perms, gen);

		node_add_child(n, child, gen);
		n = child;
		at += part + 1;
		view_journal(v, path, at - 1, n);
	}
	blob_put(empty);
}

static int node_create(struct view *v, const struct subject *who, const char *path, size_t len,
		       struct node *near, struct blob *value)
{
	struct perms *perms = perms_adopt(&v->store->accounts, near->perms, creator(who));
	int64_t bytes, nodes = create_cost(path, len, perms, value, &bytes);
	int err = node_size_check(who, node_bytes(last_name_len(path), value, perms));

	if (!err)
		err = quota_check(v, who, perms_owner(perms), nodes, bytes);
	if (!err) {
		create_commit(v, path, len, perms, value);
		account_charge(&v->store->accounts, v->ledger, perms_owner(perms), nodes, bytes);
		if (v->changes)
			changes_add(v->changes, path, perms, NULL);
	}
	perms_put(perms);
	return err;
}

int node_apply_write(struct view *v, const struct subject *who, const char *path,
		     struct blob *value)
{
	size_t len;
	struct node *n = tree_nearest(*v->root, path, &len);
	int64_t more;
	int err;

	if (path[len] != '\0')
		return node_create(v, who, path, len, n, value);
	more = (int64_t)value->len - n->value->len;
	err = node_size_check(who, node_bytes(last_name_len(path), value, n->perms));
	if (!err && more > 0)
		err = quota_check(v, who, perms_owner(n->perms), 0, more);
	if (err)
		return err;
	n = tree_own(v->root, path, strlen(path));
	node_set_value(n, value, store_next_gen(v->store));
	view_journal(v, path, strlen(path), n);
	account_charge(&v->store->accounts, v->ledger, perms_owner(n->perms), 0, more);
	if (v->changes)
		changes_add(v->changes, path, n->perms, NULL);
	return 0;
}

/* May @who write at @path, there or not? *@exists. */
static int write_judge(struct view *v, const struct subject *who, const char *path, bool *exists)
{
	struct node *n;
	int err = node_find(v, who, path, PERM_WRITE, TOUCH_NODE, &n);

	*exists = err == 0;
	return err == -ENOENT ? 0 : err;
}

int node_write(struct view *v, const struct subject *who, const char *path, struct blob *value)
{
	bool exists;
	int err = write_judge(v, who, path, &exists);

	if (!err)
		err = view_log_room(v, path, value->len);
	if (!err)
		err = node_apply_write(v, who, path, value);
	if (!err && v->tx)
		tx_log(v->store, v->tx, TX_WRITE, path, value, NULL);
	return err;
}

int node_mkdir(struct view *v, const struct subject *who, const char *path)
{
	struct blob *empty;
	bool exists;
	int err = write_judge(v, who, path, &exists);

	if (!err && !exists)
		err = view_log_room(v, path, 0);
	if (err || exists)
		return err;
	empty = blob_new("", 0);
	err = node_apply_write(v, who, path, empty);
	if (!err && v->tx)
		tx_log(v->store, v->tx, TX_MKDIR, path, empty, NULL);
	blob_put(empty);
	return err;
}

static void node_refund(struct node *n, const char *path, void *arg)
{
	struct view *v = arg;

	(void)path;
	account_charge(&v->store->accounts, v->ledger, perms_owner(n->perms), -1,
		       -(int64_t)node_bytes(strlen(n->name), n->value, n->perms));
}

void node_apply_rm(struct view *v, const char *path)
{
	size_t len = path_parent_len(path);
	const char *name = strrchr(path, '/') + 1;
	struct node *parent, *gone;

	if (len == 0 || !tree_find(*v->root, path))
		return;
	parent = tree_own(v->root, path, len);
	gone = node_take_child(parent, name, strlen(name), store_next_gen(v->store));
	if (!v->tx)
		journal_rm(v->store, path);
	tree_walk(gone, path, node_refund, v);
	if (v->changes)
		changes_add(v->changes, path, gone->perms, gone);
	node_put(gone);
}

int node_rm(struct view *v, const struct subject *who, const char *path)
{
	char parent[PATH_ROOM];
	size_t len = path_parent_len(path);
	struct node *n;
	int err;

	if (len == 0)
		return -EINVAL;
	err = node_find(v, who, path, PERM_WRITE, TOUCH_NODE, &n);
	if (err == -ENOENT) {
		memcpy(parent, path, len);
		parent[len] = '\0';
		return tree_find(*v->root, parent) ? 0 : -ENOENT;
	}
	if (!err)
		err = view_log_room(v, path, 0);
	if (err)
		return err;
	node_apply_rm(v, path);
	if (v->tx)
		tx_log(v->store, v->tx, TX_RM, path, NULL, NULL);
	return 0;
}

int node_apply_perms(struct view *v, const struct subject *who, const char *path,
		     struct perms *perms)
{
	struct accounts *a = &v->store->accounts;
	struct node *n = tree_find(*v->root, path);
	int64_t old_bytes, new_bytes;
	uint16_t old_owner;
	int err;

	if (!n)
		return -ENOENT;
	old_owner = perms_owner(n->perms);
	old_bytes = (int64_t)node_bytes(strlen(n->name), n->value, n->perms);
	new_bytes = (int64_t)node_bytes(strlen(n->name), n->value, perms);
	err = node_size_check(who, (size_t)new_bytes);
	if (!err)
		err = quota_check(v, who, old_owner, 0, new_bytes - old_bytes);
	if (err)
		return err;
	n = tree_own(v->root, path, strlen(path));
	node_set_perms(n, perms, store_next_gen(v->store));
	view_journal(v, path, strlen(path), n);
	account_charge(a, v->ledger, old_owner, -1, -old_bytes);
	account_charge(a, v->ledger, perms_owner(perms), 1, new_bytes);
	if (v->changes)
		changes_add(v->changes, path, perms, NULL);
	return 0;
}

int node_perms_set(struct view *v, const struct subject *who, const char *path,
		   struct perms *perms)
{
	struct node *n;
	int err = node_find(v, who, path, PERM_WRITE | PERM_OWNER, TOUCH_NODE, &n);

	if (err)
		return err;
	if (who->domid != 0 && perms_owner(perms) != perms_owner(n->perms))
		return -EPERM;
	if (who->domid != 0 && perms->count > store_limits.perms)
		return -ENOSPC;
	err = view_log_room(v, path, perms->count * sizeof perms->entry[0]);
	if (!err)
		err = node_apply_perms(v, who, path, perms);
	if (!err && v->tx)
		tx_log(v->store, v->tx, TX_SET_PERMS, path, NULL, perms);
	return err;
}
