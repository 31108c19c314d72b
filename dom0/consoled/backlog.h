/* The newest bytes of a guest's output that no console has taken yet. */
#pragma once
#include <stddef.h>
#include "dom0/lib/attr.h"

#define BACKLOG_BYTES 65536u

struct backlog {
	size_t at, len;		/* oldest byte, how many */
	char bytes[BACKLOG_BYTES];
};

/* Add; the oldest bytes make room. */
void backlog_put(struct backlog *b, const char *bytes, size_t len);
/* The longest contiguous piece from the oldest byte; *@len 0: empty. */
const char *backlog_piece(const struct backlog *b, size_t *len) MUST_CHECK;
void backlog_drop(struct backlog *b, size_t len);
