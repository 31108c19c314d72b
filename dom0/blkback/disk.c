/* The contract is in disk.h. */
#include "dom0/blkback/disk.h"

int disk_outcome(const struct blk_io_request *r, int64_t result)
{
	if (result < 0)
		return (int)result;
	if ((r->op == BLK_READ || r->op == BLK_WRITE) && (uint64_t)result != r->sectors * BLK_SECTOR_BYTES)
		return -XEN_EIO;
	return 0;
}
