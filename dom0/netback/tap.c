/* The contract is in tap.h. */
#include "dom0/netback/tap.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include "dom0/lib/log.h"
#include "dom0/lib/loop.h"
#include "dom0/netback/vnet.h"

static bool ready(struct net_port *port, uint32_t bytes)
{
	struct tap *t = PV_CONTAINER_OF(port, struct tap, port);

	t->held = t->rate.bytes && !rate_allows(&t->rate, bytes, loop_now_ns());
	return !t->held;
}

static void transmit(struct net_port *port, uint32_t queue, const struct net_packet *p)
{
	struct tap *t = PV_CONTAINER_OF(port, struct tap, port);
	const struct net_piece *piece = &p->piece[0];
	struct virtio_net_hdr h;
	struct iovec iov[] = { { &h, sizeof h }, { piece->addr, piece->bytes } };

	rate_spend(&t->rate, piece->bytes);
	if (!guard_passes(&t->guard, piece->addr, piece->bytes) ||
	    vnet_header(&h, piece->addr, piece->bytes, &p->offload) ||
	    writev(t->fd[queue % t->queues], iov, ARRAY_LEN(iov)) < 0)
		t->refused++;
}

void tap_open(struct tap *t, int first_fd, uint32_t queues)
{
	t->port = (struct net_port){ .transmit = transmit, .ready = ready };
	t->queues = queues;
	for (uint32_t i = 0; i < queues; i++)
		t->fd[i] = first_fd + (int)i;
}

int tap_features(struct tap *t, const struct net_guest *g)
{
	/* Of the device, by any of its queues. */
	return ioctl(t->fd[0], TUNSETOFFLOAD, vnet_features(g)) < 0 ? -errno : 0;
}

bool tap_receive(struct tap *t, uint32_t queue, struct vif_back *v, uint32_t most)
{
	struct virtio_net_hdr h;
	struct iovec iov[] = { { &h, sizeof h }, { t->packet, sizeof t->packet } };

	for (; most > 0; most--) {
		ssize_t n = vif_back_room(v, queue) ? readv(t->fd[queue], iov, ARRAY_LEN(iov)) : 0;
		struct net_piece piece = { t->packet, (size_t)n - sizeof h };
		struct net_packet p = { .piece = &piece, .pieces = 1 };

		if (n < (ssize_t)sizeof h)
			return false;
		/* What cannot be left to the guest is lost; the device is set so that there is none, but from before. */
		if (!vnet_offload(&p.offload, &h, t->packet, piece.bytes, &v->config.guest))
			vif_back_offer(v, queue, &p);
	}
	return true;
}
