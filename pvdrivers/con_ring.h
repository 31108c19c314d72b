/* A console's ring, either end of it: a stream of bytes each way in one page, read and written safely.
 *
 * The other end is hostile, whichever we are: own indices are kept here and only published there; the other end's are
 * read once, and one that no correct end can have written breaks the ring for good. Nothing but the own two indices and
 * free bytes of the own stream is written. The ring has no event indices, but an end that must be notified can be told
 * by the other's index, if every end looks once more after it has published its own, as ours and Linux's do. Nobody is
 * notified here. One ring is used by one thread at a time.
 *
 * What is read stays in the ring, and what is written is not there yet, until con_ring_push(): an end that dies before
 * it leaves the bytes to its successor. Spec: io/console.h. */
#pragma once
#include "pvdrivers/os.h"
#include "protocol/io/console.h"

#define CON_OUT_BYTES	((uint32_t)sizeof((struct xencons_interface *)0)->out)	/* from the guest, at once */
#define CON_IN_BYTES	((uint32_t)sizeof((struct xencons_interface *)0)->in)

enum con_end {
	CON_FRONT,			/* the guest's */
	CON_BACK,
};

/* One direction, from one end. */
struct con_stream {
	char *bytes;			/* [size], shared */
	uint32_t size;			/* a power of two */
	XENCONS_RING_IDX *own, *other;	/* shared */
	XENCONS_RING_IDX at;		/* ours: read, or written, before this */
	XENCONS_RING_IDX told;		/* published before this when the other end was last thought of */
};

struct con_ring {
	struct con_stream reads, writes;
	bool broken;			/* the other end's indices made no sense: nothing is moved any more */
};

/* Attach @end to the ring in @page where its indices stand: at the start, or where a predecessor left it, whose last
 * notification may be missing and is made up for by the first con_ring_push(). */
void con_ring_open(struct con_ring *r, struct xencons_interface *page, enum con_end end);
/* Copy at most @size bytes of the other end's to @buf: > 0, how many; -EBADMSG: the ring is broken; 0: there are none, and
 * if nothing was read since con_ring_push(), the other end notifies when there are. */
int con_ring_read(struct con_ring *r, char *buf, uint32_t size) PV_MUST_CHECK;
/* How many bytes can be written; -EBADMSG; 0: none, and if nothing was written since con_ring_push(), the other end
 * notifies when there is room. */
int con_ring_room(struct con_ring *r) PV_MUST_CHECK;
/* Write at most @size bytes of @buf: > 0, how many; 0: there is no room; -EBADMSG. */
int con_ring_write(struct con_ring *r, const char *buf, uint32_t size) PV_MUST_CHECK;
/* Publish what was read and written. True: the other end must be notified, as it may wait for just that. */
bool con_ring_push(struct con_ring *r) PV_MUST_CHECK;
