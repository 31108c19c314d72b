/* printf-style formatting for the log, panics and command lines.
 *
 * A pure function of its arguments: no allocation, no locale, no floating point, no %n. The
 * output is always terminated and never longer than asked; what does not fit is dropped.
 * Neighbours: hv/core/log.c, which is nearly the only caller. */
#include "hv/base/string.h"

struct out {
	char *buf;
	size_t size, used;
};

struct spec {
	bool left, zero, alternate;
	int width, precision;		/* -1: not given */
	unsigned longs;			/* 0 int, 1 or more: 64 bits */
};

static void out_char(struct out *o, char c)
{
	if (o->used + 1 < o->size)
		o->buf[o->used++] = c;
}

static void out_padded(struct out *o, const struct spec *s, const char *text, size_t n, char pad)
{
	size_t width = s->width > 0 ? (size_t)s->width : 0;
	for (size_t i = n; !s->left && i < width; i++)
		out_char(o, pad);
	for (size_t i = 0; i < n; i++)
		out_char(o, text[i]);
	for (size_t i = n; s->left && i < width; i++)
		out_char(o, ' ');
}

static void out_number(struct out *o, const struct spec *s, uint64_t v, unsigned base, bool upper, bool minus)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[72];
	size_t at = sizeof text;
	int count = 0;
	while (v != 0 || count == 0 || (count < s->precision && count < 60)) {
		text[--at] = digits[v % base];
		v /= base;
		count++;
	}
	bool zero = s->zero && !s->left && s->precision < 0;
	int prefix = (minus ? 1 : 0) + (s->alternate && base == 16 ? 2 : 0);
	while (zero && count + prefix < s->width && count < 60) {
		text[--at] = '0';
		count++;
	}
	if (s->alternate && base == 16) {
		text[--at] = 'x';
		text[--at] = '0';
	}
	if (minus)
		text[--at] = '-';
	out_padded(o, s, text + at, sizeof text - at, ' ');
}

static int parse_int(const char **p)
{
	int v = 0;
	while (**p >= '0' && **p <= '9' && v < 10000)
		v = v * 10 + (*(*p)++ - '0');
	return v;
}

static const char *parse_flags(const char *p, struct spec *s)
{
	for (;; p++) {
		if (*p == '-')
			s->left = true;
		else if (*p == '0')
			s->zero = true;
		else if (*p == '#')
			s->alternate = true;
		else
			return p;
	}
}

static const char *parse_length(const char *p, struct spec *s)
{
	for (; *p == 'l' || *p == 'z' || *p == 'h'; p++)
		if (*p != 'h')
			s->longs++;
	return p;
}

size_t format_string_v(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };
	va_list ap;
	va_copy(ap, args);
	for (const char *p = fmt; *p; p++) {
		if (*p != '%') {
			out_char(&o, *p);
			continue;
		}
		struct spec s = { .precision = -1 };
		p = parse_flags(p + 1, &s);
		if (*p == '*') {
			s.width = va_arg(ap, int);
			p++;
		} else {
			s.width = parse_int(&p);
		}
		if (*p == '.') {
			p++;
			if (*p == '*') {
				s.precision = va_arg(ap, int);
				p++;
			} else {
				s.precision = parse_int(&p);
			}
		}
		p = parse_length(p, &s);
		if (*p == 'd' || *p == 'i') {
			int64_t v = s.longs ? va_arg(ap, int64_t) : va_arg(ap, int);
			out_number(&o, &s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, v < 0);
		} else if (*p == 'u' || *p == 'x' || *p == 'X') {
			uint64_t v = s.longs ? va_arg(ap, uint64_t) : va_arg(ap, unsigned);
			out_number(&o, &s, v, *p == 'u' ? 10 : 16, *p == 'X', false);
		} else if (*p == 'p') {
			s.alternate = true;
			out_number(&o, &s, (uint64_t)(uintptr_t)va_arg(ap, void *), 16, false, false);
		} else if (*p == 's') {
			const char *text = va_arg(ap, const char *);
			if (!text)
				text = "(null)";
			size_t n = s.precision >= 0 ? strnlen(text, (size_t)s.precision) : strlen(text);
			out_padded(&o, &s, text, n, ' ');
		} else if (*p == 'c') {
			char c = (char)va_arg(ap, int);
			out_padded(&o, &s, &c, 1, ' ');
		} else if (*p == '\0') {
			break;
		} else {
			out_char(&o, *p);
		}
	}
	va_end(ap);
	if (size > 0)
		buf[o.used] = '\0';
	return o.used;
}

size_t format_string(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	size_t n = format_string_v(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void string_copy(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(src, size ? size - 1 : 0);
	if (size == 0)
		return;
	memcpy(dst, src, n);
	dst[n] = '\0';
}
