/* A few operations are under way at any time; they are summed up in their order, whatever order they end in.
 *
 * INVARIANT: operations number summed_count to sent_count - 1 are in slots, each ended or under way. */
#include "examples/minnow/reader.h"

#include <string.h>
#include "examples/minnow/crc32.h"
#include "examples/pv/print.h"

static struct reader_slot *slot(struct reader *r, uint32_t number)
{
	return &r->slot[number % READER_DEPTH];
}

static void done(struct blk_operation *o, int err)
{
	struct reader_slot *s = PV_CONTAINER_OF(o, struct reader_slot, op);

	s->ended = true;
	s->err = err;
}

static void round_begin(struct reader *r)
{
	r->reading = r->round < r->rounds;
	r->start_ns = r->now_ns();
	r->sectors = r->vbd.limits.sectors;
	r->sent = r->summed = 0;
	r->sent_count = r->summed_count = 0;
	r->crc = 0;
}

static void changed(struct vbd_front *v)
{
	struct reader *r = PV_CONTAINER_OF(v, struct reader, vbd);

	if (v->usable && !r->reading)
		round_begin(r);
	else if (!v->usable && r->reading)
		print("minnow: disk: it goes away at sector %lu\n", r->summed);
	r->reading = r->reading && v->usable;
}

/* Send the next operation, if there is one and room for it. */
static void send(struct reader *r)
{
	uint64_t left = r->sectors - r->sent, most = blk_front_most_sectors(&r->vbd.blk);
	struct reader_slot *s = slot(r, r->sent_count);

	if (most > READER_SECTORS)
		most = READER_SECTORS;
	if (!left || r->sent_count - r->summed_count == READER_DEPTH)
		return;
	*s = (struct reader_slot){
		.op = {
			.op = BLK_READ, .sector = r->sent, .sectors = left < most ? left : most, .done = done,
			.data = r->buffer + r->sent_count % READER_DEPTH * READER_SECTORS * BLK_SECTOR_BYTES,
		},
	};
	if (vbd_front_send(&r->vbd, &s->op))
		return;
	r->sent += s->op.sectors;
	r->sent_count++;
}

/* Sum up what the oldest operation has read. */
static void sum(struct reader *r, const struct reader_slot *s)
{
	r->summed_count++;
	r->summed += s->op.sectors;
	r->crc = crc32_add(r->crc, s->op.data, s->op.sectors * BLK_SECTOR_BYTES);
	if (!s->err)
		return;
	print("minnow: disk: error %d at sector %lu\n", -s->err, s->op.sector);
	/* What else is under way keeps its slots: no round begins any more. */
	r->reading = false;
	r->rounds = 0;
}

static void round_end(struct reader *r)
{
	r->round++;
	print("minnow: disk: %lu bytes, crc32 %08x, read in %lu us\n", r->sectors * BLK_SECTOR_BYTES, r->crc,
	      (r->now_ns() - r->start_ns) / 1000);
	round_begin(r);
}

static bool oldest_ended(struct reader *r)
{
	return r->reading && r->summed_count != r->sent_count && slot(r, r->summed_count)->ended;
}

bool reader_run(struct reader *r)
{
	if (oldest_ended(r))
		sum(r, slot(r, r->summed_count));
	if (!r->reading)
		return false;
	if (r->summed == r->sectors)
		round_end(r);
	for (uint32_t i = 0; i < READER_DEPTH && r->reading; i++)
		send(r);
	blk_front_push(&r->vbd.blk);
	return oldest_ended(r);
}

int reader_open(struct reader *r, struct pv_os *os, const char *path, uint32_t rounds, uint64_t (*now_ns)(void))
{
	*r = (struct reader){
		.vbd = {
			.max_segments = READER_SECTORS / BLK_PAGE_SECTORS, .changed = changed,
			.data_pages = READER_DEPTH * (READER_SECTORS / BLK_PAGE_SECTORS + 1),
		},
		.now_ns = now_ns, .rounds = rounds,
	};
	r->buffer = os->alloc(os, READER_BYTES);
	return r->buffer ? vbd_front_open(&r->vbd, os, path) : -XEN_ENOMEM;
}
