/* Kernel files: bzImage, bare ELF, bare compressed file.
 *
 * A bzImage is a real-mode header, 32-bit code, and inside that a compressed ELF ("payload")
 * that the header points to. Linux appends the unpacked size to it as 4 bytes, little-endian;
 * gzip's own trailer happens to end in the same 4 bytes. The other formats' decoders must not
 * see them. @file is hostile: offsets are checked in 64 bits before use. Next: decompress.c. */
#include "lib/image/payload.h"
#include "lib/image/bytes.h"

#define SETUP_SECTS	0x1f1
#define BOOT_MAGIC	0x202	/* "HdrS" */
#define BOOT_VERSION	0x206
#define PAYLOAD_OFFSET	0x248
#define PAYLOAD_LENGTH	0x24c
#define HEADER_END	0x250
#define SECTOR		512u

static const struct format {
	enum payload_format format;
	uint8_t magic_size, magic[6];
	const char *name;	/* static; NULL magic rows end the table */
	const char *unsupported;
} formats[] = {
	{PAYLOAD_ELF, 4, {0x7f, 'E', 'L', 'F'}, "ELF", NULL},
	{PAYLOAD_GZIP, 3, {0x1f, 0x8b, 0x08}, "gzip", NULL},
	{PAYLOAD_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}, "xz", NULL},
	{PAYLOAD_LZ4, 4, {0x02, 0x21, 0x4c, 0x18}, "lz4", NULL},
	{PAYLOAD_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}, "zstd", NULL},
	{PAYLOAD_ELF, 3, {'B', 'Z', 'h'}, "",
		"kernel is compressed with bzip2, which is not supported"},
	{PAYLOAD_ELF, 3, {0x5d, 0, 0}, "",
		"kernel is compressed with lzma, which is not supported"},
	{PAYLOAD_ELF, 3, {0x89, 'L', 'Z'}, "",
		"kernel is compressed with lzo, which is not supported"},
};
#define FORMATS (sizeof formats / sizeof formats[0])

const char *payload_format_name(enum payload_format f)
{
	for (unsigned i = 0; i < FORMATS; i++)
		if (formats[i].format == f && !formats[i].unsupported)
			return formats[i].name;
	return "unknown";
}

/* The stream is [offset, offset + size) of @file. @sized: the last 4 bytes are its unpacked
 * size. */
static const char *stream_identify(const uint8_t *file, size_t offset, size_t size, bool sized,
	struct payload *out)
{
	const struct format *f = NULL;

	for (unsigned i = 0; i < FORMATS && !f; i++)
		if (size >= formats[i].magic_size &&
		    memcmp(file + offset, formats[i].magic, formats[i].magic_size) == 0)
			f = &formats[i];
	if (!f)
		return "neither bzImage, ELF nor a known compression";
	if (f->unsupported)
		return f->unsupported;
	struct payload p = { .format = f->format, .offset = offset, .size = size };
	if (f->format == PAYLOAD_ELF) {
		p.unpacked_size = size;
	} else if (size > 8 && (sized || f->format == PAYLOAD_GZIP)) {
		p.unpacked_size = read_le32(file + offset + size - 4);
		if (sized && f->format != PAYLOAD_GZIP)
			p.size -= 4;
	}
	if (p.unpacked_size > PAYLOAD_UNPACKED_MAX)
		return "kernel claims to unpack to more than 512 MiB";
	*out = p;
	return NULL;
}

static bool is_bzimage(const uint8_t *file, size_t size)
{
	return size >= HEADER_END && memcmp(file + BOOT_MAGIC, "HdrS", 4) == 0;
}

const char *payload_find(const void *file, size_t size, struct payload *out)
{
	const uint8_t *f = file;

	if (!is_bzimage(f, size))
		return stream_identify(f, 0, size, false, out);
	if (read_le16(f + BOOT_VERSION) < 0x208)
		return "bzImage is older than boot protocol 2.08";
	unsigned sectors =
		f[SETUP_SECTS] ? f[SETUP_SECTS] : 4; /* 0 means 4, says the boot protocol */
	uint64_t offset = (uint64_t)(sectors + 1) * SECTOR + read_le32(f + PAYLOAD_OFFSET);
	uint64_t length = read_le32(f + PAYLOAD_LENGTH);
	if (length == 0 || !bytes_fit(size, offset, length))
		return "bzImage's payload lies outside the file";
	return stream_identify(f, (size_t)offset, (size_t)length, true, out);
}
