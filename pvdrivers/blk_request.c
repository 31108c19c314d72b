/* Requests of block devices: straight checks of a copy, the head first, then the segments with the range. */
#include "pvdrivers/blk_request.h"

#include <string.h>

/* Whether the range lies in the device, on the bounds of its own sectors. */
static bool range_fits(const struct blk_request *r, const struct blk_limits *limits)
{
	uint32_t unit = limits->sector_bytes / BLK_SECTOR_BYTES;

	return r->sectors && r->sector <= limits->sectors && r->sectors <= limits->sectors - r->sector &&
	       r->sector % unit == 0 && r->sectors % unit == 0;
}

static int discard_head(struct blk_request *r, const union blkif_sring_entry *entry,
			const struct blk_limits *limits)
{
	struct blkif_request_discard d;

	memcpy(&d, entry, sizeof d);
	r->op = BLK_DISCARD;
	r->secure = d.flag & BLKIF_DISCARD_SECURE;
	r->sector = d.sector_number;
	r->sectors = d.nr_sectors;
	if (!limits->discard || (r->secure && !limits->secure_discard))
		return BLKIF_RSP_EOPNOTSUPP;
	return BLKIF_RSP_OKAY;
}

static int indirect_head(struct blk_request *r, const union blkif_sring_entry *entry,
			 const struct blk_limits *limits)
{
	struct blkif_request_indirect in;

	memcpy(&in, entry, sizeof in);
	r->operation = in.indirect_op;
	r->op = in.indirect_op == BLKIF_OP_WRITE ? BLK_WRITE : BLK_READ;
	r->sector = in.sector_number;
	r->segments = in.nr_segments;
	if (!limits->max_segments)
		return BLKIF_RSP_EOPNOTSUPP;
	if (in.indirect_op != BLKIF_OP_READ && in.indirect_op != BLKIF_OP_WRITE)
		return BLKIF_RSP_EOPNOTSUPP;
	if (in.nr_segments == 0 || in.nr_segments > limits->max_segments)
		return BLKIF_RSP_ERROR;
	r->indirect_pages = (in.nr_segments + BLK_INDIRECT_PER_PAGE - 1) / BLK_INDIRECT_PER_PAGE;
	memcpy(r->indirect, in.indirect_grefs, sizeof r->indirect);
	return BLKIF_RSP_OKAY;
}

/* A flush or barrier may come without data; a read or write may not. */
static int direct_head(struct blk_request *r, const union blkif_sring_entry *entry, enum blk_op op,
		       bool can_be_empty)
{
	r->op = op;
	r->sector = entry->req.sector_number;
	r->segments = entry->req.nr_segments;
	if (r->segments > BLKIF_MAX_SEGMENTS_PER_REQUEST || (r->segments == 0 && !can_be_empty))
		return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}

int blk_request_head(struct blk_request *r, const union blkif_sring_entry *entry, const struct blk_limits *limits)
{
	/* Every kind of request has its operation and its id at the same place. */
	*r = (struct blk_request){ .id = entry->req.id, .operation = entry->req.operation };
	switch (r->operation) {
	case BLKIF_OP_READ:
		return direct_head(r, entry, BLK_READ, false);
	case BLKIF_OP_WRITE:
		return direct_head(r, entry, BLK_WRITE, false);
	case BLKIF_OP_WRITE_BARRIER:
		return limits->barrier ? direct_head(r, entry, BLK_BARRIER, true) : BLKIF_RSP_EOPNOTSUPP;
	case BLKIF_OP_FLUSH_DISKCACHE:
		return limits->flush ? direct_head(r, entry, BLK_FLUSH, true) : BLKIF_RSP_EOPNOTSUPP;
	case BLKIF_OP_DISCARD:
		return discard_head(r, entry, limits);
	case BLKIF_OP_INDIRECT:
		return indirect_head(r, entry, limits);
	default:
		return BLKIF_RSP_EOPNOTSUPP;
	}
}

int blk_request_segments(struct blk_request *r, const struct blkif_request_segment *segment,
			 const struct blk_limits *limits)
{
	if ((r->op == BLK_FLUSH || r->op == BLK_BARRIER) && r->segments == 0)
		return BLKIF_RSP_OKAY;
	for (uint32_t i = 0; i < r->segments; i++) {
		if (segment[i].last_sect >= BLK_PAGE_SECTORS || segment[i].first_sect > segment[i].last_sect)
			return BLKIF_RSP_ERROR;
		r->sectors += segment[i].last_sect - segment[i].first_sect + 1u;
	}
	if (!range_fits(r, limits) || (r->op != BLK_READ && limits->read_only))
		return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}
