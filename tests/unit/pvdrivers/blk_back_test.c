/* blk_back.c: each feature, over blk_front.c as its user, on a disk that judges what it is asked. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/blk_world.h"
#include "tests/unit/pvdrivers/holds.h"

#define BYTES(sectors) ((size_t)(sectors) * BLK_SECTOR_BYTES)
static uint8_t out[BYTES(1024)], in[BYTES(1024)];

static void set_up(void)
{
	srand(1);
	world_open(1);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)rand();
}

static struct blk_limits *limits(void)
{
	return &world->config.limits;
}

/* Put a raw request into front end 0's ring, run, and return the status of its answer. */
static int raw(const void *request)
{
	struct blk_front *f = &world->front[0];
	struct blkif_response rsp;

	memcpy(ring_front_slot(&f->ring), request, sizeof(union blkif_sring_entry));
	ring_front_push(&f->ring);
	blk_front_push(f);
	/* The answer is taken here, before the front end, which knows nothing of it, could. */
	while (blk_back_run(&world->back) == 1 || disk_step())
		;
	ck_assert_int_eq(ring_front_take(&f->ring, &rsp, sizeof rsp), 1);
	ck_assert_uint_eq(rsp.id, 0x1122334455667788);
	f->ring.ring.header->rsp_event = f->ring.rsp_cons + 1;
	return rsp.status;
}
#define RAW(...) raw(&(union blkif_sring_entry){ .req = { .id = 0x1122334455667788, __VA_ARGS__ } })

/* Random operations of random size against a copy of the disk. */
static void write_and_verify(uint32_t fronts, int runs)
{
	static uint8_t copy[sizeof world->disk.bytes];

	for (int run = 0; run < runs; run++) {
		uint32_t f = (uint32_t)rand() % fronts;
		uint64_t unit = limits()->sector_bytes / BLK_SECTOR_BYTES;
		uint64_t most = blk_front_most_sectors(&world->front[f]) / unit;
		uint64_t n = (1 + (uint64_t)rand() % (rand() & 1 ? most : 8)) * unit;
		uint64_t at = (uint64_t)rand() % ((DISK_SECTORS - n) / unit) * unit;

		if (rand() & 1) {
			HOLDS(do_op(f, BLK_WRITE, at, n, out + BYTES(run % 8)) == 0);
			memcpy(copy + BYTES(at), out + BYTES(run % 8), BYTES(n));
		} else {
			HOLDS(do_op(f, BLK_READ, at, n, in) == 0);
			HOLDS(memcmp(in, copy + BYTES(at), BYTES(n)) == 0);
		}
	}
	HOLDS(memcmp(copy, world->disk.bytes, sizeof copy) == 0);
	memset(copy, 0, sizeof copy);
}

START_TEST(read_and_write_random_sizes)
{
	back_start();
	write_and_verify(1, 500);
}
END_TEST

START_TEST(multi_page_rings)
{
	for (uint32_t pages = 2; pages <= 16; pages *= 2) {
		world_close();
		world_open(0);
		world->front_config.ring_pages = pages;
		front_start();
		back_start();
		ck_assert_uint_eq(world->front[0].ring.ring.slots, 32 * pages);
		write_and_verify(1, 100 + 64 * (int)pages);
	}
}
END_TEST

START_TEST(several_rings)
{
	world_close();
	world_open(4);
	world->disk.deferred = true;
	back_start();
	write_and_verify(4, 400);
}
END_TEST

static uint32_t waiting;

static void count_done(struct blk_operation *o, int err)
{
	(void)o;
	HOLDS(err == 0);
	waiting--;
}

static uint32_t refused;

static void count_refused(struct blk_operation *o, int err)
{
	(void)o;
	HOLDS(err == -XEN_EIO);
	refused++;
}

static void back_event_once(void)
{
	while (blk_back_run(&world->back) == 1)
		;
}

/* Send @count reads of one sector each by front end @f. */
static void send_reads(struct blk_operation *o, uint32_t f, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		o[i] = (struct blk_operation){ BLK_READ, false, i, 1, in + BYTES(i), count_done };
		ck_assert_int_eq(blk_front_send(&world->front[f], &o[i]), 0);
		waiting++;
	}
	blk_front_push(&world->front[f]);
}

/* No ring waits for another: with too few jobs for all, each is served in its turn. */
START_TEST(rings_take_turns)
{
	static struct blk_operation o[4][32];

	world_close();
	world_open(4);
	world->disk.deferred = true;
	world->config.jobs = 16;
	back_start();
	for (uint32_t f = 0; f < 4; f++)
		send_reads(o[f], f, 32);
	host_run(&world->machine);
	ck_assert_uint_eq(world->disk.queued, 16);
	for (int i = 0; i < 64; i++) {
		disk_step();
		host_run(&world->machine);
		while (blk_back_run(&world->back) == 1)
			;
	}
	for (uint32_t f = 0; f < 4; f++)
		ck_assert_uint_lt(blk_front_unanswered(&world->front[f]), 32);
	world_run(true);
	ck_assert_uint_eq(waiting, 0);
}
END_TEST

START_TEST(jobs_bound_what_is_under_way)
{
	static struct blk_operation o[32];

	world->disk.deferred = true;
	world->config.jobs = 5;
	back_start();
	send_reads(o, 0, 32);
	world_run(true);
	ck_assert_uint_eq(waiting, 0);
	ck_assert_uint_eq(world->disk.most_queued, 5);
}
END_TEST

/* Answers come as operations end; one that takes long holds up no other. */
START_TEST(answers_in_any_order)
{
	static struct blk_operation o[62];

	world->disk.deferred = true;
	back_start();
	send_reads(o, 0, 32);
	host_run(&world->machine);
	struct blk_io_request *first = world->disk.queue[0];
	for (uint32_t i = 0; i + 1 < world->disk.queued; i++)
		world->disk.queue[i] = world->disk.queue[i + 1];
	world->disk.queued--;
	world_run(true);
	ck_assert_uint_eq(waiting, 1);
	/* The ring goes on around it, by all slots but one. */
	send_reads(o + 32, 0, 30);
	world_run(true);
	ck_assert_uint_eq(waiting, 1);
	ck_assert_uint_eq(world->front[0].ring.ring.header->rsp_prod, 61);
	world->disk.queue[world->disk.queued++] = first;
	world_run(true);
	ck_assert_uint_eq(waiting, 0);
}
END_TEST

/* What ends together is told by one notification. */
START_TEST(one_notification_for_many)
{
	static struct blk_operation o[32];

	world->disk.deferred = true;
	back_start();
	send_reads(o, 0, 32);
	host_run(&world->machine);
	while (disk_step())
		;
	ck_assert_int_eq(blk_back_run(&world->back), 0);
	world_run(true);
	ck_assert_uint_eq(waiting, 0);
	ck_assert_uint_eq(world->dom0.notified, 1);
}
END_TEST

START_TEST(persistent_grants)
{
	world->config.kept_pages = 800;
	back_start();
	write_and_verify(1, 300);
	uint64_t mapped = world->dom0.mapped;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(do_op(0, BLK_READ, 0, 8, in), 0);
	ck_assert_uint_le(world->dom0.mapped, 700);
	ck_assert_uint_eq(world->dom0.mapped, mapped);
	ck_assert_uint_eq(world->dom0.unmapped, 0);
}
END_TEST

START_TEST(persistent_grants_beyond_the_bound)
{
	world->config.kept_pages = 20;
	back_start();
	write_and_verify(1, 300);
	ck_assert_uint_le(world->dom0.mapped - world->dom0.unmapped, 20);
}
END_TEST

START_TEST(without_persistent_grants_nothing_stays_mapped)
{
	back_start();
	write_and_verify(1, 50);
	ck_assert_uint_gt(world->dom0.mapped, 0);
	ck_assert_uint_eq(world->dom0.mapped, world->dom0.unmapped);
}
END_TEST

START_TEST(indirect_descriptors)
{
	back_start();
	ck_assert_int_eq(do_op(0, BLK_WRITE, 8, 64 * 8, out), 0);
	ck_assert_int_eq(memcmp(world->disk.bytes + BYTES(8), out, BYTES(512)), 0);
	ck_assert_int_eq(do_op(0, BLK_READ, 9, 64 * 8 - 3, in), 0);
	ck_assert_int_eq(memcmp(in, out + BYTES(1), BYTES(64 * 8 - 3)), 0);
	ck_assert_uint_eq(world->disk.count[BLK_WRITE], 1);
}
END_TEST

START_TEST(indirect_descriptors_not_offered)
{
	limits()->max_segments = 0;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_WRITE, 8, 11 * 8, out), 0);
	ck_assert_int_eq(do_op(0, BLK_WRITE, 8, 12 * 8, out), -XEN_EOPNOTSUPP);
}
END_TEST

/* Segments in a page that cannot be mapped, of a number that was not offered, and one that lies. */
START_TEST(indirect_descriptors_that_lie)
{
	struct blkif_request_indirect r = { .operation = BLKIF_OP_INDIRECT, .id = 0x1122334455667788,
		.nr_segments = 12, .indirect_grefs = { 9999 } };
	union blkif_sring_entry e;

	limits()->max_segments = 12;
	back_start();
	memcpy(&e, &r, sizeof r);
	ck_assert_int_eq(raw(&e), BLKIF_RSP_ERROR);
	r.nr_segments = 13;
	r.indirect_grefs[0] = world->front[0].ref[0];
	memcpy(&e, &r, sizeof r);
	ck_assert_int_eq(raw(&e), BLKIF_RSP_ERROR);
	r.nr_segments = 12;
	memset(world->front[0].data, 0xff, PV_PAGE);
	memcpy(&e, &r, sizeof r);
	ck_assert_int_eq(raw(&e), BLKIF_RSP_ERROR);
	ck_assert_uint_eq(world->dom0.mapped, world->dom0.unmapped);
}
END_TEST

START_TEST(flush)
{
	back_start();
	ck_assert_int_eq(do_op(0, BLK_FLUSH, 0, 0, NULL), 0);
	ck_assert_str_eq(world->disk.order, "Ff");
	/* With data: on the disk when it is answered. */
	ck_assert_int_eq(do_op(0, BLK_FLUSH, 4, 4, out), 0);
	ck_assert_str_eq(world->disk.order, "FfFfWwFf");
	ck_assert_int_eq(memcmp(world->disk.bytes + BYTES(4), out, BYTES(4)), 0);
}
END_TEST

START_TEST(flush_not_offered)
{
	limits()->flush = limits()->barrier = false;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_FLUSH, 0, 0, NULL), -XEN_EOPNOTSUPP);
	ck_assert_int_eq(do_op(0, BLK_BARRIER, 0, 0, NULL), -XEN_EOPNOTSUPP);
}
END_TEST

/* A barrier waits for all before it, flushes, writes, flushes, and only then does anything after it begin. */
START_TEST(barrier)
{
	static struct blk_operation o[32], b = { BLK_BARRIER, false, 0, 8, out, count_done };

	world->disk.deferred = true;
	back_start();
	send_reads(o, 0, 3);
	ck_assert_int_eq(blk_front_send(&world->front[0], &b), 0);
	waiting++;
	send_reads(o + 3, 0, 3);
	world_run(true);
	ck_assert_uint_eq(waiting, 0);
	ck_assert_str_eq(world->disk.order, "RRRrrrFfWwFfRRRrrr");
}
END_TEST

START_TEST(barrier_without_data)
{
	back_start();
	ck_assert_int_eq(do_op(0, BLK_BARRIER, 0, 0, NULL), 0);
	ck_assert_str_eq(world->disk.order, "Ff");
}
END_TEST

START_TEST(discard)
{
	memset(world->disk.bytes, 0xee, sizeof world->disk.bytes);
	back_start();
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 16, 100, NULL), 0);
	ck_assert_uint_eq(world->disk.bytes[BYTES(16)], 0);
	ck_assert_uint_eq(world->disk.bytes[BYTES(116)], 0xee);
	ck_assert_uint_eq(world->disk.secure, 0);
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 4000, 97, NULL), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 8, UINT64_MAX - 4, NULL), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 8, 0, NULL), -XEN_EIO);
}
END_TEST

START_TEST(secure_discard)
{
	back_start();
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 16, 100, out), 0);
	ck_assert_uint_eq(world->disk.secure, 1);
	back_stop();
	limits()->secure_discard = false;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 16, 100, out), -XEN_EOPNOTSUPP);
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 16, 100, NULL), 0);
	back_stop();
	limits()->discard = false;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 16, 100, NULL), -XEN_EOPNOTSUPP);
}
END_TEST

START_TEST(read_only)
{
	limits()->read_only = true;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_READ, 0, 8, in), 0);
	ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 8, out), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_BARRIER, 0, 8, out), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 0, 8, NULL), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_FLUSH, 0, 0, NULL), 0);
}
END_TEST

START_TEST(sectors_of_4_kib)
{
	limits()->sector_bytes = 4096;
	back_start();
	write_and_verify(1, 200);
	ck_assert_int_eq(do_op(0, BLK_READ, 8, 8, in), 0);
	ck_assert_int_eq(do_op(0, BLK_READ, 4, 8, in), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_WRITE, 8, 12, out), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 8, 7, NULL), -XEN_EIO);
}
END_TEST

START_TEST(resize)
{
	limits()->sectors = 100;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_READ, 96, 8, in), -XEN_EIO);
	limits()->sectors = 104;
	blk_back_resize(&world->back, 104);
	ck_assert_int_eq(do_op(0, BLK_READ, 96, 8, in), 0);
	ck_assert_int_eq(do_op(0, BLK_READ, 97, 8, in), -XEN_EIO);
	ck_assert_int_eq(do_op(0, BLK_READ, 1000, 8, in), -XEN_EIO);
}
END_TEST

START_TEST(unknown_operations)
{
	back_start();
	for (unsigned int op = 0; op < 256; op++)
		if (op == BLKIF_OP_RESERVED_1 || op > BLKIF_OP_INDIRECT)
			ck_assert_int_eq(RAW(.operation = (uint8_t)op), BLKIF_RSP_EOPNOTSUPP);
}
END_TEST

START_TEST(segments_that_make_no_sense)
{
	grant_ref_t ref = world->front[0].ref[0];

	back_start();
	ck_assert_int_eq(RAW(.nr_segments = 1, .seg = { { ref, 0, 7 } }), 0);
	ck_assert_int_eq(RAW(.nr_segments = 0), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 12), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 255), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 1, .seg = { { ref, 0, 8 } }), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 1, .seg = { { ref, 5, 4 } }), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 1, .seg = { { 9999, 0, 7 } }), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 1, .sector_number = DISK_SECTORS, .seg = { { ref, 0, 0 } }),
		BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 1, .sector_number = DISK_SECTORS - 1, .seg = { { ref, 0, 0 } }), 0);
	ck_assert_int_eq(RAW(.nr_segments = 1, .sector_number = DISK_SECTORS - 1, .seg = { { ref, 0, 1 } }),
		BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.nr_segments = 1, .sector_number = UINT64_MAX, .seg = { { ref, 0, 7 } }),
		BLKIF_RSP_ERROR);
	/* The same page twice, kept or not. */
	ck_assert_int_eq(RAW(.nr_segments = 3, .seg = { { ref, 0, 7 }, { ref, 0, 7 }, { ref, 3, 3 } }), 0);
	ck_assert_uint_eq(world->dom0.mapped, world->dom0.unmapped);
}
END_TEST

/* A page that may only be read is no place for what is read from the disk. */
START_TEST(grants_for_reading_only)
{
	void *page = world->guest.os.alloc(&world->guest.os, PV_PAGE);
	grant_ref_t ref;

	ck_assert_int_eq(world->guest.os.grant(&world->guest.os, 0, page, true, &ref), 0);
	back_start();
	ck_assert_int_eq(RAW(.nr_segments = 1, .seg = { { ref, 0, 7 } }), BLKIF_RSP_ERROR);
	ck_assert_int_eq(RAW(.operation = BLKIF_OP_WRITE, .nr_segments = 1, .seg = { { ref, 0, 7 } }), 0);
	back_stop();
	ck_assert_int_eq(world->guest.os.grant_end(&world->guest.os, ref), 0);
	world->guest.os.free(&world->guest.os, page, PV_PAGE);
}
END_TEST

START_TEST(errors_of_the_disk)
{
	back_start();
	world->disk.fail = -XEN_EIO;
	ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 8, out), -XEN_EIO);
	/* After a failed flush nothing is written. */
	ck_assert_int_eq(do_op(0, BLK_BARRIER, 0, 8, out), -XEN_EIO);
	ck_assert_str_eq(world->disk.order, "WwFf");
	world->disk.fail = -XEN_EOPNOTSUPP;
	ck_assert_int_eq(do_op(0, BLK_DISCARD, 0, 8, NULL), -XEN_EOPNOTSUPP);
	world->disk.fail = 0;
	ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 8, out), 0);
}
END_TEST

START_TEST(impossible_indices_stop_this_device)
{
	back_start();
	ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 8, out), 0);
	world->front[0].ring.ring.header->req_prod += 33;
	ck_assert_int_eq(blk_back_run(&world->back), -XEN_EBADMSG);
	ck_assert_int_eq(blk_back_run(&world->back), -XEN_EBADMSG);
}
END_TEST

/* Closed under load: jobs under way are waited for, the others do not begin. */
START_TEST(close_under_load)
{
	static struct blk_operation o[32], b = { BLK_BARRIER, false, 0, 8, out, count_refused };

	world->disk.deferred = true;
	world->config.kept_pages = 8;
	back_start();
	send_reads(o, 0, 10);
	ck_assert_int_eq(blk_front_send(&world->front[0], &b), 0);
	blk_front_push(&world->front[0]);
	host_run(&world->machine);
	ck_assert(!blk_back_close(&world->back));
	ck_assert_int_eq(blk_back_run(&world->back), -XEN_EBADMSG);
	back_stop();
	ck_assert_str_eq(world->disk.order, "RRRRRRRRRRrrrrrrrrrr");
	world_run(false);
	ck_assert_uint_eq(waiting, 0);
	ck_assert_uint_eq(refused, 1);
}
END_TEST

/* What waits in the ring, and what had half been done, is refused: a front end may wait for it. */
START_TEST(close_refuses)
{
	static struct blk_operation o[8], w[2];

	world->disk.deferred = true;
	world->config.jobs = 3;
	back_start();
	send_reads(o, 0, 2);
	for (int i = 0; i < 2; i++) {
		w[i] = (struct blk_operation){ BLK_BARRIER, false, 0, 8, out, count_refused };
		ck_assert_int_eq(blk_front_send(&world->front[0], &w[i]), 0);
	}
	send_reads(o + 2, 0, 5);
	for (int i = 2; i < 7; i++)
		o[i].done = count_refused;
	host_run(&world->machine);
	while (disk_step())
		;
	back_event_once();
	ck_assert_str_eq(world->disk.order, "RRrrF");
	back_stop();
	ck_assert_str_eq(world->disk.order, "RRrrFf");
	world_run(false);
	ck_assert_uint_eq(waiting, 5);
	ck_assert_uint_eq(refused, 7);
}
END_TEST

START_TEST(without_memory)
{
	struct blk_back b;
	int err = -1;

	world->config.os = &world->dom0.os;
	for (uint32_t n = 1; err; n++) {
		world->dom0.fail_alloc = n;
		err = blk_back_open(&b, &world->config);
		ck_assert(err == 0 || (err == -XEN_ENOMEM && host_domain_holds(&world->dom0) == 0));
	}
	world->dom0.fail_alloc = 1;
	ck_assert_int_eq(blk_back_add_ring(&b, world->front[0].ring_pages, PV_PAGE, 0, world->record, false),
		-XEN_ENOMEM);
	ck_assert(blk_back_close(&b));
	ck_assert_uint_eq(host_domain_holds(&world->dom0), 0);
}
END_TEST

START_TEST(more_rings_than_there_may_be)
{
	back_start();
	for (uint32_t i = 1; i < BLK_RINGS_MAX; i++)
		ck_assert_int_eq(blk_back_add_ring(&world->back, world->front[0].ring_pages, PV_PAGE, world->port[0],
			&world->record[1], false), 0);
	ck_assert_int_eq(blk_back_add_ring(&world->back, world->front[0].ring_pages, PV_PAGE, world->port[0],
		&world->record[1], false), -XEN_ENOSPC);
}
END_TEST

START_TEST(maps_that_fail)
{
	back_start();
	for (uint32_t kept = 0; kept < 2; kept++) {
		world->dom0.fail_map = 1;
		ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 8, out), -XEN_EIO);
		world->dom0.fail_map = 2;	/* the data's, after the segments' */
		ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 512, out), -XEN_EIO);
		ck_assert_int_eq(do_op(0, BLK_WRITE, 0, 8, out), 0);
		back_stop();
		world->config.kept_pages = 20;
		back_start();
	}
}
END_TEST

CHECK_MAIN("blk_back", set_up, world_close, read_and_write_random_sizes, multi_page_rings, several_rings,
	rings_take_turns, jobs_bound_what_is_under_way, answers_in_any_order, one_notification_for_many, persistent_grants,
	persistent_grants_beyond_the_bound, without_persistent_grants_nothing_stays_mapped, indirect_descriptors,
	indirect_descriptors_not_offered, indirect_descriptors_that_lie, flush, flush_not_offered, barrier,
	barrier_without_data, discard, secure_discard, read_only, sectors_of_4_kib, resize, unknown_operations,
	segments_that_make_no_sense, grants_for_reading_only, errors_of_the_disk,
	impossible_indices_stop_this_device, close_under_load, close_refuses, without_memory,
	more_rings_than_there_may_be, maps_that_fail)
