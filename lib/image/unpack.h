/* The decoders behind payload_unpack(), one file each. Same contract: NULL and *out_size, or a
 * text. */
#pragma once
#include "lib/image/decompress.h"

typedef const char *unpack_fn(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem);
unpack_fn unpack_gzip, unpack_xz, unpack_lz4, unpack_zstd;
