/* Unpacking: each format gives back what the libraries' own encoders packed; short rooms, cut
 * and mutated streams, and a failing allocator end in a text, never in a write outside the room
 * (ASan). */
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include "lib/image/decompress.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

#define PLAIN 300000u
static uint8_t plain[PLAIN], packed[PLAIN + 10000];
static unsigned allocs_left, live;

static void *test_alloc(void *opaque, size_t n)
{
	(void)opaque;
	if (allocs_left == 0)
		return NULL;
	allocs_left--;
	void *p = malloc(n);
	live += p != NULL;
	return p;
}
static void test_free(void *opaque, void *p)
{
	(void)opaque;
	live -= p != NULL;
	free(p);
}
static const struct decompress_memory mem = { NULL, test_alloc, test_free };

static void plain_make(void)
{
	uint32_t seed = 5;
	for (unsigned i = 0; i < PLAIN; i++)	/* runs and noise: every kind of token appears */
		plain[i] = (uint8_t)(i % 1000 < 700 ? i / 1000 : make_random(&seed));
}

static size_t pack_gzip(void)
{
	z_stream z = {.next_in = plain,
		.avail_in = PLAIN,
		.next_out = packed,
		.avail_out = sizeof packed};
	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}
static size_t pack_xz(void)
{
	lzma_options_lzma o;
	lzma_lzma_preset(&o, 6);
	lzma_filter chain[] = {
		{LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &o}, {LZMA_VLI_UNKNOWN, NULL}};
	size_t at = 0;
	ck_assert_int_eq(lzma_stream_buffer_encode(chain, LZMA_CHECK_CRC32, NULL, plain, PLAIN,
				 packed, &at, sizeof packed),
		LZMA_OK);
	return at;
}
static size_t pack_lz4(void)
{
	make_le(packed, 0x184c2102, 4);
	size_t at = 4;
	for (unsigned i = 0; i < 3; i++) {
		int n = LZ4_compress_default((char *)plain + i * (PLAIN / 3),
			(char *)packed + at + 4, PLAIN / 3, (int)(sizeof packed - at - 4));
		ck_assert_int_gt(n, 0);
		make_le(packed + at, (uint64_t)n, 4);
		at += 4 + (size_t)n;
	}
	return at;
}
static size_t pack_zstd(void)
{
	size_t n = ZSTD_compress(packed, sizeof packed, plain, PLAIN, 15);
	ck_assert(!ZSTD_isError(n));
	return n;
}
static size_t pack_elf(void)
{
	memcpy(packed, plain, PLAIN);
	return PLAIN;
}

static const struct { enum payload_format format; size_t (*pack)(void); } formats[] = {
	{ PAYLOAD_ELF, pack_elf }, { PAYLOAD_GZIP, pack_gzip }, { PAYLOAD_XZ, pack_xz },
	{ PAYLOAD_LZ4, pack_lz4 }, { PAYLOAD_ZSTD, pack_zstd },
};

/* Exact allocations on both sides, so that ASan sees one byte too far. */
static const char *unpack(unsigned i, size_t size, size_t room, size_t *got, uint8_t **out)
{
	struct payload p = { .format = formats[i].format, .size = size };
	uint8_t *in = malloc(size + 1);
	memcpy(in, packed, size);
	*out = malloc(room + !room);
	const char *why = payload_unpack(in, &p, *out, room, got, &mem);
	free(in);
	ck_assert_uint_eq(live, 0);
	return why;
}

START_TEST(round_trip)
{
	unsigned i = (unsigned)_i;
	size_t got = 0, n = formats[i].pack();
	uint8_t *out;

	allocs_left = 1000;
	ck_assert_ptr_null(unpack(i, n, PLAIN, &got, &out));
	ck_assert_uint_eq(got, PLAIN);
	ck_assert_mem_eq(out, plain, PLAIN);
	free(out);
}
END_TEST

START_TEST(short_room_and_cut_stream)
{
	unsigned i = (unsigned)_i;
	size_t got = 77, n = formats[i].pack();
	uint8_t *out;

	allocs_left = 1000;
	ck_assert_ptr_nonnull(unpack(i, n, PLAIN - 1, &got, &out));
	free(out);
	ck_assert_ptr_nonnull(unpack(i, n, 0, &got, &out));
	free(out);
	ck_assert_uint_eq(got, 77);
	if (formats[i].format != PAYLOAD_ELF) {
		ck_assert_ptr_nonnull(unpack(i, n - 1, PLAIN, &got, &out));
		free(out);
		ck_assert_uint_eq(got, 77);
	}
}
END_TEST

START_TEST(no_memory)
{
	unsigned i = (unsigned)_i;
	size_t got, n = formats[i].pack();
	uint8_t *out;

	for (unsigned k = 0; k < 3; k++) {
		allocs_left = k;
		const char *why = unpack(i, n, PLAIN, &got, &out);
		free(out);
		if (k == 0 && formats[i].format != PAYLOAD_ELF && formats[i].format != PAYLOAD_LZ4)
			ck_assert_ptr_nonnull(strstr(why, "memory"));
	}
}
END_TEST

START_TEST(mutated_streams)
{
	unsigned i = (unsigned)_i;
	uint32_t seed = 31;
	size_t got, n = formats[i].pack();
	uint8_t *out;

	for (unsigned round = 0; round < 400; round++) {
		n = formats[i].pack == pack_elf ? PLAIN : n;
		uint8_t saved[8];
		size_t at[8];
		/* Half the changes in the first bytes, where headers and tables are. */
		for (unsigned k = 0; k < 8; k++) {
			at[k] = make_random(&seed) % (k % 2 ? n : 64);
			saved[k] = packed[at[k]];
			packed[at[k]] = (uint8_t)make_random(&seed);
		}
		allocs_left = 1000;
		(void)unpack(
			i, n - make_random(&seed) % 3, PLAIN - make_random(&seed) % 2, &got, &out);
		free(out);
		for (unsigned k = 8; k-- > 0;)
			packed[at[k]] = saved[k];
	}
}
END_TEST

int main(void)
{
	plain_make();
	TCase *c = CHECK_CASE(NULL, NULL, NULL);
	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, round_trip, 0, 5);
	tcase_add_loop_test(c, short_room_and_cut_stream, 0, 5);
	tcase_add_loop_test(c, no_memory, 0, 5);
	tcase_add_loop_test(c, mutated_streams, 0, 5);
	return check_run("decompress", c);
}
