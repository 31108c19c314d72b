/* The newest bytes that a guest said: byte n is at n modulo the size. */
#include "dom0/consoled/scrollback.h"

#include <string.h>

void scrollback_open(struct scrollback *s, uint32_t end)
{
	s->end = end;
	s->len = 0;
}

void scrollback_put(struct scrollback *s, const char *bytes, size_t len)
{
	while (len > 0) {
		uint32_t at = s->end % SCROLLBACK_BYTES;
		uint32_t n = SCROLLBACK_BYTES - at < len ? SCROLLBACK_BYTES - at : (uint32_t)len;

		memcpy(s->bytes + at, bytes, n);
		s->end += n;
		s->len = s->len + n > SCROLLBACK_BYTES ? SCROLLBACK_BYTES : s->len + n;
		bytes += n;
		len -= n;
	}
}

const char *scrollback_piece(const struct scrollback *s, uint32_t at, size_t *len)
{
	uint32_t to_end = SCROLLBACK_BYTES - at % SCROLLBACK_BYTES, ready = s->end - at;

	*len = ready < to_end ? ready : to_end;
	return s->bytes + at % SCROLLBACK_BYTES;
}
