/* Boot loaders' information: Multiboot 1 and 2, PVH. What is read from good ones, and that
 * damaged ones end in an error or in a description within bounds (ASan watches the reads). */
#include <stdlib.h>
#include <string.h>
#include "hv/base/errno.h"
#include "hv/boot/boot_info.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

#define SIZE 0x8000u
static uint8_t image[SIZE];
static struct machine map;
static struct boot_info info;
static uint32_t seed = 77;

static int parse(uint32_t magic, uint64_t at)
{
	/* Exact allocation: a byte beyond is an error. */
	uint8_t *exact = malloc(SIZE);
	memcpy(exact, image, SIZE);
	struct phys p = { exact, SIZE };
	memset(&map, 0, sizeof map);
	memset(&info, 0, sizeof info);
	info.map = &map;
	int rc = boot_info_parse(&p, magic, at, &info);
	free(exact);
	return rc;
}
static void put(unsigned at, uint64_t v, unsigned n)
{
	make_le(image + at, v, n);
}
static void put_text(unsigned at, const char *s)
{
	memcpy(image + at, s, strlen(s) + 1);
}

static void multiboot1_make(void)
{
	memset(image, 0, SIZE);
	put(0x100, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 12, 4);
	put(0x110, 0x1000, 4), put_text(0x1000, "hv.elf console=com1");
	put(0x114, 2, 4), put(0x118, 0x1100, 4);
	put(0x1100, 0x4000, 4), put(0x1104, 0x5000, 4), put(0x1108, 0x1200, 4);
	put(0x1110, 0x5000, 4), put(0x1114, 0x5123, 4);
	put_text(0x1200, "vmlinuz root=/dev/vda");
	put(0x12c, 48, 4), put(0x130, 0x1300, 4);
	put(0x1300, 20, 4), put(0x1304, 0, 8), put(0x130c, 0x9fc00, 8), put(0x1314, 1, 4);
	put(0x1318, 20, 4), put(0x131c, 0x100000, 8), put(0x1324, 0x7f00000, 8), put(0x132c, 1, 4);
	put(0x158, 0xe0000000, 8), put(0x160, 4096, 4), put(0x164, 1024, 4), put(0x168, 768, 4);
	put(0x16c, 32, 1), put(0x16d, 1, 1), put(0x16e, 16, 1), put(0x16f, 8, 1);
}

static void multiboot2_make(void)
{
	unsigned at = 0x108;
	memset(image, 0, SIZE);
	put(at, 1, 4), put(at + 4, 8 + 17, 4), put_text(at + 8, "console=com1 x=y"), at += 32;
	put(at, 3, 4), put(at + 4, 16 + 4, 4), put(at + 8, 0x4000, 4), put(at + 12, 0x5000, 4);
	put_text(at + 16, "a=b"), at += 24;
	put(at, 6, 4), put(at + 4, 16 + 48, 4), put(at + 8, 24, 4);
	put(at + 16, 0, 8), put(at + 24, 0x9f000, 8), put(at + 32, 1, 4);
	put(at + 40, 0x100000, 8), put(at + 48, 0x100000, 8), put(at + 56, 2, 4), at += 64;
	put(at, 15, 4), put(at + 4, 8 + 36, 4), at += 48;
	put(at, 0, 4), put(at + 4, 8, 4), at += 8;
	put(0x100, at - 0x100, 4);
}

static void pvh_make(void)
{
	memset(image, 0, SIZE);
	put(0x100, 0x336ec578, 4), put(0x104, 1, 4), put(0x10c, 1, 4), put(0x110, 0x1100, 8);
	put(0x118, 0x1000, 8), put_text(0x1000, "loglvl=all"), put(0x120, 0xf0000, 8),
		put(0x128, 0x1300, 8);
	put(0x130, 1, 4), put(0x1300, 0x100000, 8), put(0x1308, 0x100000, 8), put(0x1310, 1, 4);
	put(0x1100, 0x4000, 8), put(0x1108, 0x800, 8), put(0x1110, 0x1200, 8),
		put_text(0x1200, "k domain name=a");
}

START_TEST(multiboot1)
{
	multiboot1_make();
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT1, 0x100), 0);
	ck_assert_str_eq(info.command_line, "hv.elf console=com1");
	ck_assert_uint_eq(info.module_count, 2);
	ck_assert_uint_eq(info.module[0].size, 0x1000);
	ck_assert_str_eq(info.module[0].text, "vmlinuz root=/dev/vda");
	ck_assert_uint_eq(info.module[1].start, 0x5000);
	ck_assert_uint_eq(info.module[1].size, 0x123);
	ck_assert_str_eq(info.module[1].text, "");
	ck_assert_uint_eq(map.range_count, 2);
	ck_assert_uint_eq(map.range[1].start, 0x100000);
	ck_assert_uint_eq(info.video.width, 1024);
	ck_assert_uint_eq(info.video.red_pos, 16);
}
END_TEST

START_TEST(multiboot2)
{
	multiboot2_make();
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT2, 0x100), 0);
	ck_assert_str_eq(info.command_line, "console=com1 x=y");
	ck_assert_uint_eq(info.module_count, 1);
	ck_assert_str_eq(info.module[0].text, "a=b");
	ck_assert_uint_eq(map.range_count, 2);
	ck_assert_uint_eq(map.range[1].type, 2);
	ck_assert(info.rsdp_is_copy && info.rsdp == 0x108 + 32 + 24 + 64 + 8);
	put(0x100, 0x20, 4);	/* cut before the end tag */
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT2, 0x100), -EINVAL);
}
END_TEST

START_TEST(pvh)
{
	pvh_make();
	ck_assert_int_eq(parse(BOOT_MAGIC_PVH, 0x100), 0);
	ck_assert_str_eq(info.command_line, "loglvl=all");
	ck_assert_uint_eq(info.module_count, 1);
	ck_assert_str_eq(info.module[0].text, "k domain name=a");
	ck_assert_uint_eq(info.rsdp, 0xf0000);
	put(0x104, 0, 4);
	ck_assert_int_eq(parse(BOOT_MAGIC_PVH, 0x100), -EINVAL);
}
END_TEST

START_TEST(refusals)
{
	multiboot1_make();
	ck_assert_int_eq(parse(0x12345678, 0x100), -EINVAL);
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT1, SIZE - 4), -EINVAL);
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT1, 0), -EINVAL);
	put(0x12c, 0, 4);	/* no memory map */
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT1, 0x100), -EINVAL);
	multiboot1_make();
	put(0x114, 33, 4);
	for (unsigned i = 0; i < 33; i++)
		put(0x1100 + i * 16, 0x4000, 4), put(0x1104 + i * 16, 0x4010, 4),
			put(0x1108 + i * 16, 0, 4);
	put(0x130, 0x2000, 4), put(0x2000, 20, 4), put(0x200c, 0x1000, 8), put(0x2014, 1, 4),
		put(0x12c, 24, 4);
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT1, 0x100), -ENOSPC);
	multiboot1_make();
	put(0x1104, SIZE + 1, 4);	/* module outside memory */
	ck_assert_int_eq(parse(BOOT_MAGIC_MULTIBOOT1, 0x100), -EINVAL);
}
END_TEST

START_TEST(damaged)
{
	static const struct { uint32_t magic; void (*make)(void);
	} kinds[] = {{BOOT_MAGIC_MULTIBOOT1, multiboot1_make},
		{BOOT_MAGIC_MULTIBOOT2, multiboot2_make}, {BOOT_MAGIC_PVH, pvh_make}};
	for (unsigned round = 0; round < 9000; round++) {
		kinds[round % 3].make();
		for (unsigned n = 0; n < 4; n++) {
			unsigned at = make_random(&seed) % 3 ? 0x100 + make_random(&seed) % 0x100 :
				0x1100 + make_random(&seed) % 0x240;
			image[at] = (uint8_t)make_random(&seed);
		}
		if (parse(kinds[round % 3].magic,
			    0x100 + (make_random(&seed) % 50 ? 0 : make_random(&seed) % 8)) != 0)
			continue;
		ck_assert(info.module_count <= BOOT_MODULES && map.range_count <= MACHINE_RANGES);
		for (unsigned i = 0; i < info.module_count; i++)
			ck_assert(info.module[i].start + info.module[i].size <= SIZE);
	}
}
END_TEST

CHECK_MAIN("boot_info", NULL, NULL, multiboot1, multiboot2, pvh, refusals, damaged)
