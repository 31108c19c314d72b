/* Doors of this host and look-up of domains.
 *
 * The hypervisor's list is the truth; names come from the store's dom0-only nodes and are only labels.
 * Rules: nothing a guest can write decides which domain a verb acts on (names are not guest-writable).
 * Neighbours: dom0/lib has the doors; every verb starts here.
 */
#include "toolstack/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/sysctl.h"

/* Long enough for a daemon that is being restarted, short enough for a person. */
enum { STORE_WAIT_MS = 3000 };

static enum exit_code open_hypervisor(struct cli *c, struct host *h)
{
	int rc = privcmd_open(&h->hv);

	if (rc == 0) {
		h->hv_open = true;
		return EXIT_DONE;
	}
	if (rc == -EACCES || rc == -EPERM) {
		why_set(&c->why, rc, "no right to control the hypervisor");
		why_hint(&c->why, "run as root in dom0");
	} else {
		why_set(&c->why, rc, "no hypervisor here (/dev/xen/privcmd: %s)", strerror(-rc));
		why_hint(&c->why, "run in dom0 under Bothy, with the module xen-privcmd loaded");
	}
	return EXIT_NO_HOST;
}

enum exit_code host_open(struct cli *c, struct host *h, bool need_store)
{
	enum exit_code code;
	int rc;

	memset(h, 0, sizeof(*h));
	code = open_hypervisor(c, h);
	if (code != EXIT_DONE)
		return code;
	rc = store_open(&h->store, NULL, need_store ? STORE_WAIT_MS : 0);
	if (rc == 0 || !need_store)
		return EXIT_DONE;
	h->store = NULL;
	host_close(h);
	why_set(&c->why, rc, "the store does not answer: %s", strerror(-rc));
	why_hint(&c->why, rc == -EACCES ? "run as root in dom0" : "is xenstored running?");
	return EXIT_NO_HOST;
}

void host_close(struct host *h)
{
	if (h->store)
		store_close(h->store);
	if (h->hv_open)
		privcmd_close(&h->hv);
	memset(h, 0, sizeof(*h));
}

const char *host_domain_name(struct host *h, uint16_t domid, char name[DOMAIN_NAME_SIZE])
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	if (!h->store || store_read_buf(h->store, STORE_NO_TX, path, name, DOMAIN_NAME_SIZE) < 0 ||
		name[0] == '\0') {
		if (domid != 0)
			return NULL;
		strcpy(name, "Domain-0");
	}
	text_tame(name);
	return name;
}

const char *host_name_shown(const char *name_or_null)
{
	return name_or_null ? name_or_null : "(unnamed)";
}

enum exit_code host_failed(struct cli *c, int rc, const char *what)
{
	switch (-rc) {
	case ESRCH:
		why_set(&c->why, rc, "%s: no such domain", what);
		return EXIT_NO_DOMAIN;
	case EPERM:
	case EACCES:
		why_set(&c->why, rc, "%s: the hypervisor refuses: %s", what, strerror(-rc));
		why_hint(&c->why, "only dom0 may do this; is the hypervisor's interface 4.17's?");
		return EXIT_NO_HOST;
	default:
		why_set(&c->why, rc, "%s: %s", what, strerror(-rc));
		return EXIT_FAILED;
	}
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 6;
}

static bool is_better(
	const struct xen_domctl_getdomaininfo *a, const struct xen_domctl_getdomaininfo *b)
{
	return !b || (b->flags & XEN_DOMINF_dying && !(a->flags & XEN_DOMINF_dying));
}

/* The domain called @name among @list, or NULL. */
static const struct xen_domctl_getdomaininfo *list_find(struct host *h,
	const struct xen_domctl_getdomaininfo *list, uint32_t count, const char *name)
{
	const struct xen_domctl_getdomaininfo *found = NULL;
	char its_name[DOMAIN_NAME_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		if (host_domain_name(h, list[i].domain, its_name) && strcmp(its_name, name) == 0 &&
			is_better(&list[i], found))
			found = &list[i];
	}
	return found;
}

static enum exit_code no_such_domain(struct cli *c, const char *id_or_name)
{
	why_set(&c->why, -ESRCH, "no domain \"%.64s\"", id_or_name);
	why_hint(&c->why, "bothy list shows what there is");
	return EXIT_NO_DOMAIN;
}

enum exit_code host_domain_find(struct cli *c, struct host *h, const char *id_or_name,
	struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl_getdomaininfo *list = NULL;
	const struct xen_domctl_getdomaininfo *found;
	uint32_t count = 0;
	int rc;

	if (is_number(id_or_name)) {
		unsigned long id = strtoul(id_or_name, NULL, 10);

		rc = id < DOMID_FIRST_RESERVED ? domctl_info(&h->hv, (uint16_t)id, info) : -ESRCH;
		if (rc == -ESRCH)
			return no_such_domain(c, id_or_name);
		return rc == 0 ? EXIT_DONE : host_failed(c, rc, "domain information");
	}
	rc = sysctl_domain_list(&h->hv, &list, &count);
	if (rc < 0)
		return host_failed(c, rc, "list of domains");
	found = list_find(h, list, count, id_or_name);
	if (found)
		*info = *found;
	free(list);
	return found ? EXIT_DONE : no_such_domain(c, id_or_name);
}

int host_domain_write(
	struct host *h, uint32_t tx, uint16_t domid, const char *name, const char *fmt, ...)
{
	char path[128], value[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, name);
	return store_write(h->store, tx, path, value);
}

enum exit_code host_guest_find(struct cli *c, struct host *h, const char *id_or_name,
	struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl_getdomaininfo found;
	enum exit_code code = host_domain_find(c, h, id_or_name, &found);

	if (code == EXIT_DONE && found.domain == 0) {
		why_set(&c->why, -EINVAL, "domain 0 is this system itself");
		why_hint(&c->why, "name a guest; this system has its own poweroff and reboot");
		return EXIT_USAGE;
	}
	if (code == EXIT_DONE)
		*info = found;
	return code;
}
