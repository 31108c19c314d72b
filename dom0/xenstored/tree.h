/* The tree of nodes, copied on write.
 *
 * A tree is its root. Holding a reference on a root keeps that version whole: a snapshot costs
 * nothing, and who writes while a snapshot is held copies the nodes on the way and no others.
 * A node reached by one reference only is changed in place.
 *
 * A node has two generations, unique in the daemon's life: `gen` changes with its value and
 * permissions (and is new when the node is created again), `child_gen` when a child comes or goes.
 * Equal generations mean nothing changed. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/perms.h"

/* Bytes of a value: immutable, shared by reference. */
struct blob {
	uint32_t refs, len;
	char data[];
};

struct node {
	uint32_t refs;
	uint32_t child_count, child_room;
	uint64_t gen, child_gen;
	struct blob *value;	/* never NULL */
	struct perms *perms;	/* never NULL */
	struct node **child;	/* in order of name */
	struct blob *listing;	/* the children's names as last asked for, or NULL */
	struct node *next_free;	/* while being freed */
	char name[];
};

struct blob *blob_new(const void *bytes, size_t len);
struct blob *blob_get(struct blob *b);
void blob_put(struct blob *b);

/* A childless node with one reference; takes references on @value and @perms. */
struct node *node_new(const char *name, size_t name_len, struct blob *value, struct perms *perms,
		      uint64_t gen) MUST_CHECK;
struct node *node_get(struct node *n);
void node_put(struct node *n);

/* The node at canonical @path, or NULL. */
struct node *tree_find(struct node *root, const char *path) MUST_CHECK;
/* The deepest existing node on the way to @path; *@len: how much of @path leads to it. */
struct node *tree_nearest(struct node *root, const char *path, size_t *len) MUST_CHECK;
/* The node at existing @path (its first @len bytes), with nodes on the way copied as needed so that
 * it may be changed in place. *@root may be replaced. */
struct node *tree_own(struct node **root, const char *path, size_t len) MUST_CHECK;

/* The names of @n's children, a NUL behind each; NULL: longer than @most. Not a reference. */
struct blob *node_listing(struct node *n, size_t most) MUST_CHECK;
struct node *node_child(const struct node *n, const char *name, size_t len) MUST_CHECK;
/* Add @child (its reference is taken over); no child of that name may exist. @n is owned. */
void node_add_child(struct node *n, struct node *child, uint64_t gen);
/* Take the child of that name out; the reference passes to the caller. @n is owned. */
struct node *node_take_child(struct node *n, const char *name, size_t len, uint64_t gen) MUST_CHECK;
void node_set_value(struct node *n, struct blob *value, uint64_t gen);
void node_set_perms(struct node *n, struct perms *perms, uint64_t gen);

/* What a node of this shape is charged as. */
size_t node_bytes(size_t name_len, const struct blob *value, const struct perms *perms);

/* Call @visit on @top and all below it, parents first, with their paths (@path is @top's). */
void tree_walk(struct node *top, const char *path,
	       void (*visit)(struct node *n, const char *path, void *arg), void *arg);
