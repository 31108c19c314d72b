/* Shared rings of fixed-size requests and responses. Only the layout and index arithmetic: how to
 * read a hostile ring (indices once, entries by copy) is the drivers' business.
 * One page holds a power of two of entries. Indices run freely modulo 2^32.
 * Spec: io/ring.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef uint32_t RING_IDX;

/* Declare union NAME_sring_entry and struct NAME_sring, the start of the shared page. */
#define DEFINE_RING_TYPES(name, req_t, rsp_t)						\
	union name##_sring_entry {							\
		req_t req;								\
		rsp_t rsp;								\
	};										\
	struct name##_sring {								\
		RING_IDX req_prod;	/* front: requests before this are there */	\
		RING_IDX req_event;	/* back: notify when req_prod passes this */	\
		RING_IDX rsp_prod;	/* back */					\
		RING_IDX rsp_event;	/* front */					\
		uint8_t pvt_pad[4];							\
		uint8_t pad[44];							\
		union name##_sring_entry ring[1];					\
	}

/* Bytes before the first entry, whatever the entry. */
#define RING_HEADER_BYTES	64u

/* Return the largest power of two of entries of @entry_bytes that fit @ring_bytes (at least 1). */
static inline uint32_t ring_entries(size_t ring_bytes, size_t entry_bytes)
{
	size_t fit = (ring_bytes - RING_HEADER_BYTES) / entry_bytes;
	uint32_t n = 1;

	while (n <= fit / 2)
		n *= 2;
	return n;
}

/* Return entries between two indices; exact while at most 2^31 apart. */
static inline uint32_t ring_distance(RING_IDX from, RING_IDX to)
{
	return to - from;
}

/* Say whether moving a producer from @old_prod to @new_prod passed @event, so that the other end
 * must be notified. */
static inline int ring_must_notify(RING_IDX old_prod, RING_IDX new_prod, RING_IDX event)
{
	return (RING_IDX)(new_prod - event) < (RING_IDX)(new_prod - old_prod);
}
