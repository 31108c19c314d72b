/* A guest's packets to the queues of a tap device, as its guard and its rate allow, and the device's to the guest.
 * One thread. The descriptors are backendd's (dom0/lib/tun.h): what the guest does not take waits in the kernel,
 * where it outlives the process. */
#pragma once
#include "dom0/backend/link.h"
#include "dom0/netback/guard.h"
#include "dom0/netback/rate.h"
#include "pvdrivers/vif_back.h"

#define TAP_PACKET_MAX (NET_PACKET_MAX + 1u)	/* one byte more shows what is too large */

struct tap {
	struct net_port port;
	struct guard guard;
	struct rate rate;
	bool held;			/* by the rate, until rate.due_ns */
	int fd[LINK_QUEUES_MAX];
	uint32_t queues;
	uint64_t refused;		/* packets of the guest's that the guard, or the kernel, did not let pass */
	/* Of the kernel's. It begins a page, as the guest's buffers do: no piece of it crosses one of ours. */
	_Alignas(PV_PAGE) uint8_t packet[TAP_PACKET_MAX];
};

/* Set t->port over the descriptors from @first_fd on. */
void tap_open(struct tap *t, int first_fd, uint32_t queues);
/* Let the kernel leave to do what guest @g can. -Exxx. */
int tap_features(struct tap *t, const struct net_guest *g) MUST_CHECK;
/* Bring the guest of @v packets of queue @queue that wait, while it takes them, @most at once. True: there may be more. */
bool tap_receive(struct tap *t, uint32_t queue, struct vif_back *v, uint32_t most);
