/* This host as the verbs see it: the doors to hypervisor and store, and domains by name or id. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "dom0/lib/privcmd.h"
#include "dom0/lib/store_client.h"
#include "protocol/domctl.h"
#include "toolstack/cli.h"

enum { DOMAIN_NAME_SIZE = 128 };

struct host {
	struct privcmd hv;
	struct store *store; /* NULL: none answers */
	bool hv_open;
};

/* Open the hypervisor's door and, when there is one, the store's. @need_store: fail without.
 * Returns EXIT_DONE; EXIT_NO_HOST with c->why. */
enum exit_code host_open(struct cli *c, struct host *h, bool need_store);
void host_close(struct host *h);

/* What @domid is called, in @name, from the store. NULL: it has no name yet, or none any more, or there is no store. */
const char *host_domain_name(struct host *h, uint16_t domid, char name[DOMAIN_NAME_SIZE]);
/* That, as people and scripts see it: one word. */
const char *host_name_shown(const char *name_or_null);

/* Find a domain by id or name. Of two that share a name (one is dying) the living one.
 * Returns EXIT_DONE and *info; EXIT_NO_DOMAIN; EXIT_FAILED. */
enum exit_code host_domain_find(struct cli *c, struct host *h, const char *id_or_name,
	struct xen_domctl_getdomaininfo *info);

/* The same for what is done to guests only: EXIT_USAGE for domain 0. */
enum exit_code host_guest_find(struct cli *c, struct host *h, const char *id_or_name,
	struct xen_domctl_getdomaininfo *info);

/* Write a formatted value to node @name of @domid's store directory. Returns 0, -Exxx. */
int host_domain_write(struct host *h, uint32_t tx, uint16_t domid, const char *name,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A hypercall failed: put its errno into words. */
enum exit_code host_failed(struct cli *c, int rc, const char *what);
