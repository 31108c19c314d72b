/* Transactions: start, dependencies, log, commit.
 *
 * The commit compares each node depended on between snapshot and live tree by generation, then
 * repeats the log. For a limited domain the live tree is kept until the log went through, so that a
 * quota met half way changes nothing; domain 0 has no quota, and its commits work in place. */
#include "dom0/xenstored/tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/node_ops.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"

static struct tx *tx_new(struct store *s, struct conn *c, uint32_t id)
{
	struct tx *tx = mem_alloc(sizeof *tx);

	tx->conn = c;
	tx->id = id;
	tx->start_ns = s->now_ns;
	tx->root = node_get(s->root);
	tx->op_last = &tx->op_first;
	tx->next = c->txs;
	c->txs = tx;
	account_of(&s->accounts, c->who.domid)->txs++;
	journal_tx(s, c, id, 1);
	return tx;
}

int tx_start(struct store *s, struct conn *c, uint32_t *id)
{
	struct tx *tx;

	if (c->who.domid != 0 && account_of(&s->accounts, c->who.domid)->txs >= store_limits.txs)
		return -ENOSPC;
	do
		c->last_tx++;
	while (c->last_tx == 0 || tx_find(c, c->last_tx));
	tx = tx_new(s, c, c->last_tx);
	tx->base = node_get(s->root);
	*id = tx->id;
	return 0;
}

void tx_restore(struct store *s, struct conn *c, uint32_t id)
{
	tx_new(s, c, id)->doomed = true;
}

void tx_restored(struct store *s, struct conn *c)
{
	for (struct tx *tx = c->txs; tx; tx = tx->next) {
		node_put(tx->root);
		tx->root = node_get(s->root);
	}
}

struct tx *tx_find(const struct conn *c, uint32_t id)
{
	struct tx *tx = c->txs;

	while (tx && tx->id != id)
		tx = tx->next;
	return tx;
}

static void tx_charge(struct store *s, struct tx *tx, size_t bytes)
{
	tx->bytes += (int64_t)bytes;
	account_charge(&s->accounts, NULL, tx->conn->who.domid, 0, (int64_t)bytes);
}

void tx_drop(struct store *s, struct tx *tx)
{
	struct tx **at = &tx->conn->txs;

	while (*at != tx)
		at = &(*at)->next;
	*at = tx->next;
	journal_tx(s, tx->conn, tx->id, 0);
	account_of(&s->accounts, tx->conn->who.domid)->txs--;
	account_charge(&s->accounts, NULL, tx->conn->who.domid, 0, -tx->bytes);
	while (tx->op_first) {
		struct tx_op *op = tx->op_first;

		tx->op_first = op->next;
		blob_put(op->value);
		perms_put(op->perms);
		free(op);
	}
	for (uint32_t i = 0; i < tx->touch_room; i++)
		free(tx->touch[i].path);
	free(tx->touch);
	ledger_drop(&tx->ledger);
	node_put(tx->base);
	node_put(tx->root);
	free(tx);
}

void tx_end_all(struct store *s, struct conn *c)
{
	while (c->txs)
		tx_drop(s, c->txs);
}

/* ---- dependencies: a set of paths ---- */

static uint32_t path_hash(const char *path)
{
	uint32_t h = 2166136261u;

	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * 16777619u;
	return h;
}

static struct tx_touch *touch_slot(struct tx *tx, const char *path, uint32_t hash)
{
	uint32_t mask = tx->touch_room - 1, i = hash & mask;

	while (tx->touch[i].path &&
	       (tx->touch[i].hash != hash || strcmp(tx->touch[i].path, path) != 0))
		i = (i + 1) & mask;
	return &tx->touch[i];
}

static void touch_grow(struct tx *tx)
{
	struct tx_touch *old = tx->touch;
	uint32_t room = tx->touch_room;

	tx->touch_room = room ? room * 2 : 16;
	tx->touch = mem_alloc(tx->touch_room * sizeof *tx->touch);
	for (uint32_t i = 0; i < room; i++)
		if (old[i].path)
			*touch_slot(tx, old[i].path, old[i].hash) = old[i];
	free(old);
}

int tx_touch(struct store *s, struct tx *tx, const char *path, unsigned int what)
{
	uint32_t hash = path_hash(path);
	struct tx_touch *t;

	if (tx->doomed)
		return 0;
	if (tx->touch_count * 2 >= tx->touch_room)
		touch_grow(tx);
	t = touch_slot(tx, path, hash);
	if (!t->path) {
		size_t len = strlen(path);

		if (tx->conn->who.domid != 0 && tx->touch_count >= store_limits.tx_nodes)
			return -ENOSPC;
		if (account_may(&s->accounts, NULL, tx->conn->who.domid, 0, (int64_t)len))
			return -ENOSPC;
		tx_charge(s, tx, len + sizeof *t);
		t->path = mem_dup(path, len);
		t->hash = hash;
		tx->touch_count++;
	}
	t->what |= what;
	return 0;
}

/* ---- log ---- */

int tx_log_room(struct store *s, struct tx *tx, size_t bytes)
{
	if (tx->doomed)
		return 0;
	return account_may(&s->accounts, NULL, tx->conn->who.domid, 0,
			   (int64_t)(sizeof(struct tx_op) + bytes));
}

void tx_log(struct store *s, struct tx *tx, enum tx_op_kind kind, const char *path,
	    struct blob *value, struct perms *perms)
{
	size_t len = strlen(path);
	struct tx_op *op;

	if (tx->doomed)
		return;
	op = mem_alloc(sizeof *op + len + 1);
	op->kind = kind;
	op->value = value ? blob_get(value) : NULL;
	op->perms = perms ? perms_get(perms) : NULL;
	memcpy(op->path, path, len);
	*tx->op_last = op;
	tx->op_last = &op->next;
	tx_charge(s, tx, sizeof *op + len + (value ? value->len : 0) +
		  (perms ? perms->count * sizeof perms->entry[0] : 0));
}

/* ---- commit ---- */

static bool touch_holds(struct node *base, struct node *live, const struct tx_touch *t)
{
	const struct node *b = tree_find(base, t->path), *l = tree_find(live, t->path);

	if (b == l)
		return true;
	if (!b || !l)
		return false;
	if ((t->what & TOUCH_NODE) && b->gen != l->gen)
		return false;
	return !(t->what & TOUCH_CHILDREN) || b->child_gen == l->child_gen;
}

static bool tx_holds(const struct store *s, const struct tx *tx)
{
	if (tx->base == s->root)
		return true;
	for (uint32_t i = 0; i < tx->touch_room; i++)
		if (tx->touch[i].path && !touch_holds(tx->base, s->root, &tx->touch[i]))
			return false;
	return true;
}

static int op_apply(struct view *v, const struct subject *who, const struct tx_op *op)
{
	struct perms *perms;
	int err;

	switch (op->kind) {
	case TX_WRITE:
	case TX_MKDIR:
		return node_apply_write(v, who, op->path, op->value);
	case TX_RM:
		node_apply_rm(v, op->path);
		return 0;
	case TX_SET_PERMS:
		perms = perms_adopt(&v->store->accounts, op->perms, -1);
		err = node_apply_perms(v, who, op->path, perms);
		perms_put(perms);
		return err;
	}
	return -EINVAL;
}

static int tx_apply(struct store *s, struct tx *tx, struct changes *changes)
{
	const struct subject *who = &tx->conn->who;
	struct node *before = who->domid == 0 ? NULL : node_get(s->root);
	struct ledger ledger = { 0 };
	struct view v = { .store = s, .root = &s->root, .ledger = &ledger, .changes = changes };
	size_t mark = journal_mark(s);
	int err = 0;

	for (struct tx_op *op = tx->op_first; op && !err; op = op->next)
		err = op_apply(&v, who, op);
	if (err && before) {
		node_put(s->root);
		s->root = before;
		journal_cut(s, mark);
		ledger_drop(&ledger);
		changes_drop(changes);
		return err;
	}
	if (err)	/* our own bug: what it depends on was checked, and there is no quota */
		log_error("transaction %u of domain 0: %s", tx->id, strerror(-err));
	node_put(before);
	ledger_settle(&s->accounts, &ledger);
	return err;
}

int tx_end(struct store *s, struct tx *tx, bool commit, struct changes *changes)
{
	int err = 0;

	if (commit && (tx->doomed || !tx_holds(s, tx))) {
		err = -EAGAIN;
	} else if (commit && tx->op_first) {
		/* Without our own references the live tree can be changed in place. */
		node_put(tx->base);
		node_put(tx->root);
		tx->base = tx->root = NULL;
		err = tx_apply(s, tx, changes);
	}
	tx_drop(s, tx);
	return err;
}

void tx_age(struct store *s)
{
	for (struct conn *c = s->conns; c; c = c->next)
		for (struct tx *tx = c->who.domid ? c->txs : NULL; tx; tx = tx->next) {
			if (s->now_ns - tx->start_ns < TX_SNAPSHOT_NS)
				continue;
			/* Its view starts again from today's tree; what it wrote will not be. */
			tx->start_ns = s->now_ns;
			tx->doomed = true;
			node_put(tx->base);
			node_put(tx->root);
			tx->base = NULL;
			tx->root = node_get(s->root);
			ledger_drop(&tx->ledger);
		}
}
