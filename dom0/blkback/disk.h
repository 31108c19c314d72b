/* The disk of one device: operations of pvdrivers on what it is made of. In one of these ways: disk_ring.h, on a file by
 * io_uring; disk_threads.h, on a file where there is no io_uring; disk_nbd.h, on an export of an NBD server.
 *
 * All but what a way does behind it belongs to one thread. What no way does as it is asked disk.c makes of other operations. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/blkback/bounce.h"
#include "dom0/lib/attr.h"
#include "pvdrivers/blk_back.h"

/* Operations that wait, in their order. */
struct disk_list {
	struct blk_io_request *first, *last;
};

/* Secure discards: one at a time, each as many writes of zeroes as it takes and a flush. */
struct disk_erase {
	struct disk_list asked;			/* the first is under way */
	uint64_t done;				/* sectors of it */
	struct blk_io_request step;
};

struct disk {
	struct blk_io io;		/* submit is disk_submit */
	void (*submit)(struct disk *d, struct blk_io_request *r);	/* never a secure discard */
	struct disk_erase erase;
	struct bounce *bounce;		/* what data goes by; NULL: by nothing. To be set before the first operation */
	struct disk_list waiting;	/* for room there */
	int fd;				/* to be polled for @events: reap() may have something to tell */
	short events;			/* may change with start() and reap() */
	/* Hand what was submitted to who does it. */
	void (*start)(struct disk *d);
	/* Whether reap() has something to tell. */
	bool (*has_ended)(const struct disk *d);
	/* Tell pvdrivers of each operation that has ended; how many. */
	unsigned int (*reap)(struct disk *d);
	/* Know nothing more of the bounce buffers; NULL: it never does. No operation is under way. */
	void (*let_go)(struct disk *d);
	/* No operation is under way. */
	void (*close)(struct disk *d);
};

/* Have @file, which can be read, used past the page cache (O_DIRECT) from now on. False: it cannot be in such sectors, and is as
 * it was. */
bool disk_past_cache(int file, uint32_t sector_bytes) MUST_CHECK;
/* The submit() of every way's io. */
void disk_submit(struct blk_io *io, struct blk_io_request *r);
/* The way has done what its submit() was asked: instead of blk_io_done(). */
void disk_done(struct disk *d, struct blk_io_request *r, int err);
/* Give back memory that nothing was done with lately: to be called every second or so. */
void disk_trim(struct disk *d);
/* What came of @r, which ended with @result bytes or -Exxx. Less than all is an error: the file ends where it should
 * not, or is full. */
int disk_outcome(const struct blk_io_request *r, int64_t result) MUST_CHECK;
