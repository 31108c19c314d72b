/* Rights, changes and transactions, judged anew.
 *
 * For transactions this keeps the values an actor read outside its own writes. If its commit is
 * answered with OK, the live tree just before must have had every one of them: so the transaction
 * is as if it had run at that moment. */
#include "tests/fuzz/targets/lib/store_judge.h"

#include "dom0/xenstored/path.h"
#include "tests/fuzz/targets/target.h"

/* ---- rights ---- */

static bool perm_counts(const struct store *s, const struct perm *p)
{
	return p->gen == s->accounts.gen[p->domid];
}

bool judge_may(const struct store *s, const struct node *n, uint16_t domid, unsigned int need)
{
	const struct perm *e = n->perms->entry;
	unsigned int has = perm_counts(s, e) ? e->access : 0;

	if (domid == 0 || (e->domid == domid && perm_counts(s, e)))
		return true;
	for (uint32_t i = n->perms->count; i-- > 1;)
		if (e[i].domid == domid && perm_counts(s, &e[i]))
			has = e[i].access;
	return (has & need) == need;
}

static bool same_value(const struct node *a, const struct node *b)
{
	return a->value->len == b->value->len &&
	       memcmp(a->value->data, b->value->data, a->value->len) == 0;
}

static bool same_perms(const struct node *a, const struct node *b)
{
	if (a->perms->count != b->perms->count)
		return false;
	for (uint32_t i = 0; i < a->perms->count; i++)
		if (a->perms->entry[i].domid != b->perms->entry[i].domid ||
			a->perms->entry[i].access != b->perms->entry[i].access ||
			a->perms->entry[i].gen != b->perms->entry[i].gen)
			return false;
	return true;
}

/* @above: it may write a node above, with which this may have gone. @anew: this may have gone and
 * come again, for its parent's children changed. */
static void changes_check(const struct store *s, const struct node *old, const struct node *now,
	uint16_t domid, bool above, bool anew)
{
	bool here = judge_may(s, old, domid, PERM_WRITE), moved = old->child_gen != now->child_gen;

	if (old == now)
		return;
	HOLDS(same_value(old, now) || here || above);
	HOLDS(same_perms(old, now) || judge_may(s, old, domid, PERM_WRITE | PERM_OWNER) || above ||
		(here && anew));
	above = (above || here) && moved;
	for (uint32_t i = 0, k = 0; i < old->child_count || k < now->child_count;) {
		int order = i == old->child_count   ? 1
			    : k == now->child_count ? -1
						    : strcmp(old->child[i]->name, now->child[k]->name);

		HOLDS(order == 0 || moved);
		if (order < 0)
			HOLDS(judge_may(s, old->child[i], domid, PERM_WRITE) || above);
		if (order > 0)
			HOLDS(here || above);
		if (order == 0)
			changes_check(s, old->child[i], now->child[k], domid, above, moved);
		i += order <= 0;
		k += order >= 0;
	}
}

void judge_changes(const struct store *s, const struct node *old, const struct node *now,
	uint16_t domid)
{
	changes_check(s, old, now, domid, false, false);
}

void judge_same(const struct node *a, const struct node *b)
{
	HOLDS(strcmp(a->name, b->name) == 0 && same_value(a, b) && same_perms(a, b));
	HOLDS(a->gen == b->gen && a->child_count == b->child_count);
	for (uint32_t i = 0; i < a->child_count; i++)
		judge_same(a->child[i], b->child[i]);
}

/* ---- transactions ---- */

struct seen {
	const struct actor *who;
	uint32_t tx;
	bool written;		/* the transaction changed it, or a node above or below */
	char path[PATH_ROOM];
	size_t len;
	uint8_t value[XENSTORE_PAYLOAD_MAX];
};

static struct seen *seen[64];
static unsigned int seen_count;

void judge_open(void)
{
	seen_count = 0;
}

void judge_close(void)
{
	while (seen_count > 0)
		free(seen[--seen_count]);
}

static void drop(const struct actor *who, uint32_t tx, bool all)
{
	for (unsigned int i = seen_count; i-- > 0;)
		if (seen[i]->who == who && (all || seen[i]->tx == tx)) {
			free(seen[i]);
			seen[i] = seen[--seen_count];
		}
}

void judge_forget(const struct actor *who)
{
	drop(who, 0, true);
}

/* Note @path: read with the answer's value, or (@value false) changed by the transaction. */
static void note(const struct actor *a, uint32_t tx, const char *path, bool value)
{
	struct seen *n;

	for (unsigned int i = 0; i < seen_count; i++) {
		const char *was = seen[i]->path;
		size_t len = strlen(was) < strlen(path) ? strlen(was) : strlen(path);

		if (seen[i]->who == a && seen[i]->tx == tx && strncmp(was, path, len) == 0 &&
			(seen[i]->written || !value)) {
			if (value)
				return;		/* reads its own write */
			if (seen[i]->written)
				break;
		}
	}
	if (seen_count == sizeof seen / sizeof seen[0])
		return;
	n = calloc(1, sizeof *n);
	HOLDS(n);
	n->who = a;
	n->tx = tx;
	n->written = !value;
	strcpy(n->path, path);
	if (value) {
		n->len = a->reply.len;
		memcpy(n->value, a->body, n->len);
	}
	seen[seen_count++] = n;
}

static void commit_check(const struct actor *a, uint32_t tx, struct node *before)
{
	for (unsigned int i = 0; i < seen_count; i++) {
		const struct seen *r = seen[i];
		const struct node *n;

		if (r->who != a || r->tx != tx || r->written)
			continue;
		n = tree_find(before, r->path);
		HOLDS(n && n->value->len == r->len && memcmp(n->value->data, r->value, r->len) == 0);
	}
}

void judge_request(const struct actor *a, const struct xsd_sockmsg *h, const char *body,
	struct node *before)
{
	bool changes = h->type == XS_WRITE || h->type == XS_RM || h->type == XS_MKDIR;
	char path[PATH_ROOM];

	if (h->type == XS_TRANSACTION_END) {
		if (a->reply.type == h->type && body[0] == 'T')
			commit_check(a, h->tx_id, before);
		drop(a, h->tx_id, false);
	}
	if (h->tx_id == 0 || a->reply.type != h->type || (!changes && h->type != XS_READ) ||
		path_canonical(body, a->domid, false, path))
		return;
	note(a, h->tx_id, path, h->type == XS_READ);
}
