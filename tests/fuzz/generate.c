/* The next operation: from the queue of a script under way, or of a kind drawn by the mood's
 * weights, for a vCPU that can act. Then: is it cut, does an allocation fail, does another
 * operation run beside it?
 *
 * RULE: everything is drawn from g->rng; the state of the machine is read, never written. */
#include <string.h>
#include "tests/fuzz/generate_pick.h"
#include "tests/fuzz/text.h"

enum family { TABLES, MEMORY, GRANTS, EVENTS, VCPU, CONTROL, HARNESS, FAMILIES };

static const struct {
	uint8_t weight, family;
} kind_of[OP_COUNT] = {
	[OP_UPDATE] = {120, TABLES},
	[OP_UPDATES] = {24, TABLES},
	[OP_M2P] = {6, TABLES},
	[OP_VA_UPDATE] = {40, TABLES},
	[OP_PIN] = {28, TABLES},
	[OP_UNPIN] = {20, TABLES},
	[OP_BASE] = {16, TABLES},
	[OP_USER_BASE] = {6, TABLES},
	[OP_CLEAR] = {6, TABLES},
	[OP_COPY] = {6, TABLES},
	[OP_FLUSH] = {6, TABLES},
	[OP_SET_LDT] = {6, VCPU},
	[OP_SET_GDT] = {8, VCPU},
	[OP_DESCRIPTOR] = {10, VCPU},
	[OP_LOAD] = {20, TABLES},
	[OP_STORE] = {40, TABLES},
	[OP_DECREASE] = {16, MEMORY},
	[OP_POPULATE] = {24, MEMORY},
	[OP_EXCHANGE] = {12, MEMORY},
	[OP_GRANT] = {24, GRANTS},
	[OP_GRANT_SETUP] = {2, GRANTS},
	[OP_GRANT_MAP] = {24, GRANTS},
	[OP_GRANT_MAP_PTE] = {20, GRANTS},
	[OP_GRANT_UNMAP] = {28, GRANTS},
	[OP_GRANT_COPY] = {12, GRANTS},
	[OP_PORT_UNBOUND] = {10, EVENTS},
	[OP_PORT_BIND] = {10, EVENTS},
	[OP_PORT_VIRQ] = {5, EVENTS},
	[OP_PORT_IPI] = {5, EVENTS},
	[OP_PORT_VCPU] = {5, EVENTS},
	[OP_PORT_CLOSE] = {14, EVENTS},
	[OP_PORT_SEND] = {12, EVENTS},
	[OP_PORT_MASK] = {4, EVENTS},
	[OP_PORT_UNMASK] = {4, EVENTS},
	[OP_PORT_STATUS] = {4, EVENTS},
	[OP_PORT_RESET] = {2, EVENTS},
	[OP_VCPU_INFO] = {4, VCPU},
	[OP_RUNSTATE] = {4, VCPU},
	[OP_VCPU_DOWN] = {3, VCPU},
	[OP_VCPU_UP] = {4, VCPU},
	[OP_BLOCK] = {3, VCPU},
	[OP_POLL] = {2, VCPU},
	[OP_TIMER] = {3, VCPU},
	[OP_SHUTDOWN] = {2, VCPU},
	[OP_PAUSE] = {3, CONTROL},
	[OP_UNPAUSE] = {4, CONTROL},
	[OP_MAX_MEM] = {3, CONTROL},
	[OP_INFO] = {3, CONTROL},
	[OP_DESTROY] = {2, CONTROL},
	[OP_CREATE] = {2, HARNESS},
	[OP_REVIVE] = {3, HARNESS},
	[OP_MIGRATE] = {4, HARNESS},
	[OP_ADVANCE] = {4, HARNESS},
	[OP_RAW] = {16, HARNESS},
};

static void mood_start(struct generator *g)
{
	static const uint8_t emphasis[8] = { 0, 1, 2, 4, 4, 4, 8, 16 };
	struct mood *m = &g->mood;
	unsigned of_family[FAMILIES];

	for (unsigned i = 0; i < FAMILIES; i++)
		of_family[i] = emphasis[below(g, 8)];
	if (of_family[TABLES] < 2)
		of_family[TABLES] = 2;
	for (unsigned k = 0; k < OP_COUNT; k++) {
		unsigned each = chance(g, 16) ? 0 : chance(g, 16) ? 8 : 2;
		m->weight[k] = (uint16_t)(kind_of[k].weight * of_family[kind_of[k].family] * each);
		m->total += m->weight[k];
	}
	m->flip = chance(g, 224) ? 85 : (uint8_t)below(g, 200);		/* one in three */
	m->wild = (uint8_t)(chance(g, 128) ? 4 : below(g, 64));
	m->cut = (uint8_t)(chance(g, 192) ? 32 : below(g, 160));	/* one in eight */
	m->between = (uint8_t)below(g, 128);
	m->fail = chance(g, 224) ? 16 : 0;				/* one in sixteen */
	m->with = (uint8_t)(chance(g, 128) ? 4 : 0);
	m->script = (uint8_t)(8 + below(g, 64));
	m->focus = (uint8_t)(chance(g, 128) ? 0 : below(g, 192));
	m->foreign = (uint8_t)below(g, 128);
}

void generate_start(struct generator *g, uint64_t seed, struct world_config *c)
{
	memset(g, 0, sizeof *g);
	g->rng = (seed + 1) * 0x9e3779b97f4a7c15ull;
	g->rng = g->rng ? g->rng : 1;
	for (unsigned i = 0; i < 8; i++)
		(void)rnd(g);
	*c = world_default;
	c->slots = 2 + below(g, SLOTS - 1);
	c->slice = 1u << below(g, 4);
	c->count_limit = chance(g, 128) ? 15 : 1ull << 40;
	mood_start(g);
}

static void focus_move(struct generator *g)
{
	if (g->focus_left-- > 0)
		return;
	g->focus_left = 32 + below(g, 64);
	for (unsigned i = 0; i < 4; i++)
		g->focus[i] = (uint8_t)below(g, POOL);
}

/* A vCPU that can act; if none was found in some tries, anybody. */
static uint8_t actor_choose(struct generator *g)
{
	for (unsigned tries = 0; tries < 12; tries++) {
		unsigned slot = below(g, world_config.slots), vcpu = below(g, VCPUS);
		if (world_can_act(slot, vcpu) || chance(g, 4))
			return (uint8_t)(slot | vcpu << 2);
	}
	return 0;
}

/* Things that must be seen to, or the machine comes to rest: empty slots, dead guests, vCPUs
 * that wait. */
static bool housekeeping(struct generator *g, struct op *o)
{
	unsigned slot = below(g, world_config.slots), vcpu = below(g, VCPUS);
	const struct slot *s = &world_slot[slot];

	memset(o, 0, sizeof *o);
	o->arg[0] = (uint8_t)slot;
	o->arg[1] = (uint8_t)vcpu;
	if (!s->d)
		o->kind = OP_CREATE;
	else if (s->d->is_shut_down && slot)
		o->kind = OP_DESTROY;
	else if (!world_can_act(slot, vcpu))
		o->kind = OP_REVIVE;
	else
		return false;
	if (o->kind == OP_DESTROY && !world_can_act(0, 0))
		o->actor = 4;
	return true;
}

static unsigned kind_choose(struct generator *g)
{
	unsigned at = below(g, g->mood.total), k = 0;
	while (at >= g->mood.weight[k])
		at -= g->mood.weight[k++];
	return k;
}

static void draw(struct generator *g, struct op *o)
{
	memset(o, 0, sizeof *o);
	o->actor = actor_choose(g);
	o->kind = (uint8_t)kind_choose(g);
	if (kind_of[o->kind].family == CONTROL && !chance(g, 24))
		o->actor &= 4;
}

static void queue_take(struct generator *g, struct op *o)
{
	struct planned *p = &g->queue[g->head++ % QUEUE];
	*o = p->op;
	if (p->late)
		fill_operands(g, o);
}

static void how(struct generator *g, struct op *o)
{
	const struct mood *m = &g->mood;

	if (!o->cut && chance(g, m->cut))
		o->cut = (uint8_t)((chance(g, 160) ? 1 + below(g, 3) : 1 + below(g, 16)) |
				   (chance(g, m->between) ? 0x80 : 0));
	if (chance(g, m->fail))
		o->fail = (uint8_t)(1 + below(g, chance(g, 192) ? 2 : 6));
	if (!o->with && chance(g, m->with))
		o->with = (uint8_t)(1 + below(g, 255));
}

void generate_next(struct generator *g, struct op *o)
{
	bool queued = g->head != g->tail;

	focus_move(g);
	if (chance(g, 24) && housekeeping(g, o))
		return;
	if (!queued && chance(g, g->mood.script)) {
		script_begin(g);
		queued = g->head != g->tail;
	}
	if (queued && chance(g, 216)) {
		queue_take(g, o);
	} else {
		draw(g, o);
		if (!queued && chance(g, 208) && script_prepare(g, o) && g->head != g->tail)
			queue_take(g, o);
		else
			fill_operands(g, o);
	}
	how(g, o);
	op_canonical(o);
}
