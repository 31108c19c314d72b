/* Failure records: filled where the failure is found, printed in one place (cli.c).
 *
 * Rules: every text is one line; bytes that are not printable ASCII or UTF-8 are replaced, since
 * names and values quoted here come from configuration files and from the store.
 */
#include "toolstack/why.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes of the character at @c; 0: there is none. The control characters above ASCII are none.
 * Spec: RFC 3629. */
static size_t utf8_length(const unsigned char *c)
{
	static const uint32_t first[] = {0, 0, 0xa0, 0x800, 0x10000};
	size_t length = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	uint32_t code = c[0] & (0x7fu >> length);

	if (length == 1)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c[i] & 0x3f);
	}
	return code < first[length] || code > 0x10ffff || code >> 11 == 0x1b ? 0 : length;
}

void text_utf8(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c;) {
		size_t length = utf8_length(c);

		if (length == 0)
			*c = '?';
		c += length ? length : 1;
	}
}

void text_tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	text_utf8(text);
}

static __attribute__((format(printf, 3, 0))) void text_format(
	char *out, size_t size, const char *fmt, va_list args)
{
	vsnprintf(out, size, fmt, args);
	text_tame(out);
}

int why_set(struct why *w, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_format(w->what, sizeof(w->what), fmt, args);
	va_end(args);
	w->code = code;
	w->where[0] = '\0';
	w->hint[0] = '\0';
	return code;
}

void why_where(struct why *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_format(w->where, sizeof(w->where), fmt, args);
	va_end(args);
}

void why_hint(struct why *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_format(w->hint, sizeof(w->hint), fmt, args);
	va_end(args);
}
