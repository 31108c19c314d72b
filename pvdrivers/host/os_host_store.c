/* The host port's store: a flat list of paths with values. Nodes are all there is of the tree: no rights, no
 * transactions, and a parent is there when a child is. */
#include "pvdrivers/host/os_host_store.h"

#include <string.h>

static struct host_machine *machine_of(struct pv_os *os)
{
	return PV_CONTAINER_OF(os, struct host_domain, os)->machine;
}

/* Whether @path is @top or below it. */
static bool within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static struct host_node *node_find(struct host_machine *m, const char *path)
{
	for (uint32_t i = 0; i < HOST_NODES; i++)
		if (strcmp(m->node[i].path, path) == 0)
			return &m->node[i];
	return NULL;
}

static void changed(struct host_machine *m, const char *path)
{
	for (uint32_t i = 0; i < HOST_WATCHES; i++)
		if (m->watch[i].owner && within(path, m->watch[i].path))
			m->watch[i].pending = true;
}

int host_store_read(struct pv_os *os, const char *path, char *value, size_t size)
{
	const struct host_node *n = node_find(machine_of(os), path);

	if (!n)
		return -XEN_ENOENT;
	if (strlen(n->value) >= size)
		return -XEN_E2BIG;
	strcpy(value, n->value);
	return 0;
}

int host_store_write(struct pv_os *os, const char *path, const char *value)
{
	struct host_machine *m = machine_of(os);
	struct host_node *n = node_find(m, path);

	if (!n)
		n = node_find(m, "");
	if (!n || strlen(path) >= sizeof n->path || strlen(value) >= sizeof n->value)
		return -XEN_ENOSPC;
	strcpy(n->path, path);
	strcpy(n->value, value);
	changed(m, path);
	return 0;
}

void host_store_remove(struct host_machine *machine, const char *path)
{
	for (uint32_t i = 0; i < HOST_NODES; i++) {
		struct host_node *n = &machine->node[i];

		if (n->path[0] && within(n->path, path)) {
			changed(machine, n->path);
			n->path[0] = '\0';
		}
	}
}

int host_store_watch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	struct host_domain *d = PV_CONTAINER_OF(os, struct host_domain, os);
	struct host_watch *w = d->machine->watch;

	while (w < d->machine->watch + HOST_WATCHES && w->owner)
		w++;
	if (w == d->machine->watch + HOST_WATCHES || strlen(path) >= sizeof w->path)
		return -XEN_ENOSPC;
	*w = (struct host_watch){ .owner = d, .pending = true, .fn = fn, .arg = arg };
	strcpy(w->path, path);
	return 0;
}

void host_store_unwatch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	struct host_domain *d = PV_CONTAINER_OF(os, struct host_domain, os);

	for (uint32_t i = 0; i < HOST_WATCHES; i++) {
		struct host_watch *w = &d->machine->watch[i];

		if (w->owner == d && w->fn == fn && w->arg == arg && strcmp(w->path, path) == 0)
			w->owner = NULL;
	}
}

bool host_store_run_one(struct host_machine *machine)
{
	for (uint32_t i = 0; i < HOST_WATCHES; i++) {
		struct host_watch *w = &machine->watch[i];

		if (w->owner && w->pending) {
			w->pending = false;
			w->fn(w->arg);
			return true;
		}
	}
	return false;
}
