/* The port for a host process: what its contract promises (os.h), over arrays and the C library.
 *
 * Grants and ports are numbered for the whole machine. Memory is a list of blocks for each domain, so that
 * it goes with a domain that dies at any instruction; os_host_store.c has the store. */
#include "pvdrivers/host/os_host.h"

#include <stdlib.h>
#include <string.h>
#include "pvdrivers/host/os_host_store.h"

struct host_block {
	struct host_block *next, **link;
	void *at;
	size_t bytes;
};

static struct host_domain *domain(struct pv_os *os)
{
	return PV_CONTAINER_OF(os, struct host_domain, os);
}

/* Whether the call that @countdown counts to is this one. */
static bool fails_now(uint32_t *countdown)
{
	return *countdown && --*countdown == 0;
}

/* ---- memory ---- */

static void *host_alloc(struct pv_os *os, size_t bytes)
{
	struct host_domain *d = domain(os);
	struct host_block *b;

	if (fails_now(&d->fail_alloc))
		return NULL;
	b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->at = bytes && bytes % PV_PAGE == 0 ? aligned_alloc(PV_PAGE, bytes) : malloc(bytes);
	if (!b->at) {
		free(b);
		return NULL;
	}
	memset(b->at, 0, bytes);
	b->bytes = bytes;
	b->next = d->blocks;
	b->link = &d->blocks;
	if (b->next)
		b->next->link = &b->next;
	d->blocks = b;
	return b->at;
}

static void block_drop(struct host_block *b)
{
	*b->link = b->next;
	if (b->next)
		b->next->link = b->link;
	free(b->at);
	free(b);
}

static void host_free(struct pv_os *os, void *p, size_t bytes)
{
	struct host_block *b = domain(os)->blocks;

	if (!p)
		return;
	while (b && b->at != p)
		b = b->next;
	/* A driver that frees what it has not, or another size, is wrong. */
	if (!b || b->bytes != bytes)
		abort();
	block_drop(b);
}

/* ---- grants ---- */

static int host_grant(struct pv_os *os, domid_t peer, void *page, bool readonly, grant_ref_t *ref)
{
	struct host_domain *d = domain(os);

	for (grant_ref_t i = 1; i < HOST_GRANTS; i++) {
		struct host_grant *g = &d->machine->grant[i];

		if (g->page)
			continue;
		*g = (struct host_grant){ page, d->id, peer, readonly, 0 };
		if (d->machine->grants_end <= i)
			d->machine->grants_end = i + 1;
		*ref = i;
		return 0;
	}
	return -XEN_ENOSPC;
}

static int host_grant_end(struct pv_os *os, grant_ref_t ref)
{
	struct host_domain *d = domain(os);
	struct host_grant *g = &d->machine->grant[ref];

	if (ref >= HOST_GRANTS || !g->page || g->owner != d->id)
		abort();
	if (g->maps)
		return -XEN_EBUSY;
	g->page = NULL;
	return 0;
}

/* The grant @ref by @peer to @d, which allows to write if @write: 0 and *found. */
static int grant_find(struct host_domain *d, domid_t peer, grant_ref_t ref, bool write, struct host_grant **found)
{
	struct host_grant *g = &d->machine->grant[ref < HOST_GRANTS ? ref : 0];

	if (!g->page || g->owner != peer || g->peer != d->id)
		return -XEN_ENOENT;
	if (g->readonly && write)
		return -XEN_EACCES;
	*found = g;
	return 0;
}

static int map_one(struct host_domain *d, domid_t peer, struct pv_map *map, uint32_t flags)
{
	struct host_grant *g;
	int err = grant_find(d, peer, map->ref, flags & PV_MAP_WRITABLE, &g);

	if (err)
		return err;
	for (uint32_t i = 1; i < HOST_GRANTS; i++) {
		struct host_map *m = &d->machine->map[i];

		if (m->by)
			continue;
		*m = (struct host_map){ map->ref, d, g->page };
		if (d->machine->maps_end <= i)
			d->machine->maps_end = i + 1;
		g->maps++;
		map->handle = i;
		map->addr = g->page;
		d->mapped++;
		return 0;
	}
	return -XEN_ENOSPC;
}

static void host_unmap(struct pv_os *os, struct pv_map *map, uint32_t count)
{
	struct host_domain *d = domain(os);

	for (uint32_t i = 0; i < count; i++) {
		struct host_map *m = &d->machine->map[map[i].handle];

		if (map[i].handle >= HOST_GRANTS || m->by != d || m->held != map[i].addr)
			abort();
		d->machine->grant[m->ref].maps--;
		m->by = NULL;
		d->unmapped++;
	}
}

static int host_map(struct pv_os *os, domid_t peer, struct pv_map *map, uint32_t count, uint32_t flags)
{
	struct host_domain *d = domain(os);
	int err = fails_now(&d->fail_map) ? -XEN_ENOMEM : 0;
	uint32_t i = 0;

	for (; !err && i < count; i++) {
		err = map_one(d, peer, &map[i], flags);
		/* One process has one address for a page, so a granter lays them side by side. */
		if (!err && (flags & PV_MAP_TOGETHER) && i &&
		    (char *)map[i].addr != (char *)map[i - 1].addr + PV_PAGE) {
			host_unmap(os, &map[i], 1);
			err = -XEN_EINVAL;
		}
	}
	if (err)
		host_unmap(os, map, i ? i - 1 : 0);
	return err;
}

static int copy_one(struct host_domain *d, domid_t peer, const struct pv_copy *c)
{
	struct host_grant *g;
	int err = c->offset + c->bytes > (int)PV_PAGE ? -XEN_EINVAL : grant_find(d, peer, c->ref, c->to_peer, &g);

	if (err)
		return err;
	if (c->to_peer)
		memcpy((uint8_t *)g->page + c->offset, c->local, c->bytes);
	else
		memcpy(c->local, (uint8_t *)g->page + c->offset, c->bytes);
	return 0;
}

static void host_copy(struct pv_os *os, domid_t peer, struct pv_copy *copy, uint32_t count)
{
	struct host_domain *d = domain(os);

	for (uint32_t i = 0; i < count; i++)
		copy[i].err = copy_one(d, peer, &copy[i]);
}

/* ---- events ---- */

static int host_event_open(struct pv_os *os, domid_t peer, uint32_t remote_port, pv_callback *fn,
			   void *arg, uint32_t *port)
{
	struct host_domain *d = domain(os);
	struct host_port *table = d->machine->port, *r = &table[remote_port < HOST_PORTS ? remote_port : 0];
	uint32_t i = 1;

	if (remote_port && (!r->owner || r->owner->id != peer || r->peer != d->id || r->remote))
		return -XEN_ENOENT;
	while (i < HOST_PORTS && table[i].owner)
		i++;
	if (i == HOST_PORTS)
		return -XEN_ENOSPC;
	table[i] = (struct host_port){ d, peer, remote_port, remote_port != 0, fn, arg };
	if (remote_port)
		r->remote = i;
	*port = i;
	return 0;
}

static void host_event_notify(struct pv_os *os, uint32_t port)
{
	struct host_domain *d = domain(os);
	struct host_port *p = &d->machine->port[port];

	if (port >= HOST_PORTS || p->owner != d)
		abort();
	d->notified++;
	if (p->remote)
		d->machine->port[p->remote].pending = true;
}

/* The other end, if there is one, waits for someone to bind it again. */
static void port_drop(struct host_machine *m, struct host_port *p)
{
	if (p->remote)
		m->port[p->remote].remote = 0;
	p->owner = NULL;
	p->pending = false;
}

static void host_event_close(struct pv_os *os, uint32_t port)
{
	struct host_domain *d = domain(os);

	if (port >= HOST_PORTS || d->machine->port[port].owner != d)
		abort();
	port_drop(d->machine, &d->machine->port[port]);
}

static void host_log(struct pv_os *os, const char *line)
{
	struct host_domain *d = domain(os);

	d->logged++;
	strncpy(d->last_log, line, sizeof d->last_log - 1);
}

static uint64_t host_now_ns(struct pv_os *os)
{
	return domain(os)->machine->now_ns;
}

/* ---- domains ---- */

void host_domain_init(struct host_domain *d, struct host_machine *machine, domid_t id)
{
	*d = (struct host_domain){
		.os = { .alloc = host_alloc, .free = host_free, .grant = host_grant,
			.grant_end = host_grant_end, .map = host_map, .unmap = host_unmap, .copy = host_copy,
			.event_open = host_event_open, .event_notify = host_event_notify,
			.event_close = host_event_close, .store_read = host_store_read,
			.store_write = host_store_write, .store_watch = host_store_watch,
			.store_unwatch = host_store_unwatch, .log = host_log,
			.now_ns = host_now_ns },
		.machine = machine,
		.id = id,
	};
}

void host_machine_reset(struct host_machine *m)
{
	memset(m->grant, 0, m->grants_end * sizeof m->grant[0]);
	memset(m->map, 0, m->maps_end * sizeof m->map[0]);
	m->grants_end = m->maps_end = 0;
	memset(m->port, 0, sizeof m->port);
	for (uint32_t i = 0; i < HOST_NODES; i++)
		m->node[i].path[0] = '\0';
	memset(m->watch, 0, sizeof m->watch);
}

void host_domain_die(struct host_domain *d)
{
	struct host_machine *m = d->machine;

	for (uint32_t i = 1; i < m->maps_end; i++) {
		if (m->map[i].by == d) {
			m->grant[m->map[i].ref].maps--;
			m->map[i].by = NULL;
			d->unmapped++;
		}
	}
	for (uint32_t i = 1; i < HOST_PORTS; i++)
		if (m->port[i].owner == d)
			port_drop(m, &m->port[i]);
	for (uint32_t i = 0; i < HOST_WATCHES; i++)
		if (m->watch[i].owner == d)
			m->watch[i].owner = NULL;
	while (d->blocks)
		block_drop(d->blocks);
}

bool host_run_one(struct host_machine *machine)
{
	for (uint32_t i = 1; i < HOST_PORTS; i++) {
		struct host_port *p = &machine->port[i];

		if (p->owner && p->pending) {
			p->pending = false;
			p->fn(p->arg);
			return true;
		}
	}
	return host_store_run_one(machine);
}

void host_run(struct host_machine *machine)
{
	while (host_run_one(machine))
		;
}

uint32_t host_domain_holds(const struct host_domain *d)
{
	const struct host_machine *m = d->machine;
	uint32_t n = 0;

	for (uint32_t i = 1; i < m->maps_end; i++)
		n += m->map[i].by == d;
	for (uint32_t i = 1; i < HOST_PORTS; i++)
		n += m->port[i].owner == d;
	for (uint32_t i = 0; i < HOST_WATCHES; i++)
		n += m->watch[i].owner == d;
	for (const struct host_block *b = d->blocks; b; b = b->next)
		n++;
	return n;
}
