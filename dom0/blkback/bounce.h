/* Bounce buffers: memory of the process's own that data of reads and writes goes by, where it cannot go straight.
 *
 * NBD sends and receives what lies together. And past the page cache the kernel would work on the guest's pages, but Linux
 * (gntdev in 6.1) cannot take back a mapping whose page is in use so: when a process dies then, the kernel frees its address space
 * with the mapping in it, takes the guest's page for one of its own, and complains of a bad page map. A copy costs a
 * tenth of what the page cache does.
 *
 * The memory is in chunks, so that a way may have the kernel know some of it for longer; what one operation needs lies in one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "pvdrivers/blk_back.h"

#define BOUNCE_CHUNKS		8u
#define BOUNCE_CHUNK_BYTES	(64u * PV_PAGE)	/* what an operation has at most */
#define BOUNCE_STEPS		64u		/* operations at once */

/* An operation in the place of another. */
struct bounce_step {
	struct blk_io_request request;
	struct blk_piece piece;
	struct blk_io_request *asked;
	struct bounce_step *idle;
};

struct bounce {
	unsigned char *memory;		/* [BOUNCE_CHUNKS] chunks; a page that was never used, or given back, takes none */
	uint64_t used[BOUNCE_CHUNKS];	/* a bit for each page */
	uint32_t under_way;
	bool touched;			/* something was used since the last bounce_trim() */
	bool quiet;			/* nothing was since the last bounce_is_quiet() */
	struct bounce_step step[BOUNCE_STEPS], *idle;
};

/* -ENOMEM. */
int bounce_open(struct bounce *b) MUST_CHECK;
void bounce_close(struct bounce *b);
/* What is to be done in the place of @r, a read or a write: the same, of one piece. NULL: there is no room for it now, but there will
 * be when those that are under way have ended. */
struct blk_io_request *bounce_begin(struct bounce *b, struct blk_io_request *r) MUST_CHECK;
/* @r is of bounce_begin(). */
bool bounce_has(const struct bounce *b, const struct blk_io_request *r) MUST_CHECK;
/* The chunk that its data is in. */
uint32_t bounce_chunk(const struct bounce *b, const struct blk_io_request *r) MUST_CHECK;
/* It has ended, well or not: what was asked for. */
struct blk_io_request *bounce_end(struct bounce *b, struct blk_io_request *r, bool well) MUST_CHECK;
/* Whether there is memory to give back, of which nothing was used since the last call: to be asked every now and then. */
bool bounce_is_quiet(struct bounce *b) MUST_CHECK;
/* Give it back. Nothing is under way. */
void bounce_trim(struct bounce *b);
