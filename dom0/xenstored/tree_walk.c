/* A walk over a subtree, parents first.
 *
 * The stack is on the heap and the path grows in one buffer: depth is the guest's choice. The
 * visitor must not change the tree that is walked. */
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/tree.h"

struct step {
	struct node *node;
	uint32_t next;		/* child to visit next */
	size_t path_len;
};

struct walk {
	struct step *step;
	size_t depth, room;
	char path[PATH_ROOM + 256];
};

static void walk_push(struct walk *w, struct node *n, size_t path_len)
{
	if (w->depth == w->room) {
		w->room = w->room ? w->room * 2 : 32;
		w->step = mem_grow(w->step, w->room, sizeof *w->step);
	}
	w->step[w->depth++] = (struct step){ .node = n, .path_len = path_len };
}

static size_t walk_enter(struct walk *w, size_t at, const char *name)
{
	size_t len = strlen(name);

	if (at > 1)
		w->path[at++] = '/';
	/* Paths in the tree were canonical, hence short, when they were made. */
	if (at + len >= sizeof w->path)
		abort();
	memcpy(w->path + at, name, len + 1);
	return at + len;
}

void tree_walk(struct node *top, const char *path,
	       void (*visit)(struct node *n, const char *path, void *arg), void *arg)
{
	struct walk w = { 0 };

	strncpy(w.path, path, PATH_ROOM - 1);
	visit(top, w.path, arg);
	walk_push(&w, top, strlen(w.path));
	while (w.depth > 0) {
		struct step *s = &w.step[w.depth - 1];
		struct node *child;
		size_t len;

		w.path[s->path_len] = '\0';
		if (s->next == s->node->child_count) {
			w.depth--;
			continue;
		}
		child = s->node->child[s->next++];
		len = walk_enter(&w, s->path_len, child->name);
		visit(child, w.path, arg);
		walk_push(&w, child, len);
	}
	free(w.step);
}
