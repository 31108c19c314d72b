/* Parser of the xl.cfg syntax.
 *
 * One cursor over the bytes, one token of look-ahead, recursion only into lists and bounded by
 * CFG_DEPTH_MAX. The input is hostile: it may be cut anywhere, hold NUL bytes or be one long line.
 * Rules: the cursor never passes `end`; every error names source and line; a setting joins the tree
 * only when it is complete, so the tree can be freed at any moment.
 * Neighbours: guest_cfg.c gives the keys their meaning. Start at cfg_text_parse().
 */
#include "toolstack/config/cfg_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/config/field.h"

struct cursor {
	const char *at;
	const char *end;
	const char *source;
	int line;
	int depth;
	struct cfg_text *text;
	struct why *why;
};

static int cursor_error(struct cursor *c, int code, const char *what)
{
	why_set(c->why, code, "%s", what);
	why_where(c->why, "%.1000s:%d", c->source, c->line);
	return code;
}

static int cursor_peek(const struct cursor *c)
{
	return c->at < c->end ? (unsigned char)*c->at : -1;
}

/* Skip blanks and comments; newlines too when @lines. */
static void cursor_skip(struct cursor *c, bool lines)
{
	for (; c->at < c->end; c->at++) {
		if (*c->at == '#') {
			while (c->at < c->end && *c->at != '\n')
				c->at++;
			if (c->at == c->end)
				return;
		}
		if (*c->at == '\n') {
			if (!lines)
				return;
			c->line++;
		} else if (*c->at != ' ' && *c->at != '\t' && *c->at != '\r') {
			return;
		}
	}
}

static bool is_digit(int ch)
{
	return ch >= '0' && ch <= '9';
}

static bool is_word(int ch)
{
	return is_digit(ch) || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ||
	       ch == '-';
}

static void value_free(struct cfg_value *v)
{
	for (size_t i = 0; i < v->count; i++)
		value_free(&v->items[i]);
	free(v->items);
	free(v->text);
	memset(v, 0, sizeof(*v));
}

/* \xHH or \OOO with the cursor behind the backslash; returns the byte or an error. */
static int escape_number(struct cursor *c)
{
	int base = 8, left = 3, byte = 0;

	if (cursor_peek(c) == 'x') {
		base = 16;
		left = 2;
		c->at++;
	}
	for (; left > 0; left--, c->at++) {
		int digit = field_hex_digit(cursor_peek(c));

		if (digit < 0 || digit >= base)
			return cursor_error(c, -EINVAL, "bad escape in string");
		byte = byte * base + digit;
	}
	if (byte == 0 || byte > 255)
		return cursor_error(c, -EINVAL, "bad escape in string");
	return byte;
}

/* The byte that a backslash stands for; the cursor is behind the backslash. */
static int escape_byte(struct cursor *c)
{
	static const char names[] = "ntr\\\"'";
	static const char bytes[] = "\n\t\r\\\"'";
	int ch = cursor_peek(c);
	const char *name = ch > 0 ? strchr(names, ch) : NULL;

	if (name) {
		c->at++;
		return bytes[name - names];
	}
	if (ch == 'x' || (is_digit(ch) && ch < '8'))
		return escape_number(c);
	return cursor_error(c, -EINVAL, "unknown escape in string");
}

/* A quoted string into @out, which has room for all that is left. */
static int string_bytes(struct cursor *c, char *out)
{
	int quote = *c->at++;

	for (;;) {
		int ch = cursor_peek(c);

		if (ch < 0 || ch == '\n')
			return cursor_error(c, -EINVAL, "string has no closing quote");
		c->at++;
		if (ch == quote)
			break;
		if (ch == '\\') {
			ch = escape_byte(c);
			if (ch < 0)
				return ch;
		}
		*out++ = (char)ch;
	}
	*out = '\0';
	return 0;
}

/* Bytes up to the end of line bound any string, so the buffer is that long at most. */
static size_t line_room(const struct cursor *c)
{
	const char *newline = memchr(c->at, '\n', (size_t)(c->end - c->at));

	return (size_t)((newline ? newline : c->end) - c->at) + 1;
}

static int parse_string(struct cursor *c, struct cfg_value *v)
{
	v->kind = CFG_STRING;
	v->text = malloc(line_room(c));
	if (!v->text)
		return cursor_error(c, -ENOMEM, "out of memory");
	return string_bytes(c, v->text);
}

static int parse_number(struct cursor *c, struct cfg_value *v)
{
	const char *start = c->at;

	while (c->at < c->end && is_word((unsigned char)*c->at))
		c->at++;
	v->kind = CFG_NUMBER;
	v->text = strndup(start, (size_t)(c->at - start));
	return v->text ? 0 : cursor_error(c, -ENOMEM, "out of memory");
}

static int parse_value(struct cursor *c, struct cfg_value *v);

/* Room for one more item of a list; amortised by doubling. */
static int list_grow(struct cursor *c, struct cfg_value *list)
{
	struct cfg_value *items;

	if (list->count & (list->count - 1))
		return 0;
	items = realloc(list->items, (list->count ? list->count * 2 : 1) * sizeof(*items));
	if (!items)
		return cursor_error(c, -ENOMEM, "out of memory");
	list->items = items;
	return 0;
}

static int parse_item(struct cursor *c, struct cfg_value *list)
{
	struct cfg_value item = {.kind = CFG_STRING};
	int rc = list_grow(c, list);

	if (rc == 0)
		rc = parse_value(c, &item);
	if (rc < 0) {
		value_free(&item);
		return rc;
	}
	list->items[list->count++] = item;
	return 0;
}

/* Told where it began: the end of the file is of no help. */
static int list_open(struct cursor *c, const struct cfg_value *list)
{
	c->line = list->line;
	return cursor_error(c, -EINVAL, "list has no closing \"]\"");
}

static int list_items(struct cursor *c, struct cfg_value *list)
{
	for (;;) {
		int rc;

		cursor_skip(c, true);
		if (cursor_peek(c) == ']')
			break;
		if (cursor_peek(c) < 0)
			return list_open(c, list);
		rc = parse_item(c, list);
		if (rc < 0)
			return rc;
		cursor_skip(c, true);
		if (cursor_peek(c) == ',')
			c->at++;
		else if (cursor_peek(c) < 0)
			return list_open(c, list);
		else if (cursor_peek(c) != ']')
			return cursor_error(c, -EINVAL, "expected \",\" or \"]\" in list");
	}
	c->at++;
	return 0;
}

static int parse_list(struct cursor *c, struct cfg_value *v)
{
	int rc;

	v->kind = CFG_LIST;
	if (c->depth == CFG_DEPTH_MAX)
		return cursor_error(c, -E2BIG, "lists nested too deeply");
	c->at++;
	c->depth++;
	rc = list_items(c, v);
	c->depth--;
	return rc;
}

static int parse_value(struct cursor *c, struct cfg_value *v)
{
	int ch = cursor_peek(c);

	v->line = c->line;
	if (c->text->values++ == CFG_VALUES_MAX)
		return cursor_error(c, -E2BIG, "too many values (at most 4096)");
	if (ch == '"' || ch == '\'')
		return parse_string(c, v);
	if (ch == '[')
		return parse_list(c, v);
	if (is_digit(ch) || ch == '-')
		return parse_number(c, v);
	cursor_error(c, -EINVAL, ch < 0 || ch == '\n' ? "value missing" : "cannot read this value");
	if (is_word(ch))
		why_hint(c->why, "put quotes around text");
	return -EINVAL;
}

static struct cfg_setting *setting_find(const struct cfg_text *t, const char *key)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->settings[i].key, key) == 0)
			return &t->settings[i];
	return NULL;
}

const struct cfg_setting *cfg_text_find(const struct cfg_text *t, const char *key)
{
	return setting_find(t, key);
}

static void setting_free(struct cfg_setting *s)
{
	free(s->key);
	free(s->source);
	value_free(&s->value);
}

/* Take over @s, replacing an older setting of that key. */
static int setting_store(struct cursor *c, struct cfg_setting *s)
{
	struct cfg_text *t = c->text;
	struct cfg_setting *old = setting_find(t, s->key);

	if (old) {
		setting_free(old);
		*old = *s;
		return 0;
	}
	struct cfg_setting *all = reallocarray(t->settings, t->count + 1, sizeof(*all));

	if (!all)
		return cursor_error(c, -ENOMEM, "out of memory");
	t->settings = all;
	all[t->count++] = *s;
	return 0;
}

static int append_text(struct cursor *c, struct cfg_value *to, const struct cfg_value *from)
{
	size_t head = strlen(to->text), tail = strlen(from->text);
	char *text;

	if (head + tail > CFG_BYTES_MAX)
		return cursor_error(c, -E2BIG, "string too long");
	text = realloc(to->text, head + tail + 1);
	if (!text)
		return cursor_error(c, -ENOMEM, "out of memory");
	memcpy(text + head, from->text, tail + 1);
	to->text = text;
	return 0;
}

/* Move the items of @from to the end of @to. */
static int append_items(struct cursor *c, struct cfg_value *to, struct cfg_value *from)
{
	for (size_t i = 0; i < from->count; i++) {
		int rc = list_grow(c, to);

		if (rc < 0)
			return rc;
		to->items[to->count++] = from->items[i];
		memset(&from->items[i], 0, sizeof(from->items[i]));
	}
	return 0;
}

/* `key += value`: frees @s in every case. */
static int setting_append(struct cursor *c, struct cfg_setting *s)
{
	struct cfg_setting *old = setting_find(c->text, s->key);
	int rc;

	if (!old) {
		rc = setting_store(c, s);
		if (rc == 0)
			return 0;
	} else if (old->value.kind != s->value.kind) {
		rc = cursor_error(c, -EINVAL, "+= needs two strings or two lists");
	} else if (s->value.kind == CFG_LIST) {
		rc = append_items(c, &old->value, &s->value);
	} else {
		rc = append_text(c, &old->value, &s->value);
	}
	setting_free(s);
	return rc;
}

static int parse_key(struct cursor *c, struct cfg_setting *s)
{
	const char *start = c->at;

	while (c->at < c->end && is_word((unsigned char)*c->at))
		c->at++;
	if (c->at == start)
		return cursor_error(c, -EINVAL, "expected `key = value`");
	s->key = strndup(start, (size_t)(c->at - start));
	s->source = strdup(c->source);
	s->line = c->line;
	return s->key && s->source ? 0 : cursor_error(c, -ENOMEM, "out of memory");
}

/* `=` or `+=` behind a key. */
static int parse_operator(struct cursor *c, bool *append)
{
	cursor_skip(c, false);
	*append = cursor_peek(c) == '+';
	if (*append)
		c->at++;
	if (cursor_peek(c) != '=')
		return cursor_error(c, -EINVAL, "expected \"=\" after the key");
	c->at++;
	cursor_skip(c, false);
	return 0;
}

/* After a value only a comment, `;` or the end of line may follow. */
static int parse_end(struct cursor *c)
{
	int ch;

	cursor_skip(c, false);
	ch = cursor_peek(c);
	if (ch >= 0 && ch != '\n' && ch != ';')
		return cursor_error(c, -EINVAL, "unexpected text after the value");
	return 0;
}

static int parse_setting(struct cursor *c)
{
	struct cfg_setting s = {.line = c->line};
	bool append = false;
	int rc = parse_key(c, &s);

	if (rc == 0)
		rc = parse_operator(c, &append);
	if (rc == 0)
		rc = parse_value(c, &s.value);
	if (rc == 0)
		rc = parse_end(c);
	if (rc == 0 && append)
		return setting_append(c, &s);
	if (rc == 0)
		rc = setting_store(c, &s);
	if (rc < 0)
		setting_free(&s);
	return rc;
}

/* No text has one, so the error tells what is wrong rather than what the parser expects there. */
static int nul_error(struct cursor *c, const char *nul)
{
	for (const char *at = c->at; at < nul; at++)
		c->line += *at == '\n';
	return cursor_error(c, -EINVAL, "NUL byte: this is not a text file");
}

int cfg_text_parse(
	struct cfg_text *t, const char *source, const char *bytes, size_t size, struct why *why)
{
	const char *nul = size ? memchr(bytes, 0, size) : NULL;
	struct cursor c = {.at = bytes,
		.end = bytes + size,
		.source = source,
		.line = 1,
		.text = t,
		.why = why};

	if (size > CFG_BYTES_MAX)
		return cursor_error(&c, -E2BIG, "file too big (at most 1 MiB)");
	if (nul)
		return nul_error(&c, nul);
	for (;;) {
		int rc;

		cursor_skip(&c, true);
		if (c.at == c.end)
			return 0;
		if (*c.at == ';') {
			c.at++;
			continue;
		}
		rc = parse_setting(&c);
		if (rc < 0)
			return rc;
	}
}

/* A value on the command line that the shell stripped of its quotes. */
static int override_plain(struct cursor *c, const char *equals)
{
	struct cfg_setting s = {.line = 1};
	int rc = parse_key(c, &s);

	if (rc == 0 && c->at != equals)
		rc = cursor_error(c, -EINVAL, "expected `key=value`");
	if (rc == 0) {
		s.value = (struct cfg_value){
			.kind = CFG_STRING, .line = 1, .text = strdup(equals + 1)};
		rc = s.value.text ? setting_store(c, &s)
				  : cursor_error(c, -ENOMEM, "out of memory");
	}
	if (rc < 0)
		setting_free(&s);
	return rc;
}

int cfg_text_override(struct cfg_text *t, const char *assignment, struct why *why)
{
	static const char source[] = "command line";
	const char *equals = strchr(assignment, '=');
	struct cursor c = {.at = assignment,
		.end = assignment + strlen(assignment),
		.source = source,
		.line = 1,
		.text = t,
		.why = why};

	if (equals && equals[1] && !strchr(" \t\"'[", equals[1]) && equals > assignment &&
		is_word((unsigned char)equals[-1]))
		return override_plain(&c, equals);
	return cfg_text_parse(t, source, assignment, strlen(assignment), why);
}

void cfg_text_free(struct cfg_text *t)
{
	for (size_t i = 0; i < t->count; i++)
		setting_free(&t->settings[i]);
	free(t->settings);
	memset(t, 0, sizeof(*t));
}
