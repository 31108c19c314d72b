/* The fake world's store, in the client's contract (dom0/lib/store_client.h): a flat table of nodes; a
 * transaction is a copy to go back to. Children inherit their parent's permissions, as in xenstored. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/store_client.h"
#include "tests/unit/toolstack/domain/fake_world.h"

enum { FAKE_TX = 7 };

static int handle;
struct store *const fake_store = (struct store *)(void *)&handle;

static struct fake_node *find(const char *path)
{
	for (int i = 0; i < FAKE_NODES; i++)
		if (world->nodes[i].path[0] && strcmp(world->nodes[i].path, path) == 0)
			return &world->nodes[i];
	return NULL;
}

const struct fake_node *fake_node_find(const char *path)
{
	return find(path);
}

static bool is_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

int fake_node_count(const char *path)
{
	int count = 0;

	for (int i = 0; i < FAKE_NODES; i++)
		count += world->nodes[i].path[0] && is_below(world->nodes[i].path, path);
	return count;
}

/* Create @path and what is missing above it. */
static struct fake_node *make(const char *path)
{
	struct fake_node *node = find(path), *parent;
	char up[FAKE_PATH];
	char *slash;

	if (node)
		return node;
	if (strlen(path) >= FAKE_PATH || path[0] != '/' || strstr(path, "//"))
		abort();
	strcpy(up, path);
	slash = strrchr(up, '/');
	slash[slash == up] = '\0';
	parent = make(up);
	for (int i = 0; i < FAKE_NODES; i++) {
		node = &world->nodes[i];
		if (node->path[0])
			continue;
		strcpy(node->path, path);
		node->value[0] = '\0';
		strcpy(node->perms, parent->perms);
		return node;
	}
	abort();
}

int store_open(struct store **s, const char *path, unsigned int wait_ms)
{
	(void)path;
	(void)wait_ms;
	*s = fake_store;
	return fake_call("store_open");
}

void store_close(struct store *s)
{
	(void)s;
}

/* Remove @path and all below. */
static void cut(const char *path)
{
	for (int i = 0; i < FAKE_NODES; i++)
		if (is_below(world->nodes[i].path, path))
			world->nodes[i].path[0] = '\0';
}

/* A front end that does not let go, and is there. */
static bool is_held(const char *online)
{
	char path[FAKE_PATH];
	unsigned int domid, number;

	if (!world->keeps_disks || sscanf(online, "/local/domain/0/user-backend/vbd/%u/%u", &domid, &number) != 2)
		return false;
	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u", domid, number);
	return find(path);
}

/* What backendd does between any two calls: a back end that is closed goes. */
static void backendd_act(void)
{
	char dir[FAKE_PATH];

	for (int i = 0; i < FAKE_NODES && !world->in_transaction; i++) {
		const struct fake_node *n = &world->nodes[i];
		const char *leaf = strstr(n->path, "/online");

		if (!leaf || n->value[0] != '0' || !strstr(n->path, "/user-backend/") || is_held(n->path))
			continue;
		if (world->closing_looks > 0) {
			world->closing_looks--;
			continue;
		}
		snprintf(dir, sizeof(dir), "%.*s", (int)(leaf - n->path), n->path);
		cut(dir);
	}
}

int store_read_buf(struct store *s, uint32_t tx, const char *path, char *buf, size_t size)
{
	int rc = fake_call("store_read");
	struct fake_node *node;

	(void)s;
	(void)tx;
	backendd_act();
	node = find(path);
	if (rc < 0 || !node)
		return rc < 0 ? rc : -ENOENT;
	snprintf(buf, size, "%s", node->value);
	return 0;
}

int store_read_u64(struct store *s, uint32_t tx, const char *path, uint64_t *value)
{
	char text[64], *end;
	int rc = store_read_buf(s, tx, path, text, sizeof(text));

	if (rc < 0)
		return rc;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno ? 0 : -EINVAL;
}

/* A back end's, to its new @state: that it is ready, or its error. */
static void answer(struct fake_node *state)
{
	const char *device = state->path + strlen("/local/domain/0");
	char path[FAKE_PATH];

	if (!world->backend_error) {
		strcpy(state->value, "2");
		return;
	}
	snprintf(path, sizeof(path), "/local/domain/0/error%.*s/error",
		(int)(strlen(device) - strlen("/state")), device);
	strcpy(make(path)->value, world->backend_error);
}

/* The guest sees that the back end with @state is closing. */
static void obey_closing(const char *state)
{
	char path[FAKE_PATH];
	unsigned int domid, number;

	if (world->keeps_disks || sscanf(state, "/local/domain/0/%*[a-z-]/vbd/%u/%u", &domid, &number) != 2)
		return;
	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u/state", domid, number);
	strcpy(make(path)->value, "6");
}

/* What kernels and daemons do when they see a node. */
static void react(const struct fake_node *node)
{
	unsigned int domid;
	char path[FAKE_PATH], end;

	if (strstr(node->path, "backend/") && strstr(node->path, "/state")) {
		if (strcmp(node->value, "5") == 0)
			obey_closing(node->path);
		else if (!world->no_backends)
			answer(find(node->path));
	}
	if (world->obeys &&
		sscanf(node->path, "/local/domain/%u/control/shutdow%c", &domid, &end) == 2 &&
		fake_domain_find((uint16_t)domid))
		fake_domain_find((uint16_t)domid)->id = 0;
	if (!world->no_console &&
		sscanf(node->path, "/local/domain/%u/console/tt%c", &domid, &end) == 2) {
		snprintf(path, sizeof(path), "/dev/pts/%u", domid);
		strcpy(find(node->path)->value, path);
	}
}

int store_write(struct store *s, uint32_t tx, const char *path, const char *value)
{
	struct fake_node *node;
	int rc = fake_call("store_write");

	(void)s;
	(void)tx;
	if (rc < 0)
		return rc;
	backendd_act();
	if (strstr(path, "/online") && value[0] == '0' && !find(path))
		abort(); /* a back end that is gone would be there anew */
	node = make(path);
	if (strlen(value) >= FAKE_VALUE)
		abort();
	strcpy(node->value, value);
	react(node);
	return 0;
}

int store_printf(struct store *s, uint32_t tx, const char *path, const char *fmt, ...)
{
	char value[FAKE_VALUE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	return store_write(s, tx, path, value);
}

int store_mkdir(struct store *s, uint32_t tx, const char *path)
{
	return find(path) ? 0 : store_write(s, tx, path, "");
}

int store_rm(struct store *s, uint32_t tx, const char *path)
{
	int rc = fake_call("store_rm");

	(void)s;
	(void)tx;
	if (rc == 0)
		cut(path);
	return rc;
}

/* The name of @path's child that @node is, or NULL. */
static const char *child_name(const char *path, const char *node)
{
	size_t length = strlen(path);

	if (strncmp(node, path, length) != 0 || node[length] != '/' ||
		strchr(node + length + 1, '/'))
		return NULL;
	return node + length + 1;
}

int store_list(struct store *s, uint32_t tx, const char *path, char ***names, unsigned int *count)
{
	int rc = fake_call("store_list");
	char **all, *text;
	unsigned int n = 0;

	(void)s;
	(void)tx;
	if (rc < 0 || !find(path))
		return rc < 0 ? rc : -ENOENT;
	all = calloc(1, FAKE_NODES * (sizeof(*all) + FAKE_PATH));
	text = (char *)(all + FAKE_NODES);
	for (int i = 0; i < FAKE_NODES; i++) {
		const char *name = child_name(path, world->nodes[i].path);

		if (!name)
			continue;
		all[n] = strcpy(text + (size_t)n * FAKE_PATH, name);
		n++;
	}
	*names = all;
	*count = n;
	return 0;
}

int store_set_perms(struct store *s, uint32_t tx, const char *path, const char *perms)
{
	struct fake_node *node = find(path);
	int rc = fake_call("store_set_perms");

	(void)s;
	(void)tx;
	if (rc < 0 || !node)
		return rc < 0 ? rc : -ENOENT;
	strcpy(node->perms, perms);
	return 0;
}

int store_transact(struct store *s, int (*body)(struct store *s, uint32_t tx, void *arg), void *arg)
{
	for (;;) {
		int rc = fake_call("store_transact");

		if (rc < 0)
			return rc;
		backendd_act();
		memcpy(world->saved, world->nodes, sizeof(world->nodes));
		world->in_transaction = true;
		rc = body(s, FAKE_TX, arg);
		if (rc == 0)
			rc = fake_call("store_commit");
		world->in_transaction = false;
		if (rc == 0 && world->conflicts == 0)
			return 0;
		memcpy(world->nodes, world->saved, sizeof(world->nodes));
		if (rc < 0)
			return rc;
		world->conflicts--;
	}
}

int store_introduce(struct store *s, uint16_t domid, uint64_t mfn, uint32_t port)
{
	int rc = fake_call("store_introduce");
	struct fake_domain *d = fake_domain_find(domid);

	(void)s;
	(void)mfn;
	(void)port;
	if (rc == 0 && d)
		d->introduced = true;
	return rc;
}

int store_release(struct store *s, uint16_t domid)
{
	(void)s;
	(void)domid;
	return fake_call("store_release");
}
