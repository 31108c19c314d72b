/* Unpack a kernel file in a confined child process. */
#pragma once
#include <stddef.h>

#include "toolstack/why.h"

/* Unpack @size bytes of @file (hostile) into the empty, writable file @out, whose length is then that of
 * the ELF. Returns 0; -ENOEXEC: not a kernel we can start, with the child's reason; -EIO: the child died,
 * as it also does when the file system is full; -ENOMEM, -ENOSPC; -EPERM: it could not be confined.
 * After a failure @out holds rubbish. */
int kernel_unpack(int out, const void *file, size_t size, struct why *why);
