/* Limits of a block device: what passes is counted against a clock that this test sets. */
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/blk_world.h"
#include "tests/unit/pvdrivers/holds.h"

#define SECOND	1000000000ull
#define BEGIN	(1000 * SECOND)
#define OPS	28u		/* at once, as a ring of a page takes */

static uint8_t data[OPS][PV_PAGE];
static struct blk_operation op[OPS];
static uint32_t ended;

static void op_done(struct blk_operation *o, int err)
{
	(void)o;
	HOLDS(err == 0);
	ended++;
}

static void set_up(void)
{
	world_open(1);
	world->machine.now_ns = BEGIN;
	ended = 0;
}

static void limit(uint64_t operations, uint64_t bytes, uint64_t burst_ns)
{
	world->config.operations = (struct rate){ .per_second = operations, .burst_ns = burst_ns };
	world->config.bytes = (struct rate){ .per_second = bytes, .burst_ns = burst_ns };
	back_start();
}

/* Ask for @count operations, and run until nothing moves. */
static void ask(enum blk_op what, uint32_t count, uint64_t sectors)
{
	for (uint32_t i = 0; i < count; i++) {
		op[i] = (struct blk_operation){ what, false, 0, sectors, data[i], op_done };
		ck_assert_int_eq(blk_front_send(&world->front[0], &op[i]), 0);
	}
	blk_front_push(&world->front[0]);
	world_run(true);
}

/* Let just the time pass that the back end says. */
static void wake(void)
{
	uint64_t wait_ns = world->back.wait_ns;

	ck_assert_uint_gt(wait_ns, 0);
	world->machine.now_ns += wait_ns - 1;
	ck_assert_int_eq(blk_back_run(&world->back), 0);
	ck_assert_uint_eq(world->back.wait_ns, 1);
	world->machine.now_ns++;
	while (blk_back_run(&world->back) == 1)
		;
	world_run(true);
}

START_TEST(operations)
{
	limit(100, 0, SECOND / 20);
	ask(BLK_READ, OPS, 1);
	ck_assert_uint_eq(ended, 6);
	for (uint32_t i = 1; i <= OPS - 6; i++) {
		wake();
		ck_assert_uint_eq(ended, 6 + i);
		ck_assert_uint_eq(world->machine.now_ns, BEGIN + i * SECOND / 100);
	}
	/* Then the ring is looked at once more, and the back end sleeps until it is told. */
	wake();
	ck_assert_uint_eq(world->back.wait_ns, 0);
	ck_assert_int_eq(do_op(0, BLK_READ, 0, 1, data), 0);
}
END_TEST

START_TEST(bytes)
{
	limit(0, 8192, 0);
	ask(BLK_WRITE, 20, 8);
	ck_assert_uint_eq(ended, 1);
	for (uint32_t i = 1; i < 20; i++) {
		wake();
		ck_assert_uint_eq(ended, 1 + i);
		ck_assert_uint_eq(world->machine.now_ns, BEGIN + i * SECOND / 2);
	}
}
END_TEST

/* The one that is longer in debt holds: 8 KiB cost two seconds here, an operation one. */
START_TEST(both)
{
	limit(1, 4096, 0);
	ask(BLK_READ, 4, 16);
	for (uint32_t i = 1; i < 4; i++)
		wake();
	ck_assert_uint_eq(ended, 4);
	ck_assert_uint_eq(world->machine.now_ns, BEGIN + 3 * 2 * SECOND);
}
END_TEST

/* What has no data costs an operation, as does what is refused; no bytes. */
START_TEST(without_data)
{
	limit(10, 512, 0);
	ask(BLK_FLUSH, 1, 0);
	wake();
	ask(BLK_DISCARD, 1, 4096);
	ck_assert_uint_eq(ended, 2);
	ck_assert_uint_eq(world->back.wait_ns, SECOND / 10);
	wake();
	ck_assert_int_eq(do_op(0, BLK_READ, DISK_SECTORS, 1, data), -XEN_EIO);
	ck_assert_uint_eq(world->back.wait_ns, SECOND / 10);
}
END_TEST

/* Rings share the disk's limits: none can have more by having more rings. */
START_TEST(of_all_rings)
{
	front_start();
	limit(100, 0, SECOND / 10);
	for (uint32_t f = 0; f < 2; f++) {
		for (uint32_t i = f * 14; i < f * 14 + 14; i++) {
			op[i] = (struct blk_operation){ BLK_READ, false, 0, 1, data[i], op_done };
			ck_assert_int_eq(blk_front_send(&world->front[f], &op[i]), 0);
		}
		blk_front_push(&world->front[f]);
	}
	world_run(true);
	ck_assert_uint_eq(ended, 11);
	while (ended < 28)
		wake();
	ck_assert_uint_eq(world->machine.now_ns, BEGIN + 17 * SECOND / 100);
}
END_TEST

/* Operations under way end, and are answered, whatever the limit. */
START_TEST(answers_are_not_held_up)
{
	world->disk.deferred = true;
	limit(10, 0, SECOND);
	ask(BLK_READ, 5, 1);
	ck_assert_uint_eq(ended, 5);
	ask(BLK_READ, 6, 1);
	ck_assert_uint_eq(ended, 11);
	ck_assert_uint_gt(world->back.wait_ns, 0);
}
END_TEST

CHECK_MAIN("blk_rate", set_up, world_close, operations, bytes, both, without_data, of_all_rings, answers_are_not_held_up)
