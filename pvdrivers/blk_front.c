/* The block front end: a table of what was sent, by id; lists of data pages; the ring.
 *
 * INVARIANT F1: an id is in the free list, or its operation is set and one request with it is in the ring.
 * INVARIANT F2: a data page is in the free list, or in that of one operation without an answer.
 * There are as many ids as slots, so that whoever has an id has a slot. An operation's data is packed into pages from
 * their start, so that all segments but the last are whole pages; then come the pages that hold the segments, if
 * those do not fit in the request. */
#include "pvdrivers/blk_front.h"
#include "pvdrivers/grants.h"

#include <string.h>

/* ---- data pages ---- */

static uint32_t pages_of(uint64_t sectors)
{
	return (uint32_t)((sectors + BLK_PAGE_SECTORS - 1) / BLK_PAGE_SECTORS);
}

static uint32_t indirect_pages_of(uint32_t segments)
{
	return segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST ? 0 :
		(segments + BLK_INDIRECT_PER_PAGE - 1) / BLK_INDIRECT_PER_PAGE;
}

static uint8_t *page_at(const struct blk_front *f, uint32_t page)
{
	return f->data + (size_t)(page - 1) * PV_PAGE;
}

/* Take @count pages, which there are, as a list. */
static uint32_t pages_take(struct blk_front *f, uint32_t count)
{
	uint32_t first = f->free_pages, *link = &first;

	for (uint32_t i = 0; i < count; i++)
		link = &f->next[*link - 1];
	f->free_pages = *link;
	*link = 0;
	f->free_count -= count;
	return first;
}

static void pages_give(struct blk_front *f, uint32_t first)
{
	while (first) {
		uint32_t page = first;

		first = f->next[page - 1];
		f->next[page - 1] = f->free_pages;
		f->free_pages = page;
		f->free_count++;
	}
}

/* Copy an operation's data to its pages, or from them. */
static void data_copy(const struct blk_front *f, const struct blk_sent *s, bool out)
{
	size_t left = s->op->sectors * BLK_SECTOR_BYTES;
	uint8_t *data = s->op->data;

	for (uint32_t page = s->pages; left; page = f->next[page - 1]) {
		size_t n = left < PV_PAGE ? left : PV_PAGE;

		if (out)
			memcpy(page_at(f, page), data, n);
		else
			memcpy(data, page_at(f, page), n);
		data += n;
		left -= n;
	}
}

/* ---- requests ---- */

static uint8_t ring_operation(enum blk_op op)
{
	static const uint8_t number[] = {
		[BLK_READ] = BLKIF_OP_READ, [BLK_WRITE] = BLKIF_OP_WRITE,
		[BLK_FLUSH] = BLKIF_OP_FLUSH_DISKCACHE, [BLK_BARRIER] = BLKIF_OP_WRITE_BARRIER,
		[BLK_DISCARD] = BLKIF_OP_DISCARD,
	};

	return number[op];
}

static struct blkif_request_segment segment(const struct blk_front *f, uint32_t page, uint64_t sectors_left)
{
	uint64_t last = sectors_left < BLK_PAGE_SECTORS ? sectors_left - 1 : BLK_PAGE_SECTORS - 1;

	return (struct blkif_request_segment){ f->ref[page - 1], 0, (uint8_t)last };
}

static void write_discard(const struct blk_operation *o, uint64_t id, union blkif_sring_entry *entry)
{
	struct blkif_request_discard d = {
		.operation = BLKIF_OP_DISCARD, .flag = o->secure ? BLKIF_DISCARD_SECURE : 0, .id = id,
		.sector_number = o->sector, .nr_sectors = o->sectors,
	};

	memcpy(entry, &d, sizeof d);
}

static void write_direct(const struct blk_front *f, uint64_t id, union blkif_sring_entry *entry)
{
	const struct blk_sent *s = &f->sent[id];
	struct blkif_request r = { .operation = s->operation, .id = id, .sector_number = s->op->sector };

	for (uint32_t page = s->pages; page; page = f->next[page - 1], r.nr_segments++)
		r.seg[r.nr_segments] = segment(f, page, s->op->sectors - r.nr_segments * BLK_PAGE_SECTORS);
	memcpy(entry, &r, sizeof r);
}

/* The pages that hold the segments are the last of the operation's list. */
static void write_indirect(const struct blk_front *f, uint64_t id, union blkif_sring_entry *entry)
{
	const struct blk_sent *s = &f->sent[id];
	uint32_t segments = pages_of(s->op->sectors), page = s->pages, holder = page;
	struct blkif_request_indirect r = {
		.operation = BLKIF_OP_INDIRECT, .indirect_op = s->operation, .id = id,
		.nr_segments = (uint16_t)segments, .sector_number = s->op->sector,
	};
	struct blkif_request_segment *to = NULL;

	for (uint32_t i = 0; i < segments; i++)
		holder = f->next[holder - 1];
	for (uint32_t i = 0, n = 0; i < segments; i++, page = f->next[page - 1]) {
		if (i % BLK_INDIRECT_PER_PAGE == 0) {
			to = (struct blkif_request_segment *)(void *)page_at(f, holder);
			r.indirect_grefs[n++] = f->ref[holder - 1];
			holder = f->next[holder - 1];
		}
		*to++ = segment(f, page, s->op->sectors - (uint64_t)i * BLK_PAGE_SECTORS);
	}
	memcpy(entry, &r, sizeof r);
}

static void request_write(struct blk_front *f, uint64_t id)
{
	const struct blk_operation *o = f->sent[id].op;
	union blkif_sring_entry *entry = ring_front_slot(&f->ring);

	if (o->op == BLK_DISCARD)
		write_discard(o, id, entry);
	else if (pages_of(o->sectors) > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		write_indirect(f, id, entry);
	else
		write_direct(f, id, entry);
	ring_front_push(&f->ring);
}

uint32_t blk_front_most_sectors(const struct blk_front *f)
{
	uint32_t segments = f->config.max_segments;

	return (segments > BLKIF_MAX_SEGMENTS_PER_REQUEST ? segments : BLKIF_MAX_SEGMENTS_PER_REQUEST) *
	       BLK_PAGE_SECTORS;
}

int blk_front_send(struct blk_front *f, struct blk_operation *o)
{
	uint32_t segments, pages, id;
	struct blk_sent *s;

	if (f->broken)
		return -XEN_EBADMSG;
	if (o->op != BLK_DISCARD && o->sectors > blk_front_most_sectors(f))
		return -XEN_EINVAL;
	segments = o->op == BLK_DISCARD ? 0 : pages_of(o->sectors);
	/* Only reads and writes can be indirect. */
	if (segments > BLKIF_MAX_SEGMENTS_PER_REQUEST && o->op != BLK_READ && o->op != BLK_WRITE)
		return -XEN_EINVAL;
	pages = segments + indirect_pages_of(segments);
	if (!f->free_id || pages > f->free_count || !ring_front_room(&f->ring))
		return -XEN_EAGAIN;
	id = f->free_id - 1;
	s = &f->sent[id];
	f->free_id = s->next_free;
	*s = (struct blk_sent){ o, f->order++, ring_operation(o->op), pages_take(f, pages), 0 };
	if (segments && o->op != BLK_READ)
		data_copy(f, s, true);
	request_write(f, id);
	return 0;
}

void blk_front_push(struct blk_front *f)
{
	if (!f->broken && ring_front_notify(&f->ring))
		f->config.os->event_notify(f->config.os, f->port);
}

/* ---- answers ---- */

static void sent_end(struct blk_front *f, uint32_t id, int err)
{
	struct blk_sent *s = &f->sent[id];
	struct blk_operation *o = s->op;

	if (!err && o->op == BLK_READ)
		data_copy(f, s, false);
	pages_give(f, s->pages);
	s->op = NULL;
	s->next_free = f->free_id;
	f->free_id = id + 1;
	o->done(o, err);
}

static int answer(struct blk_front *f, const struct blkif_response *rsp)
{
	if (rsp->id >= f->ring.ring.slots || !f->sent[rsp->id].op ||
	    rsp->operation != f->sent[rsp->id].operation)
		return -XEN_EBADMSG;
	sent_end(f, (uint32_t)rsp->id, rsp->status == BLKIF_RSP_OKAY ? 0 :
		rsp->status == BLKIF_RSP_EOPNOTSUPP ? -XEN_EOPNOTSUPP : -XEN_EIO);
	return 0;
}

int blk_front_run(struct blk_front *f)
{
	struct blkif_response rsp;
	int got = f->broken ? -XEN_EBADMSG : 0;

	while (!got) {
		got = ring_front_take(&f->ring, &rsp, sizeof rsp);
		if (got == 1)
			got = answer(f, &rsp);
		else if (got == 0 && !ring_front_sleep(&f->ring))
			return 0;
	}
	f->broken = true;
	return got;
}

uint32_t blk_front_unanswered(const struct blk_front *f)
{
	uint32_t n = 0;

	for (uint32_t id = 0; id < f->ring.ring.slots; id++)
		n += f->sent[id].op != NULL;
	return n;
}

/* ---- opening, closing ---- */

static int grants_make(struct blk_front *f)
{
	struct pv_os *os = f->config.os;
	int err = 0;

	for (uint32_t i = 0; i < f->config.ring_pages && !err; i++)
		err = os->grant(os, f->config.peer, (uint8_t *)f->ring_pages + (size_t)i * PV_PAGE, false,
			&f->ring_ref[i]);
	for (uint32_t i = 0; i < f->config.data_pages && !err; i++)
		err = os->grant(os, f->config.peer, page_at(f, i + 1), false, &f->ref[i]);
	return err;
}

static void tables_init(struct blk_front *f)
{
	for (uint32_t i = f->config.data_pages; i > 0; i--) {
		f->next[i - 1] = 0;
		pages_give(f, i);
	}
	for (uint32_t id = f->ring.ring.slots; id-- > 0;) {
		f->sent[id].next_free = f->free_id;
		f->free_id = id + 1;
	}
}

static int port_open(struct blk_front *f)
{
	return f->config.os->event_open(f->config.os, f->config.peer, 0, f->event, f->event_arg, &f->port);
}

int blk_front_open(struct blk_front *f, const struct blk_front_config *c, pv_callback *event, void *arg)
{
	struct pv_os *os = c->os;
	size_t ring_bytes = (size_t)c->ring_pages * PV_PAGE;
	uint32_t slots = ring_entries(ring_bytes, sizeof(union blkif_sring_entry));
	int err = -XEN_ENOMEM;

	*f = (struct blk_front){ .config = *c, .event = event, .event_arg = arg };
	f->ring_pages = os->alloc(os, ring_bytes);
	f->data = os->alloc(os, (size_t)c->data_pages * PV_PAGE);
	f->ref = os->alloc(os, c->data_pages * sizeof *f->ref);
	f->next = os->alloc(os, c->data_pages * sizeof *f->next);
	f->sent = os->alloc(os, slots * sizeof *f->sent);
	if (f->ring_pages && f->data && f->ref && f->next && f->sent) {
		ring_front_open(&f->ring, f->ring_pages, ring_bytes, sizeof(union blkif_sring_entry));
		tables_init(f);
		err = grants_make(f);
	}
	if (!err)
		err = port_open(f);
	/* Nobody knows of the grants yet, so that they can be ended. */
	if (err)
		(void)!blk_front_close(f);
	return err;
}

int blk_front_reopen(struct blk_front *f)
{
	uint32_t unanswered = blk_front_unanswered(f);
	uint64_t after = 0;
	int err;

	ring_front_open(&f->ring, f->ring_pages, (size_t)f->config.ring_pages * PV_PAGE,
		sizeof(union blkif_sring_entry));
	f->broken = false;
	/* What had these numbers is gone, and others may have them by now. */
	memset(f->ring_ref, 0, sizeof f->ring_ref);
	memset(f->ref, 0, f->config.data_pages * sizeof *f->ref);
	f->port = 0;
	err = grants_make(f);
	if (!err)
		err = port_open(f);
	for (; !err && unanswered; unanswered--) {
		uint32_t first = 0;
		uint64_t order = UINT64_MAX;

		for (uint32_t id = 0; id < f->ring.ring.slots; id++)
			if (f->sent[id].op && f->sent[id].order >= after && f->sent[id].order < order) {
				first = id;
				order = f->sent[id].order;
			}
		after = order + 1;
		request_write(f, first);
	}
	return err;
}

int blk_front_close(struct blk_front *f)
{
	struct pv_os *os = f->config.os;
	uint32_t slots = f->ring.ring.slots;

	f->broken = true;
	if (f->port)
		os->event_close(os, f->port);
	f->port = 0;
	for (uint32_t id = 0; id < slots; id++)
		if (f->sent[id].op)
			sent_end(f, id, -XEN_ENXIO);
	if (slots && (pv_grants_end(f->config.os, f->ring_ref, f->config.ring_pages) |
		      pv_grants_end(f->config.os, f->ref, f->config.data_pages)))
		return -XEN_EBUSY;
	os->free(os, f->ring_pages, (size_t)f->config.ring_pages * PV_PAGE);
	os->free(os, f->data, (size_t)f->config.data_pages * PV_PAGE);
	os->free(os, f->ref, f->config.data_pages * sizeof *f->ref);
	os->free(os, f->next, f->config.data_pages * sizeof *f->next);
	os->free(os, f->sent, ring_entries((size_t)f->config.ring_pages * PV_PAGE,
		sizeof(union blkif_sring_entry)) * sizeof *f->sent);
	return 0;
}
