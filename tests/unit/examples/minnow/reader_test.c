/* reader.c on the front end, with a back end and a disk in the same process: the sum is the disk's, whatever happens. */
#include "examples/minnow/reader.h"

#include <stdio.h>
#include <string.h>
#include "examples/minnow/crc32.h"
#include "tests/unit/check_main.h"
#include "tests/unit/examples/minnow/kernel.h"
#include "tests/unit/pvdrivers/vbd_world.h"

static struct reader reader;

static uint64_t now_ns(void)
{
	static uint64_t ns;

	return ns += 1000000;
}

static void set_up(void)
{
	vbd_set_up();
	for (size_t i = 0; i < sizeof world->disk.bytes; i++)
		world->disk.bytes[i] = (uint8_t)(i * i >> 7);
	back_begin();
}

static void begin(uint32_t rounds)
{
	ck_assert_int_eq(reader_open(&reader, &world->guest.os, FRONT, rounds, now_ns), 0);
}

/* Everything takes its turn until nothing moves. */
static void turn(bool disk)
{
	do
		run(disk);
	while (reader_run(&reader));
}

static void run_all(void)
{
	for (int i = 0; i < 1000; i++)
		turn(true);
}

static void tear_down(void)
{
	while (!vbd_back_close(&back))
		ck_assert(disk_step());
	ck_assert_int_eq(vbd_front_close(&reader.vbd), 0);
	world->guest.os.free(&world->guest.os, reader.buffer, READER_BYTES);
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 0);
	world_close();
}

static uint32_t lines(const char *what)
{
	uint32_t n = 0;

	for (const char *p = printed; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void said_sum(uint32_t rounds)
{
	char line[80];

	snprintf(line, sizeof line, "disk: %zu bytes, crc32 %08x, read in", sizeof world->disk.bytes,
		 crc32_add(0, world->disk.bytes, sizeof world->disk.bytes));
	ck_assert_msg(lines(line) == rounds && lines("\n") == rounds, "%s: not %u of %s", printed, rounds, line);
}

START_TEST(reads_it_whole)
{
	begin((uint32_t)_i);
	run_all();
	said_sum((uint32_t)_i);
	ck_assert(!reader.reading && !blk_front_unanswered(&reader.vbd.blk));
}
END_TEST

/* The disk ends operations in any order. */
START_TEST(in_any_order)
{
	world->disk.deferred = true;
	begin(3);
	run_all();
	said_sum(3);
	ck_assert_uint_ge(world->disk.most_queued, READER_DEPTH);
}
END_TEST

/* A back end without indirect requests: each operation is smaller. */
START_TEST(small_requests)
{
	ck_assert(vbd_back_close(&back));
	world->config.limits.max_segments = 0;
	back_begin();
	begin(1);
	run_all();
	said_sum(1);
}
END_TEST

START_TEST(an_error_ends_it)
{
	world->disk.deferred = true;
	begin(2);
	turn(false);
	ck_assert(reader.reading && lines("\n") == 0);
	world->disk.fail = -XEN_EIO;
	run_all();
	ck_assert_msg(strcmp(printed, "minnow: disk: error 5 at sector 0\n") == 0, "%s", printed);
	/* Another size is news, but what was under way is not given up for it. */
	world->disk.fail = 0;
	vbd_back_resize(&back, 100);
	run_all();
	ck_assert(lines("\n") == 1 && !reader.reading);
}
END_TEST

/* It is smaller when the rest is asked for. */
START_TEST(a_disk_that_shrinks)
{
	begin(1);
	run(true);
	vbd_back_resize(&back, READER_SECTORS);
	run_all();
	ck_assert_msg(strstr(printed, "minnow: disk: error 5 at sector 256\n") == printed, "%s", printed);
}
END_TEST

START_TEST(a_disk_that_goes_away)
{
	world->disk.deferred = true;
	begin(1);
	turn(false);
	ck_assert(reader.reading);
	unplug();
	run_all();
	ck_assert_str_eq(printed, "minnow: disk: it goes away at sector 0\n");
	ck_assert(!reader.reading && !reader.vbd.open);
}
END_TEST

/* The process of the back end dies amid its reads, and a successor serves them. */
START_TEST(a_back_end_that_dies)
{
	world->disk.deferred = true;
	begin(5);
	for (int death = 0; death < 10; death++) {
		turn(false);
		for (int i = 0; i < 3 && disk_step(); i++)
			;
		back_kill();
		back_begin();
	}
	run_all();
	said_sum(5);
}
END_TEST

START_TEST(no_memory)
{
	world->guest.fail_alloc = 1;
	ck_assert_int_eq(reader_open(&reader, &world->guest.os, FRONT, 1, now_ns), -XEN_ENOMEM);
	begin(1);
	run_all();
	said_sum(1);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(set_up, tear_down, in_any_order, small_requests, an_error_ends_it, a_disk_that_shrinks,
		a_disk_that_goes_away, a_back_end_that_dies, no_memory);

	tcase_add_loop_test(c, reads_it_whole, 0, 4);
	return check_run("reader", c);
}
