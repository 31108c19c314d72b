/* Pages that a front end granted, mapped for the time of a request or, by agreement, for longer.
 *
 * With persistent grants the front end uses the same pages again and again, and a bounded number of them stays
 * mapped, those used last. The same page may be had twice at a time. References are hostile. */
#pragma once
#include "pvdrivers/os.h"

/* One page that is had; the caller sets map.ref. */
struct blk_page {
	struct pv_map map;
	uint32_t kept;			/* number among the kept pages; 0: none, unmapped at once */
};

struct blk_kept {
	struct pv_map map;
	uint32_t users;			/* requests that have it now */
	uint32_t chain;			/* next of the same hash, or next free one; 0: last */
	uint32_t newer, older;		/* in a ring through entry 0, while there are no users */
};

struct blk_pages {
	struct pv_os *os;
	domid_t peer;
	uint32_t batch;			/* pages had at once, at most */
	struct pv_map *todo;		/* [batch] */
	uint32_t capacity;		/* of kept pages; 0: no page is kept */
	uint32_t free;			/* first free entry */
	uint32_t buckets;		/* a power of two */
	uint32_t *bucket;
	struct blk_kept *kept;		/* [capacity + 1]; 0 is the ends of the list by age */
};

/* -ENOMEM: blk_pages_close() is still to be called. */
int blk_pages_open(struct blk_pages *p, struct pv_os *os, domid_t peer, uint32_t capacity,
		   uint32_t batch) PV_MUST_CHECK;
/* Get @count pages: all, or none and an error of os->map. @writable: the caller writes to them. */
int blk_pages_get(struct blk_pages *p, struct blk_page *page, uint32_t count, bool writable) PV_MUST_CHECK;
void blk_pages_put(struct blk_pages *p, const struct blk_page *page, uint32_t count);
/* Unmap what is kept; every page was put. */
void blk_pages_close(struct blk_pages *p);
