/* The disk of one device: operations of pvdrivers on what it is made of. In one of these ways: disk_ring.h, on a file by
 * io_uring; disk_threads.h, on a file where there is no io_uring; disk_nbd.h, on an export of an NBD server.
 *
 * All but what a way does behind it belongs to one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "pvdrivers/blk_back.h"

struct disk {
	struct blk_io io;
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

/* What came of @r, which ended with @result bytes or -Exxx. Less than all is an error: the file ends where it should
 * not, or is full. */
int disk_outcome(const struct blk_io_request *r, int64_t result) MUST_CHECK;
