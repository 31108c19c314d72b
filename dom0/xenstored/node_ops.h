/* Operations on nodes, with rights, quotas and transactions.
 *
 * Each checks everything, then commits steps that cannot fail. Paths are canonical.
 * Common errors: -ENOENT; -EACCES; -EINVAL; -ENOSPC quota (of nodes, bytes, or one transaction). */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/change.h"
#include "dom0/xenstored/perms.h"
#include "dom0/xenstored/tree.h"

struct store;
struct tx;

/* Which tree, who pays, and who is told. Use view_live() or view_tx(). */
struct view {
	struct store *store;
	struct node **root;
	struct ledger *ledger;		/* NULL: charge accounts at once */
	struct tx *tx;			/* NULL: the live tree */
	struct changes *changes;	/* of the live tree; NULL in a transaction */
};

struct view view_live(struct store *s, struct changes *changes);
struct view view_tx(struct store *s, struct tx *tx);

/* Find @path for @who, who needs the rights @need. @touch: TOUCH_* noted in a transaction.
 * -EACCES also when it does not exist and the nearest parent is not readable. */
int node_find(struct view *v, const struct subject *who, const char *path, unsigned int need,
	      unsigned int touch, struct node **out) MUST_CHECK;
/* Set the value; the node and missing parents are created with the nearest parent's permissions,
 * owned by @who unless that is domain 0. */
int node_write(struct view *v, const struct subject *who, const char *path,
	       struct blob *value) MUST_CHECK;
/* Create with an empty value; 0 also if it exists. */
int node_mkdir(struct view *v, const struct subject *who, const char *path) MUST_CHECK;
/* Remove with all below. 0 also if it does not exist but its parent does. */
int node_rm(struct view *v, const struct subject *who, const char *path) MUST_CHECK;
/* -EPERM: only domain 0 may change the owner. */
int node_perms_set(struct view *v, const struct subject *who, const char *path,
		   struct perms *perms) MUST_CHECK;

/* The same without questions of right: a transaction's log on the live tree, a dead domain's
 * nodes. */
int node_apply_write(struct view *v, const struct subject *who, const char *path,
		     struct blob *value) MUST_CHECK;
int node_apply_perms(struct view *v, const struct subject *who, const char *path,
		     struct perms *perms) MUST_CHECK;
void node_apply_rm(struct view *v, const char *path);
