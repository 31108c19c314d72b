/* The machine's map and the boot stage's books of memory: against a model of one kind per page. */
#include <stdlib.h>
#include <string.h>
#include "hv/boot/boot_memory.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

#define PAGES 256u
#define PAGE 4096ull
static uint8_t model[PAGES];	/* type of each page, 0 = hole */
static struct machine map;
static struct boot_memory b;
static uint32_t seed = 4711;

static uint8_t kind_at(const struct machine *m, uint64_t at)
{
	for (unsigned i = 0; i < m->range_count; i++)
		if (at >= m->range[i].start && at - m->range[i].start < m->range[i].size)
			return (uint8_t)m->range[i].type;
	return 0;
}
static void map_check(const struct machine *m)
{
	for (unsigned i = 0; i + 1 < m->range_count; i++)
		ck_assert(m->range[i].start + m->range[i].size <= m->range[i + 1].start);
	for (unsigned i = 0; i < PAGES; i++)
		ck_assert_uint_eq(kind_at(m, i * PAGE), model[i]);
}

START_TEST(ranges_overlap)
{
	for (unsigned round = 0; round < 300; round++) {
		memset(model, 0, sizeof model);
		map.range_count = 0;
		for (unsigned n = 0; n < 12; n++) {
			unsigned at = make_random(&seed) % PAGES,
				 count = make_random(&seed) % (PAGES - at) + 1;
			uint8_t type = (uint8_t)(1 + make_random(&seed) % 5);
			ck_assert_int_eq(machine_range_add(&map, at * PAGE, count * PAGE, type), 0);
			for (unsigned i = at; i < at + count; i++)
				model[i] = model[i] > type ? model[i] : type;
		}
		map_check(&map);
	}
}
END_TEST

START_TEST(odd_ranges)
{
	map.range_count = 0;
	ck_assert_int_eq(machine_range_add(&map, 100, 0, 1), 0);
	ck_assert_uint_eq(map.range_count, 0);
	ck_assert_int_eq(machine_range_add(&map, ~0ull - 10, 100, 1), 0); /* would wrap: cut */
	ck_assert_uint_eq(map.range[0].size, 10);
	map.range_count = 0;
	ck_assert_int_eq(machine_range_add(&map, 0, 4096, 0), 0);
	ck_assert_uint_eq(map.range[0].type, RANGE_RESERVED);
	map.range_count = 0;
	for (unsigned i = 0; i < MACHINE_RANGES; i++)
		ck_assert_int_eq(machine_range_add(&map, i * 8192ull, 4096, 1), 0);
	ck_assert_int_lt(machine_range_add(&map, 8192ull * MACHINE_RANGES, 4096, 1), 0);
	ck_assert_uint_eq(map.range_count, MACHINE_RANGES);
}
END_TEST

START_TEST(device_or_ram)
{
	machine.range_count = 0;
	ck_assert_int_eq(machine_range_add(&machine, 0x201000, 0x1800, RANGE_RAM), 0);
	ck_assert_int_eq(machine_range_add(&machine, 0x205000, 0x1000, RANGE_ACPI), 0);
	ck_assert(machine_is_device(mfn(0x200)) && !machine_is_device(mfn(0x201)) &&
		  machine_is_device(mfn(0x202)));
	ck_assert(machine_is_device(mfn(0x203)) && machine_is_device(mfn(0x205)));
	/* RAM below 1 MiB is firmware's: Linux 6.12 looks for boot tables from 512 KiB on. */
	ck_assert_int_eq(machine_range_add(&machine, 0, 0x101000, RANGE_RAM), 0);
	ck_assert(machine_is_device(mfn(0)) && machine_is_device(mfn(0x80)) &&
		  machine_is_device(mfn(0xff)) && !machine_is_device(mfn(0x100)));
	machine.range_count = 0;
}
END_TEST

static uint8_t freed[PAGES];
static void note_free(mfn_t start, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		freed[start.n + i]++;
}

START_TEST(holds_and_takes)
{
	for (unsigned round = 0; round < 200; round++) {
		map.range_count = 0;
		memset(model, 0, sizeof model);
		/* RAM with a ragged hole and a reserved page. */
		ck_assert_int_eq(machine_range_add(&map, 0, 100 * PAGE + 123, RANGE_RAM), 0);
		ck_assert_int_eq(machine_range_add(&map, 120 * PAGE - 7, 100 * PAGE, RANGE_RAM), 0);
		ck_assert_int_eq(machine_range_add(&map, 130 * PAGE + 5, 10, RANGE_RESERVED), 0);
		ck_assert_int_eq(boot_memory_init(&b, &map), 0);
		for (unsigned i = 0; i < 219; i++)
			model[i] = i < 100 || (i >= 120 && i < 219) ? MEMORY_FREE : 0;
		model[130] = MEMORY_NOT_RAM;
		ck_assert_uint_eq(boot_memory_end(&b), 219 * PAGE);
		for (unsigned n = 0; n < 10; n++) {
			uint32_t kind =
				make_random(&seed) % 2 ? MEMORY_TEMPORARY : MEMORY_PERMANENT;
			unsigned at = make_random(&seed) % 200, count = make_random(&seed) % 20 + 1;
			if (make_random(&seed) % 2) {
				ck_assert_int_eq(
					boot_memory_hold(&b, at * PAGE + 1, count * PAGE - 1, kind),
					0);
				for (unsigned i = at; i < at + count && i < PAGES; i++)
					if (model[i] && model[i] < kind)
						model[i] = (uint8_t)kind;
				continue;
			}
			uint64_t below = make_random(&seed) % 3 ? ~0ull : 100 * PAGE;
			uint64_t got = boot_memory_take(
				&b, count * PAGE - 5, PAGE << make_random(&seed) % 3, below, kind);
			for (uint64_t i = got / PAGE; got && i < got / PAGE + count; i++) {
				ck_assert_uint_eq(model[i], MEMORY_FREE);
				ck_assert_uint_lt(i * PAGE, below);
				model[i] = (uint8_t)kind;
			}
		}
		map_check(&b.plan);
		memset(freed, 0, sizeof freed);
		boot_memory_each(&b, MEMORY_FREE, note_free);
		boot_memory_each(&b, MEMORY_TEMPORARY, note_free);
		for (unsigned i = 0; i < PAGES; i++)
			ck_assert_uint_eq(
				freed[i], model[i] == MEMORY_FREE || model[i] == MEMORY_TEMPORARY);
	}
	ck_assert_uint_eq(boot_memory_take(&b, 1000 * PAGE, PAGE, ~0ull, MEMORY_PERMANENT), 0);
	ck_assert_uint_eq(boot_memory_take(&b, 0, PAGE, ~0ull, MEMORY_PERMANENT), 0);
}
END_TEST

CHECK_MAIN("memory", NULL, NULL, ranges_overlap, odd_ranges, device_or_ram, holds_and_takes)
