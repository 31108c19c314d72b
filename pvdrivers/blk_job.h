/* One request of a block device under way: its pages, and the operations it comes to. For blk_back.c. */
#pragma once
#include "pvdrivers/blk_back.h"

struct blk_job {
	struct blk_io_request io;
	struct blk_back *back;
	struct blk_ring *ring;
	struct blk_slot *slot;
	struct blk_job *next;		/* of those that are idle, or have ended */
	struct blk_request request;
	int16_t status;
	uint8_t todo;			/* operations that are left */
	bool mapped;
	struct blk_page *page;		/* [back->segments] */
	struct blk_piece *piece;	/* [back->segments] */
};

/* Judge the request in @entry, a copy that stays, and map its pages. True: the job can begin; false: it has its status. */
bool blk_job_prepare(struct blk_job *j, const union blkif_sring_entry *entry) PV_MUST_CHECK;
/* Submit the next operation. False: there is none left, and the job's pages are let go of. */
bool blk_job_step(struct blk_job *j) PV_MUST_CHECK;
