/* Unpacked kernels, kept by content.
 *
 *   DIR/<sha256 of the kernel file>.elf     what the file unpacks to
 *   DIR/by-stat/<device-inode-size-times>   symbolic link to it: spares reading and hashing a file that
 *                                           did not change
 * A file joins DIR complete, by rename. Payloads are unpacked and judged by an unprivileged, confined
 * child; only what it accepted is kept. */
#pragma once
#include <stddef.h>

#include "toolstack/why.h"

/* A file mapped read-only. */
struct mapped_file {
	const void *bytes;
	size_t size;
};

/* Map the ELF of kernel @path (raw ELF, bzImage or a bare compressed file), through the cache in @dir.
 * Returns 0 and *f; -ENOENT ...: cannot read it; -ENOEXEC: no kernel for us; others: the cache. */
int kernel_cache_map(const char *dir, const char *path, struct mapped_file *f, struct why *why);

/* Map any file; @what says in errors what it is ("ramdisk"). Returns 0 and *f; -EINVAL: a directory, empty,
 * too big; -ENOENT ... */
int mapped_file_open(struct mapped_file *f, const char *what, const char *path, struct why *why);
void mapped_file_close(struct mapped_file *f);

/* Remove the beginnings in cache @dir of runs that were killed. */
void kernel_cache_sweep(const char *dir);
