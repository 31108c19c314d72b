/* The filter of a replay.
 *
 * Terminals answer to control sequences that ask for their kind, state or cursor (ESC [ ... c, n, x, t and $p), to ESC Z and
 * ENQ, and to strings (ESC P, ESC ], ESC ^, ESC _), which are left out altogether; a string ends at BEL, at the next ESC or at
 * the end of the line. A sequence is held back until its last byte says what it is. Spec: ECMA-48; XTerm's ctlseqs.
 */
#include "toolstack/console_replay.h"

#include <stdbool.h>
#include <string.h>

enum { ENQ = 0x05, BEL = 0x07, ESC = 0x1b };

static bool sequence_asks(const char *s, size_t n)
{
	char last = s[n - 1];

	if (n == 2)
		return last == 'Z';
	return strchr("cnxt", last) || (last == 'p' && s[n - 2] == '$');
}

static char *held_flush(struct console_replay *r, char *out)
{
	memcpy(out, r->hold, r->held);
	out += r->held;
	r->held = 0;
	return out;
}

/* The held sequence has one more byte. */
static char *held_look(struct console_replay *r, char *out)
{
	unsigned char last = (unsigned char)r->hold[r->held - 1];

	if (r->held == 2 && strchr("P]^_", last)) {
		r->in_string = 1;
		r->held = 0;
		return out;
	}
	if (r->held == 2 && last == '[')
		return out;
	if (r->held > 2 && last >= 0x20 && last < 0x40 && r->held < sizeof(r->hold))
		return out;
	if (last >= 0x20 && sequence_asks(r->hold, r->held)) {
		r->held = 0;
		return out;
	}
	return held_flush(r, out);
}

static char *byte_take(struct console_replay *r, char byte, char *out)
{
	if (byte == ESC) {
		out = held_flush(r, out);
		r->in_string = 0;
		r->hold[r->held++] = byte;
		return out;
	}
	if (r->held) {
		r->hold[r->held++] = byte;
		return held_look(r, out);
	}
	if (r->in_string && byte != '\r' && byte != '\n') {
		r->in_string = byte != BEL;
		return out;
	}
	r->in_string = 0;
	if (byte != ENQ)
		*out++ = byte;
	return out;
}

size_t console_replay_filter(struct console_replay *r, const char *in, size_t n, char *out)
{
	char *at = out;
	size_t i = 0;

	for (; i < n && r->left; i++, r->left--)
		at = byte_take(r, in[i], at);
	if (!r->left) {
		/* What the guest goes on saying ends what it had begun. */
		at = held_flush(r, at);
		r->in_string = 0;
	}
	memcpy(at, in + i, n - i);
	return (size_t)(at - out) + n - i;
}
