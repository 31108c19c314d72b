/* Operations on a real file, whatever the way: tests that each way's own program runs. */
#pragma once
#include "dom0/blkback/disk.h"
#include "tests/unit/check_main.h"

#define SECTORS		2048u
#define DISK_ENTRIES	8u

extern struct disk *disk;
extern int disk_file;		/* the test's own descriptor of the file */

/* Do one operation by the disk; its error. */
int op_done(enum blk_op op, uint64_t sector, uint64_t sectors, struct blk_piece *piece, uint32_t pieces);
/* All of them. @way makes the disk on @fd, which is its own from then on. */
TCase *disk_cases(struct disk *(*way)(int fd));
/* Add those that are about the file itself, which some ways do not see. */
void disk_cases_of_file(TCase *c);
