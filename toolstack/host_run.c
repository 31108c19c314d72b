/* The frame of verbs that are about domains. Neighbours: host.c has the doors. */
#include "toolstack/host_run.h"

#include <errno.h>
#include <stdlib.h>

#include "dom0/lib/sysctl.h"
#include "toolstack/domain/leftovers.h"

typedef enum exit_code domain_finder(struct cli *c, struct host *h, const char *id_or_name,
	struct xen_domctl_getdomaininfo *info);

struct work {
	host_domain_fn *fn;
	void *arg;
};

static enum exit_code run(struct cli *c, bool need_store, const char *id_or_name,
	domain_finder *find, const struct work *w)
{
	struct xen_domctl_getdomaininfo info;
	struct host h;
	enum exit_code code = host_open(c, &h, need_store);

	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	code = find(c, &h, id_or_name, &info);
	if (code == EXIT_DONE)
		code = w->fn(c, &h, &info, w->arg);
	host_close(&h);
	return code;
}

enum exit_code host_domain_run(
	struct cli *c, bool need_store, const char *id_or_name, host_domain_fn *fn, void *arg)
{
	return run(c, need_store, id_or_name, host_domain_find, &(struct work){fn, arg});
}

enum exit_code host_guest_run(
	struct cli *c, bool need_store, const char *id_or_name, host_domain_fn *fn, void *arg)
{
	return run(c, need_store, id_or_name, host_guest_find, &(struct work){fn, arg});
}

/* *@list is the caller's to free in any case. */
static enum exit_code domains_find(struct cli *c, struct host *h, int names_count, char **names,
	struct xen_domctl_getdomaininfo **list, uint32_t *count)
{
	enum exit_code code = EXIT_DONE;
	int rc = 0;

	*list = NULL;
	*count = 0;
	if (names_count == 0)
		rc = sysctl_domain_list(&h->hv, list, count);
	else if (!(*list = calloc((size_t)names_count, sizeof(**list))))
		rc = -ENOMEM;
	if (rc < 0)
		return host_failed(c, rc, "list of domains");
	for (int i = 0; code == EXIT_DONE && i < names_count; i++)
		code = host_domain_find(c, h, names[i], &(*list)[i]);
	if (names_count)
		*count = (uint32_t)names_count;
	return code;
}

enum exit_code host_domains_run(struct cli *c, bool need_store, int names_count, char **names,
	host_domains_fn *fn, void *arg)
{
	struct xen_domctl_getdomaininfo *list;
	struct host h;
	uint32_t count;
	enum exit_code code = host_open(c, &h, need_store);

	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	code = domains_find(c, &h, names_count, names, &list, &count);
	if (code == EXIT_DONE)
		code = fn(c, &h, list, count, arg);
	free(list);
	host_close(&h);
	return code;
}
