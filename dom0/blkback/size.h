/* The size of the file or block device that a disk is, which may change while it is served. Nothing tells all who have it
 * open of that, so it is looked at every SIZE_LOOK_MS. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

#define SIZE_LOOK_MS 1000

struct size {
	int file;
	int timer;		/* can be read when size_look() is due */
	uint32_t sector_bytes;
	uint64_t sectors;	/* known last, of 512 bytes */
};

/* Follow the size of @file, which stays the caller's and open, and had @sectors of 512 bytes, whole ones of @sector_bytes; -1: of none,
 * there is the timer only. */
int size_open(struct size *s, int file, uint32_t sector_bytes, uint64_t sectors) MUST_CHECK;
void size_close(struct size *s);
/* Look. True: s->sectors has changed. A disk is never without a sector: it keeps its size until the file has one again. */
bool size_look(struct size *s);
