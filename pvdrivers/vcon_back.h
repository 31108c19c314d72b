/* A console device's back end, whole: con_back.c connected through the store.
 *
 * Nodes, as Linux's hvc_xen writes those of a console beside the initial one: ring-ref and port, with the state
 * Initialised. They are hostile. The initial console is no such device: who serves it opens a con_back. */
#pragma once
#include "pvdrivers/con_back.h"
#include "pvdrivers/device.h"

struct vcon_back {
	struct pv_device device;
	/* Set by the user. */
	struct con_limits limits;
	uint64_t (*now_ns)(struct vcon_back *v);	/* the clock of con_back.h */
	/* The guest is at the console, or is not any more: see v->open. */
	void (*changed)(struct vcon_back *v);
	/* There may be output, or room for input; when the device closes it is called once more, for the last words. */
	void (*ready)(struct vcon_back *v);
	struct con_back con;
	bool open;			/* con is */
	struct pv_map map;		/* addr NULL: not mapped */
	uint32_t port;			/* 0: none */
};

/* Drive the device whose directory is @path: a new one, or one that a predecessor served. Errors of pv_device_open(). */
int vcon_back_open(struct vcon_back *v, struct pv_os *os, const char *path) PV_MUST_CHECK;
/* As con_back_read(), con_ring_room() and con_ring_write(); -ENXIO: the guest is not there; after -EBADMSG it is not either. */
int vcon_back_read(struct vcon_back *v, char *buf, uint32_t size) PV_MUST_CHECK;
int vcon_back_room(struct vcon_back *v) PV_MUST_CHECK;
int vcon_back_write(struct vcon_back *v, const char *buf, uint32_t size) PV_MUST_CHECK;
/* Publish what was read and written, and notify the guest of it. */
void vcon_back_push(struct vcon_back *v);
/* Stop, the states in the store as they are. */
void vcon_back_close(struct vcon_back *v);
