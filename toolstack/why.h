/* Why something failed: one line for a person and, where there is one, a hint what to do.
 * Text from outside (hostile) may be quoted: control bytes are made harmless here. */
#pragma once
#include <stddef.h>

struct why {
	int code;         /* -Exxx of the first failure, 0: none */
	char where[1100]; /* "guest.cfg:3: memory", may be empty; holds any path that is taken */
	char what[320];   /* 'expected a number, got "abc"' */
	char hint[240];   /* may be empty */
};

/* Record a failure; @code is -Exxx. A later call replaces the text and drops the hint. Returns @code. */
int why_set(struct why *w, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Say where it happened, in front of what happened. */
void why_where(struct why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Say what the user can do about it. */
void why_hint(struct why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Replace every byte that belongs to no UTF-8 character by '?', in place: what is left is fit for JSON. */
void text_utf8(char *text);

/* The same, and for control characters too: what is left is one line and cannot move a terminal's cursor. */
void text_tame(char *text);
