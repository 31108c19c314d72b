/* A virtual block device's front end, whole: blk_front.c connected through the store, with one ring.
 *
 * What the back end writes of the disk is hostile as far as it can be: numbers are bounded, and the front end's own
 * checks do not rest on them. */
#pragma once
#include "pvdrivers/blk_front.h"
#include "pvdrivers/device.h"

struct vbd_front {
	struct pv_device device;
	/* Set by the user. */
	uint32_t max_segments;		/* of an indirect request, if the back end offers as many */
	uint32_t max_ring_order;	/* pages of the ring are at most 1 << this; <= 4 */
	uint32_t data_pages;		/* as of struct blk_front_config */
	/* The disk can be used, has another size, or cannot be used any more: see v->usable. */
	void (*changed)(struct vbd_front *v);
	/* What the back end says of the disk. */
	struct blk_limits limits;
	bool usable;
	bool open;			/* blk is */
	bool running;			/* operations are ending: blk stays as it is */
	struct blk_front blk;
};

/* Drive the device whose directory is @path. Errors of pv_device_open(). */
int vbd_front_open(struct vbd_front *v, struct pv_os *os, const char *path) PV_MUST_CHECK;
/* As blk_front_send() and, after a series, blk_front_push(). -ENXIO: the disk cannot be used. */
int vbd_front_send(struct vbd_front *v, struct blk_operation *o) PV_MUST_CHECK;
/* Ask the back end to part; operations that were sent are waited for. */
void vbd_front_part(struct vbd_front *v);
/* Stop, the states in the store as they are. -EBUSY: the back end still maps some pages, or it is an operation's done()
 * that calls; call again later. */
int vbd_front_close(struct vbd_front *v) PV_MUST_CHECK;
