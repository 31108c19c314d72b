/* The newest bytes that a guest said, by number: whoever is attached reads on from where it is. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/console_link.h"

#define SCROLLBACK_BYTES CONSOLE_SCROLLBACK	/* a power of two */

struct scrollback {
	uint32_t end;		/* number of the next byte, modulo 2^32 */
	uint32_t len;		/* so many before it are kept */
	char bytes[SCROLLBACK_BYTES];
};

/* Make it empty; the next byte has number @end. */
void scrollback_open(struct scrollback *s, uint32_t end);
/* Add bytes; the oldest make room. */
void scrollback_put(struct scrollback *s, const char *bytes, size_t len);
/* Number of the oldest byte. */
static inline uint32_t scrollback_start(const struct scrollback *s)
{
	return s->end - s->len;
}
/* Say whether the bytes from number @at on are kept. */
static inline bool scrollback_has(const struct scrollback *s, uint32_t at)
{
	return s->end - at <= s->len;
}
/* The longest piece from number @at on, which is kept; *@len 0: there is nothing new. */
const char *scrollback_piece(const struct scrollback *s, uint32_t at, size_t *len) MUST_CHECK;
