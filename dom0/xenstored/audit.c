/* The store's oracle. It shares no code with what it checks but the data structures: nodes, bytes,
 * watches and transactions per domain are counted again; names are sorted and well formed. */
#include "dom0/xenstored/audit.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

struct count {
	int64_t nodes, bytes;
	uint32_t watches, txs;
};

struct audit {
	struct store *s;
	struct count *count;	/* [DOMID_COUNT] */
	char *why;
	size_t size;
	bool broken;
};

#define COMPLAIN(a, ...) \
	do { \
		if (!(a)->broken) \
			snprintf((a)->why, (a)->size, __VA_ARGS__); \
		(a)->broken = true; \
	} while (0)

static void audit_node(struct node *n, const char *path, void *arg)
{
	struct audit *a = arg;
	struct count *c = &a->count[n->perms->entry[0].domid];

	c->nodes++;
	c->bytes += (int64_t)(strlen(n->name) + n->value->len +
			      n->perms->count * sizeof(struct perm));
	if (n->refs == 0 || n->value->refs == 0 || n->perms->refs == 0 || n->perms->count == 0)
		COMPLAIN(a, "%.100s: a reference count is 0", path);
	if (n->gen > a->s->gen || n->child_gen > a->s->gen)
		COMPLAIN(a, "%.100s: generation from the future", path);
	for (uint32_t i = 1; i < n->child_count; i++)
		if (strcmp(n->child[i - 1]->name, n->child[i]->name) >= 0)
			COMPLAIN(a, "%.100s: children out of order", path);
	for (uint32_t i = 0, at = 0; n->listing && i < n->child_count; i++) {
		if (at >= n->listing->len || strcmp(n->listing->data + at, n->child[i]->name) != 0) {
			COMPLAIN(a, "%.100s: an old list of children", path);
			break;
		}
		at += (uint32_t)strlen(n->child[i]->name) + 1;
	}
	for (uint32_t i = 0; i < n->child_count; i++)
		if (!n->child[i]->name[0] || strchr(n->child[i]->name, '/'))
			COMPLAIN(a, "%.100s: a child's name is malformed", path);
}

static void audit_conn(struct audit *a, const struct conn *c)
{
	struct count *n = &a->count[c->who.domid];
	size_t queued = 0;

	for (const struct watch *w = c->watches; w; w = w->conn_next) {
		n->watches++;
		n->bytes += (int64_t)(sizeof *w + strlen(w->path) + strlen(w->token) + 2);
	}
	for (const struct tx *tx = c->txs; tx; tx = tx->next) {
		n->txs++;
		n->bytes += tx->bytes;
	}
	for (const struct out_msg *m = c->out_first; m; m = m->next)
		queued += m->len;
	n->bytes += (int64_t)queued;
	if (queued != c->out_bytes)
		COMPLAIN(a, "domain %u: %zu bytes queued, %zu counted", c->who.domid, queued,
			 c->out_bytes);
}

static void audit_watches(struct audit *a)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WATCH_BUCKETS; i++)
		for (const struct watch *w = a->s->watches.bucket[i]; w; w = w->next)
			n++;
	if (n != a->s->watches.count)
		COMPLAIN(a, "%u watches in the table, %u counted", n, a->s->watches.count);
}

bool store_audit(struct store *s, char *why, size_t size)
{
	struct audit a = { .s = s, .why = why, .size = size };
	static const struct account none;

	a.count = mem_alloc(DOMID_COUNT * sizeof *a.count);
	tree_walk(s->root, "/", audit_node, &a);
	for (const struct conn *c = s->conns; c; c = c->next)
		audit_conn(&a, c);
	audit_watches(&a);
	for (uint32_t i = 0; i < DOMID_COUNT; i++) {
		const struct account *acct = s->accounts.slot[i] ? s->accounts.slot[i] : &none;
		const struct count *c = &a.count[i];

		if (acct->nodes != c->nodes || acct->watches != c->watches || acct->txs != c->txs ||
		    acct->bytes != c->bytes)
			COMPLAIN(&a, "domain %u: account has %" PRId64 " nodes, %" PRId64 " bytes, "
				 "%u watches, %u transactions; counted %" PRId64 ", %" PRId64
				 ", %u, %u", i, acct->nodes, acct->bytes, acct->watches, acct->txs,
				 c->nodes, c->bytes, c->watches, c->txs);
	}
	free(a.count);
	return a.broken;
}
