/* What the store takes from the hypervisor: rings by grant, ports, who lives.
 *
 * Domain 0's ring is a page of its own kernel, reached through /dev/xen/xenbus_backend; every other
 * domain's is its grant reference 1, which the domain builder makes for domain 0. */
#include "dom0/xenstored/host_xen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "dom0/lib/domctl.h"
#include "protocol/dom0/xenbus_dev.h"

#define PAGE_BYTES 4096u

/* Map the kernel's ring while we still may: the kernel asks for CAP_SYS_ADMIN. It stays mapped. */
static int kernel_ring_map(struct host_xen *h)
{
	void *va = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, h->backend_fd, 0);

	if (va == MAP_FAILED)
		return -errno;
	h->kernel_ring = va;
	return 0;
}

static int ring_map(void *doors, uint16_t domid, uint32_t ref, void **page)
{
	if (domid)
		return doors_ring_map(doors, domid, ref, page);
	*page = CONTAINER_OF(doors, struct host_xen, doors)->kernel_ring;
	return 0;
}

enum domain_life store_host_life(void *doors, uint16_t domid)
{
	struct doors *d = doors;
	struct xen_domctl_getdomaininfo info;
	int err = domctl_info(&d->hypercalls, domid, &info);

	if (err == -ESRCH)
		return DOMAIN_GONE;
	if (err)
		return DOMAIN_RUNS;	/* asked again at the next event */
	if (info.flags & XEN_DOMINF_dying)
		return DOMAIN_DYING;
	return info.flags & XEN_DOMINF_shutdown ? DOMAIN_SHUT_DOWN : DOMAIN_RUNS;
}

static int backend_open(struct host_xen *h)
{
	int err, port;

	h->backend_fd = open("/dev/xen/xenbus_backend", O_RDWR | O_CLOEXEC);
	if (h->backend_fd < 0)
		return -errno;
	err = kernel_ring_map(h);
	if (err)
		return err;
	port = ioctl(h->backend_fd, IOCTL_XENBUS_BACKEND_EVTCHN);
	if (port < 0)
		return -errno;
	h->kernel_port = (uint32_t)port;
	return 0;
}

int store_host_open(struct host_xen *h, const char **what)
{
	int err = doors_open(&h->doors, what);

	if (err)
		return err;
	h->doors.host.ring_map = ring_map;
	*what = "/dev/xen/xenbus_backend";
	err = backend_open(h);
	if (err)
		return err;
	*what = "VIRQ_DOM_EXC";
	return evtchn_bind_virq(&h->doors.events, VIRQ_DOM_EXC, &h->virq_port);
}
