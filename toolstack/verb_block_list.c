/* bothy block-list: a domain's disks in the columns of `xl block-list`, and who serves each.
 *
 * Which disks there are, and where their back ends, dom0's own nodes say. Those of a front end are the guest's, and
 * hostile: nothing but small numbers is taken from them.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/backends.h"
#include "toolstack/domain/guest_tree.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

struct listing {
	struct cli *c;
	struct store *store;
	uint16_t domid;
	cJSON *array; /* NULL: print rows */
};

struct disk_view {
	uint32_t vdev;
	int64_t state, event_channel, ring_ref; /* -1: the guest says none */
	char path[STORE_PATH_SIZE];
	const char *backend;
};

/* Returns 0, or the store's error. */
static int front_number(struct listing *l, const struct disk_view *v, const char *name, int64_t *out)
{
	char path[STORE_PATH_SIZE];
	uint64_t number;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u/%s", l->domid, v->vdev, name);
	rc = store_read_u64(l->store, STORE_NO_TX, path, &number);
	*out = rc == 0 && number <= UINT32_MAX ? (int64_t)number : -1;
	return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

static void disk_print(struct listing *l, const struct disk_view *v)
{
	fprintf(l->c->out, "%-5u %-3u %-6u %-5lld %-6lld %-8lld %-48s %s\n", v->vdev, 0, l->domid,
		(long long)v->state, (long long)v->event_channel, (long long)v->ring_ref, v->path,
		v->backend);
}

static void json_number(cJSON *o, const char *key, int64_t number)
{
	if (number < 0)
		cJSON_AddNullToObject(o, key);
	else
		cJSON_AddNumberToObject(o, key, (double)number);
}

static void disk_json(struct listing *l, const struct disk_view *v)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "virtual_device", v->vdev);
	cJSON_AddNumberToObject(o, "backend_domid", 0);
	json_number(o, "state", v->state);
	json_number(o, "event_channel", v->event_channel);
	json_number(o, "ring_ref", v->ring_ref);
	cJSON_AddStringToObject(o, "backend_path", v->path);
	cJSON_AddStringToObject(o, "backend", v->backend);
	cJSON_AddItemToArray(l->array, o);
}

static int disk_show(struct listing *l, struct disk_view *v)
{
	int rc = front_number(l, v, "state", &v->state);

	if (rc == 0)
		rc = front_number(l, v, "event-channel", &v->event_channel);
	if (rc == 0)
		rc = front_number(l, v, "ring-ref", &v->ring_ref);
	if (rc == 0)
		(l->array ? disk_json : disk_print)(l, v);
	return rc;
}

static int disks_show(struct listing *l, const char *kind, const char *backend)
{
	char path[STORE_PATH_SIZE], **devices = NULL;
	unsigned int count = 0;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/%s/vbd/%u", kind, l->domid);
	rc = store_list(l->store, STORE_NO_TX, path, &devices, &count);
	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		struct disk_view v = {
			.vdev = (uint32_t)strtoul(devices[i], NULL, 10), .backend = backend};

		backend_path(v.path, kind, "vbd", l->domid, v.vdev);
		rc = disk_show(l, &v);
	}
	free(devices);
	return rc == -ENOENT ? 0 : rc;
}

static enum exit_code print(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	struct listing l = {.c = c, .store = h->store, .domid = d->domain};
	cJSON *root = c->json ? cli_json_new("block-list") : NULL;
	char name[DOMAIN_NAME_SIZE];
	int rc;

	(void)arg;
	if (root) {
		cli_json_text(root, "name", host_domain_name(h, d->domain, name));
		cJSON_AddNumberToObject(root, "domid", d->domain);
		l.array = cJSON_AddArrayToObject(root, "disks");
	} else {
		fprintf(c->out, "%-5s %-3s %-6s %-5s %-6s %-8s %-48s %s\n", "Vdev", "BE", "handle",
			"state", "evt-ch", "ring-ref", "BE-path", "backend");
	}
	rc = disks_show(&l, BACKENDS_KERNEL, "kernel");
	if (rc == 0)
		rc = disks_show(&l, BACKENDS_USER, "user");
	if (rc == 0)
		return c->json ? cli_json(c, root) : EXIT_DONE;
	cJSON_Delete(root);
	why_set(&c->why, rc, "store: %s", strerror(-rc));
	return EXIT_FAILED;
}

enum exit_code verb_block_list(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 1, 1))
		return EXIT_USAGE;
	return host_domain_run(c, true, argv[0], print, NULL);
}
