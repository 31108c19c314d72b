/* The frame of verbs that are about domains. */
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

typedef enum exit_code host_domains_fn(struct cli *c, struct host *h,
	const struct xen_domctl_getdomaininfo *list, uint32_t count, void *arg);

/* The same for all domains, or with @names_count for those called so: all are found before @fn prints its first
 * line, in case one is wrong. */
enum exit_code host_domains_run(struct cli *c, bool need_store, int names_count, char **names,
	host_domains_fn *fn, void *arg);
