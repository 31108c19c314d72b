/* A network device in one process: dom0 with a back end and a port that notes what it is given, and a guest
 * that writes its rings slot by slot. */
#pragma once
#include "pvdrivers/host/os_host.h"
#include "pvdrivers/net_back.h"

#define LINES_MAX	3u
#define LINE_PAGES	64u	/* of a guest's, for a queue: all granted */

/* The guest's end of one queue, which knows nothing but rings. */
struct line {
	uint8_t *rings, *pages;		/* two; LINE_PAGES, the last of them for reading only */
	grant_ref_t ref[LINE_PAGES];
	struct ring_front tx, rx;
	uint32_t tx_port, rx_port, back_tx_port, back_rx_port;
	uint32_t tx_events, rx_events;
};

struct net_world {
	struct host_machine machine;
	struct host_domain dom0, guest;
	struct net_config config;	/* of the next back end */
	struct net_port port;
	struct net_back back;
	bool served, successor;		/* there is a back end; the next one is a successor */
	int status;			/* of its last start or run */
	struct line line[LINES_MAX];
	uint32_t lines;
	/* What the port was given: how many, and the last. */
	uint32_t sent, sent_bytes;
	uint8_t sent_data[NET_PACKET_MAX];
	struct net_offload sent_offload;
	void (*on_sent)(void);		/* called for each, or NULL */
};
extern struct net_world *net;

/* A guest with queues whose ports are split if there is more than one; no back end yet, one may do everything. */
void net_open(uint32_t lines);
/* Close both ends; whatever is left is a failure. */
void net_close(void);
/* A back end, from the second on a successor; it runs until nothing moves when net_run() is called. */
void net_start(void);
void net_kill(void);
void net_run(void);
/* Write a slot of the ring to send by, and publish it. */
void net_put(struct line *l, struct netif_tx_request req);
void net_put_extra(struct line *l, struct netif_extra_info extra);
/* Notify of slots, as the rings say. */
void net_kick(struct line *l);
/* Send @bytes, one slot, from page 0. */
void net_send(struct line *l, uint16_t id, uint16_t bytes);
/* Require one more answer, to @id with @status. */
void net_answered(struct line *l, uint16_t id, int16_t status);
/* Require that there is none. */
void net_unanswered(struct line *l);
/* Post page @page to receive by; its number is the id. */
void net_post(struct line *l, uint16_t page);
/* Require one more slot received: page @id, with these. */
void net_received(struct line *l, uint16_t id, uint16_t flags, int16_t status);
/* Offer @bytes that count up from @from, in one piece. */
void net_offer(uint32_t line, uint32_t bytes, uint8_t from, struct net_offload offload);
/* One line whose pages hold a pattern, connected. */
void net_set_up(void);
/* The guest sends a packet in @slots pieces of @size. */
void net_chain(struct line *l, const uint16_t *size, uint32_t slots, uint16_t flags);
