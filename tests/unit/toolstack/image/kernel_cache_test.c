/* The kernel cache and its confined child: good kernels in every wrapping, hostile files, a directory that
 * cannot be trusted. */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/unit/check_main.h"
#include "toolstack/image/kernel_cache.h"
#include "toolstack/image/kernel_unpack.h"

struct note {
	uint32_t name_size, value_size, type;
	char name[4];
	uint64_t value;
} __attribute__((packed));

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	struct note note;
	char text[512];
};

static char dir[64], cache[96], kernel[96];
static struct image elf;
static struct why why;

static void make_elf(void)
{
	elf = (struct image){
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = 0xffffffff80100000,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2},
		.segments = {{.p_type = PT_LOAD,
				     .p_offset = offsetof(struct image, text),
				     .p_paddr = 0x100000,
				     .p_filesz = 512,
				     .p_memsz = 512},
			{.p_type = PT_NOTE,
				.p_offset = offsetof(struct image, note),
				.p_filesz = sizeof(struct note),
				.p_align = 4}},
		.note = {4, 8, 3, "Xen", 0xffffffff80000000},
		.text = "hello",
	};
}

static void write_kernel(const void *bytes, size_t size)
{
	FILE *f = fopen(kernel, "w");

	ck_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static void setup(void)
{
	strcpy(dir, "/tmp/bothy-cache-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(cache, sizeof(cache), "%s/a/b", dir);
	snprintf(kernel, sizeof(kernel), "%s/kernel", dir);
	make_elf();
	write_kernel(&elf, sizeof(elf));
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int map(struct mapped_file *f)
{
	memset(&why, 0, sizeof(why));
	return kernel_cache_map(cache, kernel, f, &why);
}

static int count_entries(void)
{
	char command[128];
	FILE *f;
	int n = -1;

	snprintf(command, sizeof(command), "ls -A %s | grep -c elf", cache);
	f = popen(command, "r");
	ck_assert_int_eq(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

START_TEST(plain_elf_and_second_time)
{
	struct mapped_file f, again;

	ck_assert_msg(map(&f) == 0, "%s", why.what);
	ck_assert_uint_eq(f.size, sizeof(elf));
	ck_assert_mem_eq(f.bytes, &elf, sizeof(elf));
	ck_assert_int_eq(map(&again), 0);
	ck_assert_mem_eq(again.bytes, &elf, sizeof(elf));
	ck_assert_int_eq(count_entries(), 1);
	mapped_file_close(&f);
	mapped_file_close(&again);
}
END_TEST

static size_t gzip(const void *bytes, size_t size, void *out, size_t room)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes,
		.avail_in = (uInt)size,
		.next_out = out,
		.avail_out = (uInt)room};

	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

START_TEST(compressed_and_changed)
{
	char packed[4096];
	struct mapped_file f;

	write_kernel(packed, gzip(&elf, sizeof(elf), packed, sizeof(packed)));
	ck_assert_msg(map(&f) == 0, "%s", why.what);
	ck_assert_mem_eq(f.bytes, &elf, sizeof(elf));
	mapped_file_close(&f);
	/* a changed file under the same name is another kernel */
	strcpy(elf.text, "changed");
	write_kernel(packed, gzip(&elf, sizeof(elf), packed, sizeof(packed)));
	ck_assert_int_eq(map(&f), 0);
	ck_assert_mem_eq(f.bytes, &elf, sizeof(elf));
	mapped_file_close(&f);
	ck_assert_int_eq(count_entries(), 2);
}
END_TEST

START_TEST(a_damaged_short_cut_is_no_harm)
{
	struct mapped_file f;
	char command[256];

	ck_assert_int_eq(map(&f), 0);
	mapped_file_close(&f);
	snprintf(command, sizeof(command), "rm %s/*.elf", cache);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(map(&f), 0);
	ck_assert_mem_eq(f.bytes, &elf, sizeof(elf));
	mapped_file_close(&f);
}
END_TEST

START_TEST(killed_beginnings_are_swept)
{
	char command[500];

	snprintf(command, sizeof(command),
		"mkdir -p %s && chmod 755 %s && touch %s/.new-99999999 %s/.new-1", cache, cache,
		cache, cache);
	ck_assert_int_eq(system(command), 0);
	kernel_cache_sweep(cache);
	kernel_cache_sweep("/nonexistent");
	snprintf(command, sizeof(command), "test ! -e %s/.new-99999999 && test -e %s/.new-1", cache,
		cache);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(no_kernel)
{
	struct mapped_file f;

	write_kernel("#!/bin/sh\n", 10);
	ck_assert_int_eq(map(&f), -ENOEXEC);
	ck_assert_int_eq(strncmp(why.where, "kernel /tmp/bothy-cache-", 24), 0);
	ck_assert_int_eq(strncmp(why.what, "not a kernel that can be started: ", 34), 0);
	ck_assert_int_gt((int)strlen(why.what), 36);
	elf.note.type = 99; /* an ELF, but not for us */
	write_kernel(&elf, sizeof(elf));
	ck_assert_int_eq(map(&f), -ENOEXEC);
	ck_assert_int_eq(count_entries(), 0);
	unlink(kernel);
	ck_assert_int_eq(map(&f), -ENOENT);
	ck_assert_int_eq(mkdir(kernel, 0700), 0);
	ck_assert_int_eq(map(&f), -EINVAL);
}
END_TEST

START_TEST(others_may_not_write_the_cache)
{
	struct mapped_file f;

	ck_assert_int_eq(map(&f), 0);
	mapped_file_close(&f);
	ck_assert_int_eq(chmod(cache, 0777), 0);
	ck_assert_int_eq(map(&f), -EPERM);
	ck_assert_ptr_nonnull(strstr(why.what, "others may write"));
}
END_TEST

/* A decompression bomb, cut streams and flipped bits end in an error or another payload, never worse. */
START_TEST(hostile_streams)
{
	char packed[4096], bytes[4096];
	size_t size = gzip(&elf, sizeof(elf), packed, sizeof(packed));
	FILE *out = tmpfile();

	srand(5);
	for (int round = 0; round < 40; round++) {
		size_t cut = round % 2 ? size : (size_t)rand() % size;

		memcpy(bytes, packed, size);
		for (int n = rand() % 6; n >= 0; n--)
			bytes[(size_t)rand() % size] ^= (char)(1 << rand() % 8);
		memset(&why, 0, sizeof(why));
		ck_assert_int_eq(ftruncate(fileno(out), 0), 0);
		if (kernel_unpack(fileno(out), bytes, cut, &why) < 0)
			ck_assert_msg(why.code == -ENOEXEC, "%s", why.what);
	}
	fclose(out);
}
END_TEST

START_TEST(ramdisks)
{
	struct mapped_file f = {NULL, 0};

	ck_assert_int_eq(mapped_file_open(&f, "ramdisk", kernel, &why), 0);
	ck_assert_uint_eq(f.size, sizeof(elf));
	mapped_file_close(&f);
	mapped_file_close(&f);
	write_kernel("", 0);
	ck_assert_int_eq(mapped_file_open(&f, "ramdisk", kernel, &why), -EINVAL);
	ck_assert_int_eq(mapped_file_open(&f, "ramdisk", "/dev/zero", &why), -EINVAL);
}
END_TEST

CHECK_MAIN("kernel_cache", setup, teardown, plain_elf_and_second_time, compressed_and_changed,
	   a_damaged_short_cut_is_no_harm, killed_beginnings_are_swept, no_kernel,
	   others_may_not_write_the_cache, hostile_streams, ramdisks)
