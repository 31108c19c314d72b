/* The front end of a network device, with one queue: packets out, one page each; packets in, of any size.
 *
 * Data goes through pages of its own, which stay granted: nothing else of the caller's memory is ever open to
 * the back end, and what is received is copied from them before it is looked at. The back end is hostile:
 * whatever it answers, the worst is -EBADMSG for this device. Memory is bounded by the configuration. */
#pragma once
#include "pvdrivers/net_packet.h"
#include "pvdrivers/ring.h"

struct net_front;

struct net_front_config {
	struct pv_os *os;
	domid_t peer;
	uint32_t tx_buffers, rx_buffers;	/* pages; 1 to NET_RING_SLOTS each */
	/* A packet has come, whose bytes stay until this returns. Called from net_front_run(), which it does
	 * not call, nor net_front_close(). */
	void (*received)(struct net_front *f, const struct net_packet *p);
};

/* The packet that is being received. */
struct net_incoming {
	uint32_t slots;			/* with data that have come */
	uint32_t bytes;
	struct net_offload offload;
	bool extra_next, data_next;	/* what the last slot says of the next */
	bool bad;			/* it is none that we take, or the back end says so */
};

struct net_front {
	struct net_front_config config;
	struct ring_front tx, rx;
	uint8_t *rings;			/* a page of each */
	grant_ref_t tx_ref, rx_ref;
	uint32_t port;
	uint8_t *data;			/* [tx_buffers + rx_buffers] pages */
	grant_ref_t *ref;		/* of each */
	uint16_t idle[NET_RING_SLOTS];	/* buffers to send by; the first idle_count */
	uint32_t idle_count;
	bool sent[NET_RING_SLOTS];	/* by buffer: it has no answer yet */
	uint16_t posted[NET_RING_SLOTS];	/* by slot of its ring: the buffer to receive by */
	struct net_incoming incoming;
	uint8_t *packet;		/* [NET_PACKET_MAX]: its bytes */
	uint64_t dropped;		/* that came and were bad */
	bool broken;
};

/* Make rings, pages, grants and an unbound port: tx_ref, rx_ref and port go to the store. @event is called as
 * os->event_open says, and should call net_front_run(). -ENOMEM, -ENOSPC: nothing is left. */
int net_front_open(struct net_front *f, const struct net_front_config *config, pv_callback *event,
		   void *arg) PV_MUST_CHECK;
/* Send @p, which is copied. -EAGAIN: no room, try after net_front_run(); -EINVAL: shorter than NET_PACKET_MIN,
 * longer than a page, or to be segmented; -EBADMSG: broken. */
int net_front_send(struct net_front *f, const struct net_packet *p) PV_MUST_CHECK;
/* Notify the back end of what was sent, if it wants to know: once after a series. */
void net_front_push(struct net_front *f);
/* Take answers and packets. 0: nothing more until the next event; 1: there is more, call again when others had
 * their turn; -EBADMSG: the back end makes no sense: nothing is sent or received any more, close the device. */
int net_front_run(struct net_front *f) PV_MUST_CHECK;
/* Say how many packets have no answer. */
uint32_t net_front_unanswered(const struct net_front *f);
/* End all. -EBUSY: the back end still maps some pages: they stay, call again later. */
int net_front_close(struct net_front *f) PV_MUST_CHECK;
