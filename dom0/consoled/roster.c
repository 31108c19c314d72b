/* Which guests there are.
 *
 * Any event makes us compare the whole list: domains in the store with console nodes and not dying
 * are attached, attached ones that die are let go of (while we map a guest's page, it cannot be
 * reaped). Nothing of a guest's own is trusted: console nodes are domain 0's. */
#include "dom0/consoled/roster.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/domctl.h"
#include "dom0/lib/log.h"

#define STORE_RETRY_NS 1000000000u

void roster_open(struct roster *r, struct loop *loop, struct store *store, struct doors *doors,
		 int log_dir, int dev_dir)
{
	*r = (struct roster){ .loop = loop, .store = store, .doors = doors, .log_dir = log_dir,
			      .dev_dir = dev_dir };
}

static bool domain_lives(struct roster *r, uint16_t domid)
{
	struct xen_domctl_getdomaininfo info;
	int err = domctl_info(&r->doors->hypercalls, domid, &info);

	return err ? err != -ESRCH : !(info.flags & XEN_DOMINF_dying);
}

struct guest *roster_find(void *roster, uint16_t domid)
{
	struct guest *g = ((struct roster *)roster)->guests;

	while (g && g->domid != domid)
		g = g->next;
	return g;
}

static void tty_publish(struct roster *r, const struct guest *g)
{
	char path[64];
	int err;

	snprintf(path, sizeof path, "/local/domain/%u/console/tty", g->domid);
	err = store_write(r->store, STORE_NO_TX, path, g->pty.name);
	if (err)
		log_warn("%s: %s", path, strerror(-err));
}

static void guest_come(struct roster *r, uint16_t domid)
{
	char path[64], name[64] = "";
	struct guest *g;
	uint64_t port;
	int err;

	snprintf(path, sizeof path, "/local/domain/%u/console/port", domid);
	if (store_read_u64(r->store, STORE_NO_TX, path, &port) || !domain_lives(r, domid))
		return;
	snprintf(path, sizeof path, "/local/domain/%u/name", domid);
	if (store_read_buf(r->store, STORE_NO_TX, path, name, sizeof name))
		name[0] = '\0';
	err = guest_attach(&g, r->loop, &r->doors->host, domid, (uint32_t)port, name, r->log_dir,
			   r->dev_dir);
	if (err) {
		log_error("console of domain %u: %s", domid, strerror(-err));
		return;
	}
	g->next = r->guests;
	r->guests = g;
	tty_publish(r, g);
	log_info("console of domain %u (%s) is %s", domid, name, g->pty.name);
}

static void guests_leave(struct roster *r)
{
	struct guest **at = &r->guests;

	while (*at) {
		struct guest *g = *at;

		if (domain_lives(r, g->domid)) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		log_info("console of domain %u ends", g->domid);
		guest_detach(g);
	}
}

static void guests_come(struct roster *r)
{
	char **names;
	unsigned int count;

	if (store_list(r->store, STORE_NO_TX, "/local/domain", &names, &count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		unsigned long id = strtoul(names[i], NULL, 10);

		if (id > 0 && id < DOMID_FIRST_RESERVED && !roster_find(r, (uint16_t)id))
			guest_come(r, (uint16_t)id);
	}
	free(names);
}

static void store_ready(struct loop_source *src, uint32_t ready)
{
	struct roster *r = CONTAINER_OF(src, struct roster, store_loop.source);
	struct store_event ev;
	bool any = false;
	int err;

	(void)ready;
	while ((err = store_event(r->store, 0, &ev)) == 0) {
		store_event_free(&ev);
		any = true;
	}
	if (err != -EAGAIN) {
		log_error("the store is gone: %s", strerror(-err));
		exit(1);	/* started again, we wait for it */
	}
	if (any) {
		guests_leave(r);
		guests_come(r);
	}
}

void roster_follow(struct roster *r)
{
	store_ready(&r->store_loop.source, 0);
	store_loop_follow(&r->store_loop, r->loop, r->store, store_ready);
}

int roster_start(struct roster *r)
{
	int err = store_watch(r->store, "@introduceDomain", "introduce");

	return err ? err : store_watch(r->store, "@releaseDomain", "release");
}

void roster_event(struct roster *r, uint32_t port)
{
	struct guest *g = r->guests;

	while (g && g->port != port)
		g = g->next;
	if (g)
		guest_event(g);
}

void roster_event_all(struct roster *r)
{
	for (struct guest *g = r->guests; g; g = g->next)
		guest_event(g);
}
