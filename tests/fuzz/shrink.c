/* Delta debugging: leave out ever smaller pieces of the list, then make what is left plainer
 * byte by byte. Each attempt runs in a process of its own (run_list()), since the fault may be a
 * crash. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/fuzz/shrink.h"

struct attempt {
	struct oplist *best;
	struct verdict *verdict;
	char class[96];
	bool use_model;
	time_t deadline;
};

static bool time_is_up(const struct attempt *a) { return time(NULL) > a->deadline; }

/* Takes @l over as the best if it fails the same way. */
static bool fails_too(struct attempt *a, const struct oplist *l)
{
	struct verdict v;
	char class[96];

	run_list(l, a->use_model, NULL, &v);
	if (!v.broken)
		return false;
	verdict_class(v.text, class);
	if (strcmp(class, a->class))
		return false;
	if (l != a->best) {
		a->best->config = l->config;
		memcpy(a->best->op, l->op, l->count * sizeof *l->op);
		a->best->count = l->count;
	}
	/* What comes later was not needed; its successor may run inside it. */
	if (v.step + 2 < a->best->count)
		a->best->count = v.step + 2;
	*a->verdict = v;
	return true;
}

/* @best without @n operations from @from on. */
static bool try_without(struct attempt *a, struct oplist *scratch, size_t from, size_t n)
{
	const struct oplist *b = a->best;

	scratch->config = b->config;
	scratch->count = 0;
	for (size_t i = 0; i < b->count; i++)
		if (i < from || i >= from + n)
			scratch->op[scratch->count++] = b->op[i];
	return fails_too(a, scratch);
}

/* From the end, where pieces are most often superfluous without consequences for the rest. */
static bool leave_out(struct attempt *a, struct oplist *scratch)
{
	size_t before = a->best->count;

	for (size_t piece = a->best->count / 2; piece > 0; piece /= 2)
		for (size_t end = a->best->count; end > 0 && !time_is_up(a);) {
			size_t from = end > piece ? end - piece : 0;
			(void)try_without(a, scratch, from, end - from);
			end = from < a->best->count ? from : a->best->count;
		}
	return a->best->count < before;
}

static bool try_byte(
	struct attempt *a, struct oplist *scratch, size_t i, size_t byte, uint8_t value)
{
	const uint8_t *now = (const uint8_t *)&a->best->op[i];

	if (time_is_up(a) || now[byte] == value)
		return false;
	scratch->config = a->best->config;
	scratch->count = a->best->count;
	memcpy(scratch->op, a->best->op, a->best->count * sizeof *a->best->op);
	((uint8_t *)&scratch->op[i])[byte] = value;
	return fails_too(a, scratch);
}

static void make_plain(struct attempt *a, struct oplist *scratch)
{
	static const size_t how[] = {
		offsetof(struct op, with), offsetof(struct op, fail), offsetof(struct op, cut)};

	for (size_t i = 0; i < a->best->count; i++) {
		for (size_t h = 0; h < sizeof how / sizeof *how; h++)
			(void)try_byte(a, scratch, i, how[h], 0);
		if (i < a->best->count && a->best->op[i].cut)
			(void)try_byte(
				a, scratch, i, offsetof(struct op, cut), a->best->op[i].cut & 0x7f);
		for (size_t n = 0; n < OP_ARGS && i < a->best->count; n++)
			(void)try_byte(a, scratch, i, offsetof(struct op, arg) + n, 0);
	}
}

static void make_world_plain(struct attempt *a, struct oplist *scratch)
{
	struct world_config plain[3] = { a->best->config, a->best->config, a->best->config };

	plain[0].slice = world_default.slice;
	plain[1].count_limit = world_default.count_limit;
	plain[2].slots = 2;
	for (unsigned i = 0; i < 3; i++) {
		if (i > 0)
			plain[i].slice = a->best->config.slice;
		if (i > 1)
			plain[i].count_limit = a->best->config.count_limit;
		scratch->config = plain[i];
		scratch->count = a->best->count;
		memcpy(scratch->op, a->best->op, a->best->count * sizeof *a->best->op);
		(void)fails_too(a, scratch);
	}
}

void shrink(struct oplist *l, bool use_model, unsigned seconds, struct verdict *v)
{
	struct attempt a = {
		.best = l, .verdict = v, .use_model = use_model, .deadline = time(NULL) + seconds};
	struct oplist scratch = { .op = calloc(l->count + 1, sizeof *l->op), .room = l->count + 1 };

	if (!scratch.op)
		abort();
	verdict_class(v->text, a.class);
	if (fails_too(&a, l)) {
		for (unsigned round = 0; round < 4 && leave_out(&a, &scratch); round++)
			;
		make_plain(&a, &scratch);
		(void)leave_out(&a, &scratch);
		make_world_plain(&a, &scratch);
	} else {
		(void)strncat(v->text, " [does not happen again when the list is run anew]",
			      sizeof v->text - strlen(v->text) - 1);
	}
	oplist_free(&scratch);
}
