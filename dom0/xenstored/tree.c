/* The tree of nodes, copied on write.
 *
 * Rules: no recursion (a hostile path is 1,500 names deep); a node whose reference count is above
 * one is never changed; children are sorted, so lookup is by halves. Start at tree_own(). */
#include "dom0/xenstored/tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"

struct blob *blob_new(const void *bytes, size_t len)
{
	struct blob *b = mem_alloc(sizeof *b + len);

	b->refs = 1;
	b->len = (uint32_t)len;
	if (len)
		memcpy(b->data, bytes, len);
	return b;
}

struct blob *blob_get(struct blob *b)
{
	b->refs++;
	return b;
}

void blob_put(struct blob *b)
{
	if (b && --b->refs == 0)
		free(b);
}

struct node *node_new(const char *name, size_t name_len, struct blob *value, struct perms *perms,
		      uint64_t gen)
{
	struct node *n = mem_alloc(sizeof *n + name_len + 1);

	n->refs = 1;
	n->gen = n->child_gen = gen;
	n->value = blob_get(value);
	n->perms = perms_get(perms);
	memcpy(n->name, name, name_len);
	return n;
}

struct node *node_get(struct node *n)
{
	n->refs++;
	return n;
}

/* Drop a reference; a node nobody holds joins @dead. */
static struct node *node_drop(struct node *n, struct node *dead)
{
	if (--n->refs > 0)
		return dead;
	n->next_free = dead;
	return n;
}

void node_put(struct node *n)
{
	struct node *dead = n ? node_drop(n, NULL) : NULL;

	while (dead) {
		struct node *d = dead;

		dead = d->next_free;
		for (uint32_t i = 0; i < d->child_count; i++)
			dead = node_drop(d->child[i], dead);
		blob_put(d->value);
		blob_put(d->listing);
		perms_put(d->perms);
		free(d->child);
		free(d);
	}
}

static struct node *node_copy(const struct node *n)
{
	struct node *c = node_new(n->name, strlen(n->name), n->value, n->perms, n->gen);

	c->child_gen = n->child_gen;
	c->child_count = c->child_room = n->child_count;
	if (n->child_count) {
		c->child = mem_grow(NULL, n->child_count, sizeof *c->child);
		memcpy(c->child, n->child, n->child_count * sizeof *c->child);
	}
	for (uint32_t i = 0; i < c->child_count; i++)
		node_get(c->child[i]);
	return c;
}

static int name_compare(const char *a, size_t a_len, const char *b)
{
	int d = strncmp(a, b, a_len);

	return d ? d : (b[a_len] ? -1 : 0);
}

/* Index of the child of that name, or where it would stand. */
static uint32_t child_index(const struct node *n, const char *name, size_t len, bool *found)
{
	uint32_t low = 0, high = n->child_count;

	*found = false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int d = name_compare(name, len, n->child[mid]->name);

		if (d == 0) {
			*found = true;
			return mid;
		}
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

struct node *node_child(const struct node *n, const char *name, size_t len)
{
	bool found;
	uint32_t i = child_index(n, name, len, &found);

	return found ? n->child[i] : NULL;
}

/* The next name of @path at @at; its length, 0 at the end. */
static size_t path_part(const char *path, size_t end, size_t at)
{
	size_t n = 0;

	while (at + n < end && path[at + n] != '/')
		n++;
	return n;
}

struct node *tree_nearest(struct node *root, const char *path, size_t *len)
{
	size_t end = strlen(path), at = 1, part;
	struct node *n = root;

	*len = 1;
	while ((part = path_part(path, end, at)) > 0) {
		struct node *c = node_child(n, path + at, part);

		if (!c)
			break;
		n = c;
		*len = at + part;
		at += part + 1;
	}
	return n;
}

struct node *tree_find(struct node *root, const char *path)
{
	size_t len;
	struct node *n = tree_nearest(root, path, &len);

	return path[len] == '\0' || (len == 1 && path[1] == '\0') ? n : NULL;
}

static struct node *slot_own(struct node **slot)
{
	if ((*slot)->refs > 1) {
		struct node *copy = node_copy(*slot);

		node_put(*slot);
		*slot = copy;
	}
	return *slot;
}

struct node *tree_own(struct node **root, const char *path, size_t len)
{
	struct node *n = slot_own(root);
	size_t at = 1, part;

	while ((part = path_part(path, len, at)) > 0) {
		bool found;
		uint32_t i = child_index(n, path + at, part, &found);

		if (!found)
			abort();	/* our own bug: the caller found it a moment ago */
		n = slot_own(&n->child[i]);
		at += part + 1;
	}
	return n;
}

struct blob *node_listing(struct node *n, size_t most)
{
	size_t len = 0;
	char *to;

	if (n->listing)
		return n->listing->len <= most ? n->listing : NULL;
	for (uint32_t i = 0; i < n->child_count && len <= most; i++)
		len += strlen(n->child[i]->name) + 1;
	if (len > most)
		return NULL;
	n->listing = mem_alloc(sizeof *n->listing + len);
	n->listing->refs = 1;
	n->listing->len = (uint32_t)len;
	to = n->listing->data;
	for (uint32_t i = 0; i < n->child_count; i++)
		to = stpcpy(to, n->child[i]->name) + 1;
	return n->listing;
}

static void listing_forget(struct node *n)
{
	blob_put(n->listing);
	n->listing = NULL;
}

void node_add_child(struct node *n, struct node *child, uint64_t gen)
{
	bool found;
	uint32_t i = child_index(n, child->name, strlen(child->name), &found);

	if (n->child_count == n->child_room) {
		n->child_room = n->child_room ? n->child_room * 2 : 4;
		n->child = mem_grow(n->child, n->child_room, sizeof *n->child);
	}
	memmove(&n->child[i + 1], &n->child[i], (n->child_count - i) * sizeof *n->child);
	listing_forget(n);
	n->child[i] = child;
	n->child_count++;
	n->child_gen = gen;
}

struct node *node_take_child(struct node *n, const char *name, size_t len, uint64_t gen)
{
	bool found;
	uint32_t i = child_index(n, name, len, &found);
	struct node *child;

	if (!found)
		return NULL;
	listing_forget(n);
	child = n->child[i];
	n->child_count--;
	memmove(&n->child[i], &n->child[i + 1], (n->child_count - i) * sizeof *n->child);
	n->child_gen = gen;
	return child;
}

void node_set_value(struct node *n, struct blob *value, uint64_t gen)
{
	blob_get(value);
	blob_put(n->value);
	n->value = value;
	n->gen = gen;
}

void node_set_perms(struct node *n, struct perms *perms, uint64_t gen)
{
	perms_get(perms);
	perms_put(n->perms);
	n->perms = perms;
	n->gen = gen;
}

size_t node_bytes(size_t name_len, const struct blob *value, const struct perms *perms)
{
	return name_len + value->len + perms->count * sizeof perms->entry[0];
}
