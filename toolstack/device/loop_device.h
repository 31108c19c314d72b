/* Loop devices: a regular file as a block device, for the kernel's block back end. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "toolstack/why.h"

/* An open block device that stands for a disk's target. */
struct block_handle {
	int fd; /* keeps a loop device alive until the back end has it open; -1: closed */
	uint32_t major, minor;
	bool loop;
};

/* Open @path: a block device as it is, a regular file behind a new loop device that the kernel takes down
 * by itself with its last user, us included: nothing is left when we are killed.
 * Returns 0 and *b; -ENOENT ...; -ENOTBLK: neither of the two. */
int block_open(struct block_handle *b, const char *path, bool writable, struct why *why);
void block_close(struct block_handle *b);
