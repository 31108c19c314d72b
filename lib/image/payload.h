/* Kernel files as distributions ship them: where the ELF or the compressed ELF is inside.
 * Knows bzImage (boot protocol 2.08 or later), a bare ELF, and a bare compressed file.
 * Pure; @file is hostile. Spec: Linux Documentation/x86/boot.rst. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum payload_format { PAYLOAD_ELF, PAYLOAD_GZIP, PAYLOAD_XZ, PAYLOAD_LZ4, PAYLOAD_ZSTD };

struct payload {
	enum payload_format format;
	size_t offset, size;	/* the stream inside the file; without a size word appended to it */
	size_t unpacked_size;	/* what the file claims; 0 = not known. Hostile, capped */
};
#define PAYLOAD_UNPACKED_MAX (512u << 20)	/* larger claims are refused */

/* Returns NULL and *out, else a static text that says what is wrong. */
const char *payload_find(const void *file, size_t size, struct payload *out)
	__attribute__((warn_unused_result));
const char *payload_format_name(enum payload_format f);
