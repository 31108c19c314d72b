/* blk_front.c: room, sizes, order; answers that make no sense; a resume; a back end that does not let go. What it does
 * with a right back end, blk_back_test.c shows. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/blk_world.h"
#include "tests/unit/pvdrivers/holds.h"

#define BYTES(sectors) ((size_t)(sectors) * BLK_SECTOR_BYTES)
static uint8_t out[BYTES(1024)], in[BYTES(1024)];
static struct ring_back back;		/* one that answers what it likes */
static int last_err;
static uint32_t ended;

static void set_up(void)
{
	srand(1);
	world_open(1);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)rand();
	ended = 0;
	last_err = 1;
}

static struct blk_front *front(void)
{
	return &world->front[0];
}

static void ends(struct blk_operation *o, int err)
{
	(void)o;
	ended++;
	last_err = err;
}

static struct blk_operation read_of(uint64_t sector, uint64_t sectors)
{
	return (struct blk_operation){ BLK_READ, false, sector, sectors, in, ends };
}

/* Send a read, and answer with @id and @operation instead of its own. */
static int answered_with(uint64_t id, uint8_t operation, int16_t status)
{
	struct blk_operation o = read_of(0, 1);
	struct blkif_response rsp = { id, operation, status };
	union blkif_sring_entry e;

	ck_assert_int_eq(blk_front_send(front(), &o), 0);
	ck_assert_int_eq(ring_back_open(&back, front()->ring_pages, PV_PAGE, sizeof e), 0);
	ck_assert_int_eq(ring_back_take(&back, &e), 1);
	rsp.id += e.req.id;
	memcpy(ring_back_slot(&back), &rsp, sizeof rsp);
	ring_back_answer(&back);
	int err = blk_front_run(front());
	/* Whatever it was, nothing is left that points to @o. */
	if (err)
		(void)!blk_front_close(front());
	ck_assert_uint_eq(ended, 1);
	if (err)
		world->fronts = 0;
	return err;
}

START_TEST(an_answer)
{
	ck_assert_int_eq(answered_with(0, BLKIF_OP_READ, BLKIF_RSP_OKAY), 0);
	ck_assert_int_eq(last_err, 0);
}
END_TEST

START_TEST(answers_of_error)
{
	ck_assert_int_eq(answered_with(0, BLKIF_OP_READ, BLKIF_RSP_EOPNOTSUPP), 0);
	ck_assert_int_eq(last_err, -XEN_EOPNOTSUPP);
	ended = 0;
	ck_assert_int_eq(answered_with(0, BLKIF_OP_READ, 12345), 0);
	ck_assert_int_eq(last_err, -XEN_EIO);
}
END_TEST

START_TEST(an_answer_to_what_was_not_asked)
{
	ck_assert_int_eq(answered_with(1, BLKIF_OP_READ, 0), -XEN_EBADMSG);
	ck_assert_int_eq(last_err, -XEN_ENXIO);
}
END_TEST

START_TEST(an_answer_with_an_id_beyond_all)
{
	ck_assert_int_eq(answered_with(1ull << 40, BLKIF_OP_READ, 0), -XEN_EBADMSG);
}
END_TEST

START_TEST(an_answer_of_another_operation)
{
	ck_assert_int_eq(answered_with(0, BLKIF_OP_WRITE, 0), -XEN_EBADMSG);
}
END_TEST

START_TEST(an_answer_given_twice)
{
	struct blkif_response rsp = { 0, BLKIF_OP_READ, 0 };
	static struct blk_operation o[2];
	union blkif_sring_entry e;

	for (uint32_t i = 0; i < 2; i++) {
		o[i] = read_of(i, 1);
		ck_assert_int_eq(blk_front_send(front(), &o[i]), 0);
	}
	ck_assert_int_eq(ring_back_open(&back, front()->ring_pages, PV_PAGE, sizeof e), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ring_back_take(&back, &e), 1);
		memcpy(ring_back_slot(&back), &rsp, sizeof rsp);
		ring_back_answer(&back);
	}
	ck_assert_int_eq(blk_front_run(front()), -XEN_EBADMSG);
	ck_assert_uint_eq(ended, 1);
	ck_assert_int_eq(blk_front_send(front(), &o[0]), -XEN_EBADMSG);
}
END_TEST

START_TEST(more_answers_than_requests)
{
	front()->ring.ring.header->rsp_prod = 1;
	ck_assert_int_eq(blk_front_run(front()), -XEN_EBADMSG);
	ck_assert_int_eq(blk_front_run(front()), -XEN_EBADMSG);
}
END_TEST

/* Any bytes for answers: the device closes at worst, each operation ends once. */
START_TEST(random_answers)
{
	static struct blk_operation o[32];
	uint32_t closed = 0;

	world->front_config.data_pages = 40;
	for (int run = 0; run < 3000; run++) {
		ended = 0;
		uint32_t sent = 1 + (uint32_t)rand() % 32;
		for (uint32_t i = 0; i < sent; i++) {
			o[i] = read_of(i, 1);
			HOLDS(blk_front_send(front(), &o[i]) == 0);
		}
		struct ring *r = &front()->ring.ring;
		uint32_t n = (uint32_t)rand() % (sent + 1) + (rand() % 50 == 0);
		for (uint32_t i = 0; i < n; i++) {
			struct blkif_response rsp = { (uint64_t)rand() % (rand() % 8 ? r->slots : 1 << 30),
				rand() % 16 == 0, (int16_t)-(rand() % 3) };

			memcpy(r->entries + (r->header->rsp_prod++ % r->slots) * r->entry_bytes, &rsp, sizeof rsp);
		}
		int err = blk_front_run(front());
		HOLDS(err == 0 || err == -XEN_EBADMSG);
		HOLDS(ended + blk_front_unanswered(front()) == sent);
		closed += err != 0;
		HOLDS(blk_front_close(front()) == 0);
		HOLDS(ended == sent);
		world->fronts = 0;
		front_start();
	}
	ck_assert(closed > 1000 && closed < 2990);
}
END_TEST

START_TEST(room)
{
	static struct blk_operation o[40];
	uint32_t n = 0;

	while (o[n] = read_of(n, 1), blk_front_send(front(), &o[n]) == 0)
		n++;
	ck_assert_uint_eq(n, 32);
	ck_assert_int_eq(blk_front_send(front(), &o[n]), -XEN_EAGAIN);
	back_start();
	world_run(true);
	ck_assert_uint_eq(ended, 32);
	ck_assert_int_eq(blk_front_send(front(), &o[n]), 0);
	blk_front_push(front());
	world_run(true);
	ck_assert_uint_eq(ended, 33);
}
END_TEST

START_TEST(room_by_pages)
{
	static struct blk_operation o[3];

	world_close();
	world_open(0);
	world->front_config.data_pages = 100;
	front_start();
	o[0] = read_of(0, 64 * 8);
	o[1] = read_of(0, 35 * 8 + 1);
	o[2] = read_of(0, 34 * 8);
	ck_assert_int_eq(blk_front_send(front(), &o[0]), 0);
	ck_assert_int_eq(blk_front_send(front(), &o[1]), -XEN_EAGAIN);
	ck_assert_int_eq(blk_front_send(front(), &o[2]), 0);
	ck_assert_uint_eq(front()->free_count, 0);
	back_start();
	blk_front_push(front());
	world_run(true);
	ck_assert_uint_eq(front()->free_count, 100);
}
END_TEST

START_TEST(sizes)
{
	struct blk_operation o = read_of(0, 64 * 8 + 1);

	ck_assert_uint_eq(blk_front_most_sectors(front()), 64 * 8);
	ck_assert_int_eq(blk_front_send(front(), &o), -XEN_EINVAL);
	o.sectors = UINT64_MAX;
	ck_assert_int_eq(blk_front_send(front(), &o), -XEN_EINVAL);
	o = (struct blk_operation){ BLK_BARRIER, false, 0, 11 * 8 + 1, out, ends };
	ck_assert_int_eq(blk_front_send(front(), &o), -XEN_EINVAL);
	ck_assert_uint_eq(blk_front_unanswered(front()), 0);
}
END_TEST

/* Resumed elsewhere: grants and ports are gone, the new back end gets all that has no answer, in its order. */
START_TEST(resume)
{
	static struct blk_operation o[20];
	char order[64] = "";

	back_start();
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_int_eq(do_op(0, BLK_READ, 0, 1, in), 0);
	back_kill();
	memset(world->machine.grant, 0, sizeof world->machine.grant);
	memset(world->machine.port, 0, sizeof world->machine.port);
	for (uint32_t i = 0; i < 20; i++) {
		o[i] = i % 3 ? read_of(i, 1) : (struct blk_operation){ BLK_WRITE, false, i * 8, 100, out, ends };
		ck_assert_int_eq(blk_front_send(front(), &o[i]), 0);
		strcat(order, i % 3 ? "Rr" : "Ww");
	}
	ck_assert_int_eq(blk_front_reopen(front()), 0);
	world->successor = false;
	world->disk.order_at = 0;
	back_start();
	world_run(true);
	ck_assert_uint_eq(ended, 20);
	ck_assert_str_eq(world->disk.order, order);
	ck_assert_int_eq(memcmp(world->disk.bytes + BYTES(18 * 8), out, BYTES(100)), 0);
}
END_TEST

/* The same where others have most grants already: what was not made anew is not ended, for it is theirs now. */
START_TEST(reopen_fails)
{
	struct pv_os *os = &world->guest.os;
	struct host_port others = { .owner = &world->dom0 };
	uint32_t port = front()->port;
	grant_ref_t ref[HOST_GRANTS];
	void *page = os->alloc(os, PV_PAGE);
	uint32_t n = 0;

	memset(world->machine.grant, 0, sizeof world->machine.grant);
	memset(world->machine.port, 0, sizeof world->machine.port);
	world->machine.port[port] = others;
	while (n < HOST_GRANTS - 300)
		ck_assert_int_eq(os->grant(os, 0, page, false, &ref[n++]), 0);
	ck_assert_int_eq(blk_front_reopen(front()), -XEN_ENOSPC);
	ck_assert_int_eq(blk_front_close(front()), 0);
	ck_assert_ptr_eq(world->machine.port[port].owner, &world->dom0);
	while (n > 0)
		HOLDS(world->machine.grant[ref[--n]].page == page && os->grant_end(os, ref[n]) == 0);
	world->machine.port[port].owner = NULL;
	os->free(os, page, PV_PAGE);
	world->fronts = 0;
}
END_TEST

/* Pages that the back end still maps stay, until it lets go. */
START_TEST(close_while_mapped)
{
	struct blk_operation o = read_of(0, 8);

	world->config.kept_pages = 4;
	back_start();
	ck_assert_int_eq(do_op(0, BLK_READ, 0, 8, in), 0);
	ck_assert_int_eq(blk_front_send(front(), &o), 0);
	ck_assert_int_eq(blk_front_close(front()), -XEN_EBUSY);
	ck_assert_uint_eq(ended, 1);
	ck_assert_int_eq(last_err, -XEN_ENXIO);
	ck_assert_int_eq(blk_front_close(front()), -XEN_EBUSY);
	back_stop();
}
END_TEST

/* Out of memory, or of grants, at any point of opening: nothing is left. */
START_TEST(open_fails)
{
	struct blk_front f;
	void *page = world->dom0.os.alloc(&world->dom0.os, PV_PAGE);
	grant_ref_t ref;

	for (uint32_t n = 1; n <= 5; n++) {
		uint32_t holds = host_domain_holds(&world->guest);

		world->guest.fail_alloc = n;
		ck_assert_int_eq(blk_front_open(&f, &world->front_config, NULL, NULL), -XEN_ENOMEM);
		ck_assert_uint_eq(host_domain_holds(&world->guest), holds);
	}
	while (world->dom0.os.grant(&world->dom0.os, 7, page, false, &ref) == 0)
		;
	world->machine.grant[HOST_GRANTS - 1].page = NULL;
	ck_assert_int_eq(blk_front_open(&f, &world->front_config, NULL, NULL), -XEN_ENOSPC);
	ck_assert_ptr_null(world->machine.grant[HOST_GRANTS - 1].page);
	for (grant_ref_t i = 1; i < HOST_GRANTS; i++)
		if (world->machine.grant[i].owner == 0)
			world->machine.grant[i].page = NULL;
	world->dom0.os.free(&world->dom0.os, page, PV_PAGE);
}
END_TEST

CHECK_MAIN("blk_front", set_up, world_close, an_answer, answers_of_error, an_answer_to_what_was_not_asked,
	an_answer_with_an_id_beyond_all, an_answer_of_another_operation, an_answer_given_twice,
	more_answers_than_requests, random_answers, room, room_by_pages, sizes, resume, reopen_fails,
	close_while_mapped, open_fails)
