/* What a block device's front end asks: the judgement of one request's copy. Pure: no state, no memory but the
 * caller's. Everything in a request is hostile. Sectors are of 512 bytes.
 * Spec: io/blkif.h; what Linux's blkfront sends and expects. */
#pragma once
#include "pvdrivers/os.h"
#include "protocol/io/blkif.h"

#define BLK_SECTOR_BYTES	512u
#define BLK_PAGE_SECTORS	(PV_PAGE / BLK_SECTOR_BYTES)
/* Segments in one page of an indirect request, and in all of them. */
#define BLK_INDIRECT_PER_PAGE	(PV_PAGE / (uint32_t)sizeof(struct blkif_request_segment))
#define BLK_SEGMENTS_MAX	(BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST * BLK_INDIRECT_PER_PAGE)

enum blk_op {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,		/* what was answered before is on the disk after */
	BLK_BARRIER,		/* that, and what was asked before; then its own data */
	BLK_DISCARD,
};

/* What a device is and can do. */
struct blk_limits {
	uint64_t sectors;
	uint32_t sector_bytes;		/* a power of two, BLK_SECTOR_BYTES to PV_PAGE: all is a multiple of it */
	uint32_t max_segments;		/* of an indirect request, <= BLK_SEGMENTS_MAX; 0: there are none */
	bool read_only, flush, barrier, discard, secure_discard;
};

struct blk_request {
	uint64_t id;
	uint8_t operation;		/* what the response echoes: BLKIF_OP_* of the data, if indirect */
	enum blk_op op;
	bool secure;			/* of BLK_DISCARD */
	uint64_t sector, sectors;
	uint32_t segments;
	uint32_t indirect_pages;	/* that hold the segments; 0: the request itself does */
	grant_ref_t indirect[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};

/* Judge the head of the request in @entry, a copy. @r has at least what a response needs, whatever is returned:
 * BLKIF_RSP_OKAY: go on with blk_request_segments(); or the status to answer it with. */
int blk_request_head(struct blk_request *r, const union blkif_sring_entry *entry,
		     const struct blk_limits *limits) PV_MUST_CHECK;
/* Judge r->segments segments, a copy, and the range of sectors; set r->sectors. The same results. */
int blk_request_segments(struct blk_request *r, const struct blkif_request_segment *segment,
			 const struct blk_limits *limits) PV_MUST_CHECK;
