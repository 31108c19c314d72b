/* A virtual network interface's front end, whole: net_front.c connected through the store, with one queue. */
#pragma once
#include "pvdrivers/device.h"
#include "pvdrivers/net_front.h"

struct vif_front {
	struct pv_device device;
	/* Set by the user. */
	uint32_t tx_buffers, rx_buffers;	/* as of struct net_front_config */
	/* Packets can be sent, or cannot any more: see v->usable. */
	void (*changed)(struct vif_front *v);
	/* A packet has come, whose bytes stay until this returns. */
	void (*received)(struct vif_front *v, const struct net_packet *p);
	uint8_t mac[6];			/* our address, once usable */
	bool usable;
	bool open;			/* net is */
	bool running;			/* packets are being taken: net stays as it is */
	bool again;			/* call vif_front_run() once more */
	struct net_front net;
};

/* Drive the device whose directory is @path. Errors of pv_device_open(). */
int vif_front_open(struct vif_front *v, struct pv_os *os, const char *path) PV_MUST_CHECK;
/* To be called while v->again. */
void vif_front_run(struct vif_front *v);
/* As net_front_send(), with its notification. -ENXIO: the device cannot be used. */
int vif_front_send(struct vif_front *v, const struct net_packet *p) PV_MUST_CHECK;
/* Ask the back end to part; what it has not taken by then is lost. */
void vif_front_part(struct vif_front *v);
/* Stop, the states in the store as they are. -EBUSY: the back end still maps some pages, or it is received()
 * that calls; call again later. */
int vif_front_close(struct vif_front *v) PV_MUST_CHECK;
