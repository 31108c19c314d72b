/* Choose the decoder of a payload. The formats' own files (unpack_*.c) are thin: each hands one
 * buffer to a library's decoder with the caller's allocator and turns its verdict into a text.
 * Rules: input and output never overlap; the decoders' checksums are verified where the format
 * has them; what was written before an error is garbage and stays in @out. */
#include "lib/image/decompress.h"
#include "lib/image/bytes.h"
#include "lib/image/unpack.h"

static const char *unpack_elf(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem)
{
	(void)mem;
	if (in_size > room)
		return "kernel is larger than the room for it";
	memcpy(out, in, in_size);
	*out_size = in_size;
	return NULL;
}

const char *payload_unpack(const void *file, const struct payload *p, void *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem)
{
	const uint8_t *in = (const uint8_t *)file + p->offset;

	switch (p->format) {
	case PAYLOAD_ELF: return unpack_elf(in, p->size, out, room, out_size, mem);
	case PAYLOAD_GZIP: return unpack_gzip(in, p->size, out, room, out_size, mem);
	case PAYLOAD_XZ: return unpack_xz(in, p->size, out, room, out_size, mem);
	case PAYLOAD_LZ4: return unpack_lz4(in, p->size, out, room, out_size, mem);
	case PAYLOAD_ZSTD: return unpack_zstd(in, p->size, out, room, out_size, mem);
	}
	return "unknown compression";
}
