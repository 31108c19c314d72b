/* The back end of a network device: packets of a guest out by some port, the port's packets in.
 *
 * It is given mapped ring pages and open event ports. All of it belongs to one thread. Whatever a front end
 * writes, the worst is -EBADMSG for this device. Packets are copied, nothing but the rings is ever mapped.
 * Memory is bounded by the configuration: two packets' copies, and what waits for a guest's buffers.
 *
 * Requests are answered in their order, a packet's all at once, so the rings are the record of what is not
 * answered: a back end may die at any instruction, and one that opens the same rings goes on with just that. A
 * packet for the guest may be lost then, one of the guest's be sent twice, but not after it was answered. */
#pragma once
#include "pvdrivers/net_filter.h"
#include "pvdrivers/net_request.h"
#include "pvdrivers/ring.h"

#define NET_QUEUES_MAX	16u
/* Packets of the guest's that are copied at once, and their bytes. */
#define NET_TX_BATCH	16u
#define NET_TX_BYTES	(36u * PV_PAGE)	/* two of the largest, each from where its parts lie well */

/* Where a guest's packets go. */
struct net_port {
	/* Send @p of queue @queue, in one piece, whose bytes stay until this returns. It may call net_back_offer(), for
	 * this device, too. */
	void (*transmit)(struct net_port *port, uint32_t queue, const struct net_packet *p);
	/* Say whether one more packet may be sent now, after others of @bytes that will be. If not, those that the guest
	 * has sent stay in its rings until the next net_back_run(), which is the port's to cause. NULL: always. */
	bool (*ready)(struct net_port *port, uint32_t bytes);
};

/* What the front end takes. */
struct net_guest {
	bool csum_ipv4, csum_ipv6;	/* blank checksums of such packets: else the port fills them in */
	bool sg;			/* packets of more than one page */
	bool gso_tcpv4, gso_tcpv6;
	bool notifies;			/* it tells of new buffers, so that packets can wait for them */
	bool multicast_control;		/* it gets packets for groups only of addresses that it added */
};

struct net_config {
	struct pv_os *os;
	domid_t peer;
	struct net_port *port;
	struct net_limits limits;
	struct net_guest guest;
	uint32_t waiting_packets, waiting_bytes;	/* for the guest, of a queue, at most */
};

/* Packets. */
struct net_counts {
	uint64_t sent, refused;		/* of the guest's */
	uint64_t received, dropped;	/* of the port's: copied to the guest, or not */
};

/* A packet that waits for buffers. */
struct net_waiting {
	struct net_waiting *next;
	struct net_offload offload;
	uint32_t bytes;
	uint8_t data[];
};

/* The guest sends. */
struct net_tx {
	struct ring_back ring;
	uint32_t queue;			/* its number */
	uint32_t port;			/* of events */
	struct net_chain chain;		/* what was taken of the next packet */
};

/* The guest receives. */
struct net_rx {
	struct ring_back ring;
	uint32_t port;
	grant_ref_t buffer[NET_SLOTS_MAX];	/* that were taken and are not answered */
	struct net_waiting *first, *last;
	uint32_t waiting_packets, waiting_bytes;
};

struct net_queue {
	struct net_tx tx;
	struct net_rx rx;
};

struct net_back {
	struct net_config config;
	struct net_filter filter;
	struct net_counts counts;
	struct net_queue *queue[NET_QUEUES_MAX];
	uint32_t queues;
	uint8_t *packet;		/* [NET_TX_BYTES] */
	bool stopped;
};

/* Make the device, with no queue yet. -ENOMEM: nothing is left of it. */
int net_back_open(struct net_back *b, const struct net_config *config) PV_MUST_CHECK;
/* Serve the rings in the pages @tx and @rx as well, which notify by ports of those names, that may be one. A
 * @successor goes on where the predecessor left them, whose last notifications may be missing and are made up
 * for. -ENOSPC: too many queues; -ENOMEM; -EBADMSG: a ring makes no sense. Then these rings are not served. */
int net_back_add_queue(struct net_back *b, void *tx, uint32_t tx_port, void *rx, uint32_t rx_port,
		       bool successor) PV_MUST_CHECK;
/* Do what can be done: to be called after every notification. 0: nothing more until the next; 1: there is more,
 * call again when others had their turn; -EBADMSG: a ring makes no sense, nothing is served any more, close the
 * device. */
int net_back_run(struct net_back *b) PV_MUST_CHECK;
/* Bring @p, of at most NET_SLOTS_MAX pieces, to the guest by queue @at < b->queues: it is copied before this
 * returns, to the guest or to wait, or else it is dropped and counted: it is not one that the guest takes, or
 * too many wait already. 0; -EBADMSG, as of net_back_run(). */
int net_back_offer(struct net_back *b, uint32_t at, const struct net_packet *p) PV_MUST_CHECK;
/* Say whether the guest has taken all that was offered to it by queue @at, so that what comes next need not wait. */
bool net_back_room(const struct net_back *b, uint32_t at) PV_MUST_CHECK;
/* Notify the guest of what was done, if it wants to know: once after a series of net_back_offer(). */
void net_back_push(struct net_back *b);
/* Serve nothing any more, and let go of all. What waits is lost. */
void net_back_close(struct net_back *b);
