/* Shared rings of requests and responses, read safely: the other end is hostile, whichever we are.
 *
 * A ring is a power of two of pages side by side: a header of four indices, then a power of two of
 * entries (protocol/io/ring.h). Own indices are kept here and only published there. The other
 * end's are read once, and one that no correct end can have written is -XEN_EBADMSG: the caller lets
 * go of the ring. Entries are copied once; what is judged is the copy. Nobody is notified here: functions
 * say when it is due. One ring is used by one thread at a time. */
#pragma once
#include "pvdrivers/os.h"
#include "protocol/io/ring.h"

/* The start of every shared ring. */
struct ring_header {
	RING_IDX req_prod, req_event, rsp_prod, rsp_event;
};

/* What both ends keep of a ring. */
struct ring {
	struct ring_header *header;
	uint8_t *entries;
	uint32_t slots, entry_bytes;
};

struct ring_back {
	struct ring ring;
	RING_IDX req_cons;		/* taken before this */
	RING_IDX req_seen;		/* the other end had produced before this */
	RING_IDX rsp_prod;		/* answered before this */
	RING_IDX rsp_told;		/* answered before this when the other end was last thought of */
};

struct ring_front {
	struct ring ring;
	RING_IDX req_prod;		/* filled before this */
	RING_IDX req_told;		/* filled before this when the other end was last thought of */
	RING_IDX rsp_cons;		/* taken before this */
};

/* Attach to the ring in @bytes at @pages, of entries of @entry_bytes, where a predecessor left it, if there
 * was one: requests that were not answered are taken from the first. -EBADMSG: there are more than slots. */
int ring_back_open(struct ring_back *r, void *pages, size_t bytes, size_t entry_bytes) PV_MUST_CHECK;
/* Copy the next request to @req. 1: done; 0: there is none; -EBADMSG. */
int ring_back_take(struct ring_back *r, void *req) PV_MUST_CHECK;
/* Entry for the next response, which is the oldest request that is not answered: written by the caller, then
 * published by ring_back_answer(). There must be such a request that was taken. */
void *ring_back_slot(struct ring_back *r);
void ring_back_answer(struct ring_back *r);
/* The same for several responses that are published at once: the entry of the @nth from the oldest, and the publication
 * of the first @count. */
void *ring_back_slot_at(struct ring_back *r, uint32_t nth);
void ring_back_answer_many(struct ring_back *r, uint32_t count);
/* Say whether the other end must be notified of answers since the last time this was asked. */
bool ring_back_notify(struct ring_back *r);
/* Ask to be notified of the next request. True: there is one already, so go on instead. */
bool ring_back_sleep(struct ring_back *r);

/* Make an empty ring in @pages. */
void ring_front_open(struct ring_front *r, void *pages, size_t bytes, size_t entry_bytes);
/* Entries that can be filled: slots less requests whose response was not taken. */
uint32_t ring_front_room(const struct ring_front *r);
/* The next entry for a request, then its publication. There must be room. */
void *ring_front_slot(struct ring_front *r);
void ring_front_push(struct ring_front *r);
/* Say whether the other end must be notified of requests since the last time this was asked. */
bool ring_front_notify(struct ring_front *r);
/* Copy the next response, the first @rsp_bytes of its entry, to @rsp. 1: done; 0: there is none; -EBADMSG. */
int ring_front_take(struct ring_front *r, void *rsp, size_t rsp_bytes) PV_MUST_CHECK;
/* Ask to be notified of the next response. True: there is one already. */
bool ring_front_sleep(struct ring_front *r);
