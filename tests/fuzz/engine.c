/* One operation after the other: looked up, carried out, audited, and compared with the model.
 *
 * Pairs. An operation that is cut (preempted) with bit 7 set lets its successor run before it is
 * re-entered; one with `with` set runs beside its successor, switched at locks, flushes and
 * atomics. Both are judged together.
 *
 * Neighbours: world.h carries out, model.h predicts, generate.h invents, supervise.c runs this
 * in processes. */
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/engine.h"
#include "tests/fuzz/generate.h"
#include "tests/fuzz/model.h"

struct done {				/* an operation and what came of it */
	struct act act;
	struct outcome out;
};

static void break_off(struct engine *e, const char *text)
{
	if (e->verdict.broken)
		return;
	e->verdict.broken = true;
	e->verdict.step = e->step;
	(void)snprintf(e->verdict.text, sizeof e->verdict.text, "%s", text);
}

void engine_start(struct engine *e, const struct world_config *c)
{
	world_start(c);
	world_cut_broken[0] = 0;
	e->verdict = (struct verdict){ .broken = false };
	e->digest = 0xcbf29ce484222325ull;
	e->step = 0;
	if (e->use_model && !e->model) {
		e->model = malloc(model_size());
		if (!e->model)
			abort();
	}
	if (e->use_model)
		model_begin(e->model);
	if (e->stats)
		e->stats->runs++;
}

/* --- what came of it --- */
static bool succeeded(const struct done *d)
{
	return d->out.ran && !d->out.crashed && d->out.rc >= 0 && d->out.status == 0 &&
		!((d->act.kind == OP_LOAD || d->act.kind == OP_STORE) && d->out.rc);
}

static void count(struct engine *e, const struct done *d)
{
	e->digest = (e->digest ^ (uint64_t)d->out.rc ^ d->out.value << 20 ^
			    (uint64_t)d->out.status << 40) *
		    0x100000001b3ull;
	if (!e->stats)
		return;
	struct kind_stats *k = &e->stats->kind[d->act.kind];
	if (!d->out.ran && !d->out.restarts && !d->out.crashed) {
		e->stats->idle++;
		return;
	}
	e->stats->audited++;
	k->ran++;
	k->restarts += d->out.restarts != 0;
	k->crashed += d->out.crashed;
	k->no_memory += d->out.failed_alloc;
	if (succeeded(d)) {
		k->ok++;
	} else if (d->out.ran) {
		uint64_t error = d->out.status < 0 ? (uint64_t)-d->out.status
				 : d->out.rc < 0   ? -(uint64_t)d->out.rc
						   : ERRORS_KEPT;
		k->error[error < ERRORS_KEPT ? error : ERRORS_KEPT - 1]++;
	}
}

/* --- one operation --- */
static const char *audit(void)
{
	static char cut[sizeof world_cut_broken];

	if (!world_cut_broken[0])
		return world_check();
	memcpy(cut, world_cut_broken, sizeof cut);
	world_cut_broken[0] = 0;
	return cut;
}

static void judge_one(struct engine *e, const struct done *d)
{
	const char *said = audit();

	if (!said && e->use_model)
		said = model_step(e->model, &d->act, &d->out);
	if (said)
		break_off(e, said);
	count(e, d);
}

/* @inner ran within @outer, or beside it. */
static void judge_pair(struct engine *e, const struct done *outer, const struct done *inner)
{
	const char *said = audit();

	if (!said && e->use_model)
		said = model_step_pair(
			e->model, &outer->act, &outer->out, &inner->act, &inner->out);
	if (said)
		break_off(e, said);
	count(e, outer);
	count(e, inner);
	if (e->stats)
		e->stats->pairs++;
}

struct inner {
	const struct op *op;
	struct done done;
	bool ran;
};

static void run_inner(void *arg)
{
	struct inner *in = arg;
	struct op how = *in->op;

	how.cut &= 0x7f;
	in->ran = true;
	world_resolve(in->op, &in->done.act);
	world_run(&in->done.act, &how, NULL, NULL, &in->done.out);
}

/* A vCPU in the middle of an operation does nothing else: its arguments lie where they lay. */
static bool may_meet(const struct op *o, const struct op *next)
{
	return next && (o->actor ^ next->actor) & 7;
}

static bool run_beside(struct engine *e, const struct op *o, const struct op *next,
	struct done *outer, struct inner *in)
{
	if (!o->with || !may_meet(o, next) || (op_slot(next) >= world_config.slots))
		return false;
	world_resolve(next, &in->done.act);
	if (!world_can_pair(&outer->act, &in->done.act))
		return false;
	const char *hung =
		world_run_pair(&outer->act, &outer->out, &in->done.act, &in->done.out, o->with);
	if (hung)
		break_off(e, hung);
	in->ran = true;
	return true;
}

unsigned engine_step(struct engine *e, const struct op *o, const struct op *next)
{
	static struct done outer;
	static struct inner in;
	unsigned consumed = 1;

	in = (struct inner){ .op = next };
	world_resolve(o, &outer.act);
	if (!run_beside(e, o, next, &outer, &in))
		world_run(&outer.act, o, o->cut & 0x80 && may_meet(o, next) ? run_inner : NULL, &in,
			&outer.out);
	if (e->verdict.broken)
		return 2;
	if (in.ran) {
		judge_pair(e, &outer, &in.done);
		consumed = 2;
	} else {
		judge_one(e, &outer);
	}
	e->step += consumed;
	return consumed;
}

void engine_end(struct engine *e)
{
	const char *said = e->verdict.broken ? NULL : world_end();
	if (said)
		break_off(e, said);
	if (e->stats && e->use_model)
		e->stats->unjudged += model_blind(e->model);
}

void engine_list(struct engine *e, const struct oplist *l, volatile uint32_t *at)
{
	engine_start(e, &l->config);
	for (size_t i = 0; i < l->count && !e->verdict.broken;) {
		*at = (uint32_t)i;
		i += engine_step(e, &l->op[i], i + 1 < l->count ? &l->op[i + 1] : NULL);
	}
	engine_end(e);
}

void engine_seed(struct engine *e, uint64_t seed, uint32_t count, struct op *ops,
	volatile uint32_t *made, volatile uint32_t *at)
{
	static struct generator g;
	struct world_config config;

	*made = *at = 0;
	generate_start(&g, seed, &config);
	engine_start(e, &config);
	while (*at < count && !e->verdict.broken) {
		uint32_t i = *at;
		if (*made == i)
			generate_next(&g, &ops[(*made)++]);
		if ((ops[i].with || ops[i].cut & 0x80) && *made == i + 1 && i + 1 < count)
			generate_next(&g, &ops[(*made)++]);
		*at += engine_step(e, &ops[i], *made > i + 1 ? &ops[i + 1] : NULL);
	}
	engine_end(e);
}
