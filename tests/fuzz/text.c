/* The text form of operations: one table says how each operand letter of ops.def is written and
 * read, so that the two directions cannot part. Every byte value has a spelling: what has no
 * nice one is written as a number.
 *
 * Neighbours: op.h (the meaning of the bytes), tests/fuzz/lists (files of this form). Start at
 * op_to_text(). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/text.h"

#define X(name, operands, flags, meaning) #name,
const char *const op_name[OP_COUNT] = {
#include "tests/fuzz/ops.def"
};
#undef X
#define X(name, operands, flags, meaning) operands,
const char *const op_operands[OP_COUNT] = {
#include "tests/fuzz/ops.def"
};
#undef X
#define X(name, operands, flags, meaning) #flags,
const char *const op_flags[OP_COUNT] = {
#include "tests/fuzz/ops.def"
};
#undef X

static const char *const special_name[] = {
	"home",
	"shared_info",
	"grant_frame",
	"released",
	"device",
	"device_ro",
	"hv",
	"zero",
	"huge",
	"invalid",
};
#define SPECIAL_COUNT (sizeof special_name / sizeof *special_name)
static const char entry_letters[] = "PWNCASKG";	/* ENTRY_PRESENT .. ENTRY_GRANT */

static unsigned operand_bytes(char letter) { return letter == 'e' ? 3 : letter == 'v' ? 2 : 1; }

void op_canonical(struct op *o)
{
	unsigned used = 0;

	o->kind %= OP_COUNT;
	o->actor &= 7;
	for (const char *p = op_operands[o->kind]; *p; p++)
		used += operand_bytes(*p);
	memset(o->arg + used, 0, OP_ARGS - used);
}

/* --- writing: each appends at @at and returns the new end --- */
static char *put_frame(char *at, unsigned f)
{
	if (FRAME_IS_SPECIAL(f) && (f & 15) < SPECIAL_COUNT)
		return at + sprintf(at, "%u.%s", f >> 4 & 3, special_name[f & 15]);
	if (f < 0x40)
		return at + sprintf(at, "%u.%u", f >> 4, f & 15);
	return at + sprintf(at, "x%02x", f);
}

static char *put_entry(char *at, const uint8_t e[3])
{
	at = put_frame(at, e[0]);
	*at++ = ':';
	for (unsigned i = 0; i < 8; i++)
		if (e[1] >> i & 1)
			*at++ = entry_letters[i];
	*at = 0;
	return e[2] ? at + sprintf(at, "~%u", e[2]) : at;
}

static char *put_address(char *at, const uint8_t v[2])
{
	at += sprintf(at, "%u.%u.%u.%u", v[1] >> 3 & 7, v[1] & 7, v[0] >> 3 & 7, v[0] & 7);
	return v[0] >> 6 || v[1] >> 6 ? at + sprintf(at, "/%u/%u", v[0] >> 6, v[1] >> 6) : at;
}

void op_to_text(const struct op *o, char *line)
{
	const uint8_t *a = o->arg;
	char *at = line + sprintf(line, "d%uv%u %s", op_slot(o), op_vcpu(o), op_name[o->kind]);

	for (const char *p = op_operands[o->kind]; *p; a += operand_bytes(*p++)) {
		at += sprintf(at, " %c=", *p);
		if (*p == 'f')
			at = put_frame(at, *a);
		else if (*p == 'e')
			at = put_entry(at, a);
		else if (*p == 'v')
			at = put_address(at, a);
		else
			at += sprintf(at, "%u", *a);
	}
	if (o->cut || o->fail || o->with)
		at += sprintf(at, " |");
	if (o->cut & 0x7f)
		at += sprintf(at, " cut=%u", o->cut & 0x7f);
	if (o->cut & 0x80)
		at += sprintf(at, " between");
	if (o->fail)
		at += sprintf(at, " fail=%u", o->fail);
	if (o->with)
		at += sprintf(at, " with=%u", o->with);
}

/* --- reading: each returns true if the whole word @s is one --- */
static bool get_number(const char *s, uint8_t *n)
{
	char *end;
	unsigned long value = strtoul(s, &end, 10);
	*n = (uint8_t)value;
	return end != s && !*end && value < 256;
}

static bool get_frame(const char *s, uint8_t *f)
{
	unsigned slot, index;
	int used = 0;

	if (sscanf(s, "x%2x%n", &index, &used) == 1 && !s[used]) {
		*f = (uint8_t)index;
		return true;
	}
	if (s[0] < '0' || s[0] > '3' || s[1] != '.')
		return false;
	slot = (unsigned)(s[0] - '0');
	for (unsigned i = 0; i < SPECIAL_COUNT; i++)
		if (!strcmp(s + 2, special_name[i])) {
			*f = FRAME_SPECIAL(slot, i);
			return true;
		}
	if (sscanf(s + 2, "%2u%n", &index, &used) != 1 || s[2 + used] || index >= POOL)
		return false;
	*f = FRAME_OF(slot, index);
	return true;
}

static bool get_entry(char *s, uint8_t e[3])
{
	char *flags = strchr(s, ':'), *flip;

	if (!flags)
		return false;
	*flags++ = 0;
	flip = strchr(flags, '~');
	if (flip)
		*flip++ = 0;
	e[1] = 0;
	for (; *flags; flags++) {
		const char *letter = strchr(entry_letters, *flags);
		if (!letter)
			return false;
		e[1] |= (uint8_t)(1u << (letter - entry_letters));
	}
	e[2] = 0;
	return get_frame(s, &e[0]) && (!flip || get_number(flip, &e[2]));
}

static bool get_address(const char *s, uint8_t v[2])
{
	unsigned l4, l3, l2, l1, low = 0, high = 0;
	int used = 0;

	if (sscanf(s, "%1u.%1u.%1u.%1u%n", &l4, &l3, &l2, &l1, &used) != 4)
		return false;
	if (s[used] && (sscanf(s + used, "/%1u/%1u", &low, &high) != 2 || strlen(s + used) != 4))
		return false;
	if ((l4 | l3 | l2 | l1) > 7 || (low | high) > 3)
		return false;
	v[0] = (uint8_t)(low << 6 | l2 << 3 | l1);
	v[1] = (uint8_t)(high << 6 | l4 << 3 | l3);
	return true;
}

static bool get_operand(char letter, char *word, uint8_t *a)
{
	if (word[0] != letter || word[1] != '=')
		return false;
	word += 2;
	return letter == 'f' ? get_frame(word, a) : letter == 'e' ? get_entry(word, a) :
		letter == 'v' ? get_address(word, a) : get_number(word, a);
}

static bool get_how(char *word, struct op *o)
{
	uint8_t n;

	if (!strcmp(word, "between")) {
		o->cut |= 0x80;
		return true;
	}
	char *value = strchr(word, '=');
	if (!value || !get_number(value + 1, &n))
		return false;
	*value = 0;
	if (!strcmp(word, "cut") && n < 0x80)
		o->cut |= n;
	else if (!strcmp(word, "fail"))
		o->fail = n;
	else if (!strcmp(word, "with"))
		o->with = n;
	else
		return false;
	return true;
}

static bool get_kind(const char *word, struct op *o)
{
	for (unsigned i = 0; i < OP_COUNT; i++)
		if (!strcmp(word, op_name[i])) {
			o->kind = (uint8_t)i;
			return true;
		}
	return false;
}

const char *op_from_text(const char *text, struct op *out)
{
	char line[OP_TEXT_MAX], *rest = NULL;
	struct op o = { 0 };
	unsigned slot, vcpu;
	int used = 0;

	if ((size_t)snprintf(line, sizeof line, "%s", text) >= sizeof line)
		return "too long";
	line[strcspn(line, "#\r\n")] = 0;
	char *word = strtok_r(line, " \t", &rest);
	if (!word)
		return NULL;
	if (sscanf(word, "d%1uv%1u%n", &slot, &vcpu, &used) != 2 || word[used] || slot > 3 ||
		vcpu > 1)
		return "who acts? (d0v0 .. d3v1)";
	o.actor = (uint8_t)(slot | vcpu << 2);
	word = strtok_r(NULL, " \t", &rest);
	if (!word || !get_kind(word, &o))
		return "no operation of that name";
	uint8_t *a = o.arg;
	const char *letters = op_operands[o.kind];
	word = strtok_r(NULL, " \t", &rest);
	for (; word && strcmp(word, "|"); word = strtok_r(NULL, " \t", &rest)) {
		if (!*letters || !get_operand(*letters, word, a))
			return "operand wrong, or out of order";
		a += operand_bytes(*letters++);
	}
	while (word && (word = strtok_r(NULL, " \t", &rest)))
		if (!get_how(word, &o))
			return "what comes after | is wrong";
	*out = o;
	return NULL;
}

/* --- lists --- */
void oplist_add(struct oplist *l, const struct op *o)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->op = realloc(l->op, l->room * sizeof *l->op);
		if (!l->op)
			abort();
	}
	l->op[l->count++] = *o;
}

void oplist_free(struct oplist *l)
{
	free(l->op);
	*l = (struct oplist){ 0 };
}

void oplist_write(FILE *out, const struct oplist *l, const char *story)
{
	char line[OP_TEXT_MAX];

	while (story && *story) {
		size_t n = strcspn(story, "\n");
		fprintf(out, "# %.*s\n", (int)n, story);
		story += n + (story[n] == '\n');
	}
	fprintf(out,
		"seed %" PRIu64 "\nconfig frames=%u slots=%u entries=%u slice=%u limit=%" PRIu64
		" frame_max=%u\n",
		l->seed, l->config.frames, l->config.slots, l->config.entries, l->config.slice,
		l->config.count_limit, l->config.frame_max);
	for (size_t i = 0; i < l->count; i++) {
		op_to_text(&l->op[i], line);
		fprintf(out, "%s\n", line);
	}
}

/* A header line: true; else it may be an operation. */
static bool get_header(const char *line, struct oplist *l)
{
	struct world_config *c = &l->config;

	if (sscanf(line, "seed %" SCNu64, &l->seed) == 1)
		return true;
	return sscanf(line,
		       "config frames=%u slots=%u entries=%u slice=%u limit=%" SCNu64
		       " frame_max=%u",
		       &c->frames, &c->slots, &c->entries, &c->slice, &c->count_limit,
		       &c->frame_max) == 6;
}

int oplist_read(const char *path, struct oplist *l)
{
	char line[1024];
	FILE *in = fopen(path, "re");
	int status = 0;

	if (!in) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	l->config = world_default;
	for (unsigned n = 1; fgets(line, sizeof line, in); n++) {
		struct op o = { .kind = OP_COUNT };
		if (get_header(line, l))
			continue;
		const char *wrong = op_from_text(line, &o);
		if (wrong || l->count == OPLIST_MAX) {
			fprintf(stderr, "%s:%u: %s\n", path, n,
				wrong ? wrong : "too many operations");
			status = -1;
			break;
		}
		if (o.kind != OP_COUNT)
			oplist_add(l, &o);
	}
	(void)fclose(in);
	return status;
}

/* --- bytes --- */
#define HEAD 16u /* slots - 2, log2 of the slice, references limited?, rest unused */

void oplist_from_bytes(struct oplist *l, const uint8_t *bytes, size_t size, size_t limit)
{
	uint8_t head[HEAD] = { 0 };

	memcpy(head, bytes, size < HEAD ? size : HEAD);
	*l = (struct oplist){ .config = world_default };
	l->config.slots = 2 + head[0] % (SLOTS - 1);
	l->config.slice = 1u << head[1] % 10;
	l->config.count_limit = head[2] & 1 ? 15 : world_default.count_limit;
	for (size_t at = HEAD; at + sizeof(struct op) <= size && l->count < limit;
		at += sizeof(struct op)) {
		struct op o;
		memcpy(&o, bytes + at, sizeof o);
		op_canonical(&o);
		oplist_add(l, &o);
	}
}

void oplist_to_bytes(FILE *out, const struct oplist *l)
{
	uint8_t head[HEAD] = { (uint8_t)(l->config.slots - 2), 0, l->config.count_limit == 15 };

	while (head[1] < 9 && 1u << head[1] < l->config.slice)
		head[1]++;
	(void)fwrite(head, sizeof head, 1, out);
	(void)fwrite(l->op, sizeof *l->op, l->count, out);
}
