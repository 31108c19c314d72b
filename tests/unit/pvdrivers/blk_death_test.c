/* The back end dies, and a successor goes on: before every store to memory that outlives it, around everything the disk
 * does, between an answer and its notification, and at random again and again. A verifying writer sees each operation
 * answered once and each acknowledged write on the disk; the front end stops the test if an answer comes twice, or names
 * what was not asked. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/blk_world.h"
#include "tests/unit/pvdrivers/cut.h"
#include "tests/unit/pvdrivers/holds.h"

/* A writer of its own part of the disk, one operation at a time: writes a number all over the part, or reads and
 * looks for it; now and then a flush or barrier or discard. */
#define PART_SECTORS 16u
struct writer {
	struct blk_operation o;
	uint32_t part, acknowledged, written;	/* numbers on the disk: 0 before the first */
	uint32_t left;				/* operations to do */
	uint32_t front;
	uint8_t data[PART_SECTORS * BLK_SECTOR_BYTES];
};
#define WRITERS 12u
static struct writer writer[WRITERS];
static uint32_t answered;

static void fill(struct writer *w, uint32_t number)
{
	for (size_t i = 0; i < sizeof w->data; i += 8) {
		uint32_t word[2] = { number ? w->part * 100 + (uint32_t)i : 0, number };

		memcpy(w->data + i, word, 8);
	}
}

/* Whether the whole part at @data holds number @a, or each sector that or @b. */
static bool holds(const struct writer *w, const uint8_t *data, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < sizeof w->data; i += 8) {
		uint32_t word[2];

		memcpy(word, data + i, 8);
		if ((word[1] != a && word[1] != b) || word[0] != (word[1] ? w->part * 100 + (uint32_t)i : 0))
			return false;
	}
	return true;
}

static void next(struct writer *w);

static void writer_done(struct blk_operation *o, int err)
{
	struct writer *w = PV_CONTAINER_OF(o, struct writer, o);

	HOLDS(err == 0);
	answered++;
	if (o->op == BLK_READ)
		HOLDS(holds(w, w->data, w->acknowledged, w->acknowledged));
	else if (o->op != BLK_FLUSH)
		w->acknowledged = w->written;
	next(w);
}

static void next(struct writer *w)
{
	static const enum blk_op ops[] = { BLK_WRITE, BLK_WRITE, BLK_READ, BLK_READ, BLK_FLUSH, BLK_DISCARD };

	if (!w->left)
		return;
	w->left--;
	w->o = (struct blk_operation){ ops[rand() % 6], false, w->part * PART_SECTORS, PART_SECTORS, w->data,
		writer_done };
	if (w->o.op == BLK_WRITE && rand() % 4 == 0)
		w->o.op = BLK_BARRIER;
	if (w->o.op == BLK_FLUSH)
		w->o.sectors = 0;
	if (w->o.op == BLK_WRITE || w->o.op == BLK_BARRIER)
		fill(w, w->written = w->acknowledged + 1 + (uint32_t)rand() % 100);
	else if (w->o.op == BLK_DISCARD)
		w->written = 0;
	HOLDS(blk_front_send(&world->front[w->front], &w->o) == 0);
	blk_front_push(&world->front[w->front]);
}

static void start(uint32_t fronts, uint32_t operations)
{
	world_open(fronts);
	world->point = cut_point;
	cut_forget();
	cut_watch(world->record, RECORD_BYTES);
	for (uint32_t i = 0; i < fronts; i++)
		cut_watch(world->front[i].ring_pages, world->front[i].config.ring_pages * PV_PAGE);
	/* The first back end has done no more than to make its records. */
	back_start();
	back_kill();
	answered = 0;
	for (uint32_t i = 0; i < WRITERS; i++) {
		writer[i] = (struct writer){ .part = i, .left = operations, .front = i % fronts };
		next(&writer[i]);
	}
}

/* All was answered, and the disk holds just what was acknowledged. */
static void finish(uint32_t operations)
{
	world_run(true);
	HOLDS(!operations || answered == WRITERS * operations);
	for (uint32_t i = 0; i < WRITERS; i++)
		HOLDS(holds(&writer[i], world->disk.bytes + i * sizeof writer[i].data, writer[i].acknowledged,
			writer[i].acknowledged));
	for (uint32_t i = 0; i < world->fronts; i++)
		HOLDS(world->front_status == 0 && blk_front_unanswered(&world->front[i]) == 0);
	world_close();
}

/* What dies at the cut: a start, and what the back end does on its first event. */
static void life(void)
{
	back_start();
	while (blk_back_run(&world->back) == 1)
		;
}

/* Before an acknowledgement is lost, the disk must hold what was acknowledged, or in part what is being written. */
static void judge_disk(void)
{
	for (uint32_t i = 0; i < WRITERS; i++)
		HOLDS(holds(&writer[i], world->disk.bytes + i * sizeof writer[i].data, writer[i].acknowledged,
			writer[i].written));
}

static void die_everywhere(uint32_t kept)
{
	bool whole = false;
	uint64_t n;

	for (n = 1; !whole; n++) {
		srand(3);
		start(1, 3);
		world->config.kept_pages = kept;
		whole = cut_run(life, n);
		back_kill();
		judge_disk();
		back_start();
		finish(3);
	}
	/* Twelve requests of nine stores, at least. */
	ck_assert_uint_gt(n, 12 * 9);
}

START_TEST(before_every_store)
{
	die_everywhere(0);
}
END_TEST

START_TEST(before_every_store_with_persistent_grants)
{
	die_everywhere(100);
}
END_TEST

/* The successor dies, too, wherever it may be: in what its predecessor left, or later. */
START_TEST(a_successor_dies_before_every_store)
{
	for (uint64_t first = 1; first < 40; first += 3) {
		bool whole = false;

		for (uint64_t n = 1; !whole; n++) {
			srand(4);
			start(1, 2);
			(void)cut_run(life, first);
			back_kill();
			whole = cut_run(life, n) || n > 60;
			back_kill();
			back_start();
			finish(2);
		}
	}
}
END_TEST

/* A death after the answers and before their notification: the successor notifies, though it has nothing to answer. */
START_TEST(between_answer_and_notification)
{
	start(1, 1);
	back_start();
	world->machine.port[world->front[0].port].pending = false;
	world->front[0].ring.ring.header->rsp_event = 1000;
	while (blk_back_run(&world->back) == 1)
		;
	world->front[0].ring.ring.header->rsp_event = 1;
	ck_assert_uint_eq(world->front[0].ring.ring.header->rsp_prod, WRITERS);
	back_kill();
	host_run(&world->machine);
	ck_assert_uint_eq(answered, 0);
	uint64_t before = world->dom0.notified;
	back_start();
	ck_assert_uint_eq(world->dom0.notified, before + 1);
	finish(1);
}
END_TEST

static void flushed(struct blk_operation *o, int err)
{
	(void)o;
	HOLDS(err == 0);
	answered++;
}

/* What a dead back end had taken is done again, and a barrier among it after the rest. */
START_TEST(a_barrier_is_one_for_a_successor)
{
	static struct blk_operation o[8];

	start(1, 0);
	world->disk.deferred = true;
	back_start();
	for (uint32_t i = 0; i < 8; i++) {
		o[i] = (struct blk_operation){ i == 4 ? BLK_BARRIER : BLK_READ, false, 0, 1, writer[0].data, flushed };
		ck_assert_int_eq(blk_front_send(&world->front[0], &o[i]), 0);
	}
	blk_front_push(&world->front[0]);
	host_run(&world->machine);
	ck_assert_str_eq(world->disk.order, "RRRR");
	back_kill();
	world->disk.order_at = 0;
	back_start();
	world_run(true);
	ck_assert_uint_eq(answered, 8);
	ck_assert_str_eq(world->disk.order, "RRRRrrrrFfWwFfRRRrrr");
	finish(0);
}
END_TEST

#define BEHIND		1000u	/* a sector behind all writers' parts */

static void judged(struct blk_operation *o, int err)
{
	HOLDS(err == 0 || o->sector == DISK_SECTORS);
	answered++;
}

static void run_back(void)
{
	while (blk_back_run(&world->back) == 1)
		;
}

/* A barrier at @sector, which ended just now or is beyond the disk, and behind it @second: the back end dies before its
 * @nth store. Both are answered, and done in their order. True: it did not die. */
static bool death_behind_a_barrier(uint64_t sector, enum blk_op second, uint64_t nth)
{
	static uint8_t data[2][BLK_SECTOR_BYTES] = { { 1 }, { 2 } };
	struct blk_operation o[2] = { { BLK_BARRIER, false, sector, 1, data[0], judged },
		{ second, false, BEHIND, 1, data[1], judged } };
	bool whole;

	start(1, 0);
	world->disk.deferred = true;
	back_start();
	for (int i = 0; i < 2; i++)
		HOLDS(blk_front_send(&world->front[0], &o[i]) == 0);
	for (int i = 0; i < 3 && sector == BEHIND; i++) {
		run_back();
		HOLDS(disk_step());
	}
	world->disk.deferred = false;
	whole = cut_run(run_back, nth);
	back_kill();
	back_start();
	world_run(true);
	HOLDS(answered == 2 && world->disk.bytes[BEHIND * BLK_SECTOR_BYTES] == 2);
	finish(0);
	return whole;
}

START_TEST(write_after_barrier)
{
	for (uint64_t n = 1; !death_behind_a_barrier(BEHIND, BLK_WRITE, n); n++)
		;
}
END_TEST

START_TEST(two_barriers)
{
	for (uint64_t n = 1; !death_behind_a_barrier(BEHIND, BLK_BARRIER, n); n++)
		;
	for (uint64_t n = 1; !death_behind_a_barrier(DISK_SECTORS, BLK_BARRIER, n); n++)
		;
}
END_TEST

/* A first back end finds a new ring, and has nothing to make up for. */
START_TEST(a_new_ring_needs_no_notification)
{
	start(1, 0);
	ck_assert_uint_eq(world->dom0.notified, 0);
	finish(0);
}
END_TEST

/* An answer that the record says is being given, to a request that is not there: the front end lies. */
START_TEST(a_record_without_a_request)
{
	start(1, 0);
	world->record->mark = 1ull << 32;
	back_start();
	ck_assert_int_eq(world->back_status, -XEN_EBADMSG);
	finish(0);
}
END_TEST

/* A record of no ring, of a ring of another size, and one that names a cell beyond its own. */
START_TEST(a_record_of_another_ring)
{
	uint32_t slots;

	start(1, 1);
	slots = world->record->slots;
	for (int i = 0; i < 3; i++) {
		world->record->slots = i == 0 ? 0 : i == 1 ? 2 * slots : slots;
		world->record->mark = i == 2 ? (uint64_t)(slots + 1) << 32 : 0;
		back_start();
		ck_assert_int_eq(world->back_status, -XEN_EBADMSG);
		back_kill();
	}
	world->record->mark = 0;
	back_start();
	finish(1);
}
END_TEST

/* Requests were taken that are not in the ring. */
START_TEST(a_record_of_more_than_is_asked)
{
	start(1, 1);
	for (uint32_t i = 0; i <= WRITERS; i++)
		world->record->cell[i + 3].taken = 1;
	back_start();
	ck_assert_int_eq(world->back_status, -XEN_EBADMSG);
	back_kill();
	memset(world->record->cell, 0, sizeof world->record->cell);
	back_start();
	finish(1);
}
END_TEST

/* Two hundred deaths for each of several set-ups, at random stores, with operations under way that end in any
 * order, were done in part, or not at all. */
START_TEST(again_and_again)
{
	srand(100 + (unsigned int)_i);
	start(1 + (uint32_t)_i % 3, 120);
	world->disk.deferred = _i & 1;
	world->config.kept_pages = _i & 2 ? 30 : 0;
	world->config.jobs = _i & 4 ? 3 : 32;
	for (int deaths = 0; deaths < 200; deaths++) {
		bool lives = cut_run(life, 1 + (uint64_t)rand() % 120);

		for (int i = rand() % 8; i > 0 && lives && disk_step(); i--)
			(void)!blk_back_run(&world->back);
		back_kill();
		judge_disk();
		host_run(&world->machine);
	}
	back_start();
	finish(120);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, before_every_store, before_every_store_with_persistent_grants,
		a_successor_dies_before_every_store, between_answer_and_notification,
		a_barrier_is_one_for_a_successor, write_after_barrier, two_barriers, a_new_ring_needs_no_notification,
		a_record_without_a_request, a_record_of_another_ring, a_record_of_more_than_is_asked);

	tcase_add_loop_test(c, again_and_again, 0, 8);
	return check_run("blk_death", c);
}
