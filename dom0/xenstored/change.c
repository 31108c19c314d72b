/* Changes waiting to be told: a list of paths with what is needed to decide who may hear of them.
 * */
#include "dom0/xenstored/change.h"

#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"

void changes_add(struct changes *c, const char *path, struct perms *perms, struct node *removed)
{
	size_t len = strlen(path);
	struct change *ch = mem_alloc(sizeof *ch + len + 1);

	memcpy(ch->path, path, len);
	ch->perms = perms_get(perms);
	ch->removed = removed ? node_get(removed) : NULL;
	*c->last = ch;
	c->last = &ch->next;
}

void changes_drop(struct changes *c)
{
	while (c->first) {
		struct change *ch = c->first;

		c->first = ch->next;
		perms_put(ch->perms);
		node_put(ch->removed);
		free(ch);
	}
	changes_init(c);
}
