/* One-shot decompression of a kernel's payload: gzip, xz, lz4 (legacy frames), zstd, by well-kept
 * libraries' decoders. Pure but for the caller's allocator. The stream is hostile: at worst an
 * error or wrong bytes in @out; never a write outside it. */
#pragma once
#include "lib/image/payload.h"

/* Where decoders take their state from; a window of up to 128 MiB + 1 MiB for xz, less than 1
 * MiB for the others. alloc: 16-byte aligned or NULL; need not be zeroed. free may do nothing. */
struct decompress_memory {
	void *opaque;
	void *(*alloc)(void *opaque, size_t size);
	void (*free)(void *opaque, void *p);
};

/* Unpack (or, for PAYLOAD_ELF, copy) into @out. Returns NULL and *out_size, else a static text.
 * A stream that is longer than @room is an error. */
const char *payload_unpack(const void *file, const struct payload *p, void *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem) __attribute__((warn_unused_result));
