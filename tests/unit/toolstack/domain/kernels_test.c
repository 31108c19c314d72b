/* `bothy create` with kernels and ramdisks that are missing, cut, damaged or for others: the line, the exit
 * status, and that nothing is left, in the cache neither. */
#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

enum {
	NOISE = 20000,
	ROOM = 1 << 20,
	SETUP = 1024, /* of our bzImages, in front of the payload */
	ELF_SIZE_MAX = 4096,
	BOMB = 64 << 20,
};

#define NOT "bothy: create: kernel @/kernel: not a kernel that can be started: "
#define NEEDED                                                                                     \
	"\n  hint: needed: a Linux bzImage or ELF file with paravirtualization (CONFIG_XEN_PV)\n"

static uint8_t elf[ELF_SIZE_MAX + NOISE], file[ROOM];
static size_t elf_size; /* with noise behind it, which no compression makes smaller */
static char *before;

static void setup(void)
{
	FILE *f;

	test_host_make();
	test_host_settle();
	before = test_host_text();
	f = fopen(host_files.kernel, "r");
	elf_size = fread(elf, 1, ELF_SIZE_MAX, f);
	fclose(f);
	srand(7);
	for (size_t i = 0; i < NOISE; i++)
		elf[elf_size++] = (uint8_t)rand();
}

static void teardown(void)
{
	free(before);
	test_host_remove();
}

static int create(const char *more)
{
	return run("create /dev/null name=g memory=16 kernel=%s %s", host_files.kernel, more);
}

static void refused(const void *bytes, size_t size, const char *lines)
{
	int cached = test_host_count(host_files.places.kernel_cache, "*.elf");

	write_file(host_files.kernel, bytes, size);
	assert_failed(create(""), EXIT_CONFIG, lines, before);
	ck_assert_int_eq(test_host_count(host_files.places.kernel_cache, "*.elf"), cached);
}

/* ---- compressed ---- */

static size_t pack_gzip(const uint8_t *in, size_t size, uint8_t *out)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
		.avail_in = (uInt)size,
		.next_out = out,
		.avail_out = ROOM / 2};

	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out - 4; /* its own size word is the bzImage's, which follows */
}

static size_t pack_xz(const uint8_t *in, size_t size, uint8_t *out)
{
	size_t at = 0;

	ck_assert_int_eq(
		lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in, size, out, &at, ROOM / 2),
		LZMA_OK);
	return at;
}

/* The legacy frames of Linux: blocks of 8 MiB, each behind its packed size. */
static size_t pack_lz4(const uint8_t *in, size_t size, uint8_t *out)
{
	static const uint32_t magic = 0x184c2102;
	size_t at = sizeof(magic), block = 8 << 20;

	memcpy(out, &magic, sizeof(magic));
	for (; size; size -= block, in += block) {
		uint32_t packed;

		block = size < block ? size : block;
		packed = (uint32_t)LZ4_compress_default((const char *)in, (char *)out + at + 4,
			(int)block, (int)(ROOM / 2 - at - 4));
		memcpy(out + at, &packed, sizeof(packed));
		at += 4 + packed;
	}
	return at;
}

static size_t pack_zstd(const uint8_t *in, size_t size, uint8_t *out)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1); /* as its own program does */
	n = ZSTD_compress2(c, out, ROOM / 2, in, size);
	ZSTD_freeCCtx(c);
	ck_assert(!ZSTD_isError(n));
	return n;
}

static const struct {
	size_t (*pack)(const uint8_t *in, size_t size, uint8_t *out);
	size_t flip; /* where a flipped bit must be noticed; lz4 has no checksums, so its block's size */
	const char *damaged, *cut, *too_small, *too_large;
} formats[] = {
	{pack_gzip, NOISE / 2, "gzip: the stream is damaged",
		"gzip: the stream is cut short or unpacks to more than it claims",
		"gzip: the stream is cut short or unpacks to more than it claims",
		"gzip: the stream is damaged"},
	{pack_xz, NOISE / 2, "xz: the stream is damaged",
		"xz: the stream is cut short or unpacks to more than it claims",
		"xz: the stream is cut short or unpacks to more than it claims",
		"kernel unpacks to less than it claims"},
	{pack_lz4, 6, "lz4: a block's size is wrong", "lz4: a block's size is wrong",
		"lz4: the stream is damaged or unpacks to more than it claims",
		"kernel unpacks to less than it claims"},
	{pack_zstd, NOISE / 2, "zstd: the stream is damaged", "zstd: the stream is damaged",
		"zstd: the stream unpacks to more than it claims",
		"kernel unpacks to less than it claims"},
};

static void put32(size_t at, uint32_t value)
{
	memcpy(file + at, &value, sizeof(value));
}

/* A bzImage around the @packed bytes at file + SETUP; returns its size. */
static size_t wrap(size_t packed, uint32_t claims)
{
	memset(file, 0, SETUP);
	file[0x1f1] = 1;
	memcpy(file + 0x202, "HdrS\x0c\x02", 6);
	put32(0x24c, (uint32_t)packed + 4);
	put32(SETUP + packed, claims);
	return SETUP + packed + 4;
}

static void refused_because(size_t size, const char *reason)
{
	char lines[512];

	snprintf(lines, sizeof(lines), NOT "%s" NEEDED, reason);
	refused(file, size, lines);
}

START_TEST(whole_payloads_start)
{
	size_t packed = formats[_i].pack(elf, elf_size, file + SETUP);

	write_file(host_files.kernel, file, wrap(packed, (uint32_t)elf_size));
	ck_assert_msg(create("") == EXIT_DONE, "%s", err_text);
	ck_assert_str_eq(out_text, "g is domain 1\n");
}
END_TEST

START_TEST(damaged_payloads)
{
	size_t packed = formats[_i].pack(elf, elf_size, file + SETUP);
	uint32_t claims = (uint32_t)elf_size;

	file[SETUP + formats[_i].flip] ^= 0x40;
	refused_because(wrap(packed, claims), formats[_i].damaged);
	file[SETUP + formats[_i].flip] ^= 0x40;
	refused_because(wrap(packed, claims - 1), formats[_i].too_small);
	refused_because(wrap(packed, claims + 1), formats[_i].too_large);
	refused_because(wrap(packed, 1u << 30), "kernel claims to unpack to more than 512 MiB");
	refused_because(wrap(packed / 2, claims), formats[_i].cut);
	/* the file itself is cut: in its payload, in the word behind it, in its header */
	refused_because(wrap(packed, claims) - 1, "bzImage's payload lies outside the file");
	refused_because(SETUP + packed / 2, "bzImage's payload lies outside the file");
	refused_because(SETUP, "bzImage's payload lies outside the file");
	refused_because(0x240, "neither bzImage, ELF nor a known compression");
	refused_because(2, "neither bzImage, ELF nor a known compression");
}
END_TEST

/* It claims a kernel's size, and would fill memory. */
START_TEST(bombs)
{
	uint8_t *zeros = calloc(1, BOMB);
	size_t packed = formats[_i].pack(zeros, BOMB, file + SETUP);

	free(zeros);
	refused_because(wrap(packed, 1 << 20), formats[_i].too_small);
}
END_TEST

/* ---- not compressed ---- */

START_TEST(elf_files_of_others)
{
	Elf64_Ehdr *h = (void *)elf;
	Elf64_Phdr *p = (void *)(elf + h->e_phoff);

	refused(elf, 40, NOT "ELF file is cut short" NEEDED);
	refused(elf, 100, NOT "ELF program headers lie outside the file" NEEDED);
	refused(elf, sizeof(*h) + 2 * sizeof(*p) + 10, NOT "ELF notes lie outside the file" NEEDED);
	p[0].p_offset = elf_size - 10;
	refused(elf, elf_size, NOT "ELF segment lies outside the file" NEEDED);
	p[0].p_offset = 0;
	h->e_machine = EM_AARCH64;
	refused(elf, elf_size, NOT "ELF file is for another processor than x86-64" NEEDED);
	h->e_machine = EM_X86_64;
	h->e_ident[EI_CLASS] = ELFCLASS32;
	refused(elf, elf_size, NOT "ELF file is for another processor than x86-64" NEEDED);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_type = ET_REL;
	refused(elf, elf_size, NOT "ELF file is not an executable" NEEDED);
	h->e_type = ET_EXEC;
	p[1].p_type = PT_NULL; /* the notes */
	refused(elf, elf_size, NOT "kernel has no Xen note VIRT_BASE: not a PV kernel" NEEDED);
	memcpy(file + SETUP, elf, elf_size);
	refused(file, wrap(elf_size, 0),
		NOT "kernel has no Xen note VIRT_BASE: not a PV kernel" NEEDED);
}
END_TEST

START_TEST(no_kernels_at_all)
{
	static const char script[] = "#!/bin/sh\necho hello\n";

	refused(script, sizeof(script) - 1,
		NOT "neither bzImage, ELF nor a known compression" NEEDED);
	refused("", 0, "bothy: create: kernel @/kernel: is empty\n");
	refused("BZh91AY", 7, NOT "kernel is compressed with bzip2, which is not supported" NEEDED);
	unlink(host_files.kernel);
	assert_failed(create(""), EXIT_CONFIG,
		"bothy: create: kernel @/kernel: No such file or directory\n", before);
	ck_assert_int_eq(mkdir(host_files.kernel, 0700), 0);
	assert_failed(create(""), EXIT_CONFIG, "bothy: create: kernel @/kernel: is a directory\n",
		before);
	ck_assert_int_eq(rmdir(host_files.kernel), 0);
	ck_assert_int_eq(mkfifo(host_files.kernel, 0600), 0);
	assert_failed(create(""), EXIT_CONFIG,
		"bothy: create: kernel @/kernel: is no regular file\n", before);
}
END_TEST

START_TEST(too_little_memory)
{
	Elf64_Phdr *p = (void *)(elf + ((Elf64_Ehdr *)(void *)elf)->e_phoff);

	p[0].p_memsz = 100 << 20;
	write_file(host_files.kernel, elf, elf_size);
	assert_failed(create(""), EXIT_CONFIG,
		"bothy: create: memory: 16 MiB: kernel does not fit into the domain's memory\n"
		"  hint: the kernel alone takes 102 MiB: set memory = 134 or more\n",
		before);
}
END_TEST

START_TEST(ramdisks)
{
	char more[160], path[128];

	snprintf(path, sizeof(path), "%s/ramdisk", host_files.dir);
	snprintf(more, sizeof(more), "ramdisk=%s", path);
	assert_failed(create(more), EXIT_CONFIG,
		"bothy: create: ramdisk @/ramdisk: No such file or directory\n", before);
	write_file(path, "", 0);
	assert_failed(
		create(more), EXIT_CONFIG, "bothy: create: ramdisk @/ramdisk: is empty\n", before);
	ck_assert_int_eq(truncate(path, 100 << 20), 0);
	assert_failed(create(more), EXIT_CONFIG,
		"bothy: create: memory: 16 MiB: initrd does not fit into the domain's memory\n"
		"  hint: kernel and ramdisk alone take 102 MiB: set memory = 134 or more\n",
		before);
	assert_failed(create("ramdisk=/"), EXIT_CONFIG,
		"bothy: create: ramdisk /: is a directory\n", before);
}
END_TEST

int main(void)
{
	enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };
	TCase *c = CHECK_CASE(setup, teardown, elf_files_of_others, no_kernels_at_all,
			      too_little_memory, ramdisks);
	tcase_add_loop_test(c, whole_payloads_start, 0, FORMATS);
	tcase_add_loop_test(c, damaged_payloads, 0, FORMATS);
	tcase_add_loop_test(c, bombs, 0, FORMATS);
	return check_run("kernels", c);
}
