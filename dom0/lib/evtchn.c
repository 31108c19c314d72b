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

int evtchn_take(struct evtchn *e, uint32_t port[], unsigned int most)
{
	ssize_t n = read(e->fd, port, most * sizeof port[0]);

	if (n >= 0)
		return (int)((size_t)n / sizeof port[0]);
	if (errno == EFBIG)
		return ioctl(e->fd, IOCTL_EVTCHN_RESET) < 0 ? -errno : -EFBIG;
	return errno == EINTR || errno == EAGAIN ? 0 : -errno;
}

int evtchn_pending(struct evtchn *e, uint32_t *port)
{
	uint32_t got;
	int n = evtchn_take(e, &got, 1);

	if (n != 1)
		return n < 0 ? n : -EAGAIN;
	*port = got;
	return 0;
}

int evtchn_unmask_all(struct evtchn *e, const uint32_t port[], unsigned int count)
{
	size_t bytes = count * sizeof port[0];

	return write(e->fd, port, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

int evtchn_unmask(struct evtchn *e, uint32_t port)
{
	return evtchn_unmask_all(e, &port, 1);
}
