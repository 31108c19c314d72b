/* vbd_back.c and vbd_front.c over one store: connecting, resizing, parting, dying. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/cut.h"
#include "tests/unit/pvdrivers/vbd_world.h"

START_TEST(connects_through_the_store)
{
	connect();
	ck_assert(front.usable && changes == 1);
	ck_assert_str_eq(get(BACK, "feature-max-indirect-segments"), "64");
	ck_assert_str_eq(get(BACK, "multi-queue-max-queues"), "4");
	ck_assert_str_eq(get(BACK, "max-ring-page-order"), "4");
	ck_assert_str_eq(get(BACK, "sectors"), "4096");
	ck_assert_str_eq(get(BACK, "sector-size"), "512");
	ck_assert_str_eq(get(BACK, "info"), "0");
	ck_assert_str_eq(get(BACK, "feature-persistent"), "1");
	ck_assert_str_eq(get(FRONT, "protocol"), "x86_64-abi");
	ck_assert_uint_eq(front.limits.sectors, DISK_SECTORS);
	ck_assert(front.limits.flush && front.limits.barrier && front.limits.discard &&
		front.limits.secure_discard && !front.limits.read_only);
	works();
}
END_TEST

START_TEST(the_front_end_comes_first)
{
	front_begin();
	run(true);
	states("1", "1");
	back_begin();
	run(true);
	states("4", "4");
	works();
}
END_TEST

START_TEST(multi_page_rings)
{
	for (uint32_t order = 1; order <= 4; order++) {
		back_begin();
		front_begin();
		front.max_ring_order = order;
		run(true);
		states("4", "4");
		ck_assert_uint_eq(strtoul(get(FRONT, "ring-page-order"), NULL, 10), order);
		ck_assert_uint_eq(back.blk.ring[0].ring.ring.slots, 32u << order);
		works();
		if (order < 4) {
			vbd_tear_down();
			vbd_set_up();
		}
	}
}
END_TEST

/* A front end with several queues, as Linux's publishes them. */
START_TEST(multi_queue)
{
	char dir[64];

	back_begin();
	ck_assert_int_eq(vbd_front_open(&front, &world->guest.os, FRONT), 0);
	pv_device_close(&front.device);
	for (uint32_t i = 0; i < 3; i++) {
		front_start();
		snprintf(dir, sizeof dir, FRONT "/queue-%u", i);
		put_ring(dir, i);
	}
	put(FRONT, "multi-queue-num-queues", "3");
	put(FRONT, "state", "3");
	run(true);
	states("3", "4");
	ck_assert_uint_eq(back.blk.rings, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct blk_operation o = operation(BLK_WRITE, i * 8, 8);

		ended = 0;
		ck_assert_int_eq(blk_front_send(&world->front[i], &o), 0);
		blk_front_push(&world->front[i]);
		run(true);
		ck_assert(ended == 1 && last_err == 0);
	}
	while (!vbd_back_close(&back))
		;
}
END_TEST

START_TEST(persistent_grants_as_both_say)
{
	connect();
	works();
	ck_assert_uint_eq(world->dom0.unmapped, 0);
	vbd_tear_down();
	vbd_set_up();
	back_begin();
	back.kept_pages = 0;
	front_begin();
	run(true);
	ck_assert_str_eq(get(BACK, "feature-persistent"), "0");
	works();
	ck_assert_uint_eq(world->dom0.mapped, world->dom0.unmapped + 1);
}
END_TEST

START_TEST(online_resize)
{
	connect();
	world->config.limits.sectors = 100;
	vbd_back_resize(&back, 100);
	run(true);
	ck_assert_uint_eq(front.limits.sectors, 100);
	ck_assert_uint_eq(changes, 2);
	ck_assert_int_eq(do_one(BLK_READ, 96, 8), -XEN_EIO);
	states("4", "4");
}
END_TEST

/* Not while it closes: the state that says so must stay. */
START_TEST(resize_while_closing)
{
	struct blk_operation o = operation(BLK_READ, 0, 8);

	under_way(&o);
	unplug();
	run(false);
	vbd_back_resize(&back, 100);
	states("4", "5");
	run(true);
	states("6", "6");
}
END_TEST

/* Nor once the directory is gone, while I/O is under way still: it would be made again. */
START_TEST(resize_of_removed)
{
	struct blk_operation o = operation(BLK_READ, 0, 8);

	under_way(&o);
	run(false);
	host_store_remove(&world->machine, BACK);
	host_store_remove(&world->machine, FRONT);
	run(false);
	ck_assert(back.open);
	vbd_back_resize(&back, 100);
	ck_assert_str_eq(get(BACK, "sectors"), "");
	run(true);
	ck_assert(back.device.gone && !back.open);
}
END_TEST

START_TEST(read_only_disk)
{
	world->config.limits.read_only = true;
	connect();
	ck_assert(front.limits.read_only);
	ck_assert_str_eq(get(BACK, "info"), "4");
	ck_assert_int_eq(do_one(BLK_WRITE, 0, 8), -XEN_EIO);
}
END_TEST

/* Unplugged under load: what was sent is answered, then both are closed, and nothing is shared. */
START_TEST(removal_under_load)
{
	static struct blk_operation o[20];

	connect();
	world->disk.deferred = true;
	for (uint32_t i = 0; i < 20; i++) {
		o[i] = operation(i % 2 ? BLK_READ : BLK_WRITE, i * 8, 8);
		ck_assert_int_eq(vbd_front_send(&front, &o[i]), 0);
	}
	blk_front_push(&front.blk);
	unplug();
	run(false);
	ck_assert_int_eq(vbd_front_send(&front, &o[0]), -XEN_ENXIO);
	states("4", "5");
	run(true);
	ck_assert(ended == 20 && last_err == 0);
	states("6", "6");
	ck_assert(back.device.gone && !front.usable && !front.open);
}
END_TEST

START_TEST(plugged_again)
{
	connect();
	unplug();
	run(true);
	while (!vbd_back_close(&back))
		;
	ck_assert_int_eq(vbd_front_close(&front), 0);
	host_store_remove(&world->machine, BACK);
	host_store_remove(&world->machine, FRONT);
	plug();
	connect();
	works();
}
END_TEST

START_TEST(the_front_end_parts_and_returns)
{
	connect();
	/* What is left of the old ring's only answer means nothing for the new one. */
	ck_assert_int_eq(do_one(BLK_READ, 0, 8), 0);
	vbd_front_part(&front);
	run(true);
	states("6", "6");
	ck_assert(!back.device.gone && !front.open);
	put(FRONT, "state", "1");
	run(true);
	states("4", "4");
	works();
}
END_TEST

/* A front end finds that another one was connected before it: it has no rings, so it closes, and can start anew. */
START_TEST(front_starts_connected)
{
	for (int initialised = 0; initialised < 2; initialised++) {
		struct blk_front left;

		connect();
		pv_device_close(&front.device);
		left = front.blk;
		world->guest.os.event_close(&world->guest.os, left.port);
		left.port = 0;
		if (initialised)
			put(FRONT, "state", "3");
		changes = 0;
		front_begin();
		run(true);
		states("6", "6");
		ck_assert(!front.usable && changes == 0);
		ck_assert_int_eq(blk_front_close(&left), 0);
		put(FRONT, "state", "1");
		run(true);
		states("4", "4");
		works();
		vbd_tear_down();
		vbd_set_up();
	}
	connect();
}
END_TEST

/* The back end lets go, and says so. */
static void back_goes(void)
{
	ck_assert(vbd_back_close(&back));
	put(BACK, "state", "6");
}

static void part(struct blk_operation *o, int err)
{
	(void)o;
	last_err = err;
	if (ended++ == 0 && err == 0)
		back_goes();
	vbd_front_part(&front);
	ck_assert_int_eq(vbd_front_close(&front), -XEN_EBUSY);
}

/* The user parts when an operation has ended, by an answer or by the closing itself, and nothing else holds the pages. */
START_TEST(part_from_done)
{
	static struct blk_operation o[2];

	for (int answered = 0; answered < 2; answered++) {
		connect();
		ended = 0;
		for (uint32_t i = 0; i < 2; i++) {
			o[i] = operation(BLK_READ, 8 * i, 8);
			o[i].done = part;
			ck_assert_int_eq(vbd_front_send(&front, &o[i]), 0);
		}
		if (answered)
			blk_front_push(&front.blk);
		else
			back_goes();
		run(true);
		ck_assert(ended == 2 && !front.usable && !front.open);
		ck_assert_int_eq(last_err, answered ? 0 : -XEN_EIO);
		states("6", "6");
		vbd_tear_down();
		vbd_set_up();
	}
	connect();
}
END_TEST

/* The directories go, without a word before: so do both ends. */
START_TEST(removed_by_force)
{
	connect();
	host_store_remove(&world->machine, BACK);
	host_store_remove(&world->machine, FRONT);
	run(true);
	ck_assert(back.device.gone && front.device.gone);
	ck_assert_str_eq(get(BACK, "state"), "");
	ck_assert_str_eq(get(FRONT, "state"), "");
}
END_TEST

/* The same, and the next device's directories come before this one's end has looked: nothing is written to them. */
START_TEST(created_again_at_once)
{
	for (int other = 0; other < 3; other++) {
		connect();
		works();
		host_store_remove(&world->machine, BACK);
		host_store_remove(&world->machine, FRONT);
		plug();
		if (other) {
			put(BACK, other == 1 ? "frontend" : "frontend-id", other == 1 ? FRONT "0" : "8");
			put(BACK, "state", "4");
		}
		states_written = 0;
		run(true);
		ck_assert(back.device.gone && !back.open);
		ck_assert_uint_eq(states_written, 0);
		vbd_tear_down();
		vbd_set_up();
	}
	connect();
}
END_TEST

static void die(void)
{
	back_kill();
	back_begin();
}

/* A successor of a back end that died under load: no state is written, and all is answered. */
START_TEST(a_successor_without_a_change_of_state)
{
	static struct blk_operation o[30];

	connect();
	world->disk.deferred = true;
	for (int deaths = 0; deaths < 20; deaths++) {
		ended = 0;
		for (uint32_t i = 0; i < 30; i++) {
			o[i] = operation(i % 2 ? BLK_READ : BLK_WRITE, i * 8, 8);
			ck_assert_int_eq(vbd_front_send(&front, &o[i]), 0);
		}
		blk_front_push(&front.blk);
		host_run(&world->machine);
		for (int n = rand() % 30; n > 0; n--) {
			disk_step();
			vbd_back_run(&back);
		}
		states_written = 0;
		die();
		run(true);
		ck_assert(ended == 30 && last_err == 0);
		ck_assert_uint_eq(states_written, 0);
		states("4", "4");
	}
	ck_assert_uint_eq(changes, 1);
	works();
}
END_TEST

static void shrink(void)
{
	vbd_back_resize(&back, 100);
}

/* It dies at either node that it writes for a new size: its successor tells it. */
START_TEST(death_amid_resize)
{
	connect();
	for (uint64_t n = 1; n <= 2; n++) {
		world->config.limits.sectors = DISK_SECTORS;
		vbd_back_resize(&back, DISK_SECTORS);
		run(true);
		ck_assert_uint_eq(front.limits.sectors, DISK_SECTORS);
		cut_forget();
		ck_assert(!cut_run(shrink, n));
		world->config.limits.sectors = 100;
		die();
		run(true);
		ck_assert_uint_eq(front.limits.sectors, 100);
	}
}
END_TEST

static void life(void)
{
	back_begin();
	run(true);
}

/* It dies at any node it writes while it connects or parts: the successor brings that to its end. */
START_TEST(dies_at_every_node_it_writes)
{
	bool whole = false;
	uint64_t n;

	cut_forget();
	for (n = 1; !whole; n++) {
		front_begin();
		whole = cut_run(life, n);
		die();
		run(true);
		states("4", "4");
		works();
		unplug();
		cut_run(life, n % 3 + 1);
		die();
		run(true);
		states("6", "6");
		vbd_tear_down();
		vbd_set_up();
	}
	/* Sixteen nodes, and the whole life after them. */
	ck_assert_uint_eq(n, 18);
	connect();
}
END_TEST

CHECK_MAIN("vbd", vbd_set_up, vbd_tear_down, connects_through_the_store, the_front_end_comes_first, multi_page_rings, multi_queue,
	persistent_grants_as_both_say, online_resize, resize_while_closing, resize_of_removed, read_only_disk,
	removal_under_load, plugged_again, the_front_end_parts_and_returns, front_starts_connected, part_from_done,
	removed_by_force, created_again_at_once, a_successor_without_a_change_of_state, death_amid_resize,
	dies_at_every_node_it_writes)
