/* The contract is in device_list.h. */
#include "toolstack/device_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/backends.h"
#include "toolstack/host_run.h"

struct listing {
	const struct device_list *list;
	struct cli *c;
	cJSON *array; /* NULL: print rows */
};

int device_front_number(const struct device_row *row, const char *name, int64_t *out)
{
	char path[STORE_PATH_SIZE + 32];
	uint64_t number;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", row->front, name);
	rc = store_read_u64(row->store, STORE_NO_TX, path, &number);
	*out = rc == 0 && number <= UINT32_MAX ? (int64_t)number : -1;
	return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

int device_back_text(const struct device_row *row, const char *name, char *out, size_t size)
{
	char path[STORE_PATH_SIZE + 32];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", row->back, name);
	rc = store_read_buf(row->store, STORE_NO_TX, path, out, size);
	if (rc == -ENOENT)
		out[0] = '\0';
	return rc == -ENOENT ? 0 : rc;
}

void device_json_number(cJSON *o, const char *key, int64_t number)
{
	if (number < 0)
		cJSON_AddNullToObject(o, key);
	else
		cJSON_AddNumberToObject(o, key, (double)number);
}

static int row_show(const struct listing *l, const struct device_row *row)
{
	cJSON *o = l->array ? cJSON_CreateObject() : NULL;
	int rc = l->list->show(l->c, row, o);

	if (o && rc == 0)
		cJSON_AddItemToArray(l->array, o);
	else
		cJSON_Delete(o);
	return rc;
}

static int rows_show(const struct listing *l, struct device_row *row, const char *kind)
{
	char path[STORE_PATH_SIZE], **devices = NULL;
	unsigned int count = 0;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/0/%s/%s/%u", kind, l->list->type, row->domid);
	rc = store_list(row->store, STORE_NO_TX, path, &devices, &count);
	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		row->number = (uint32_t)strtoul(devices[i], NULL, 10);
		backend_path(row->back, kind, l->list->type, row->domid, row->number);
		snprintf(row->front, sizeof(row->front), "/local/domain/%u/device/%s/%u", row->domid,
			l->list->type, row->number);
		rc = row_show(l, row);
	}
	free(devices);
	return rc == -ENOENT ? 0 : rc;
}

static enum exit_code print(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	struct listing l = {.list = arg, .c = c};
	struct device_row row = {.store = h->store, .domid = d->domain, .backend = "kernel"};
	cJSON *root = c->json ? cli_json_new(l.list->verb) : NULL;
	char name[DOMAIN_NAME_SIZE];
	int rc;

	if (root) {
		cli_json_text(root, "name", host_domain_name(h, d->domain, name));
		cJSON_AddNumberToObject(root, "domid", d->domain);
		l.array = cJSON_AddArrayToObject(root, l.list->array);
	} else {
		fputs(l.list->heading, c->out);
	}
	rc = rows_show(&l, &row, BACKENDS_KERNEL);
	row.backend = "user";
	if (rc == 0)
		rc = rows_show(&l, &row, BACKENDS_USER);
	if (rc == 0)
		return c->json ? cli_json(c, root) : EXIT_DONE;
	cJSON_Delete(root);
	why_set(&c->why, rc, "store: %s", strerror(-rc));
	return EXIT_FAILED;
}

enum exit_code device_list_run(struct cli *c, int argc, char **argv, const struct device_list *list)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 1, 1))
		return EXIT_USAGE;
	return host_domain_run(c, true, argv[0], print, (void *)(uintptr_t)list);
}
