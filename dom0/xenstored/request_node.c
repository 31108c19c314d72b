/* Requests on nodes: read, list, write, make, remove, permissions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/request.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

/* The one path a request names. */
static int path_of(struct request *rq, char path[PATH_ROOM])
{
	const char *name;
	int err = request_words(rq, &name, 1);

	return err ? err : request_path(rq, name, path);
}

/* The same, and its node. */
static int node_of(struct request *rq, unsigned int need, unsigned int touch, struct node **n)
{
	char path[PATH_ROOM];
	int err = path_of(rq, path);

	return err ? err : node_find(&rq->view, &rq->conn->who, path, need, touch, n);
}

int request_read(struct request *rq)
{
	struct node *n;
	int err = node_of(rq, PERM_READ, TOUCH_NODE, &n);

	return err ? err : request_put(rq, n->value->data, n->value->len);
}

int request_directory(struct request *rq)
{
	struct blob *names;
	struct node *n;
	int err = node_of(rq, PERM_READ, TOUCH_NODE | TOUCH_CHILDREN, &n);

	if (err)
		return err;
	names = node_listing(n, sizeof rq->out);
	return names ? request_put(rq, names->data, names->len) : -E2BIG;
}

int request_directory_part(struct request *rq)
{
	const char *word[2];
	char path[PATH_ROOM], gen[24];
	uint64_t offset, at = 0;
	struct node *n;
	uint32_t i;
	int err = request_words(rq, word, 2);

	if (!err)
		err = request_path(rq, word[0], path);
	if (!err)
		err = word_number(word[1], UINT32_MAX, &offset);
	if (!err)
		err = node_find(&rq->view, &rq->conn->who, path, PERM_READ,
				TOUCH_NODE | TOUCH_CHILDREN, &n);
	if (err)
		return err;
	snprintf(gen, sizeof gen, "%llu", (unsigned long long)n->child_gen);
	err = request_put_text(rq, gen);
	/* The offset counts bytes of the whole list; clients ask for what they got so far. */
	for (i = 0; i < n->child_count && at < offset; i++)
		at += strlen(n->child[i]->name) + 1;
	for (; !err && i < n->child_count; i++)
		if (request_put_text(rq, n->child[i]->name))
			return 0;	/* more follows in the next part */
	/* An empty name ends the list; if it does not fit, the next part is nothing else. */
	return request_put(rq, "", 1) ? 0 : err;
}

int request_write(struct request *rq)
{
	char path[PATH_ROOM];
	size_t name_len = strnlen(rq->body, rq->len);
	struct blob *value;
	int err;

	if (name_len == rq->len)
		return -EINVAL;
	err = request_path(rq, rq->body, path);
	if (err)
		return err;
	value = blob_new(rq->body + name_len + 1, rq->len - name_len - 1);
	err = node_write(&rq->view, &rq->conn->who, path, value);
	blob_put(value);
	return err;
}

int request_mkdir(struct request *rq)
{
	char path[PATH_ROOM];
	int err = path_of(rq, path);

	return err ? err : node_mkdir(&rq->view, &rq->conn->who, path);
}

int request_rm(struct request *rq)
{
	char path[PATH_ROOM];
	int err = path_of(rq, path);

	return err ? err : node_rm(&rq->view, &rq->conn->who, path);
}

static int perms_put_out(struct request *rq, const struct perms *p)
{
	int n = perms_format(p, rq->out, sizeof rq->out);

	if (n < 0)
		return n;
	rq->out_len = (uint32_t)n;
	return 0;
}

int request_get_perms(struct request *rq)
{
	const char *name;
	struct node *n;
	int err = request_words(rq, &name, 1);

	if (!err && special_of(name) != SPECIAL_COUNT)
		return rq->conn->who.domid == 0 ?
			perms_put_out(rq, rq->store->special[special_of(name)]) : -EACCES;
	if (!err)
		err = node_of(rq, PERM_READ, TOUCH_NODE, &n);
	if (err)
		return err;
	return perms_put_out(rq, n->perms);
}

static int special_perms_set(struct request *rq, enum special sp, struct perms *perms)
{
	if (rq->conn->who.domid != 0)
		return -EACCES;
	perms_put(rq->store->special[sp]);
	rq->store->special[sp] = perms_get(perms);
	journal_special(rq->store, (int)sp);
	return 0;
}

int request_set_perms(struct request *rq)
{
	const char *word[PERMS_MAX + 1];
	char path[PATH_ROOM];
	struct perms *perms;
	int n = request_words_some(rq, word, 2, PERMS_MAX + 1), err;

	if (n < 0)
		return n;
	err = perms_parse(&rq->store->accounts, word + 1, (unsigned int)n - 1, &perms);
	if (err)
		return err;
	if (special_of(word[0]) != SPECIAL_COUNT) {
		err = special_perms_set(rq, special_of(word[0]), perms);
	} else {
		err = request_path(rq, word[0], path);
		if (!err)
			err = node_perms_set(&rq->view, &rq->conn->who, path, perms);
	}
	perms_put(perms);
	return err;
}
