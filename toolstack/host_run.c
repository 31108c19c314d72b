/* The frame of verbs that are about one domain. Neighbours: host.c has the doors. */
#include "toolstack/host_run.h"

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
