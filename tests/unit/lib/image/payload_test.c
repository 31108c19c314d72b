/* Kernel files: finding the payload in a bzImage, an ELF, a bare stream; hostile headers. */
#include <stdlib.h>
#include "lib/image/payload.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

#define SIZE 4096
static uint8_t f[SIZE];
static struct payload p;

/* Setup of 2 sectors, the stream at @offset behind them. */
static void bzimage(
	uint32_t offset, uint32_t length, const char *magic, size_t n, uint32_t unpacked)
{
	memset(f, 0, SIZE);
	f[0x1f1] = 1;
	memcpy(f + 0x202, "HdrS", 4);
	make_le(f + 0x206, 0x20f, 2), make_le(f + 0x248, offset, 4), make_le(f + 0x24c, length, 4);
	if (1024 + (size_t)offset + length > SIZE)
		return;
	memcpy(f + 1024 + offset, magic, n);
	make_le(f + 1024 + offset + length - 4, unpacked, 4);
}

static const char *find(size_t size)
{
	uint8_t *exact = malloc(size);
	memcpy(exact, f, size);
	const char *why = payload_find(exact, size, &p);
	free(exact);
	return why;
}

START_TEST(each_format)
{
	static const struct {
		const char *magic;
		size_t n;
		enum payload_format format;
		size_t cut;
	} t[] = {
		{"\x1f\x8b\x08", 3, PAYLOAD_GZIP, 0},
		{"\xfd"
		 "7zXZ\0",
			6, PAYLOAD_XZ, 4},
		{"\x02\x21\x4c\x18", 4, PAYLOAD_LZ4, 4},
		{"\x28\xb5\x2f\xfd", 4, PAYLOAD_ZSTD, 4},
	};
	for (unsigned i = 0; i < 4; i++) {
		bzimage(100, 200, t[i].magic, t[i].n, 12345);
		ck_assert_ptr_null(find(SIZE));
		ck_assert_int_eq(p.format, t[i].format);
		ck_assert_uint_eq(p.offset, 1124);
		ck_assert_uint_eq(p.size, 200 - t[i].cut);
		ck_assert_uint_eq(p.unpacked_size, 12345);
	}
	bzimage(0, 200, "\x7f" "ELF", 4, 0);
	ck_assert_ptr_null(find(SIZE));
	ck_assert_int_eq(p.format, PAYLOAD_ELF);
	ck_assert_uint_eq(p.unpacked_size, 200);
	ck_assert_str_eq(payload_format_name(PAYLOAD_ELF), "ELF");
	ck_assert_str_eq(payload_format_name(PAYLOAD_ZSTD), "zstd");
}
END_TEST

START_TEST(bare_streams)
{
	memset(f, 0, SIZE);
	memcpy(f, "\x7f" "ELF", 4);
	ck_assert_ptr_null(find(500));
	ck_assert_uint_eq(p.size, 500);
	memcpy(f, "\x1f\x8b\x08", 3), make_le(f + 496, 777, 4);
	ck_assert_ptr_null(find(500));
	ck_assert_uint_eq(p.unpacked_size, 777);
	memcpy(f, "\x28\xb5\x2f\xfd", 4);
	ck_assert_ptr_null(find(500));
	ck_assert_uint_eq(p.size, 500);
	ck_assert_uint_eq(p.unpacked_size, 0);
}
END_TEST

START_TEST(refusals)
{
	memset(f, 0, SIZE);
	ck_assert_ptr_nonnull(find(1));
	ck_assert_ptr_nonnull(find(SIZE));
	memcpy(f, "BZh", 3);
	ck_assert_ptr_nonnull(strstr(find(SIZE), "bzip2"));
	bzimage(0, 0, "", 0, 0);
	ck_assert_ptr_nonnull(strstr(find(SIZE), "outside"));
	bzimage(0xfffffff0u, 0xfffffff0u, "", 0, 0);
	ck_assert_ptr_nonnull(strstr(find(SIZE), "outside"));
	bzimage(0, SIZE - 1023, "", 0, 0);
	ck_assert_ptr_nonnull(strstr(find(SIZE), "outside"));
	bzimage(0, 2, "\x1f\x8b", 2, 0);
	ck_assert_ptr_nonnull(find(SIZE));
	bzimage(100, 200, "\x28\xb5\x2f\xfd", 4, PAYLOAD_UNPACKED_MAX + 1);
	ck_assert_ptr_nonnull(strstr(find(SIZE), "512 MiB"));
	bzimage(100, 200, "\x28\xb5\x2f\xfd", 4, 5), f[0x206] = 7, f[0x207] = 2;
	ck_assert_ptr_nonnull(strstr(find(SIZE), "2.08"));
}
END_TEST

START_TEST(mutated_headers)
{
	uint32_t seed = 99;
	for (unsigned i = 0; i < 50000; i++) {
		bzimage(100, 200, "\xfd" "7zXZ\0", 6, 1000);
		for (unsigned n = 0; n < 4; n++) {
			static const uint16_t field[] = {0x1f1, 0x202, 0x206, 0x248, 0x24c, 0x464};
			f[field[make_random(&seed) % 6] + make_random(&seed) % 4] =
				(uint8_t)make_random(&seed);
		}
		size_t size = 1 + make_random(&seed) % SIZE;
		if (find(size) == NULL)
			ck_assert(p.offset <= size && p.size <= size - p.offset &&
				  p.unpacked_size <= PAYLOAD_UNPACKED_MAX);
	}
}
END_TEST

CHECK_MAIN("payload", NULL, NULL, each_format, bare_streams, refusals, mutated_headers)
