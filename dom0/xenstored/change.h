/* Changes made to the live tree and not yet told to watchers.
 *
 * They are collected while a request runs and fired after its reply, in order. */
#pragma once
#include <stdint.h>
#include "dom0/xenstored/perms.h"
#include "dom0/xenstored/tree.h"

struct change {
	struct change *next;
	struct perms *perms;	/* who may learn of it: of the node now, or before its removal */
	struct node *removed;	/* subtree that went, or NULL */
	char path[];
};

struct changes {
	struct change *first, **last;
};

static inline void changes_init(struct changes *c)
{
	c->first = NULL;
	c->last = &c->first;
}

/* Note a change at @path; references are taken. */
void changes_add(struct changes *c, const char *path, struct perms *perms, struct node *removed);
void changes_drop(struct changes *c);
