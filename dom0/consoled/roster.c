/* Which guests there are.
 *
 * A domain that comes or goes makes us compare the whole list: domains in the store with console nodes and not dying
 * are attached, attached ones that die are let go of (while we map a guest's page, it cannot be
 * reaped). Nothing of a guest's own is trusted: console nodes are domain 0's. Neighbour: secondary.c. */
#include "dom0/consoled/roster.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/consoled/secondary.h"
#include "dom0/lib/domctl.h"
#include "dom0/lib/log.h"
#include "protocol/grant_table.h"

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

struct guest *roster_find(void *roster, uint16_t domid, uint32_t number)
{
	struct guest *g = ((struct roster *)roster)->guests;

	while (g && (g->domid != domid || g->number != number))
		g = g->next;
	return g;
}

int roster_attach(struct roster *r, const struct guest_ring *ring, const char *tty)
{
	char path[64], name[64];
	struct guest *g;
	int err;

	snprintf(path, sizeof path, "/local/domain/%u/name", ring->domid);
	if (store_read_buf(r->store, STORE_NO_TX, path, name, sizeof name))
		name[0] = '\0';
	err = guest_attach(&g, r->loop, &r->doors->host, ring, name, r->log_dir, r->dev_dir);
	if (err)
		return err;
	g->next = r->guests;
	r->guests = g;
	err = store_write(r->store, STORE_NO_TX, tty, g->pty.name);
	if (err)
		log_warn("%s: %s", tty, strerror(-err));
	log_info("console %u of domain %u (%s) is %s", g->number, g->domid, name, g->pty.name);
	return 0;
}

void roster_detach(struct roster *r, struct guest *g)
{
	struct guest **at = &r->guests;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	log_info("console %u of domain %u ends", g->number, g->domid);
	guest_detach(g);
}

static void guest_come(struct roster *r, uint16_t domid)
{
	struct guest_ring ring = { .domid = domid, .ref = GNTTAB_RESERVED_CONSOLE };
	char path[64];
	uint64_t port;
	int err;

	snprintf(path, sizeof path, "/local/domain/%u/console/port", domid);
	if (store_read_u64(r->store, STORE_NO_TX, path, &port) || !domain_lives(r, domid))
		return;
	ring.port = (uint32_t)port;
	snprintf(path, sizeof path, "/local/domain/%u/console/tty", domid);
	err = roster_attach(r, &ring, path);
	if (err)
		log_error("console of domain %u: %s", domid, strerror(-err));
}

static void guests_leave(struct roster *r)
{
	for (struct guest *g = r->guests, *next; g; g = next) {
		next = g->next;
		if (!domain_lives(r, g->domid))
			roster_detach(r, g);
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

		if (id > 0 && id < DOMID_FIRST_RESERVED && !roster_find(r, (uint16_t)id, 0))
			guest_come(r, (uint16_t)id);
	}
	free(names);
}

static bool events_take(struct roster *r)
{
	struct store_event ev;
	bool any = false, domains = false;
	int err;

	while ((err = store_event(r->store, 0, &ev)) == 0) {
		domains |= !secondaries_event(r, &ev);
		store_event_free(&ev);
		any = true;
	}
	if (err != -EAGAIN) {
		log_error("the store is gone: %s", strerror(-err));
		exit(1);	/* started again, we wait for it */
	}
	if (domains) {
		guests_leave(r);
		guests_come(r);
	}
	if (any)
		secondaries_serve(r, domains);
	return any;
}

static void store_ready(struct loop_source *src, uint32_t ready)
{
	(void)ready;
	events_take(CONTAINER_OF(src, struct roster, store_loop.source));
}

bool roster_follow(struct roster *r)
{
	bool any = events_take(r);

	store_loop_follow(&r->store_loop, r->loop, r->store, store_ready);
	return any;
}

int roster_watch(struct roster *r)
{
	int err = store_watch(r->store, "@introduceDomain", "introduce");

	if (!err)
		err = store_watch(r->store, "@releaseDomain", "release");
	return err ? err : secondaries_start(r);
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
