/* zstd payloads, by libzstd's one-shot decoder in a static workspace from the caller: with the
 * whole output at hand it needs no window, so the size of the workspace does not depend on the
 * stream. */
#include "lib/image/unpack.h"
#define ZSTD_STATIC_LINKING_ONLY	/* the static workspace; we link statically */
#include <zstd.h>
#include <zstd_errors.h>

const char *unpack_zstd(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
	size_t *out_size, const struct decompress_memory *mem)
{
	size_t size = ZSTD_estimateDCtxSize();
	void *work = mem->alloc(mem->opaque, size);
	ZSTD_DCtx *ctx = work ? ZSTD_initStaticDCtx(work, size) : NULL;

	if (!ctx) {
		if (work)
			mem->free(mem->opaque, work);
		return "zstd: not enough memory to unpack";
	}
	size_t got = ZSTD_decompressDCtx(ctx, out, room, in, in_size);
	mem->free(mem->opaque, work);
	if (!ZSTD_isError(got)) {
		*out_size = got;
		return NULL;
	}
	return ZSTD_getErrorCode(got) == ZSTD_error_dstSize_tooSmall ?
		"zstd: the stream unpacks to more than it claims" : "zstd: the stream is damaged";
}
