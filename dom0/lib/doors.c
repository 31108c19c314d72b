/* Rings are grants, the first ones the domain builder's; a map is found again by its address. */
#include "dom0/lib/doors.h"

#include <stdlib.h>
#include <sys/mman.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"

struct door_map {
	struct door_map *next;
	struct gntmap map;
};

int doors_ring_map(void *doors, uint16_t domid, uint32_t ref, void **page)
{
	struct doors *d = doors;
	struct door_map *m = mem_alloc(sizeof *m);
	int err = gntdev_map(&d->grants, domid, &ref, 1, PROT_READ | PROT_WRITE, &m->map);

	if (err) {
		free(m);
		return err;
	}
	m->next = d->maps;
	d->maps = m;
	*page = m->map.va;
	return 0;
}

static void ring_unmap(void *doors, uint16_t domid, void *page)
{
	struct doors *d = doors;

	(void)domid;
	for (struct door_map **at = &d->maps; *at; at = &(*at)->next) {
		struct door_map *m = *at;

		if (m->map.va != page)
			continue;
		gntdev_unmap(&d->grants, &m->map);
		*at = m->next;
		free(m);
		return;
	}
}

static int port_bind(void *doors, uint16_t domid, uint32_t remote, uint32_t *port)
{
	struct doors *d = doors;

	return evtchn_bind_interdomain(&d->events, domid, remote, port);
}

static void port_unbind(void *doors, uint32_t port)
{
	struct doors *d = doors;

	if (evtchn_unbind(&d->events, port))
		log_warn("port %u cannot be unbound", port);
}

static void port_notify(void *doors, uint32_t port)
{
	struct doors *d = doors;
	int err = evtchn_notify(&d->events, port);

	/* The other end of a dying domain is gone before we hear of it. */
	if (err)
		log_debug("port %u cannot be notified: %d", port, err);
}

int doors_open(struct doors *d, const char **what)
{
	int err;

	*d = (struct doors){
		.host = { .ring_map = doors_ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
			  .port_unbind = port_unbind, .port_notify = port_notify, .arg = d },
	};
	*what = "/dev/xen/evtchn";
	err = evtchn_open(&d->events);
	if (err)
		return err;
	*what = "/dev/xen/gntdev";
	err = gntdev_open(&d->grants);
	if (err)
		return err;
	*what = "/dev/xen/privcmd";
	return privcmd_open(&d->hypercalls);
}

int doors_event(struct doors *d, uint32_t *port)
{
	int err = evtchn_pending(&d->events, port);

	if (!err && evtchn_unmask(&d->events, *port))
		log_warn("port %u cannot be unmasked", *port);
	return err;
}
