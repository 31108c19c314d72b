/* The disk of one device: operations of pvdrivers on what it is made of. In one of these ways: disk_ring.h, on a file by
 * io_uring; disk_threads.h, on a file where there is no io_uring; disk_nbd.h, on an export of an NBD server.
 *
 * All but what a way does behind it belongs to one thread. What no way does as it is asked disk.c makes of other operations. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "pvdrivers/blk_back.h"

/* Secure discards: one at a time, each as many writes of zeroes as it takes and a flush. */
struct disk_erase {
	struct blk_io_request *first, *last;	/* that were asked for; the first is under way */
	uint64_t done;				/* sectors of it */
	struct blk_io_request step;
};

struct disk {
	struct blk_io io;		/* submit is disk_submit */
	void (*submit)(struct disk *d, struct blk_io_request *r);	/* never a secure discard */
	struct disk_erase erase;
	int fd;				/* to be polled for @events: reap() may have something to tell */
	short events;			/* may change with start() and reap() */
	/* Hand what was submitted to who does it. */
	void (*start)(struct disk *d);
	/* Whether reap() has something to tell. */
	bool (*has_ended)(const struct disk *d);
	/* Tell pvdrivers of each operation that has ended; how many. */
	unsigned int (*reap)(struct disk *d);
	/* No operation is under way. */
	void (*close)(struct disk *d);
};

/* The submit() of every way's io. */
void disk_submit(struct blk_io *io, struct blk_io_request *r);
/* The way has done what its submit() was asked: instead of blk_io_done(). */
void disk_done(struct disk *d, struct blk_io_request *r, int err);
/* What came of @r, which ended with @result bytes or -Exxx. Less than all is an error: the file ends where it should
 * not, or is full. */
int disk_outcome(const struct blk_io_request *r, int64_t result) MUST_CHECK;
