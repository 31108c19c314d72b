/* A virtual network interface's back end, whole: net_back.c connected through the store.
 *
 * Nodes, as Linux's netfront reads and writes them: ours say what we take, the front end's how many queues it
 * has, where their rings are, and what it takes. The front end's are hostile. There is no control ring. */
#pragma once
#include "pvdrivers/device.h"
#include "pvdrivers/net_back.h"

/* The two rings of a queue. */
enum vif_direction {
	VIF_TX,				/* the guest sends */
	VIF_RX,
};

struct vif_back {
	struct pv_device device;
	struct net_config config;	/* peer and guest are the front end's matter */
	uint32_t max_queues;		/* <= NET_QUEUES_MAX */
	/* The guest can be reached, or cannot any more: see v->open, v->config.guest. */
	void (*changed)(struct vif_back *v);
	struct net_back net;
	bool open;			/* net is */
	uint32_t queues;		/* that are mapped, all or a part */
	struct pv_map map[NET_QUEUES_MAX][2];	/* by direction; addr NULL: not mapped */
	uint32_t port[NET_QUEUES_MAX][2];	/* 0: none, or the other direction's */
	bool again;			/* run once more */
};

/* Drive the device whose directory is @path, with config, max_queues and changed set: a new one, or one that a
 * predecessor served. Errors of pv_device_open(). */
int vif_back_open(struct vif_back *v, struct pv_os *os, const char *path) PV_MUST_CHECK;
/* To be called while v->again. */
void vif_back_run(struct vif_back *v);
/* Bring @p to the guest, as net_back_offer() does, and after a series vif_back_push(); dropped if it cannot be
 * reached. Packets of one @flow, any number, stay in their order. May be called from the port's transmit(). */
void vif_back_offer(struct vif_back *v, uint32_t flow, const struct net_packet *p);
void vif_back_push(struct vif_back *v);
/* Say whether the guest can be reached, and has taken all of @flow that was offered. */
bool vif_back_room(const struct vif_back *v, uint32_t flow) PV_MUST_CHECK;
/* Stop, the states in the store as they are. */
void vif_back_close(struct vif_back *v);
