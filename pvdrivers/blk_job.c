/* A job: judge the copy of a request, map what it names, then one to three operations on the disk.
 *
 * A flush or barrier with data is a flush, the write, and a flush: what was written is on the disk when the answer
 * says so. That what was asked before a barrier has ended is blk_back.c's. After an error the rest is left out. */
#include "pvdrivers/blk_job.h"

#include <string.h>

enum {
	FLUSH_BEFORE = 1 << 0,
	DATA = 1 << 1,
	FLUSH_AFTER = 1 << 2,
};

/* Copy the segments from the pages that hold them: mapped, read once, let go. */
static bool segments_fetch(struct blk_job *j)
{
	struct blk_back *b = j->back;
	const struct blk_request *r = &j->request;
	size_t left = r->segments * sizeof *b->segment;
	uint8_t *to = (uint8_t *)b->segment;

	for (uint32_t i = 0; i < r->indirect_pages; i++)
		j->page[i].map.ref = r->indirect[i];
	if (blk_pages_get(&b->pages, j->page, r->indirect_pages, false))
		return false;
	for (uint32_t i = 0; i < r->indirect_pages; i++) {
		size_t n = left < PV_PAGE ? left : PV_PAGE;

		memcpy(to, j->page[i].map.addr, n);
		to += n;
		left -= n;
	}
	/* The compiler must not look at the pages again for what it takes from the copy. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	blk_pages_put(&b->pages, j->page, r->indirect_pages);
	return true;
}

static bool data_map(struct blk_job *j)
{
	const struct blkif_request_segment *s = j->back->segment;
	const struct blk_request *r = &j->request;

	for (uint32_t i = 0; i < r->segments; i++)
		j->page[i].map.ref = s[i].gref;
	if (blk_pages_get(&j->back->pages, j->page, r->segments, r->op == BLK_READ))
		return false;
	for (uint32_t i = 0; i < r->segments; i++)
		j->piece[i] = (struct blk_piece){
			(uint8_t *)j->page[i].map.addr + s[i].first_sect * BLK_SECTOR_BYTES,
			(s[i].last_sect - s[i].first_sect + 1u) * BLK_SECTOR_BYTES,
		};
	j->mapped = true;
	return true;
}

static uint8_t plan(const struct blk_request *r)
{
	if (r->op != BLK_FLUSH && r->op != BLK_BARRIER)
		return DATA;
	return r->segments ? FLUSH_BEFORE | DATA | FLUSH_AFTER : FLUSH_BEFORE;
}

bool blk_job_prepare(struct blk_job *j, const union blkif_sring_entry *entry)
{
	struct blk_back *b = j->back;
	struct blk_request *r = &j->request;
	int status = blk_request_head(r, entry, &b->config.limits);

	j->slot->id = r->id;
	j->slot->operation = r->operation;
	j->mapped = false;
	if (status == BLKIF_RSP_OKAY && r->indirect_pages)
		status = segments_fetch(j) ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR;
	else if (status == BLKIF_RSP_OKAY)
		memcpy(b->segment, entry->req.seg, r->segments * sizeof *b->segment);
	if (status == BLKIF_RSP_OKAY)
		status = blk_request_segments(r, b->segment, &b->config.limits);
	if (status == BLKIF_RSP_OKAY && r->segments && !data_map(j))
		status = BLKIF_RSP_ERROR;
	j->status = (int16_t)status;
	j->todo = plan(r);
	return status == BLKIF_RSP_OKAY;
}

bool blk_job_step(struct blk_job *j)
{
	const struct blk_request *r = &j->request;
	uint8_t now = j->todo & (uint8_t)-j->todo;

	if (!now || j->status != BLKIF_RSP_OKAY) {
		if (j->mapped)
			blk_pages_put(&j->back->pages, j->page, r->segments);
		return false;
	}
	j->todo &= (uint8_t)~now;
	if (now != DATA)
		j->io = (struct blk_io_request){ .op = BLK_FLUSH };
	else
		j->io = (struct blk_io_request){
			.op = r->op == BLK_READ || r->op == BLK_DISCARD ? r->op : BLK_WRITE, .secure = r->secure,
			.sector = r->sector, .sectors = r->sectors, .piece = j->piece, .pieces = r->segments,
		};
	j->back->config.io->submit(j->back->config.io, &j->io);
	return true;
}

void blk_io_done(struct blk_io_request *io, int err)
{
	struct blk_job *j = PV_CONTAINER_OF(io, struct blk_job, io);

	if (err)
		j->status = err == -XEN_EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR;
	j->next = j->back->ended;
	j->back->ended = j;
}
