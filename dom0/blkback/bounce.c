/* The contracts are in bounce.h.
 *
 * Data of one operation lies together, in the lowest pages that are free: few pages are touched when little is done at
 * once. */
#include "dom0/blkback/bounce.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int bounce_open(struct bounce *b)
{
	void *va = mmap(NULL, BOUNCE_CHUNKS * BOUNCE_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (va == MAP_FAILED)
		return -errno;
	*b = (struct bounce){ .memory = va };
	for (uint32_t i = BOUNCE_STEPS; i-- > 0; b->idle = &b->step[i])
		b->step[i].idle = b->idle;
	return 0;
}

void bounce_close(struct bounce *b)
{
	munmap(b->memory, BOUNCE_CHUNKS * BOUNCE_CHUNK_BYTES);
}

/* ---- pages of a chunk ---- */

static uint32_t pages_of(const struct blk_io_request *r)
{
	return (uint32_t)((r->sectors + BLK_PAGE_SECTORS - 1) / BLK_PAGE_SECTORS);
}

static uint64_t mask_of(uint32_t first, uint32_t pages)
{
	return (pages < 64 ? (1ull << pages) - 1 : UINT64_MAX) << first;
}

/* Bits of @free that begin a run of @pages. */
static uint64_t runs_of(uint64_t free, uint32_t pages)
{
	for (uint32_t have = 1, more; have < pages && free; have += more) {
		more = pages - have < have ? pages - have : have;
		free &= free >> more;
	}
	return free;
}

/* Where so many pages begin, of all chunks, which are @b's user's now; UINT32_MAX: nowhere. */
static uint32_t take(struct bounce *b, uint32_t pages)
{
	for (uint32_t i = 0; i < BOUNCE_CHUNKS; i++) {
		uint64_t runs = runs_of(~b->used[i], pages);
		uint32_t first = runs ? (uint32_t)__builtin_ctzll(runs) : 0;

		if (!runs)
			continue;
		b->used[i] |= mask_of(first, pages);
		return i * 64 + first;
	}
	return UINT32_MAX;
}

/* ---- operations ---- */

static void copy_in(unsigned char *to, const struct blk_io_request *r)
{
	for (uint32_t i = 0; i < r->pieces; to += r->piece[i++].bytes)
		memcpy(to, r->piece[i].addr, r->piece[i].bytes);
}

static void copy_out(const unsigned char *from, const struct blk_io_request *r)
{
	for (uint32_t i = 0; i < r->pieces; from += r->piece[i++].bytes)
		memcpy(r->piece[i].addr, from, r->piece[i].bytes);
}

struct blk_io_request *bounce_begin(struct bounce *b, struct blk_io_request *r)
{
	struct bounce_step *s = b->idle;
	uint32_t at = s ? take(b, pages_of(r)) : UINT32_MAX;

	if (at == UINT32_MAX)
		return NULL;
	b->idle = s->idle;
	b->under_way++;
	b->touched = true;
	b->quiet = false;
	s->asked = r;
	s->piece = (struct blk_piece){ b->memory + (size_t)at * PV_PAGE, r->sectors * BLK_SECTOR_BYTES };
	s->request = (struct blk_io_request){
		.op = r->op, .sector = r->sector, .sectors = r->sectors, .piece = &s->piece, .pieces = 1,
	};
	if (r->op == BLK_WRITE)
		copy_in(s->piece.addr, r);
	return &s->request;
}

bool bounce_has(const struct bounce *b, const struct blk_io_request *r)
{
	return (uintptr_t)r >= (uintptr_t)b->step && (uintptr_t)r < (uintptr_t)(b->step + BOUNCE_STEPS);
}

static uint32_t page_of(const struct bounce *b, const struct blk_io_request *r)
{
	return (uint32_t)(((unsigned char *)r->piece->addr - b->memory) / PV_PAGE);
}

uint32_t bounce_chunk(const struct bounce *b, const struct blk_io_request *r)
{
	return page_of(b, r) / 64;
}

struct blk_io_request *bounce_end(struct bounce *b, struct blk_io_request *r, bool well)
{
	struct bounce_step *s = PV_CONTAINER_OF(r, struct bounce_step, request);

	if (well && r->op == BLK_READ)
		copy_out(s->piece.addr, s->asked);
	b->used[bounce_chunk(b, r)] &= ~mask_of(page_of(b, r) % 64, pages_of(r));
	s->idle = b->idle;
	b->idle = s;
	b->under_way--;
	return s->asked;
}

/* ---- giving back ---- */

bool bounce_is_quiet(struct bounce *b)
{
	bool quiet = b->quiet && b->touched && !b->under_way;

	b->quiet = true;
	return quiet;
}

void bounce_trim(struct bounce *b)
{
	if (madvise(b->memory, BOUNCE_CHUNKS * BOUNCE_CHUNK_BYTES, MADV_DONTNEED) == 0)
		b->touched = false;
}
