/* Transactions: a snapshot to read and change, and a log to repeat on the live tree.
 *
 * A commit succeeds if every node the transaction looked at (nodes not there included) is in the
 * live tree as it was in the snapshot; then the log is applied. Reading a value, listing children
 * and writing are tracked apart, so siblings do not disturb each other.
 * A transaction whose snapshot had to go (its daemon was replaced, or its owner sat on it for
 * TX_SNAPSHOT_NS) is doomed: it goes on over today's tree, and its commit says EAGAIN. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/account.h"
#include "dom0/xenstored/change.h"
#include "dom0/xenstored/tree.h"

struct conn;
struct store;

#define TX_SNAPSHOT_NS 30000000000u

enum { TOUCH_NODE = 1, TOUCH_CHILDREN = 2 };

enum tx_op_kind { TX_WRITE, TX_MKDIR, TX_RM, TX_SET_PERMS };

struct tx_op {
	struct tx_op *next;
	enum tx_op_kind kind;
	struct blob *value;	/* TX_WRITE */
	struct perms *perms;	/* TX_SET_PERMS */
	char path[];
};

struct tx_touch {
	char *path;		/* NULL: free slot */
	uint32_t hash;
	unsigned int what;	/* TOUCH_* */
};

struct tx {
	struct tx *next;	/* of the same connection */
	struct conn *conn;
	uint32_t id;
	bool doomed;
	uint64_t start_ns;
	struct node *base;	/* the snapshot; NULL when doomed */
	struct node *root;	/* the snapshot with our changes */
	struct ledger ledger;	/* what our changes will be charged as */
	struct tx_op *op_first, **op_last;
	struct tx_touch *touch;	/* open addressing; touch_room is a power of two */
	uint32_t touch_count, touch_room;
	int64_t bytes;		/* charged to the connection for log and touches */
};

/* -ENOSPC: too many open. */
int tx_start(struct store *s, struct conn *c, uint32_t *id) MUST_CHECK;
/* Put back a transaction known by its id only, doomed. */
void tx_restore(struct store *s, struct conn *c, uint32_t id);
/* Let the restored transactions see the tree as it is now. */
void tx_restored(struct store *s, struct conn *c);
struct tx *tx_find(const struct conn *c, uint32_t id) MUST_CHECK;
/* Commit or abort; the transaction ends in any case. *@changes: what became of the live tree.
 * -EAGAIN: lost a race; -ENOSPC: quota of the live tree. */
int tx_end(struct store *s, struct tx *tx, bool commit, struct changes *changes) MUST_CHECK;
/* End it unfinished. */
void tx_drop(struct store *s, struct tx *tx);
void tx_end_all(struct store *s, struct conn *c);
/* Doom the transactions of unprivileged connections that are older than TX_SNAPSHOT_NS. */
void tx_age(struct store *s);

/* Note that the transaction depends on @path. -ENOSPC: on too many. */
int tx_touch(struct store *s, struct tx *tx, const char *path, unsigned int what) MUST_CHECK;
/* May @bytes more (a path, and a value or permissions) be logged? -ENOSPC: no. */
int tx_log_room(struct store *s, struct tx *tx, size_t bytes) MUST_CHECK;
/* Add to the log; references are taken. */
void tx_log(struct store *s, struct tx *tx, enum tx_op_kind kind, const char *path,
	    struct blob *value, struct perms *perms);
