/* The frame of verbs that are about one domain. */
#pragma once
#include "toolstack/host.h"

typedef enum exit_code host_domain_fn(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg);

/* Open the doors (@need_store as for host_open()), remove leftovers, find the domain, let @fn do its work,
 * close. */
enum exit_code host_domain_run(
	struct cli *c, bool need_store, const char *id_or_name, host_domain_fn *fn, void *arg);

/* The same for what is done to guests only: EXIT_USAGE for domain 0. */
enum exit_code host_guest_run(
	struct cli *c, bool need_store, const char *id_or_name, host_domain_fn *fn, void *arg);
