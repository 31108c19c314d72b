/* What disks are made of; loop devices: a regular file as a block device, for the kernel's block back end. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "toolstack/why.h"

/* A disk's target, opened. */
struct block_handle {
	int fd; /* keeps a loop device alive until the back end has it open; -1: closed */
	uint32_t major, minor; /* of the block device or the loop device, if it has one */
	bool file;             /* the target is a regular file */
};

/* Open @path: a block device or a regular file as it is or, with @loop, a regular file behind a new loop device that
 * the kernel takes down by itself with its last user, us included: nothing is left when we are killed.
 * Returns 0 and *b; -ENOENT ...; -ENOTBLK: neither of the two. */
int block_open(struct block_handle *b, const char *path, bool writable, bool loop, struct why *why);
void block_close(struct block_handle *b);
