/* The front end of a block device: operations on a disk out, requests on a shared ring.
 *
 * Data goes through pages of its own, which stay granted: nothing else of the caller's memory is ever open
 * to the back end, and a back end that keeps them mapped (persistent grants) costs nothing. The back end is hostile:
 * whatever it answers, the worst is -EBADMSG for this device. Memory is bounded by the configuration.
 *
 * After a resume in another place the same requests go to a new back end: blk_front_reopen(). */
#pragma once
#include "pvdrivers/blk_request.h"
#include "pvdrivers/ring.h"

#define BLK_FRONT_RING_PAGES	16u

struct blk_front_config {
	struct pv_os *os;
	domid_t peer;
	uint32_t ring_pages;		/* a power of two, <= BLK_FRONT_RING_PAGES, as the back end allows */
	uint32_t max_segments;		/* of an indirect request, as the back end allows; 0: none */
	uint32_t data_pages;		/* granted; >= the most that one request needs */
};

/* One operation; it and its data stay until @done. */
struct blk_operation {
	enum blk_op op;
	bool secure;			/* of BLK_DISCARD */
	uint64_t sector, sectors;	/* 0 sectors: BLK_FLUSH, or a BLK_BARRIER without data */
	void *data;			/* sectors * BLK_SECTOR_BYTES, but of BLK_DISCARD */
	/* Called from blk_front_run() and blk_front_close(), neither of which it calls. @err: 0; -EIO: the disk
	 * said so; -EOPNOTSUPP; -ENXIO: the device was closed. */
	void (*done)(struct blk_operation *o, int err);
};

/* A request that has no answer yet. */
struct blk_sent {
	struct blk_operation *op;	/* NULL: this id is free */
	uint64_t order;			/* among all that were sent */
	uint8_t operation;		/* that the answer must name */
	uint32_t pages;			/* first of a list through blk_front.next */
	uint32_t next_free;		/* id, while this one is free */
};

struct blk_front {
	struct blk_front_config config;
	struct ring_front ring;
	void *ring_pages;
	grant_ref_t ring_ref[BLK_FRONT_RING_PAGES];
	uint32_t port;
	pv_callback *event;
	void *event_arg;
	uint8_t *data;			/* [config.data_pages] pages */
	grant_ref_t *ref;		/* of each */
	uint32_t *next;			/* of each: number + 1 of the next in its list; 0: last */
	uint32_t free_pages, free_count;	/* list; how many */
	struct blk_sent *sent;		/* [slots], by id */
	uint32_t free_id;		/* id + 1; 0: none */
	uint64_t order;
	bool broken;
};

/* Make a ring, data pages, grants and an unbound port: f->ring_ref and f->port go to the store. @event is called as
 * os->event_open says, and should call blk_front_run(). -ENOMEM, -ENOSPC: nothing is left. */
int blk_front_open(struct blk_front *f, const struct blk_front_config *config, pv_callback *event,
		   void *arg) PV_MUST_CHECK;
/* Most sectors that one operation may have, but for BLK_DISCARD. */
uint32_t blk_front_most_sectors(const struct blk_front *f);
/* Send @o. -EAGAIN: no room, try after some operation has ended; -EINVAL: too many sectors; -EBADMSG: broken. */
int blk_front_send(struct blk_front *f, struct blk_operation *o) PV_MUST_CHECK;
/* Notify the back end of what was sent, if it wants to know: once after a series. */
void blk_front_push(struct blk_front *f);
/* Take answers. -EBADMSG: the back end makes no sense: nothing is sent or taken any more, close the device. */
int blk_front_run(struct blk_front *f) PV_MUST_CHECK;
/* Say how many operations have no answer. */
uint32_t blk_front_unanswered(const struct blk_front *f);
/* After a resume grants and port are gone: make them anew, and send all that has no answer again, in its order, to a
 * back end that allows the same. -ENOSPC: some are missing, close the device. */
int blk_front_reopen(struct blk_front *f) PV_MUST_CHECK;
/* End all: operations without an answer end with -ENXIO. -EBUSY: the back end still maps some pages: they stay, call
 * again later. */
int blk_front_close(struct blk_front *f) PV_MUST_CHECK;
