/* Failure records: filled where the failure is found, printed in one place (say.c).
 *
 * Rules: every text is one line; bytes that are not printable ASCII or UTF-8 are replaced, since
 * names and values quoted here come from configuration files and from the store.
 */
#include "toolstack/why.h"

#include <stdarg.h>
#include <stdio.h>

void text_tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
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
