/* What the store takes from the hypervisor: rings by grant, ports, who lives.
 *
 * Domain 0's ring is a page of its own kernel, reached through /dev/xen/xenbus_backend; every other
 * domain's is its grant reference 1, which the domain builder makes for domain 0. */
#include "dom0/xenstored/host_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dom0/lib/domctl.h"
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "protocol/dom0/xenbus_dev.h"
#include "protocol/grant_table.h"

#define PAGE_BYTES 4096u

struct host_map {
	struct host_map *next;
	struct gntmap map;
};

/* Map the kernel's ring while we still may: the kernel asks for CAP_SYS_ADMIN. It stays mapped. */
static int kernel_ring_map(struct host_xen *h)
{
	void *va = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, h->backend_fd, 0);

	if (va == MAP_FAILED)
		return -errno;
	h->kernel_ring = va;
	return 0;
}

static int ring_map(void *arg, uint16_t domid, struct xenstore_domain_interface **page)
{
	struct host_xen *h = arg;
	uint32_t ref = GNTTAB_RESERVED_XENSTORE;
	struct host_map *m;
	int err;

	if (domid == 0) {
		*page = h->kernel_ring;
		return 0;
	}
	m = mem_alloc(sizeof *m);
	err = gntdev_map(&h->grants, domid, &ref, 1, PROT_READ | PROT_WRITE, &m->map);
	if (err) {
		free(m);
		return err;
	}
	m->next = h->maps;
	h->maps = m;
	*page = m->map.va;
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, struct xenstore_domain_interface *page)
{
	struct host_xen *h = arg;

	if (domid == 0)
		return;
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

	/* The other end of a dying domain is gone before we hear of it. */
	if (err)
		log_debug("port %u cannot be notified: %d", port, err);
}

static enum domain_life life(void *arg, uint16_t domid)
{
	struct host_xen *h = arg;
	struct xen_domctl_getdomaininfo info;
	int err = domctl_info(&h->hypercalls, domid, &info);

	if (err == -ESRCH)
		return DOMAIN_GONE;
	if (err)
		return DOMAIN_RUNS;	/* asked again at the next event */
	if (info.flags & XEN_DOMINF_dying)
		return DOMAIN_DYING;
	return info.flags & XEN_DOMINF_shutdown ? DOMAIN_SHUT_DOWN : DOMAIN_RUNS;
}

static int doors_open(struct host_xen *h, const char **what)
{
	int err;

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
	*what = "/dev/xen/xenbus_backend";
	h->backend_fd = open(*what, O_RDWR | O_CLOEXEC);
	return h->backend_fd < 0 ? -errno : kernel_ring_map(h);
}

int store_host_open(struct host_xen *h, const char **what)
{
	int err, port;

	*h = (struct host_xen){
		.ops = { .ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
			 .port_unbind = port_unbind, .port_notify = port_notify, .life = life },
	};
	h->ops.arg = h;
	err = doors_open(h, what);
	if (err)
		return err;
	port = ioctl(h->backend_fd, IOCTL_XENBUS_BACKEND_EVTCHN);
	if (port < 0)
		return -errno;
	h->kernel_port = (uint32_t)port;
	*what = "VIRQ_DOM_EXC";
	return evtchn_bind_virq(&h->events, VIRQ_DOM_EXC, &h->virq_port);
}
