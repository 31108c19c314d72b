/* Unpack a kernel file in a confined child process. */
#pragma once
#include <stddef.h>

#include "toolstack/why.h"

/* The child's answer. Memory is shared with a child that may be hostile by now: callers copy it out and
 * trust nothing but that it is @size bytes. */
struct unpacked {
	const void *bytes;
	size_t size;
	void *map; /* what the child could write */
	size_t map_size;
};

/* Unpack @size bytes of @file (hostile). Returns 0 and *u; -ENOEXEC: not a kernel we can start, with the
 * child's reason; -EIO: the child died; -ENOMEM; -EPERM: it could not be confined. */
int kernel_unpack(struct unpacked *u, const void *file, size_t size, struct why *why);
void unpacked_free(struct unpacked *u);
