/* The disk of one device: operations of pvdrivers on one file, by io_uring.
 *
 * One thread. The ring is made for this file and a few operations, and can do nothing else from then on.
 * Spec: io_uring(7), io_uring_register(2). */
#pragma once
#include <liburing.h>
#include "dom0/lib/attr.h"
#include "pvdrivers/blk_back.h"

struct disk {
	struct blk_io io;
	struct io_uring ring;		/* its descriptor can be read when operations have ended */
};

/* Make @d for at most @entries operations at once on @file, which can be closed then. -ENOSYS or -EPERM: this
 * kernel has no io_uring. */
int disk_open(struct disk *d, int file, unsigned int entries) MUST_CHECK;
void disk_close(struct disk *d);
/* Hand what was submitted to the kernel. */
void disk_start(struct disk *d);
/* Whether disk_reap() has something to tell. */
bool disk_has_ended(const struct disk *d);
/* Tell pvdrivers of each operation that has ended; how many. */
unsigned int disk_reap(struct disk *d);
