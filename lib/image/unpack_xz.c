/* xz payloads, by liblzma's stream decoder (LZMA2, with the x86 filter Linux uses). It takes a
 * window as large as the stream's dictionary from the caller's allocator: 32 MiB in Linux 6.1,
 * 128 MiB in later ones. */
#include "lib/image/unpack.h"
#include <lzma.h>

#define WINDOW_MAX (129ull << 20)

static void *state_alloc(void *opaque, size_t items, size_t size)
{
	const struct decompress_memory *mem = opaque;
	return mem->alloc(mem->opaque, items * size);	/* liblzma passes items == 1 */
}

static void state_free(void *opaque, void *p)
{
	const struct decompress_memory *mem = opaque;
	if (p)
		mem->free(mem->opaque, p);
}

const char *unpack_xz(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem)
{
	lzma_allocator alloc = { state_alloc, state_free, (void *)(uintptr_t)mem };
	uint64_t limit = WINDOW_MAX;
	size_t in_at = 0, out_at = 0;

	switch (lzma_stream_buffer_decode(
		&limit, 0, &alloc, in, &in_at, in_size, out, &out_at, room)) {
	case LZMA_OK: *out_size = out_at; return NULL;
	case LZMA_MEM_ERROR: return "xz: not enough memory to unpack";
	case LZMA_MEMLIMIT_ERROR: return "xz: the dictionary is larger than 128 MiB";
	case LZMA_OPTIONS_ERROR: return "xz: the stream uses a filter that is not supported";
	case LZMA_BUF_ERROR: return "xz: the stream is cut short or unpacks to more than it claims";
	default: return "xz: the stream is damaged";
	}
}
