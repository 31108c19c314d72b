/* The back end of a block device: requests of its rings in, operations on some disk out.
 *
 * It is given mapped ring pages and open event ports, and an object that does I/O. All of it belongs to one thread.
 * Whatever a front end writes, the worst is -EBADMSG for this device. Memory is bounded by the configuration: jobs
 * times their segments, and kept pages; requests beyond wait in the ring.
 *
 * Requests are answered as they end, in any order, so an answer may be written over a request that has none yet. All
 * that a successor needs is therefore in a record that outlives the process: a back end may die at any
 * instruction, and one that opens the same rings with the same records answers just what was not answered. It must
 * not be started before the dead one's I/O has ended. An operation may then be done twice, but not after it was
 * answered. */
#pragma once
#include "pvdrivers/blk_pages.h"
#include "pvdrivers/blk_request.h"
#include "pvdrivers/rate.h"
#include "pvdrivers/ring.h"

#define BLK_RINGS_MAX		16u
#define BLK_RING_PAGES_MAX	16u
#define BLK_SLOTS_MAX		512u	/* of a ring of so many pages */

/* Layout of an iovec. */
struct blk_piece {
	void *addr;
	size_t bytes;			/* a multiple of BLK_SECTOR_BYTES */
};

/* One operation on the disk. It and its pieces stay until blk_io_done(). */
struct blk_io_request {
	enum blk_op op;			/* not BLK_BARRIER */
	bool secure;			/* of BLK_DISCARD */
	uint64_t sector, sectors;	/* in the device's limits, on the bounds of its sectors; not of BLK_FLUSH */
	struct blk_piece *piece;	/* of BLK_READ and BLK_WRITE: together so many sectors */
	uint32_t pieces;
	/* The disk's own, while it has the operation. */
	struct blk_io_request *next;
	int64_t result;
};

/* The disk. */
struct blk_io {
	/* Begin @r. Its end is told by blk_io_done(), once, from here or later. A flush covers just what was told
	 * to be done before it began. */
	void (*submit)(struct blk_io *io, struct blk_io_request *r);
};

/* A request that was taken: the copy that is judged and acted on. */
struct blk_cell {
	uint64_t taken;			/* 1: it has no answer yet; 0: the cell is free */
	union blkif_sring_entry request;
};

/* Where a ring comes from. */
struct blk_origin {
	uint32_t remote_port;
	grant_ref_t ref[BLK_RING_PAGES_MAX];	/* 0 beyond its pages */
};

/* What a back end's death must not undo of a ring: memory that outlives the process and that no guest sees,
 * held by who starts the successor, all zero at first. For blk_back.c alone, but for two that are of who opens the
 * ring: its origin, written then, so that no other ring is resumed; and the size of the disk that the front end was told
 * last, in the first ring's. Only as many cells as slots are ever touched. */
struct blk_record {
	uint32_t slots;			/* of the ring that this is the record of; 0: of none */
	struct blk_origin origin;
	uint64_t told;			/* sectors */
	uint64_t mark;			/* which index is being answered, or was last, and from which cell */
	uint64_t id;			/* with what */
	int16_t status;
	uint8_t operation;
	struct blk_cell cell[BLK_SLOTS_MAX];
};

struct blk_config {
	struct pv_os *os;
	domid_t peer;
	struct blk_io *io;
	struct blk_limits limits;
	uint32_t jobs;			/* requests under way at once, of all rings, >= 1 */
	uint32_t kept_pages;		/* pages that stay mapped, if the front end lets them; 0: none */
	/* Of requests that are taken, and of the data that they read or write: what exceeds these waits in the ring. */
	struct rate operations, bytes;
};

/* What is known of the request in a cell. */
struct blk_slot {
	uint64_t id;
	int16_t status;
	uint8_t operation;
	struct blk_slot *next;		/* in the list that it is in, if it is in one */
};

struct blk_slots {
	struct blk_slot *first, *last;
};

struct blk_job;

struct blk_ring {
	struct ring_back ring;
	uint32_t port;
	struct blk_record *record;
	struct blk_slot *slot;		/* [ring.ring.slots], as the record's cells */
	struct blk_slots idle;		/* of free cells */
	struct blk_slots left;		/* requests that a predecessor has taken */
	struct blk_slots done;		/* to be answered */
	uint32_t under_way;		/* jobs of this ring that began */
	struct blk_job *barrier;	/* until it is done no request is taken */
};

struct blk_back {
	struct blk_config config;
	struct blk_pages pages;
	struct blk_ring ring[BLK_RINGS_MAX];
	uint32_t rings, turn;		/* turn: the ring that is served first */
	uint32_t segments;		/* that a job has room for */
	struct blk_job *job;		/* [config.jobs] */
	struct blk_page *page;		/* [config.jobs][segments] */
	struct blk_piece *piece;	/* [config.jobs][segments] */
	struct blkif_request_segment *segment;	/* [segments]: of the request that is judged */
	struct blk_job *idle, *ended;	/* lists */
	uint32_t under_way;
	bool stopped;
	bool senseless;			/* a ring is */
	uint64_t now_ns;		/* if there are limits */
	uint64_t wait_ns;		/* the next run is due then, if nothing makes it due before; 0: it is not */
};

/* Make the device, with no ring yet. -ENOMEM: nothing is left of it. */
int blk_back_open(struct blk_back *b, const struct blk_config *config) PV_MUST_CHECK;
/* Serve the ring in @bytes at @pages as well, which notifies by @port: with a @successor's @record from where the
 * predecessor left it, whose last notification may be missing and is made up for; else as a new connection, whatever
 * the record holds. -ENOSPC: too many rings, or slots; -ENOMEM; -EBADMSG: the ring's indices make no sense, or it is not
 * the one that the record is of. */
int blk_back_add_ring(struct blk_back *b, void *pages, size_t bytes, uint32_t port, struct blk_record *record,
		      bool successor) PV_MUST_CHECK;
/* Let @record be of no ring. */
void blk_record_clear(struct blk_record *record);
/* Do what can be done: to be called after every notification and every blk_io_done(). 0: nothing more until one of them,
 * or b->wait_ns have passed;
 * 1: there is more, call again when others had their turn; -EBADMSG: a ring makes no sense, nothing is served
 * any more, close the device. */
int blk_back_run(struct blk_back *b) PV_MUST_CHECK;
/* Operation @r has ended. 0; -EOPNOTSUPP: the disk cannot do it; any other error. Then blk_back_run() is due. */
void blk_io_done(struct blk_io_request *r, int err);
/* The disk has another size, for requests from now on. */
void blk_back_resize(struct blk_back *b, uint64_t sectors);
/* Serve nothing any more: what was asked and has no answer is refused, since a front end may wait for it before it can part.
 * True: all is let go of; false: I/O is under way, call again after it has ended. */
bool blk_back_close(struct blk_back *b) PV_MUST_CHECK;
