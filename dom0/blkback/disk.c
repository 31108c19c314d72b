/* The contract is in disk.h.
 *
 * A secure discard overwrites: whether that erases is what who asks for it in the disk's entry knows of file system and device. */
#include "dom0/blkback/disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_PIECES	64u	/* of a page: what any way does at once */

static char zeroes[PV_PAGE];
static struct blk_piece zero_piece[STEP_PIECES];

/* It is told by trying: file systems have it in the sectors of what they lie on, or not at all. */
bool disk_past_cache(int file, uint32_t sector_bytes)
{
	int flags = fcntl(file, F_GETFL);
	void *sector;
	bool can;

	if (fcntl(file, F_SETFL, flags | O_DIRECT) < 0)
		return false;
	can = posix_memalign(&sector, sector_bytes, sector_bytes) == 0;
	if (can) {
		can = pread(file, sector, sector_bytes, 0) >= 0;
		free(sector);
	}
	if (!can)
		(void)!fcntl(file, F_SETFL, flags);
	return can;
}

int disk_outcome(const struct blk_io_request *r, int64_t result)
{
	if (result < 0)
		return (int)result;
	if ((r->op == BLK_READ || r->op == BLK_WRITE) && (uint64_t)result != r->sectors * BLK_SECTOR_BYTES)
		return -XEN_EIO;
	return 0;
}

static void list_add(struct disk_list *l, struct blk_io_request *r)
{
	r->next = NULL;
	if (l->first)
		l->last->next = r;
	else
		l->first = r;
	l->last = r;
}

/* ---- bounce buffers ---- */

/* Hand @r to the way, in its turn. */
static void hand(struct disk *d, struct blk_io_request *r)
{
	struct blk_io_request *step = r;

	if (d->bounce && (r->op == BLK_READ || r->op == BLK_WRITE))
		step = d->waiting.first ? NULL : bounce_begin(d->bounce, r);
	if (step)
		d->submit(d, step);
	else
		list_add(&d->waiting, r);
}

/* There is room again. */
static void hand_waiting(struct disk *d)
{
	struct blk_io_request *r, *step;

	while ((r = d->waiting.first) != NULL && (step = bounce_begin(d->bounce, r)) != NULL) {
		d->waiting.first = r->next;
		d->submit(d, step);
	}
}

/* ---- secure discards ---- */

/* Begin the next step of the first one: zeroes, or the flush after the last. */
static void erase_step(struct disk *d)
{
	struct disk_erase *e = &d->erase;
	uint64_t left = e->asked.first->sectors - e->done, most = (uint64_t)STEP_PIECES * BLK_PAGE_SECTORS;
	uint64_t sectors = left < most ? left : most;
	uint32_t pieces = 0;

	for (uint64_t rest = sectors; rest; pieces++) {
		uint64_t n = rest < BLK_PAGE_SECTORS ? rest : BLK_PAGE_SECTORS;

		zero_piece[pieces] = (struct blk_piece){ zeroes, n * BLK_SECTOR_BYTES };
		rest -= n;
	}
	e->step = (struct blk_io_request){
		.op = left ? BLK_WRITE : BLK_FLUSH, .sector = e->asked.first->sector + e->done, .sectors = sectors,
		.piece = zero_piece, .pieces = pieces,
	};
	hand(d, &e->step);
}

static void erase_ended(struct disk *d, int err)
{
	struct disk_erase *e = &d->erase;
	struct blk_io_request *r = e->asked.first;

	e->done += e->step.sectors;
	if (!err && e->step.op == BLK_WRITE) {
		erase_step(d);
		return;
	}
	e->asked.first = r->next;
	e->done = 0;
	if (e->asked.first)
		erase_step(d);
	blk_io_done(r, err);
}

void disk_submit(struct blk_io *io, struct blk_io_request *r)
{
	struct disk *d = PV_CONTAINER_OF(io, struct disk, io);
	struct disk_erase *e = &d->erase;

	if (r->op != BLK_DISCARD || !r->secure) {
		hand(d, r);
		return;
	}
	list_add(&e->asked, r);
	if (e->asked.first == r)
		erase_step(d);
}

void disk_done(struct disk *d, struct blk_io_request *r, int err)
{
	if (d->bounce && bounce_has(d->bounce, r)) {
		r = bounce_end(d->bounce, r, !err);
		hand_waiting(d);
	}
	if (r == &d->erase.step)
		erase_ended(d, err);
	else
		blk_io_done(r, err);
}

void disk_trim(struct disk *d)
{
	if (!d->bounce || !bounce_is_quiet(d->bounce))
		return;
	if (d->let_go)
		d->let_go(d);
	bounce_trim(d->bounce);
}
