/* The block back end: rings to jobs, jobs to answers.
 *
 * INVARIANT B1: a request that was taken has a slot, by its index, until it is answered; the oldest is answered first.
 * INVARIANT B2: a job is idle, ended, held back as its ring's barrier, or under way in the disk's hands.
 * INVARIANT B3: before a byte of an answer is written over its request, the record names its index and holds the
 * answer; it names the next one only after rsp_prod has moved. So a successor that finds the record's index at
 * rsp_prod completes that answer, and otherwise finds that request whole.
 * blk_io_done() does no more than put a job on a list: all the work is blk_back_run()'s, so nothing recurses.
 * Neighbours: blk_request.c judges, blk_job.c acts, blk_pages.c maps, ring.c reads. */
#include "pvdrivers/blk_back.h"

#include <string.h>
#include "pvdrivers/blk_job.h"

/* Requests taken in one run, and of one ring before the next one has its turn. */
#define RUN_REQUESTS	512u
#define TURN_REQUESTS	16u

/* A record that has not been used is zero, and no index gives that. */
static uint64_t mark_of(RING_IDX index)
{
	return 1ull << 32 | index;
}

/* ---- answers ---- */

/* Write what the record holds over the oldest request, and publish it. */
static void answer_from_record(struct blk_ring *r)
{
	struct blkif_response rsp;

	memset(&rsp, 0, sizeof rsp);
	rsp.id = r->record->id;
	rsp.operation = r->record->operation;
	rsp.status = r->record->status;
	memcpy(ring_back_slot(&r->ring), &rsp, sizeof rsp);
	ring_back_answer(&r->ring);
}

static void ring_answer(struct blk_ring *r)
{
	while (r->ring.rsp_prod != r->ring.req_cons) {
		struct blk_slot *s = &r->slot[r->ring.rsp_prod & (r->ring.ring.slots - 1)];

		if (!s->done)
			return;
		r->record->id = s->id;
		r->record->status = s->status;
		r->record->operation = s->operation;
		__atomic_store_n(&r->record->mark, mark_of(r->ring.rsp_prod), __ATOMIC_RELEASE);
		/* Death is not reordered by the processor; the compiler must not, either. */
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		answer_from_record(r);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	}
}

static void ring_notify(struct blk_back *b, struct blk_ring *r)
{
	if (ring_back_notify(&r->ring))
		b->config.os->event_notify(b->config.os, r->port);
}

/* ---- jobs ---- */

/* @j has its status. */
static void job_end(struct blk_job *j)
{
	struct blk_back *b = j->back;

	j->slot->status = j->status;
	j->slot->done = true;
	if (j->ring->barrier == j)
		j->ring->barrier = NULL;
	j->next = b->idle;
	b->idle = j;
}

static void job_begin(struct blk_job *j)
{
	j->ring->under_way++;
	j->back->under_way++;
	/* A job that was just prepared has an operation to do. */
	(void)!blk_job_step(j);
}

/* What the disk has done: on to the next operation, or to the end. False: nothing had ended. */
static bool jobs_advance(struct blk_back *b)
{
	bool any = b->ended;

	while (b->ended) {
		struct blk_job *j = b->ended;

		b->ended = j->next;
		if (blk_job_step(j))
			continue;
		j->ring->under_way--;
		b->under_way--;
		job_end(j);
	}
	return any;
}

/* A barrier begins when everything before it in its ring has ended. */
static bool barrier_begin(struct blk_ring *r)
{
	if (!r->barrier || r->under_way)
		return false;
	job_begin(r->barrier);
	return true;
}

/* ---- requests ---- */

/* Take one request. 1: done; 0: there is none, or it has to wait; -EBADMSG. */
static int ring_take(struct blk_back *b, struct blk_ring *r)
{
	union blkif_sring_entry entry;
	struct blk_job *j = b->idle;
	RING_IDX at = r->ring.req_cons;
	int got;

	if (!j || r->barrier)
		return 0;
	got = ring_back_take(&r->ring, &entry);
	if (got == 0)
		return ring_back_sleep(&r->ring);
	if (got < 0)
		return got;
	b->idle = j->next;
	j->ring = r;
	j->slot = &r->slot[at & (r->ring.ring.slots - 1)];
	j->slot->done = false;
	if (!blk_job_prepare(j, &entry))
		job_end(j);
	else if (j->request.op == BLK_BARRIER)
		r->barrier = j;
	else
		job_begin(j);
	return 1;
}

/* One turn of @r: 1: something was done; 0; -EBADMSG. */
static int ring_turn(struct blk_back *b, struct blk_ring *r, uint32_t *budget)
{
	int did = 0, got;

	for (uint32_t n = 0; n < TURN_REQUESTS && *budget; n++) {
		got = ring_take(b, r);
		if (got < 0)
			return got;
		if (got == 0)
			break;
		--*budget;
		did = 1;
	}
	if (barrier_begin(r))
		did = 1;
	did |= jobs_advance(b);
	ring_answer(r);
	ring_notify(b, r);
	return did;
}

/* A turn of every ring. The next round starts behind the last one that did something, so that one that always can
 * does not take every job that gets idle. */
static int round_of_turns(struct blk_back *b, uint32_t *budget)
{
	uint32_t first = b->turn;
	int did = jobs_advance(b);

	for (uint32_t i = 0; i < b->rings; i++) {
		uint32_t at = (first + i) % b->rings;
		int got = ring_turn(b, &b->ring[at], budget);

		if (got < 0)
			return got;
		if (got)
			b->turn = (at + 1) % b->rings;
		did |= got;
	}
	return did;
}

int blk_back_run(struct blk_back *b)
{
	uint32_t budget = RUN_REQUESTS;
	int did = 1;

	while (did > 0 && budget && !b->stopped)
		did = round_of_turns(b, &budget);
	b->stopped |= did < 0;
	return b->stopped ? -XEN_EBADMSG : did;
}

/* ---- opening, closing ---- */

static void jobs_init(struct blk_back *b)
{
	for (uint32_t i = b->config.jobs; i-- > 0;) {
		struct blk_job *j = &b->job[i];

		j->back = b;
		j->page = b->page + (size_t)i * b->segments;
		j->piece = b->piece + (size_t)i * b->segments;
		j->next = b->idle;
		b->idle = j;
	}
}

/* Free what blk_back_open() allocated, all or a part. */
static void memory_free(struct blk_back *b)
{
	struct pv_os *os = b->config.os;
	size_t total = (size_t)b->config.jobs * b->segments;

	blk_pages_close(&b->pages);
	os->free(os, b->job, b->config.jobs * sizeof *b->job);
	os->free(os, b->page, total * sizeof *b->page);
	os->free(os, b->piece, total * sizeof *b->piece);
	os->free(os, b->segment, b->segments * sizeof *b->segment);
}

int blk_back_open(struct blk_back *b, const struct blk_config *c)
{
	size_t total;
	int err;

	*b = (struct blk_back){ .config = *c, .segments = BLKIF_MAX_SEGMENTS_PER_REQUEST };
	if (c->limits.max_segments > b->segments)
		b->segments = c->limits.max_segments;
	total = (size_t)c->jobs * b->segments;
	err = blk_pages_open(&b->pages, c->os, c->peer, c->kept_pages, b->segments);
	b->job = c->os->alloc(c->os, c->jobs * sizeof *b->job);
	b->page = c->os->alloc(c->os, total * sizeof *b->page);
	b->piece = c->os->alloc(c->os, total * sizeof *b->piece);
	b->segment = c->os->alloc(c->os, b->segments * sizeof *b->segment);
	if (err || !b->job || !b->page || !b->piece || !b->segment) {
		memory_free(b);
		return -XEN_ENOMEM;
	}
	jobs_init(b);
	return 0;
}

int blk_back_add_ring(struct blk_back *b, void *pages, size_t bytes, uint32_t port, struct blk_record *record)
{
	struct blk_ring *r = &b->ring[b->rings];
	struct pv_os *os = b->config.os;
	int err;

	if (b->rings == BLK_RINGS_MAX)
		return -XEN_ENOSPC;
	*r = (struct blk_ring){ .port = port, .record = record };
	err = ring_back_open(&r->ring, pages, bytes, sizeof(union blkif_sring_entry));
	if (err)
		return err;
	if (record->mark == mark_of(r->ring.rsp_prod) && r->ring.req_seen == r->ring.rsp_prod)
		return -XEN_EBADMSG;
	r->slot = os->alloc(os, r->ring.ring.slots * sizeof *r->slot);
	if (!r->slot)
		return -XEN_ENOMEM;
	if (record->mark == mark_of(r->ring.rsp_prod)) {
		r->ring.req_cons++;
		answer_from_record(r);
	}
	if (record->mark) {
		r->ring.rsp_told = r->ring.rsp_prod;
		os->event_notify(os, port);
	}
	b->rings++;
	return 0;
}

void blk_back_resize(struct blk_back *b, uint64_t sectors)
{
	b->config.limits.sectors = sectors;
}

bool blk_back_close(struct blk_back *b)
{
	b->stopped = true;
	for (struct blk_job *j = b->ended; j; j = j->next)
		j->todo = 0;
	(void)jobs_advance(b);
	for (uint32_t i = 0; i < b->rings; i++) {
		struct blk_job *j = b->ring[i].barrier;

		if (!j || b->ring[i].under_way)
			continue;
		/* It had not begun, so its first step is its last. */
		j->todo = 0;
		(void)!blk_job_step(j);
		job_end(j);
	}
	if (b->under_way)
		return false;
	for (uint32_t i = 0; i < b->rings; i++)
		b->config.os->free(b->config.os, b->ring[i].slot,
			b->ring[i].ring.ring.slots * sizeof *b->ring[i].slot);
	memory_free(b);
	return true;
}
