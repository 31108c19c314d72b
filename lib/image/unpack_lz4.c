/* lz4 payloads in the legacy frame format Linux uses: a magic number, then blocks, each a 32-bit
 * packed size and its bytes, which unpack to 8 MiB at most; no checksum. A repeated magic number
 * starts a further frame and is skipped. A hostile stream can only give wrong bytes or an error. */
#include "lib/image/unpack.h"
#include "lib/image/bytes.h"
#include <lz4.h>

#define LEGACY_MAGIC	0x184c2102u
#define BLOCK_UNPACKED	(8u << 20)

const char *unpack_lz4(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem)
{
	size_t at = 0, out_at = 0;

	(void)mem;
	while (at < in_size) {
		if (in_size - at < 4)
			return "lz4: the stream is cut short";
		uint32_t n = read_le32(in + at);
		at += 4;
		if (n == LEGACY_MAGIC)
			continue;
		if (n == 0 || n > in_size - at || n > (uint32_t)LZ4_COMPRESSBOUND(BLOCK_UNPACKED))
			return "lz4: a block's size is wrong";
		size_t left = room - out_at;
		int got = LZ4_decompress_safe((const char *)in + at, (char *)out + out_at, (int)n,
			(int)(left < BLOCK_UNPACKED ? left : BLOCK_UNPACKED));
		if (got < 0)
			return "lz4: the stream is damaged or unpacks to more than it claims";
		at += n;
		out_at += (size_t)got;
	}
	*out_size = out_at;
	return NULL;
}
