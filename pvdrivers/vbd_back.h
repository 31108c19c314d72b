/* A virtual block device's back end, whole: blk_back.c connected through the store.
 *
 * Nodes, as Linux's blkfront reads and writes them: ours say what the disk is and can do, the front end's how
 * many rings of how many pages it shares, and where. The front end's are hostile. */
#pragma once
#include "pvdrivers/blk_back.h"
#include "pvdrivers/device.h"

struct vbd_back {
	struct pv_device device;
	struct blk_config config;	/* peer and persistence are the front end's matter */
	uint32_t kept_pages;		/* for a front end with persistent grants */
	uint32_t max_rings;		/* <= BLK_RINGS_MAX */
	uint32_t max_ring_order;	/* pages of a ring are at most 1 << this; <= 4 */
	struct blk_record *record;	/* [max_rings], outlives the process, all zero at first */
	struct blk_back blk;
	bool open;			/* blk is */
	uint32_t rings;			/* that are mapped */
	uint32_t ring_pages;		/* of each */
	struct pv_map map[BLK_RINGS_MAX][BLK_RING_PAGES_MAX];
	uint32_t port[BLK_RINGS_MAX];	/* 0: none */
	bool again;			/* run once more: blk_back_run() had more to do */
	uint64_t wait_ns;		/* or when so much time has passed; 0: no need */
};

/* Drive the device whose directory is @path, with config, limits and records set: a new one, or one that a
 * predecessor served. Errors of pv_device_open(). */
int vbd_back_open(struct vbd_back *v, struct pv_os *os, const char *path) PV_MUST_CHECK;
/* To be called after blk_io_done(), while v->again, and when v->wait_ns have passed. */
void vbd_back_run(struct vbd_back *v);
/* The disk has another size: tell the front end. */
void vbd_back_resize(struct vbd_back *v, uint64_t sectors);
/* Stop, the states in the store as they are. False: I/O is under way, call again after it has ended. */
bool vbd_back_close(struct vbd_back *v) PV_MUST_CHECK;
