/* vbd_back.c and vbd_front.c over one store: connecting, resizing, parting, dying, and nodes that lie. */
#include "pvdrivers/vbd_back.h"
#include "pvdrivers/vbd_front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/blk_world.h"
#include "tests/unit/pvdrivers/cut.h"
#include "tests/unit/pvdrivers/holds.h"

#define BACK	"/local/domain/0/backend/vbd/7/51712"
#define FRONT	"/local/domain/7/device/vbd/51712"
#define BYTES(sectors) ((size_t)(sectors) * BLK_SECTOR_BYTES)

static struct vbd_back back;
static struct vbd_front front;
static uint8_t out[BYTES(512)], in[BYTES(512)];
static uint32_t changes, ended, states_written;
static int last_err;
static int (*host_write)(struct pv_os *os, const char *path, const char *value);

static void put(const char *dir, const char *name, const char *value)
{
	ck_assert_int_eq(store_put(&world->guest.os, dir, name, value), 0);
}

static const char *get(const char *dir, const char *name)
{
	static char value[8][PV_PATH_MAX];
	static unsigned int at;

	if (store_get(&world->guest.os, dir, name, value[++at % 8], PV_PATH_MAX))
		return "";
	return value[at % 8];
}

static void states(const char *f, const char *b)
{
	ck_assert_str_eq(get(FRONT, "state"), f);
	ck_assert_str_eq(get(BACK, "state"), b);
}

/* What a toolstack writes for a new device. */
static void plug(void)
{
	put(BACK, "frontend", FRONT);
	put(BACK, "frontend-id", "7");
	put(BACK, "online", "1");
	put(BACK, "state", "1");
	put(FRONT, "backend", BACK);
	put(FRONT, "backend-id", "0");
	put(FRONT, "state", "1");
}

static void unplug(void)
{
	put(BACK, "online", "0");
	put(BACK, "state", "5");
}

static void changed(struct vbd_front *v)
{
	ck_assert_ptr_eq(v, &front);
	changes++;
}

static int counted_write(struct pv_os *os, const char *path, const char *value)
{
	size_t n = strlen(path);

	cut_point();
	states_written += strcmp(path + n - 6, "/state") == 0;
	return host_write(os, path, value);
}

static void back_begin(void)
{
	back = (struct vbd_back){ .config = world->config, .kept_pages = 500, .max_rings = 4, .max_ring_order = 4,
		.record = world->record };
	back.config.io = &world->disk.io;
	ck_assert_int_eq(vbd_back_open(&back, &world->dom0.os, BACK), 0);
}

static void front_begin(void)
{
	front = (struct vbd_front){ .max_segments = 64, .data_pages = 600, .changed = changed };
	ck_assert_int_eq(vbd_front_open(&front, &world->guest.os, FRONT), 0);
}

/* Run both ends, and the disk, until nothing moves. */
static void run(bool disk)
{
	do {
		host_run(&world->machine);
		if (back.again)
			vbd_back_run(&back);
		else if (!disk || !disk_step())
			return;
		else
			vbd_back_run(&back);
	} while (true);
}

static void set_up(void)
{
	world_open(0);
	srand(1);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)rand();
	changes = ended = states_written = 0;
	host_write = world->dom0.os.store_write;
	world->dom0.os.store_write = counted_write;
	plug();
}

/* Both ends let go, whatever has happened. */
static void tear_down(void)
{
	while (!vbd_back_close(&back))
		ck_assert(disk_step());
	ck_assert_int_eq(vbd_front_close(&front), 0);
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 0);
	world_close();
}

static void connect(void)
{
	back_begin();
	front_begin();
	run(true);
	states("4", "4");
}

static void done(struct blk_operation *o, int err)
{
	(void)o;
	ended++;
	last_err = err;
}

static struct blk_operation operation(enum blk_op op, uint64_t sector, uint64_t sectors)
{
	return (struct blk_operation){ op, false, sector, sectors, op == BLK_WRITE ? out : in, done };
}

static int do_one(enum blk_op op, uint64_t sector, uint64_t sectors)
{
	struct blk_operation o = operation(op, sector, sectors);
	int err = vbd_front_send(&front, &o);

	if (err)
		return err;
	blk_front_push(&front.blk);
	run(true);
	return last_err;
}

static void works(void)
{
	ck_assert_int_eq(do_one(BLK_WRITE, 8, 300), 0);
	memset(in, 0, sizeof in);
	ck_assert_int_eq(do_one(BLK_READ, 8, 300), 0);
	ck_assert_int_eq(memcmp(in, out, BYTES(300)), 0);
}

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
			tear_down();
			set_up();
		}
	}
}
END_TEST

/* A front end with several queues, as Linux's publishes them. */
START_TEST(multi_queue)
{
	char dir[64], number[16];

	back_begin();
	ck_assert_int_eq(vbd_front_open(&front, &world->guest.os, FRONT), 0);
	pv_device_close(&front.device);
	for (uint32_t i = 0; i < 3; i++) {
		front_start();
		snprintf(dir, sizeof dir, FRONT "/queue-%u", i);
		snprintf(number, sizeof number, "%u", world->front[i].ring_ref[0]);
		put(dir, "ring-ref", number);
		snprintf(number, sizeof number, "%u", world->front[i].port);
		put(dir, "event-channel", number);
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
	tear_down();
	set_up();
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

	connect();
	world->disk.deferred = true;
	ck_assert_int_eq(vbd_front_send(&front, &o), 0);
	blk_front_push(&front.blk);
	unplug();
	run(false);
	vbd_back_resize(&back, 100);
	states("4", "5");
	run(true);
	states("6", "6");
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

static void die(void)
{
	back_kill();
	back_begin();
}

/* A successor of a back end that died under load: no state is written, all is answered. */
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
	}
	ck_assert_uint_eq(changes, 1);
	works();
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
		tear_down();
		set_up();
	}
	/* Sixteen nodes, and the whole life after them. */
	ck_assert_uint_eq(n, 18);
	connect();
}
END_TEST

/* ---- nodes that lie ---- */

/* A front end that is Initialised with node @name saying @value, or missing: the device closes, nothing is held. */
static void lie(const char *name, const char *value)
{
	char path[PV_PATH_MAX];

	front_begin();
	back_begin();
	pv_device_close(&back.device);	/* not yet */
	put(BACK, "state", "2");
	run(true);
	states("3", "2");
	ck_assert_int_eq(store_path(path, FRONT, name), 0);
	host_store_remove(&world->machine, path);
	if (value)
		put(FRONT, name, value);
	back_begin();
	run(true);
	states("6", "6");
	ck_assert_uint_eq(world->dom0.logged, 1);
	ck_assert_ptr_nonnull(strstr(world->dom0.last_log, BACK ": cannot be connected as its other end says: error "));
	/* Nothing but two watches. */
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 2);
	tear_down();
	set_up();
}

START_TEST(front_ends_that_lie)
{
	static const struct {
		const char *name, *value;
	} lies[] = {
		{ "ring-ref", NULL }, { "ring-ref", "0" }, { "ring-ref", "4095" }, { "ring-ref", "-1" },
		{ "ring-ref", "4294967297" }, { "ring-ref", "18446744073709551617" }, { "ring-ref", "x" },
		{ "ring-ref", "" }, { "ring-ref", "99999999999999999999999999999999999999999" },
		{ "event-channel", NULL }, { "event-channel", "0" }, { "event-channel", "63" },
		{ "event-channel", "99999" }, { "ring-page-order", "4" }, { "multi-queue-num-queues", "0" },
		{ "multi-queue-num-queues", "2" }, { "multi-queue-num-queues", "5" },
		{ "multi-queue-num-queues", "4294967295" }, { "protocol", "x86_32-abi" },
		{ "protocol", "a very long name of a protocol that nobody has ever spoken" },
	};

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
		lie(lies[i].name, lies[i].value);
	connect();
}
END_TEST

START_TEST(impossible_indices_close_the_device)
{
	connect();
	front.blk.ring.ring.header->req_prod += 1000;
	world->guest.os.event_notify(&world->guest.os, front.blk.port);
	run(true);
	states("6", "6");
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 2);
	ck_assert_uint_eq(world->dom0.logged, 1);
	ck_assert_str_eq(world->dom0.last_log, BACK ": indices of its ring make no sense: not served any more");
}
END_TEST

/* The same with I/O under way, which is waited for. */
START_TEST(impossible_indices_under_load)
{
	static struct blk_operation o;

	connect();
	world->disk.deferred = true;
	o = operation(BLK_READ, 0, 8);
	ck_assert_int_eq(vbd_front_send(&front, &o), 0);
	blk_front_push(&front.blk);
	run(false);
	front.blk.ring.ring.header->req_prod += 1000;
	world->guest.os.event_notify(&world->guest.os, front.blk.port);
	run(false);
	ck_assert(back.open);
	run(true);
	ck_assert(!back.open);
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 2);
}
END_TEST

START_TEST(back_ends_that_lie)
{
	static const char *const lies[][2] = { { "sectors", "" }, { "sectors", "99999999999999999999" },
		{ "sector-size", "256" }, { "sector-size", "513" }, { "sectors", "36028797018963968" } };

	for (unsigned int i = 0; i < 5; i++) {
		connect();
		put(BACK, lies[i][0], lies[i][1]);
		put(BACK, "state", "4");
		run(true);
		ck_assert(!front.usable);
		states("6", "6");
		tear_down();
		set_up();
	}
	connect();
}
END_TEST

/* Any value in any node of the front end's, at any time: the back end follows, closes, connects again, and holds
 * nothing at the end. */
START_TEST(random_nodes)
{
	static const char *const names[] = { "state", "state", "state", "ring-ref", "event-channel",
		"multi-queue-num-queues", "ring-page-order", "feature-persistent", "protocol", "ring-ref0" };
	static const char *const values[] = { "", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "77", "x",
		"4294967296", "x86_64-abi" };
	uint32_t connected = 0;

	connect();
	for (int i = 0; i < 20000; i++) {
		put(FRONT, names[rand() % 10], values[rand() % 15]);
		if (rand() % 20 == 0) {
			(void)!vbd_front_close(&front);
			put(FRONT, "state", "6");
			run(true);
			HOLDS(vbd_front_close(&front) == 0);
			host_store_remove(&world->machine, FRONT);
			put(FRONT, "backend", BACK);
			put(FRONT, "backend-id", "0");
			put(FRONT, "state", "1");
			front_begin();
		}
		run(true);
		connected += back.open;
		if (back.device.gone) {
			HOLDS(vbd_back_close(&back));
			put(BACK, "state", "1");
			back_begin();
		}
	}
	ck_assert_uint_gt(connected, 1000);
	host_store_remove(&world->machine, BACK);
	run(true);
	ck_assert(back.device.gone);
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 2);
}
END_TEST

CHECK_MAIN("vbd", set_up, tear_down, connects_through_the_store, the_front_end_comes_first, multi_page_rings, multi_queue,
	persistent_grants_as_both_say, online_resize, resize_while_closing, read_only_disk, removal_under_load,
	plugged_again, the_front_end_parts_and_returns, removed_by_force, a_successor_without_a_change_of_state,
	dies_at_every_node_it_writes, front_ends_that_lie, impossible_indices_close_the_device,
	impossible_indices_under_load, back_ends_that_lie, random_nodes)
