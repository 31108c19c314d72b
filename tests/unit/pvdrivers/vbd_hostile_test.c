/* vbd_back.c, vbd_front.c and device.c where the other end, or the store, is against them. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/vbd_world.h"

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
	vbd_tear_down();
	vbd_set_up();
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

/* The same while both part, and the front end waits for an answer. */
START_TEST(impossible_indices_while_closing)
{
	struct blk_operation o = operation(BLK_READ, 0, 8);

	connect();
	ck_assert_int_eq(vbd_front_send(&front, &o), 0);
	unplug();
	run(true);
	states("4", "5");
	front.blk.ring.ring.header->req_prod += 1000;
	world->guest.os.event_notify(&world->guest.os, front.blk.port);
	run(true);
	states("6", "6");
	ck_assert(ended == 1 && last_err == -XEN_ENXIO && back.device.gone);
}
END_TEST

/* The same with I/O under way, which is waited for. */
START_TEST(impossible_indices_under_load)
{
	static struct blk_operation o;

	o = operation(BLK_READ, 0, 8);
	under_way(&o);
	run(false);
	front.blk.ring.ring.header->req_prod += 1000;
	world->guest.os.event_notify(&world->guest.os, front.blk.port);
	run(false);
	ck_assert(back.open);
	states("4", "5");
	run(true);
	ck_assert(!back.open);
	states("6", "6");
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 2);
}
END_TEST

/* Stopped amid more requests than one run takes, and with I/O under way: there is nothing to run again for. */
START_TEST(again_forever)
{
	static struct blk_operation o;
	struct ring *r;

	back_begin();
	front_begin();
	front.max_ring_order = 4;
	run(true);
	world->disk.deferred = true;
	o = operation(BLK_READ, 0, 8);
	ck_assert_int_eq(vbd_front_send(&front, &o), 0);
	r = &front.blk.ring.ring;
	for (; r->header->req_prod < r->slots; r->header->req_prod++)
		r->entries[r->header->req_prod * r->entry_bytes] = 99;	/* its operation */
	vbd_back_run(&back);
	ck_assert(back.again);
	put(FRONT, "state", "6");
	pv_device_step(&back.device);
	ck_assert(!back.again && world->disk.queued == 1);
	run(true);
	ck_assert(!back.open);
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
		vbd_tear_down();
		vbd_set_up();
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

/* An answer that makes no sense: the front end parts. */
START_TEST(answers_that_lie)
{
	static struct blk_operation o;

	connect();
	o = operation(BLK_READ, 0, 8);
	ck_assert_int_eq(vbd_front_send(&front, &o), 0);
	front.blk.ring.ring.header->rsp_prod += 2;
	world->dom0.os.event_notify(&world->dom0.os, back.port[0]);
	run(true);
	ck_assert(ended == 1 && last_err == -XEN_ENXIO && !front.usable && !front.open);
	states("6", "6");
	ck_assert_str_eq(world->guest.last_log, FRONT ": answers make no sense: not used any more");
}
END_TEST

/* The store refuses any one of the back end's writes: the device closes, or goes on without it, and says so. */
START_TEST(writes_that_are_refused)
{
	for (uint32_t n = 1; n <= 16; n++) {
		refuse_write = n;
		back_begin();
		front_begin();
		run(true);
		ck_assert_uint_eq(world->dom0.logged, 1);
		if (front.usable)
			works();
		vbd_tear_down();
		vbd_set_up();
	}
	connect();
	refuse_write = 1;
	vbd_back_resize(&back, 100);
	refuse_write = 2;
	vbd_back_resize(&back, 100);
	ck_assert_uint_eq(world->dom0.logged, 2);
}
END_TEST

/* A ring with one request, whose indices are what an unused record holds. */
static void wild_indices(struct ring_header *h)
{
	h->rsp_prod = 0xa5a5a5a5;
	h->req_prod = h->rsp_prod + 1;
}

/* The successor does not go on with the rings that it finds: it serves none, and says so with error @err. */
static void no_resumption(const char *err)
{
	static const char line[] = BACK ": cannot be connected as its other end says: error ";
	uint64_t before = world->dom0.logged;

	back_begin();
	run(true);
	ck_assert(!back.open);
	ck_assert_uint_eq(world->dom0.logged, before + 1);
	ck_assert_int_eq(strncmp(world->dom0.last_log, line, strlen(line)), 0);
	ck_assert_str_eq(world->dom0.last_log + strlen(line), err);
}

/* While the back end is dead the front end has one queue more, of which nothing is recorded. */
START_TEST(queues_at_resume)
{
	connect();
	back_kill();
	front_start();
	wild_indices(world->front[0].ring.ring.header);
	put(FRONT, "multi-queue-num-queues", "2");
	put(FRONT "/queue-0", "ring-ref", get(FRONT, "ring-ref"));
	put(FRONT "/queue-0", "event-channel", get(FRONT, "event-channel"));
	put_ring(FRONT "/queue-1", 0);
	no_resumption("74");
}
END_TEST

/* The predecessor could not open the rings, and died before it said Closed. */
START_TEST(closing_never_opened)
{
	char port[PV_VALUE_MAX];

	connect();
	strcpy(port, get(FRONT, "event-channel"));
	back_kill();
	put(BACK, "state", "2");
	pv_device_close(&front.device);
	put(FRONT, "state", "3");
	put(FRONT, "event-channel", "0");
	no_resumption("22");
	back_kill();
	put(BACK, "state", "5");
	put(FRONT, "event-channel", port);
	wild_indices(front.blk.ring.ring.header);
	no_resumption("74");
}
END_TEST

/* While the back end is dead the front end starts anew with other rings: what was asked before is not done there. */
START_TEST(rings_changed)
{
	static struct blk_operation o, anew;

	o = operation(BLK_WRITE, 0, 8);
	under_way(&o);
	run(false);
	back_kill();
	pv_device_close(&front.device);
	front_start();
	put_ring(FRONT, 0);
	anew = operation(BLK_READ, 800, 1);
	ck_assert_int_eq(blk_front_send(&world->front[0], &anew), 0);
	blk_front_push(&world->front[0]);
	no_resumption("74");
	ck_assert_uint_eq(world->disk.count[BLK_WRITE], 0);
}
END_TEST

/* A successor cannot go on, and its front end, asked to part, waits for an answer: until the back end says Closed. */
START_TEST(resume_fails)
{
	static struct blk_operation o;

	connect();
	world->disk.deferred = true;
	o = operation(BLK_READ, 0, 8);
	for (int closing = 0; closing < 2; closing++) {
		ended = 0;
		ck_assert_int_eq(vbd_front_send(&front, &o), 0);
		blk_front_push(&front.blk);
		run(false);
		back_kill();
		if (closing)
			put(BACK, "state", "5");
		world->dom0.fail_map = 1;
		back_begin();
		run(true);
		states("6", "6");
		ck_assert(ended == 1 && last_err == -XEN_ENXIO && !back.open && !front.open);
		put(FRONT, "state", "1");
		run(true);
		states("4", "4");
	}
}
END_TEST

START_TEST(directories_that_say_too_little)
{
	static const char *const nodes[] = { "frontend", "frontend-id" };
	static char longest[2 * PV_PATH_MAX];
	struct vbd_back b = { .config = world->config };

	for (int i = 0; i < 2; i++) {
		char path[PV_PATH_MAX];

		ck_assert_int_eq(store_path(path, BACK, nodes[i]), 0);
		host_store_remove(&world->machine, path);
		ck_assert_int_eq(vbd_back_open(&b, &world->dom0.os, BACK), -XEN_EINVAL);
		plug();
	}
	put(BACK, "frontend-id", "65536");
	ck_assert_int_eq(vbd_back_open(&b, &world->dom0.os, BACK), -XEN_EINVAL);
	memset(longest, '/', sizeof longest - 1);
	ck_assert_int_eq(vbd_back_open(&b, &world->dom0.os, longest), -XEN_EINVAL);
	plug();
	connect();
}
END_TEST

START_TEST(no_watch_is_free)
{
	static char arg[HOST_WATCHES];
	struct pv_os *os = &world->guest.os;
	struct vbd_back b = { .config = world->config };
	uint32_t n = 0;

	connect();
	while (os->store_watch(os, "x", NULL, &arg[n]) == 0)
		n++;
	ck_assert_int_eq(vbd_back_open(&b, &world->dom0.os, BACK), -XEN_ENOSPC);
	/* One is not enough, and is given back. */
	os->store_unwatch(os, "x", NULL, &arg[0]);
	ck_assert_int_eq(vbd_back_open(&b, &world->dom0.os, BACK), -XEN_ENOSPC);
	ck_assert_int_eq(os->store_watch(os, "x", NULL, &arg[0]), 0);
	while (n > 0)
		os->store_unwatch(os, "x", NULL, &arg[--n]);
	works();
}
END_TEST

CHECK_MAIN("vbd_hostile", vbd_set_up, vbd_tear_down, front_ends_that_lie, impossible_indices_close_the_device,
	impossible_indices_while_closing, impossible_indices_under_load, again_forever, back_ends_that_lie,
	random_nodes, answers_that_lie, writes_that_are_refused, queues_at_resume, closing_never_opened, rings_changed,
	resume_fails, directories_that_say_too_little, no_watch_is_free)
