/* The copy-on-write tree: snapshots stay whole, generations tell changes, depth is no danger. */
#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/tree.h"
#include "tests/unit/check_main.h"

static struct accounts accounts;
static struct perms *perms;
static uint64_t gen;

static struct node *root_new(void)
{
	struct blob *b = blob_new("", 0);
	struct node *n;

	perms = perms_new(&accounts, 0);
	n = node_new("", 0, b, perms, ++gen);
	blob_put(b);
	return n;
}

static void add(struct node **root, const char *path, const char *value)
{
	struct blob *b = blob_new(value, strlen(value));
	size_t len = path_parent_len(path);
	const char *name = strrchr(path, '/') + 1;
	struct node *parent = tree_own(root, path, len);

	gen++;
	node_add_child(parent, node_new(name, strlen(name), b, perms, gen), gen);
	blob_put(b);
}

START_TEST(find)
{
	struct node *root = root_new();
	size_t len;

	add(&root, "/b", "1");
	add(&root, "/a", "2");
	add(&root, "/ab", "3");
	add(&root, "/a/x", "4");
	ck_assert_str_eq(root->child[0]->name, "a");
	ck_assert_str_eq(root->child[1]->name, "ab");
	ck_assert_str_eq(root->child[2]->name, "b");
	ck_assert_ptr_eq(tree_find(root, "/"), root);
	ck_assert_int_eq(tree_find(root, "/a/x")->value->data[0], '4');
	ck_assert_ptr_null(tree_find(root, "/a/y"));
	ck_assert_ptr_null(tree_find(root, "/a/x/y"));
	ck_assert_ptr_null(tree_find(root, "/abc"));
	ck_assert_ptr_eq(tree_nearest(root, "/a/y/z", &len), tree_find(root, "/a"));
	ck_assert_uint_eq(len, 2);
	ck_assert_ptr_eq(tree_nearest(root, "/q", &len), root);
	ck_assert_uint_eq(len, 1);
	node_put(root);
	perms_put(perms);
}
END_TEST

START_TEST(snapshot)
{
	struct node *root = root_new(), *old, *n;
	struct blob *b = blob_new("new", 3);

	add(&root, "/a", "1");
	add(&root, "/a/b", "old");
	add(&root, "/c", "2");
	old = node_get(root);
	node_set_value(tree_own(&root, "/a/b", 4), b, ++gen);
	ck_assert_ptr_ne(root, old);
	ck_assert_uint_eq(tree_find(old, "/a/b")->value->len, 3);
	ck_assert_int_eq(memcmp(tree_find(old, "/a/b")->value->data, "old", 3), 0);
	ck_assert_int_eq(memcmp(tree_find(root, "/a/b")->value->data, "new", 3), 0);
	ck_assert_msg(tree_find(old, "/c") == tree_find(root, "/c"), "untouched nodes are shared");
	n = node_take_child(tree_own(&root, "/", 1), "c", 1, ++gen);
	node_put(n);
	ck_assert_ptr_null(tree_find(root, "/c"));
	ck_assert_ptr_nonnull(tree_find(old, "/c"));
	node_put(root);
	ck_assert_int_eq(memcmp(tree_find(old, "/a/b")->value->data, "old", 3), 0);
	node_put(old);
	blob_put(b);
	perms_put(perms);
}
END_TEST

START_TEST(in_place)
{
	struct node *root = root_new(), *before = root;

	add(&root, "/a", "1");
	ck_assert_msg(root == before, "without a snapshot nothing is copied");
	ck_assert_uint_eq(root->child_gen, gen);
	ck_assert_uint_lt(root->gen, gen);
	node_put(root);
	perms_put(perms);
}
END_TEST

static void count_visit(struct node *n, const char *path, void *arg)
{
	(void)n;
	(*(size_t *)arg)++;
	ck_assert_uint_lt(strlen(path), PATH_ROOM);
}

START_TEST(deep)
{
	struct node *root = root_new();
	char path[PATH_ROOM];
	size_t count = 0;

	for (size_t len = 0; len + 2 <= 3072; len += 2) {
		strcpy(path + len, "/d");
		add(&root, path, "");
	}
	tree_walk(root, "/", count_visit, &count);
	ck_assert_uint_eq(count, 1 + 3072 / 2);
	node_put(root);
	perms_put(perms);
}
END_TEST

CHECK_MAIN("tree", NULL, NULL, find, snapshot, in_place, deep)
