/* Room for data that goes by memory of ours: what lies where, what must wait, and what is given back. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "dom0/blkback/bounce.h"
#include "dom0/lib/attr.h"
#include "tests/unit/check_main.h"

static struct bounce bounce;

static unsigned char data[64 * PV_PAGE];

static struct blk_io_request request(enum blk_op op, struct blk_piece *piece, uint64_t sectors)
{
	*piece = (struct blk_piece){ data, sectors * BLK_SECTOR_BYTES };
	return (struct blk_io_request){ .op = op, .sector = 77, .sectors = sectors, .piece = piece, .pieces = 1 };
}

static void ended(struct blk_io_request *step, bool well)
{
	ck_assert_ptr_nonnull(bounce_end(&bounce, step, well));
}

static unsigned char *memory_of(const struct blk_io_request *step)
{
	return step->piece->addr;
}

START_TEST(data_goes_and_comes)
{
	struct blk_piece piece[2] = { { data + 5 * 512, 1024 }, { data, 512 } };
	struct blk_io_request r = { .op = BLK_WRITE, .sector = 77, .sectors = 3, .piece = piece, .pieces = 2 }, *s;

	memset(data, 1, 512);
	memset(data + 5 * 512, 2, 1024);
	s = bounce_begin(&bounce, &r);
	ck_assert(s->op == BLK_WRITE && s->sector == 77 && s->sectors == 3 && s->pieces == 1 && s->piece->bytes == 1536);
	ck_assert(bounce_has(&bounce, s) && !bounce_has(&bounce, &r));
	ck_assert_mem_eq(memory_of(s), data + 5 * 512, 1024);
	ck_assert_mem_eq(memory_of(s) + 1024, data, 512);
	/* What the guest writes from now on does not count. */
	memset(data, 9, 512);
	ck_assert_uint_eq(memory_of(s)[1024], 1);
	ck_assert_ptr_eq(bounce_end(&bounce, s, true), &r);
	ck_assert_uint_eq(data[0], 9);

	r.op = BLK_READ;
	s = bounce_begin(&bounce, &r);
	memset(memory_of(s), 3, 1024);
	memset(memory_of(s) + 1024, 4, 512);
	ck_assert_ptr_eq(bounce_end(&bounce, s, true), &r);
	ck_assert(data[5 * 512] == 3 && data[7 * 512 - 1] == 3 && data[0] == 4 && data[511] == 4 && data[512] == 0);
	/* What failed brings nothing. */
	s = bounce_begin(&bounce, &r);
	memset(memory_of(s), 5, 1536);
	ck_assert_ptr_eq(bounce_end(&bounce, s, false), &r);
	ck_assert(data[5 * 512] == 3 && data[0] == 4);
}
END_TEST

/* Nothing of one lies in another, whatever the sizes and the order of their ends. */
START_TEST(room)
{
	struct blk_io_request r[BOUNCE_STEPS], *step[BOUNCE_STEPS] = { NULL };
	struct blk_piece piece[BOUNCE_STEPS];
	bool refused[2] = { false };

	srand((unsigned int)_i);
	for (int round = 0; round < 5000; round++) {
		size_t i = (size_t)rand() % BOUNCE_STEPS;
		uint64_t sectors = (uint64_t)(rand() % (_i ? 512 : 64) + 1);

		if (step[i]) {
			for (size_t k = 0; k < step[i]->piece->bytes; k += 512)
				ck_assert_uint_eq(memory_of(step[i])[k], i);
			ended(step[i], false);
			step[i] = NULL;
		} else {
			r[i] = request(BLK_READ, &piece[i], sectors);
			step[i] = bounce_begin(&bounce, &r[i]);
			refused[!step[i]] = true;
			if (step[i])
				memset(memory_of(step[i]), (int)i, step[i]->piece->bytes);
		}
	}
	/* Small ones find room always; of large ones not all. */
	ck_assert(refused[0] && refused[1] == (_i == 1));
	for (size_t i = 0; i < BOUNCE_STEPS; i++)
		if (step[i])
			ended(step[i], false);
	for (size_t i = 0; i < BOUNCE_CHUNKS; i++)
		ck_assert_uint_eq(bounce.used[i], 0);
}
END_TEST

/* All of the memory can be had, in the largest operations and in the smallest, and not more. */
START_TEST(all_room)
{
	struct blk_io_request r[BOUNCE_STEPS], more, *step[BOUNCE_STEPS];
	struct blk_piece piece[BOUNCE_STEPS], one;

	for (uint32_t count = BOUNCE_CHUNKS; count <= BOUNCE_STEPS; count += BOUNCE_STEPS - BOUNCE_CHUNKS) {
		uint64_t sectors = BOUNCE_CHUNKS * BOUNCE_CHUNK_BYTES / BLK_SECTOR_BYTES / count;

		for (size_t i = 0; i < count; i++) {
			r[i] = request(BLK_WRITE, &piece[i], sectors);
			step[i] = bounce_begin(&bounce, &r[i]);
			ck_assert_ptr_nonnull(step[i]);
			ck_assert_uint_eq(bounce_chunk(&bounce, step[i]), i * BOUNCE_CHUNKS / count);
		}
		more = request(BLK_WRITE, &one, 1);
		ck_assert_ptr_null(bounce_begin(&bounce, &more));
		for (size_t i = 0; i < count; i++)
			ended(step[i], true);
	}
}
END_TEST

static unsigned int resident(void)
{
	static unsigned char page[BOUNCE_CHUNKS * 64];
	unsigned int all = 0;

	ck_assert_int_eq(mincore(bounce.memory, sizeof page * PV_PAGE, page), 0);
	for (size_t i = 0; i < sizeof page; i++)
		all += page[i] & 1;
	return all;
}

START_TEST(memory_is_given_back)
{
	struct blk_piece piece;
	struct blk_io_request r = request(BLK_WRITE, &piece, 512), *s;

	ck_assert_uint_eq(resident(), 0);
	ck_assert(!bounce_is_quiet(&bounce) && !bounce_is_quiet(&bounce));
	s = bounce_begin(&bounce, &r);
	ck_assert_uint_eq(resident(), 64);
	/* Not while it is used. */
	ck_assert(!bounce_is_quiet(&bounce) && !bounce_is_quiet(&bounce));
	ended(s, true);
	/* Nor when something was done since the last look. */
	ended(bounce_begin(&bounce, &r), true);
	ck_assert(!bounce_is_quiet(&bounce));
	ck_assert(bounce_is_quiet(&bounce));
	bounce_trim(&bounce);
	ck_assert_uint_eq(resident(), 0);
	ck_assert(!bounce_is_quiet(&bounce));
	ended(bounce_begin(&bounce, &r), true);
	ck_assert_uint_eq(resident(), 64);
}
END_TEST

static void open_bounce(void)
{
	ck_assert_int_eq(bounce_open(&bounce), 0);
}

static void close_bounce(void)
{
	ck_assert_uint_eq(bounce.under_way, 0);
	bounce_close(&bounce);
}

int main(void)
{
	TCase *c = CHECK_CASE(open_bounce, close_bounce, data_goes_and_comes, all_room, memory_is_given_back);

	tcase_add_loop_test(c, room, 0, 2);
	return check_run("bounce", c);
}
