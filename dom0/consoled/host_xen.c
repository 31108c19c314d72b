/* What consoled takes from the hypervisor: rings by grant (reference 0, made by the domain builder
 * for domain 0), ports, the log's interrupt. */
#include "dom0/consoled/host_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "protocol/grant_table.h"
#include "protocol/xen.h"

struct host_map {
	struct host_map *next;
	struct gntmap map;
};

static int ring_map(void *arg, uint16_t domid, struct xencons_interface **page)
{
	struct host_xen *h = arg;
	uint32_t ref = GNTTAB_RESERVED_CONSOLE;
	struct host_map *m = mem_alloc(sizeof *m);
	int err = gntdev_map(&h->grants, domid, &ref, 1, PROT_READ | PROT_WRITE, &m->map);

	if (err) {
		free(m);
		return err;
	}
	m->next = h->maps;
	h->maps = m;
	*page = m->map.va;
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, struct xencons_interface *page)
{
	struct host_xen *h = arg;

	(void)domid;
	for (struct host_map **at = &h->maps; *at; at = &(*at)->next) {
		struct host_map *m = *at;

		if (m->map.va != page)
			continue;
		gntdev_unmap(&h->grants, &m->map);
		*at = m->next;
		free(m);
		return;
	}
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	struct host_xen *h = arg;

	return evtchn_bind_interdomain(&h->events, domid, remote, port);
}

static void port_unbind(void *arg, uint32_t port)
{
	struct host_xen *h = arg;

	if (evtchn_unbind(&h->events, port))
		log_warn("port %u cannot be unbound", port);
}

static void port_notify(void *arg, uint32_t port)
{
	struct host_xen *h = arg;
	int err = evtchn_notify(&h->events, port);

	if (err)
		log_debug("port %u cannot be notified: %d", port, err);
}

int console_host_open(struct host_xen *h, const char **what)
{
	int err;

	*h = (struct host_xen){
		.ops = { .ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
			 .port_unbind = port_unbind, .port_notify = port_notify },
	};
	h->ops.arg = h;
	*what = "/dev/xen/evtchn";
	err = evtchn_open(&h->events);
	if (err)
		return err;
	*what = "/dev/xen/gntdev";
	err = gntdev_open(&h->grants);
	if (err)
		return err;
	*what = "/dev/xen/privcmd";
	err = privcmd_open(&h->hypercalls);
	if (err)
		return err;
	*what = "VIRQ_CON_RING";
	return evtchn_bind_virq(&h->events, VIRQ_CON_RING, &h->virq_port);
}
