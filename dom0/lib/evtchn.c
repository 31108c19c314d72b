/* Event channels of user space: one descriptor, ports as 32-bit numbers read from it and written
 * back to unmask. The contract is in evtchn.h. */
#include "dom0/lib/evtchn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "protocol/dom0/evtchn.h"

int evtchn_open(struct evtchn *e)
{
	e->fd = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return e->fd < 0 ? -errno : 0;
}

void evtchn_close(struct evtchn *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

int evtchn_restrict(struct evtchn *e, uint16_t domid)
{
	struct ioctl_evtchn_restrict_domid op = { .domid = domid };

	return ioctl(e->fd, IOCTL_EVTCHN_RESTRICT_DOMID, &op) < 0 ? -errno : 0;
}

static int port_result(int ret, uint32_t *port)
{
	if (ret < 0)
		return -errno;
	*port = (uint32_t)ret;
	return 0;
}

int evtchn_bind_interdomain(struct evtchn *e, uint16_t domid, uint32_t remote_port,
			    uint32_t *port)
{
	struct ioctl_evtchn_bind_interdomain op = {
		.remote_domain = domid, .remote_port = remote_port,
	};

	return port_result(ioctl(e->fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &op), port);
}

int evtchn_bind_virq(struct evtchn *e, unsigned int virq, uint32_t *port)
{
	struct ioctl_evtchn_bind_virq op = { .virq = virq };

	return port_result(ioctl(e->fd, IOCTL_EVTCHN_BIND_VIRQ, &op), port);
}

int evtchn_unbind(struct evtchn *e, uint32_t port)
{
	struct ioctl_evtchn_unbind op = { .port = port };

	return ioctl(e->fd, IOCTL_EVTCHN_UNBIND, &op) < 0 ? -errno : 0;
}

int evtchn_notify(struct evtchn *e, uint32_t port)
{
	struct ioctl_evtchn_notify op = { .port = port };

	return ioctl(e->fd, IOCTL_EVTCHN_NOTIFY, &op) < 0 ? -errno : 0;
}

int evtchn_pending(struct evtchn *e, uint32_t *port)
{
	uint32_t got;
	ssize_t n = read(e->fd, &got, sizeof got);

	if (n == (ssize_t)sizeof got) {
		*port = got;
		return 0;
	}
	if (n >= 0)
		return -EAGAIN;
	if (errno == EFBIG)
		return ioctl(e->fd, IOCTL_EVTCHN_RESET) < 0 ? -errno : -EFBIG;
	return errno == EINTR ? -EAGAIN : -errno;
}

int evtchn_unmask(struct evtchn *e, uint32_t port)
{
	return write(e->fd, &port, sizeof port) == (ssize_t)sizeof port ? 0 : -EIO;
}
