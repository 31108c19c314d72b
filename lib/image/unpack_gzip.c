/* gzip payloads, by zlib's inflate. The whole stream is at hand, so one call decodes it; inflate
 * checks CRC and length. Sizes are below 512 MiB (payload_find), so zlib's 32-bit counts hold
 * them. */
#include "lib/image/unpack.h"
#define Z_SOLO	/* the header then needs no C library */
#include <zlib.h>

static voidpf state_alloc(voidpf opaque, uInt items, uInt size)
{
	const struct decompress_memory *mem = opaque;
	return mem->alloc(mem->opaque, (size_t)items * size);
}

static void state_free(voidpf opaque, voidpf p)
{
	const struct decompress_memory *mem = opaque;
	mem->free(mem->opaque, p);
}

const char *unpack_gzip(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem)
{
	if (in_size > PAYLOAD_UNPACKED_MAX)
		return "gzip: the stream is too long";
	if (room > PAYLOAD_UNPACKED_MAX)
		room = PAYLOAD_UNPACKED_MAX;
	z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)in,
		.avail_in = (uInt)in_size,
		.next_out = out,
		.avail_out = (uInt)room,
		.zalloc = state_alloc,
		.zfree = state_free,
		.opaque = (voidpf)(uintptr_t)mem};
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)	/* 16: gzip wrapper */
		return "gzip: not enough memory to unpack";
	int rc = inflate(&z, Z_FINISH);
	*out_size = rc == Z_STREAM_END ? (size_t)z.total_out : *out_size;
	(void)inflateEnd(&z);
	if (rc == Z_STREAM_END)
		return NULL;
	if (rc == Z_MEM_ERROR)
		return "gzip: not enough memory to unpack";
	return rc == Z_BUF_ERROR ? "gzip: the stream is cut short or unpacks to more than it claims"
				 : "gzip: the stream is damaged";
}
