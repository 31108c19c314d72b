/* A disk on a file, by io_uring.
 *
 * The ring is made for this file and a few operations, and can do nothing else from then on.
 * Spec: io_uring(7), io_uring_register(2). */
#pragma once
#include <liburing.h>
#include "dom0/blkback/disk.h"

struct disk_ring {
	struct disk disk;
	struct io_uring ring;
	/* Of chunks of bounce buffers: how often each was used, and whether the ring has its pages, which saves the kernel
	 * looking them up for each operation. */
	uint32_t uses[BOUNCE_CHUNKS];
	bool has[BOUNCE_CHUNKS];
};

/* Make @d for at most @entries operations at once on @file, which can be closed then. -ENOSYS, -EPERM, -EINVAL: this
 * kernel has no io_uring, none for us, or none that can be restricted. */
int disk_ring_open(struct disk_ring *d, int file, unsigned int entries) MUST_CHECK;
