/* All guests' end, for the host goes down.
 *
 * The list of domains is read again and again until it has no guest: one that a restart under way brings up
 * meanwhile is asked when it appears. Whatever cannot be asked, or does not answer, meets the time limit.
 * A guest is gone with its record, which domaind removes last: until then dom0's kernel may still be asking the
 * store about the devices, and were the store's daemon ended meanwhile the kernel would wait for an answer, and with
 * it the machine that is to go off.
 * Neighbours: dom0/init/etc/rc.stop calls us, dom0/domaind reaps who has shut down.
 */
#include "toolstack/host_stop.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/sysctl.h"
#include "toolstack/domain_view.h"
#include "toolstack/guest_destroy.h"
#include "toolstack/wait.h"

struct guest {
	struct guest *next;
	uint16_t domid;
	bool listed;        /* by the latest look */
	bool asked;
	const char *reason; /* why it is down, if it was seen so; or NULL */
	const char *name;   /* in buffer, or NULL */
	char buffer[DOMAIN_NAME_SIZE];
};

struct stop {
	struct cli *c;
	struct host *h;
	struct guest *guests; /* asked, and not known to be gone */
	cJSON *told;          /* NULL: lines */
};

static void tell(struct stop *s, const struct guest *g, bool destroyed, const char *how)
{
	cJSON *o;

	if (!s->told) {
		fprintf(s->c->out, "%s (%u): %s\n", host_name_shown(g->name), g->domid, how);
		fflush(s->c->out);
		return;
	}
	o = cJSON_CreateObject();
	cli_json_text(o, "name", g->name);
	cJSON_AddNumberToObject(o, "domid", g->domid);
	cJSON_AddBoolToObject(o, "destroyed", destroyed);
	cli_json_text(o, "shutdown_reason", g->reason);
	cJSON_AddItemToArray(s->told, o);
}

/* A paused guest cannot do what it is asked. Errors show at the time limit. */
static void ask(struct stop *s, const struct xen_domctl_getdomaininfo *d)
{
	(void)!host_domain_write(s->h, STORE_NO_TX, d->domain, "control/shutdown", "poweroff");
	if (d->flags & XEN_DOMINF_paused)
		(void)!domctl_unpause(&s->h->hv, d->domain);
}

/* Note that the guest is there; returns NULL without memory. */
static struct guest *guest_see(struct stop *s, uint16_t domid)
{
	struct guest *g = s->guests;

	while (g && g->domid != domid)
		g = g->next;
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return NULL;
		g->domid = domid;
		g->name = host_domain_name(s->h, domid, g->buffer);
		g->next = s->guests;
		s->guests = g;
	}
	g->listed = true;
	return g;
}

static int domain_see(struct stop *s, const struct xen_domctl_getdomaininfo *d)
{
	struct guest *g = guest_see(s, d->domain);

	if (!g)
		return -ENOMEM;
	if (!g->asked)
		ask(s, d);
	g->asked = true;
	g->reason = domain_shutdown_reason(d);
	return 0;
}

static int records_see(struct stop *s)
{
	char **names = NULL;
	unsigned int count = 0;
	int rc = store_list(s->h->store, STORE_NO_TX, "/bothy/domain", &names, &count);

	for (unsigned int i = 0; rc == 0 && i < count; i++)
		if (!guest_see(s, (uint16_t)strtoul(names[i], NULL, 10)))
			rc = -ENOMEM;
	free(names);
	/* Without a store the hypervisor's list must do: guests have the rest of their time. */
	return rc == -ENOMEM ? rc : 0;
}

static void drop(struct guest **at)
{
	struct guest *g = *at;

	*at = g->next;
	free(g);
}

/* Let go of who is gone. */
static void guests_sift(struct stop *s)
{
	for (struct guest **at = &s->guests; *at;) {
		struct guest *g = *at;
		char how[32];

		if (g->listed) {
			g->listed = false;
			at = &g->next;
			continue;
		}
		snprintf(how, sizeof(how), "ended%s%s", g->reason ? ": " : "",
			g->reason ? g->reason : "");
		tell(s, g, false, how);
		drop(at);
	}
}

/* For wait_until(): is no guest left? */
static int look(void *arg)
{
	struct stop *s = arg;
	struct xen_domctl_getdomaininfo *list = NULL;
	uint32_t count = 0;
	int rc = sysctl_domain_list(&s->h->hv, &list, &count);

	for (uint32_t i = 0; rc == 0 && i < count; i++)
		if (list[i].domain != 0)
			rc = domain_see(s, &list[i]);
	free(list);
	if (rc == 0)
		rc = records_see(s);
	if (rc < 0)
		return rc;
	guests_sift(s);
	return s->guests == NULL;
}

static int destroy_left(struct stop *s, unsigned int timeout_s)
{
	int first = 0;

	while (s->guests) {
		struct guest *g = s->guests;
		int rc = guest_destroy(s->h, g->domid);
		char how[96];

		snprintf(how, sizeof(how), "still there after %u s, %s%s", timeout_s,
			rc < 0 ? "cannot be destroyed: " : "destroyed",
			rc < 0 ? strerror(-rc) : "");
		tell(s, g, true, how);
		first = first ? first : rc;
		drop(&s->guests);
	}
	return first;
}

enum exit_code host_stop(struct cli *c, struct host *h, unsigned int timeout_s)
{
	cJSON *root = c->json ? cli_json_new("shutdown-host") : NULL;
	struct stop s = {.c = c, .h = h};
	int rc = store_write(h->store, STORE_NO_TX, HOST_STOPPING, "1");

	if (root)
		s.told = cJSON_AddArrayToObject(root, "domains");
	if (rc == 0)
		rc = wait_until(look, &s, timeout_s * 1000);
	if (rc == -ETIMEDOUT)
		rc = destroy_left(&s, timeout_s);
	if (rc == 0)
		return c->json ? cli_json(c, root) : EXIT_DONE;
	cJSON_Delete(root);
	while (s.guests)
		drop(&s.guests);
	return host_failed(c, rc, "ending the guests");
}
