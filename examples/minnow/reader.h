/* The disk: read whole, from its first sector to its last, as often as asked, and summed up each time. */
#pragma once
#include "pvdrivers/vbd_front.h"

#define READER_DEPTH	4u
#define READER_SECTORS	256u		/* of one operation at most */
#define READER_BYTES	(READER_DEPTH * READER_SECTORS * BLK_SECTOR_BYTES)

struct reader_slot {
	struct blk_operation op;
	bool ended;
	int err;
};

struct reader {
	struct vbd_front vbd;
	uint64_t (*now_ns)(void);
	uint32_t rounds, round;		/* to do, done */
	bool reading;
	uint64_t start_ns;		/* of this round */
	uint64_t sectors;		/* of the disk when it began: one that shrinks answers with errors */
	uint64_t sent, summed;		/* sectors of it */
	uint32_t sent_count, summed_count;	/* operations of it: each in the slot of its number */
	uint8_t *buffer;		/* [READER_BYTES]: READER_SECTORS for each slot */
	struct reader_slot slot[READER_DEPTH];
	uint32_t crc;
};

/* Drive the device whose directory is @path, and read it @rounds times once it is there. Errors of pv_device_open();
 * -ENOMEM. */
int reader_open(struct reader *r, struct pv_os *os, const char *path, uint32_t rounds, uint64_t (*now_ns)(void))
	PV_MUST_CHECK;
/* Go on by one operation. True: there is more to be done at once. */
bool reader_run(struct reader *r) PV_MUST_CHECK;
