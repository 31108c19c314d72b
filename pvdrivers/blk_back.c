/* The block back end: rings to jobs, jobs to answers.
 *
 * INVARIANT B1: a cell is free, or holds a request from its taking until its answer is committed; there are as many as
 * slots, so one is free whenever a request can be there. req_cons - rsp_prod of them are not free.
 * INVARIANT B2: a job is idle, ended, held back as its ring's barrier, or under way in the disk's hands.
 * INVARIANT B3: a request is copied to a free cell, then the cell is taken. So a successor that finds n cells taken
 * knows that req_cons was rsp_prod + n: what is not in a cell is still in the ring.
 * INVARIANT B4: an answer is in the record before the mark names its index, which commits it; then its cell is
 * freed, then the ring written, then rsp_prod moves. A successor that finds the mark's index at rsp_prod does these steps
 * again; the cell is not taken anew before all are done.
 * INVARIANT B5: a barrier in a cell is the last request that was taken: it is answered before the next one is.
 * blk_io_done() does no more than put a job on a list: all the work is blk_back_run()'s, so nothing recurses.
 * Neighbours: blk_request.c judges, blk_job.c acts, blk_pages.c maps, ring.c reads. */
#include "pvdrivers/blk_back.h"

#include <string.h>
#include "pvdrivers/blk_job.h"

/* Requests taken in one run, and of one ring before the next one has its turn. */
#define RUN_REQUESTS	512u
#define TURN_REQUESTS	16u

static uint64_t mark_of(uint32_t cell, RING_IDX index)
{
	return (uint64_t)(cell + 1) << 32 | index;
}

/* What comes before in the program is in memory before what comes after, if the process dies between. The
 * processor keeps to that; the compiler must, too. */
static void keep_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* ---- lists of slots ---- */

static void slot_add(struct blk_slots *list, struct blk_slot *s)
{
	s->next = NULL;
	if (list->first)
		list->last->next = s;
	else
		list->first = s;
	list->last = s;
}

static struct blk_slot *slot_remove(struct blk_slots *list)
{
	struct blk_slot *s = list->first;

	if (s)
		list->first = s->next;
	return s;
}

/* ---- answers ---- */

/* Give the answer that the record has committed. */
static void answer_commit(struct blk_ring *r)
{
	struct blkif_response rsp;

	r->record->cell[(r->record->mark >> 32) - 1].taken = 0;
	keep_order();
	memset(&rsp, 0, sizeof rsp);
	rsp.id = r->record->id;
	rsp.operation = r->record->operation;
	rsp.status = r->record->status;
	memcpy(ring_back_slot(&r->ring), &rsp, sizeof rsp);
	ring_back_answer(&r->ring);
	keep_order();
}

static void ring_answer(struct blk_ring *r)
{
	struct blk_slot *s;

	while ((s = slot_remove(&r->done))) {
		r->record->id = s->id;
		r->record->status = s->status;
		r->record->operation = s->operation;
		keep_order();
		__atomic_store_n(&r->record->mark, mark_of((uint32_t)(s - r->slot), r->ring.rsp_prod), __ATOMIC_RELAXED);
		keep_order();
		answer_commit(r);
		slot_add(&r->idle, s);
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
	slot_add(&j->ring->done, j->slot);
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

/* Put the next request into a cell, and its slot to *s. 1: done; 0: there is none; -EBADMSG. */
static int request_take(struct blk_ring *r, struct blk_slot **s)
{
	struct blk_cell *cell;
	int got;

	*s = slot_remove(&r->left);
	if (*s)
		return 1;
	/* With no cell free there can be no request either, which is looked at all the same. */
	*s = r->idle.first;
	cell = *s ? &r->record->cell[*s - r->slot] : NULL;
	got = ring_back_take(&r->ring, cell ? &cell->request : NULL);
	if (got == 1) {
		keep_order();
		__atomic_store_n(&cell->taken, 1, __ATOMIC_RELAXED);
		keep_order();
		(void)slot_remove(&r->idle);
	}
	return got;
}

/* ---- limits ---- */

static bool is_limited(const struct blk_back *b)
{
	return b->config.operations.per_second || b->config.bytes.per_second;
}

/* See how long no request is taken. One that is not looked for does not notify, either: so the ring must be looked at then. */
static void rates_look(struct blk_back *b)
{
	uint64_t operations, bytes;

	if (!is_limited(b))
		return;
	b->now_ns = b->config.os->now_ns(b->config.os);
	operations = rate_wait_ns(&b->config.operations, b->now_ns);
	bytes = rate_wait_ns(&b->config.bytes, b->now_ns);
	b->wait_ns = operations > bytes ? operations : bytes;
}

/* A request was taken, for @j. */
static void rates_take(struct blk_back *b, const struct blk_job *j, bool began)
{
	const struct blk_request *r = &j->request;

	if (!is_limited(b))
		return;
	rate_take(&b->config.operations, 1, b->now_ns);
	if (began && r->op != BLK_DISCARD)
		rate_take(&b->config.bytes, r->sectors * BLK_SECTOR_BYTES, b->now_ns);
	rates_look(b);
}

/* Take one request. 1: done; 0: there is none, or it has to wait; -EBADMSG. */
static int ring_take(struct blk_back *b, struct blk_ring *r)
{
	struct blk_job *j = b->idle;
	bool began;
	int got;

	if (!j || r->barrier || b->wait_ns)
		return 0;
	got = request_take(r, &j->slot);
	if (got == 0)
		return ring_back_sleep(&r->ring);
	if (got < 0)
		return got;
	b->idle = j->next;
	j->ring = r;
	began = blk_job_prepare(j, &r->record->cell[j->slot - r->slot].request);
	rates_take(b, j, began);
	if (!began) {
		job_end(j);
		ring_answer(r);
	} else if (j->request.op == BLK_BARRIER) {
		r->barrier = j;
	} else {
		job_begin(j);
	}
	return 1;
}

/* One turn of @r: 1: something was done; 0; -EBADMSG. */
static int ring_turn(struct blk_back *b, struct blk_ring *r, uint32_t *budget)
{
	int did = 0, got;

	ring_answer(r);
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

	rates_look(b);
	while (did > 0 && budget && !b->stopped)
		did = round_of_turns(b, &budget);
	b->senseless |= did < 0;
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

/* Sort the cells: free ones, and requests that a predecessor took, a barrier last (B5). */
static uint32_t cells_sort(struct blk_ring *r)
{
	struct blk_slot *barrier = NULL;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < r->ring.ring.slots; i++) {
		const struct blk_cell *cell = &r->record->cell[i];

		taken += cell->taken != 0;
		if (!cell->taken)
			slot_add(&r->idle, &r->slot[i]);
		else if (cell->request.req.operation == BLKIF_OP_WRITE_BARRIER)
			barrier = &r->slot[i];
		else
			slot_add(&r->left, &r->slot[i]);
	}
	if (barrier)
		slot_add(&r->left, barrier);
	return taken;
}

/* Go on where a predecessor died. -EBADMSG: its ring was another, or what it took is not asked, so the front end has
 * changed the indices. */
static int ring_resume(struct blk_back *b, struct blk_ring *r)
{
	uint32_t asked = ring_distance(r->ring.rsp_prod, r->ring.req_seen), taken;

	if (r->record->slots != r->ring.ring.slots || r->record->mark >> 32 > r->record->slots)
		return -XEN_EBADMSG;
	if (r->record->mark >> 32 && (RING_IDX)r->record->mark == r->ring.rsp_prod) {
		if (!asked)
			return -XEN_EBADMSG;
		r->ring.req_cons++;
		asked--;
		answer_commit(r);
	}
	taken = cells_sort(r);
	if (taken > asked)
		return -XEN_EBADMSG;
	r->ring.req_cons += taken;
	r->ring.rsp_told = r->ring.rsp_prod;
	b->config.os->event_notify(b->config.os, r->port);
	return 0;
}

void blk_record_clear(struct blk_record *record)
{
	record->slots = 0;
	keep_order();
}

/* Begin a new connection. The record is this ring's when all the rest of it is. */
static void ring_begin(struct blk_ring *r)
{
	struct blk_record *record = r->record;
	uint32_t slots = r->ring.ring.slots;

	blk_record_clear(record);
	memset(record, 0, offsetof(struct blk_record, cell) + slots * sizeof record->cell[0]);
	(void)cells_sort(r);
	keep_order();
	record->slots = slots;
}

int blk_back_add_ring(struct blk_back *b, void *pages, size_t bytes, uint32_t port, struct blk_record *record,
		      bool successor)
{
	struct blk_ring *r = &b->ring[b->rings];
	struct pv_os *os = b->config.os;
	size_t slots = ring_entries(bytes, sizeof(union blkif_sring_entry));
	int err;

	if (b->rings == BLK_RINGS_MAX || slots > BLK_SLOTS_MAX)
		return -XEN_ENOSPC;
	*r = (struct blk_ring){ .port = port, .record = record };
	err = ring_back_open(&r->ring, pages, bytes, sizeof(union blkif_sring_entry));
	if (err)
		return err;
	r->slot = os->alloc(os, slots * sizeof *r->slot);
	if (!r->slot)
		return -XEN_ENOMEM;
	if (!successor)
		ring_begin(r);
	else
		err = ring_resume(b, r);
	if (err)
		os->free(os, r->slot, slots * sizeof *r->slot);
	else
		b->rings++;
	return err;
}

void blk_back_resize(struct blk_back *b, uint64_t sectors)
{
	b->config.limits.sectors = sectors;
}

/* Refuse what @r still asks, and answer what was done. The pages are a ring as long as we map them: a front end that has
 * closed cannot have given them to somebody else. */
static void ring_refuse(struct blk_back *b, struct blk_ring *r)
{
	struct blk_slot *s;

	for (uint32_t n = 0; n < r->ring.ring.slots && request_take(r, &s) == 1; n++) {
		struct blk_request request;

		(void)!blk_request_head(&request, &r->record->cell[s - r->slot].request, &b->config.limits);
		*s = (struct blk_slot){ .id = request.id, .operation = request.operation, .status = BLKIF_RSP_ERROR };
		slot_add(&r->done, s);
	}
	ring_answer(r);
	ring_notify(b, r);
}

/* Do no more of @j, which has failed if there is more. */
static void job_cut(struct blk_job *j)
{
	if (j->todo && j->status == BLKIF_RSP_OKAY)
		j->status = BLKIF_RSP_ERROR;
	j->todo = 0;
}

bool blk_back_close(struct blk_back *b)
{
	b->stopped = true;
	for (struct blk_job *j = b->ended; j; j = j->next)
		job_cut(j);
	(void)jobs_advance(b);
	for (uint32_t i = 0; i < b->rings; i++) {
		struct blk_job *j = b->ring[i].barrier;

		if (!j || b->ring[i].under_way)
			continue;
		/* It had not begun, so its first step is its last. */
		job_cut(j);
		(void)!blk_job_step(j);
		job_end(j);
	}
	if (b->under_way)
		return false;
	for (uint32_t i = 0; i < b->rings && !b->senseless; i++)
		ring_refuse(b, &b->ring[i]);
	for (uint32_t i = 0; i < b->rings; i++)
		b->config.os->free(b->config.os, b->ring[i].slot,
			b->ring[i].ring.ring.slots * sizeof *b->ring[i].slot);
	memory_free(b);
	return true;
}
