/* The newest bytes of a guest's output: a ring that forgets its oldest bytes. */
#include "dom0/consoled/backlog.h"

#include <string.h>

void backlog_put(struct backlog *b, const char *bytes, size_t len)
{
	if (len > BACKLOG_BYTES) {
		bytes += len - BACKLOG_BYTES;
		len = BACKLOG_BYTES;
	}
	if (b->len + len > BACKLOG_BYTES)
		backlog_drop(b, b->len + len - BACKLOG_BYTES);
	while (len > 0) {
		size_t end = (b->at + b->len) % BACKLOG_BYTES;
		size_t n = BACKLOG_BYTES - end < len ? BACKLOG_BYTES - end : len;

		memcpy(b->bytes + end, bytes, n);
		b->len += n;
		bytes += n;
		len -= n;
	}
}

const char *backlog_piece(const struct backlog *b, size_t *len)
{
	*len = BACKLOG_BYTES - b->at < b->len ? BACKLOG_BYTES - b->at : b->len;
	return b->bytes + b->at;
}

void backlog_drop(struct backlog *b, size_t len)
{
	b->at = (b->at + len) % BACKLOG_BYTES;
	b->len -= len;
}
