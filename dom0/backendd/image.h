/* What a disk is made of: a file or block device of dom0, opened anew for each process that serves it.
 *
 * Each opening carries a mark that a later one can see for as long as anything uses it, an operation of a dead process
 * included: the kernel keeps an open file description, and with it a lock of its own, until the last operation on
 * it has ended. The mark is a shared lock on a byte that no disk has, one for each device. Spec: fcntl(2), open file
 * description locks. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

struct image {
	int fd;
	uint64_t sectors;	/* of 512 bytes, whole ones of sector_bytes */
	uint32_t sector_bytes;	/* 512 or 4096: its own, or those that are wanted if they are larger */
	bool busy;		/* it bears @mark already */
};

/* Open the regular file or block device at @path, as a disk of sectors of @sector_bytes or, 0, as it comes. The mark is set unless it is there. -Exxx; -ENOTBLK: it is neither;
 * -ENODATA: it has no sector. */
int image_open(struct image *i, const char *path, bool read_only, uint32_t sector_bytes, uint64_t mark) MUST_CHECK;
