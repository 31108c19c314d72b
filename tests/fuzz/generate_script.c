/* Scripts: short sequences that build what single random operations rarely do: a tree of tables
 * with an address space on it, a table mapped in itself, a grant from its entry to its
 * unmapping, a connected port, a death in the middle of something. They are planned on the state
 * at their beginning and may fail half way; other operations run in between.
 *
 * Neighbours: generate.c takes from the queue, generate_fill.c gives late operands. */
#include <string.h>
#include "hv/cpu/host/host.h"
#include "hv/event/table.h"
#include "tests/fuzz/generate_pick.h"
#include "tests/fuzz/text.h"

void plan(struct generator *g, const struct op *o)
{
	if (g->tail - g->head == QUEUE)
		return;
	g->queue[g->tail++ % QUEUE] = (struct planned){ .op = *o };
	op_canonical(&g->queue[(g->tail - 1) % QUEUE].op);
}

void plan_late(struct generator *g, unsigned slot, unsigned vcpu, unsigned kind)
{
	if (g->tail - g->head < QUEUE)
		g->queue[g->tail++ % QUEUE] = (struct planned){
			.op = {.kind = (uint8_t)kind, .actor = (uint8_t)(slot | vcpu << 2)},
			.late = true,
		};
}

static void plan_update(struct generator *g, unsigned actor, uint8_t table, unsigned i,
	uint8_t target, unsigned flags)
{
	plan(g, &(struct op){ .kind = OP_UPDATE, .actor = (uint8_t)actor,
			      .arg = { table, (uint8_t)i, target, (uint8_t)flags, 0, 0, 4 } });
}

static void plan_frame(
	struct generator *g, unsigned actor, unsigned kind, uint8_t frame, unsigned n)
{
	plan(g, &(struct op){.kind = (uint8_t)kind,
			.actor = (uint8_t)actor,
			.arg = {frame, (uint8_t)n}});
}

static void plan_access(struct generator *g, unsigned actor, unsigned kind, const uint8_t at[4])
{
	uint8_t n = (uint8_t)below(g, STORE_COUNT);
	plan(g, &(struct op){.kind = (uint8_t)kind,
			.actor = (uint8_t)actor,
			.arg = {(uint8_t)(at[1] << 3 | at[0]), (uint8_t)(at[3] << 3 | at[2]),
				FRAME_OF(actor & 3, below(g, POOL)), ENTRY_PRESENT, 0, n}});
}

/* Frames without a type to build from: at most @n, in @f; how many there are. */
static unsigned free_frames(struct generator *g, unsigned slot, uint8_t *f, unsigned n)
{
	unsigned start = below(g, POOL), got = 0;

	for (unsigned i = 0; i < POOL && got < n; i++)
		if (frame_use(slot, (start + i) % POOL) == USE(FT_NONE))
			f[got++] = FRAME_OF(slot, (start + i) % POOL);
	return got;
}

static bool frame_is_zero(uint8_t f)
{
	const uint64_t *word = host_frame(mfn(world_frame(f >> 4, f & 15)));
	uint64_t any = 0;
	for (unsigned i = 0; i < 8; i++)
		any |= word[i];
	return !any;
}

/* Make room: leave the tables and unpin what is pinned. */
static void script_clear_up(struct generator *g, unsigned slot, unsigned actor)
{
	plan_frame(g, actor, OP_BASE, FRAME_SPECIAL(slot, SPECIAL_HOME), 0);
	plan_frame(g, actor ^ 4, OP_BASE, FRAME_SPECIAL(slot, SPECIAL_HOME), 0);
	plan_frame(g, actor, OP_USER_BASE, FRAME_SPECIAL(slot, SPECIAL_ZERO), 0);
	for (unsigned i = 0; i < POOL; i++)
		if (frame_use(slot, i) & USE_PINNED)
			plan_frame(g, actor, OP_UNPIN, FRAME_OF(slot, i), 0);
	for (unsigned i = 0; i < 4; i++)
		plan_update(g, actor, FRAME_SPECIAL(slot, SPECIAL_HOME), i,
			FRAME_SPECIAL(slot, SPECIAL_INVALID), 0);
	plan_late(g, slot, 0, OP_POPULATE);
}

/* Link t[0..3] = L1..L4 with data below; entries at[0..3]. From the bottom, or from the top
 * down. */
static void plan_links(
	struct generator *g, unsigned slot, unsigned actor, const uint8_t t[4], const uint8_t at[4])
{
	bool top_first = chance(g, 96);
	const unsigned flags = ENTRY_PRESENT | ENTRY_WRITE;
	unsigned leaves = 1 + below(g, 4);

	for (unsigned i = 0; i < leaves; i++) {
		uint8_t data = pick_frame(g, slot, USE_DATA);
		if (data != t[0] && data != t[1] && data != t[2] && data != t[3])
			plan_update(g, actor, t[0], (at[0] + i) % 8u, data,
				flags | (chance(g, 64) ? ENTRY_NX : 0));
	}
	if (top_first)
		plan_frame(g, actor, OP_PIN, t[3], 3);
	for (unsigned step = 0; step < 3; step++) {
		unsigned level = top_first ? 2 - step : step;
		plan_update(g, actor, t[level + 1], at[level + 1], t[level], flags);
		if (chance(g, 24))
			plan_frame(g, actor, OP_PIN, t[level], level);
	}
}

/* A tree on a new L4, or hanging below the home table; then use it. */
static void script_tree(struct generator *g, unsigned slot, unsigned actor)
{
	uint8_t t[4], at[4] = {(uint8_t)below(g, 8), (uint8_t)below(g, 8), (uint8_t)below(g, 8),
			      (uint8_t)below(g, 8)};
	bool at_home = chance(g, 96);

	if (free_frames(g, slot, t, at_home ? 3 : 4) < (at_home ? 3u : 4u)) {
		script_clear_up(g, slot, actor);
		return;
	}
	for (unsigned i = 0; i < (at_home ? 3u : 4u); i++)
		if (!frame_is_zero(t[i]) && chance(g, 208))
			plan_frame(g, actor, OP_CLEAR, t[i], 0);
	if (at_home)
		t[3] = FRAME_SPECIAL(slot, SPECIAL_HOME);
	plan_links(g, slot, actor, t, at);
	/* The L1 read-only in itself: its entries are written by emulated stores. */
	if (chance(g, 80))
		plan_update(g, actor, t[0], (at[0] + 7) % 8u, t[0], ENTRY_PRESENT);
	if (!at_home && chance(g, 128))
		plan_frame(g, actor, OP_PIN, t[3], 3);
	plan_frame(g, actor, OP_BASE, t[3], 0);
	if (chance(g, 128))
		plan_frame(g, actor ^ 4, OP_BASE, t[3], 0);
	if (chance(g, 32))
		plan_frame(g, actor, OP_USER_BASE, t[3], 0);
	for (unsigned i = below(g, 4); i > 0; i--)
		plan_access(g, chance(g, 64) ? actor ^ 4 : actor,
			chance(g, 128) ? OP_STORE : OP_LOAD, at);
	if (chance(g, 64))
		plan_frame(g, actor, OP_UNPIN, t[3], 0);
}

/* Map an L1 read-only through itself and store into its entries. */
static void script_self(struct generator *g, unsigned slot, unsigned actor)
{
	unsigned i = pick_index(g, slot, USE(FT_L1));

	if (i == POOL)
		return;
	uint8_t l1 = FRAME_OF(slot, i);
	plan_update(g, actor, l1, pick_entry_index(g, l1, ENTRY_EMPTY), l1, ENTRY_PRESENT);
	for (unsigned n = 1 + below(g, 4); n > 0; n--)
		plan_late(g, slot, actor >> 2, OP_STORE);
}

/* A frame goes from one use to another while a stale translation may exist: map, touch, unmap,
 * make it a table. */
static void script_stale(struct generator *g, unsigned slot, unsigned actor)
{
	uint8_t v[2], f;

	pick_address(g, slot, actor >> 2, false, v);
	if (!free_frames(g, slot, &f, 1))
		return;
	const uint8_t at[4] = { v[0] & 7, v[0] >> 3 & 7, v[1] & 7, v[1] >> 3 & 7 };
	struct op map = { .kind = OP_VA_UPDATE, .actor = (uint8_t)actor,
			  .arg = { v[0], v[1], f, ENTRY_PRESENT | ENTRY_WRITE, 0, 0, 4 } };
	plan(g, &map);
	plan_access(g, actor, OP_STORE, at);
	plan_access(g, actor ^ 4, OP_STORE, at);
	map.arg[2] = FRAME_SPECIAL(slot, SPECIAL_INVALID);
	map.arg[3] = 0;
	plan(g, &map);
	plan_frame(g, actor, chance(g, 192) ? OP_PIN : OP_DECREASE, f,
		chance(g, 128) ? 0 : below(g, 4));
	plan_access(g, actor, OP_STORE, at);
	plan_access(g, actor ^ 4, OP_STORE, at);
	plan_late(g, slot, 1, OP_POPULATE);
	plan_frame(g, actor, OP_UNPIN, f, 0);
}

/* A frame of a guest that the control domain maps and touches while the guest itself maps it,
 * before, meanwhile or afterwards; then the guest makes something else of it, and both touch it
 * again. */
static void script_foreign(struct generator *g, unsigned slot, unsigned actor)
{
	unsigned when = below(g, 4), vcpu = actor & 4;
	uint8_t here[2], there[2], f;

	if (slot == 0 || !free_frames(g, slot, &f, 1))
		return;
	pick_address(g, slot, actor >> 2, false, here);
	pick_address(g, 0, actor >> 2, false, there);
	const uint8_t at[4] = { there[0] & 7, there[0] >> 3 & 7, there[1] & 7, there[1] >> 3 & 7 };
	struct op own = { .kind = OP_VA_UPDATE, .actor = (uint8_t)actor,
			  .arg = { here[0], here[1], f, ENTRY_PRESENT | ENTRY_WRITE, 0, 0, 4 } };
	struct op none = {.kind = OP_VA_UPDATE,
		.actor = (uint8_t)actor,
		.arg = {here[0], here[1], FRAME_SPECIAL(slot, SPECIAL_INVALID), 0, 0, 0, 4}};
	struct op map = {.kind = OP_VA_UPDATE,
		.actor = (uint8_t)vcpu,
		.arg = {there[0], there[1], f, ENTRY_PRESENT | ENTRY_WRITE, 0, 0, (uint8_t)slot}};
	struct op unmap = {.kind = OP_VA_UPDATE,
		.actor = (uint8_t)vcpu,
		.arg = {there[0], there[1], FRAME_SPECIAL(slot, SPECIAL_INVALID), 0, 0, 0, 4}};
	if (when == 1)
		plan(g, &own);
	plan(g, &map);
	plan_access(g, vcpu, chance(g, 192) ? OP_STORE : OP_LOAD, at);
	if (chance(g, 64))
		plan_access(g, vcpu ^ 4, OP_STORE, at);
	if (when == 2)
		plan(g, &own);
	plan(g, &unmap);
	if (when == 3)
		plan(g, &own);
	plan(g, &none);
	plan_frame(g, actor, chance(g, 192) ? OP_PIN : OP_DECREASE, f, 0);
	plan_access(g, vcpu, OP_STORE, at);
	plan_late(g, slot, 1, OP_POPULATE);
	plan_frame(g, actor, OP_UNPIN, f, 0);
}

/* An extent whose frames are mapped, touched and given back one by one, with flushes of some
 * CPUs in between, and then belongs to somebody else. */
static void script_extent(struct generator *g, unsigned slot, unsigned actor)
{
	unsigned first = POOL - 4, other = pick_other(g, slot);
	uint8_t v[2];

	pick_address(g, slot, actor >> 2, false, v);
	const uint8_t at[4] = { v[0] & 7, v[0] >> 3 & 7, v[1] & 7, v[1] >> 3 & 7 };
	for (unsigned i = 0; i < 4; i++)
		plan_frame(g, actor, OP_DECREASE, FRAME_OF(slot, first + i), 4);
	plan(g, &(struct op){.kind = OP_POPULATE,
			.actor = (uint8_t)actor,
			.arg = {(uint8_t)first, 2, 4}});
	for (unsigned i = 0; i < 4; i++) {
		uint8_t f = FRAME_OF(slot, first + i);
		struct op map = { .kind = OP_VA_UPDATE, .actor = (uint8_t)actor,
				  .arg = { v[0], v[1], f, ENTRY_PRESENT | ENTRY_WRITE, 0, 0, 4 } };
		plan(g, &map);
		plan_access(g, actor, OP_LOAD, at);
		map.arg[2] = FRAME_SPECIAL(slot, SPECIAL_INVALID);
		map.arg[3] = 0;
		plan(g, &map);
		plan_frame(g, actor, OP_DECREASE, f, 4);
		if (chance(g, 96))
			plan(g, &(struct op){.kind = OP_FLUSH,
					.actor = (uint8_t)(chance(g, 128) ? actor : actor ^ 4)});
	}
	struct op populate = {
		.kind = OP_POPULATE, .actor = (uint8_t)other, .arg = {(uint8_t)first, 2, 4}};
	populate.with = (uint8_t)(chance(g, 128) ? 1 + below(g, 255) : 0);
	plan(g, &populate);
	plan_access(g, actor, chance(g, 128) ? OP_LOAD : OP_STORE, at);
	for (unsigned i = 0; i < 4; i++)
		plan_frame(g, other, OP_DECREASE, FRAME_OF(other, first + i), 4);
}

/* Two vCPUs validate trees that share tables: one is interrupted and the other begins in the
 * middle of it. */
static void script_shared_tree(struct generator *g, unsigned slot, unsigned actor)
{
	uint8_t t[4];

	if (free_frames(g, slot, t, 4) < 4)
		return;
	for (unsigned i = 0; i < 4; i++)
		plan_frame(g, actor, OP_CLEAR, t[i], 0);
	plan_update(g, actor, t[0], below(g, 8), pick_frame(g, slot, USE_DATA), ENTRY_PRESENT);
	plan_update(g, actor, t[1], below(g, 8), t[0], ENTRY_PRESENT);	/* an L2, */
	plan_update(g, actor, t[2], below(g, 8), t[1], ENTRY_PRESENT);	/* and two L3 above it */
	plan_update(g, actor, t[3], below(g, 8), t[1], ENTRY_PRESENT);
	for (unsigned i = 0; i < 2; i++) {
		struct planned *p = &g->queue[g->tail % QUEUE];
		unsigned outer = 1 + below(g, 3), inner = 1 + below(g, 3);
		plan_frame(g, actor, i ? OP_UNPIN : OP_PIN, t[outer], outer == 1 ? 1 : 2);
		p->op.cut = (uint8_t)(0x80 | (1 + below(g, 3)));
		if (slot && chance(g, 32)) {	/* or the guest dies there */
			plan(g, &(struct op){ .kind = OP_DESTROY, .arg = { (uint8_t)slot } });
			plan(g, &(struct op){ .kind = OP_CREATE, .arg = { (uint8_t)slot } });
			return;
		}
		plan_frame(g, actor ^ 4, chance(g, 200) ? OP_PIN : OP_UNPIN, t[inner],
			inner == 1 ? 1 : 2);
	}
	for (unsigned i = 1; i < 4; i++)
		plan_frame(g, actor, OP_UNPIN, t[i], 0);
}

static void script_grant(struct generator *g, unsigned slot, unsigned actor)
{
	/* Who acts is the granter, or asks for a grant. */
	unsigned other = (actor & 3) != slot ? actor & 3 : pick_other(g, slot), vcpu = actor >> 2;

	plan(g, &(struct op){ .kind = OP_GRANT_SETUP, .actor = (uint8_t)slot, .arg = { 1 } });
	for (unsigned i = 1 + below(g, 2); i > 0; i--)
		plan(g, &(struct op){.kind = OP_GRANT,
				.actor = (uint8_t)slot,
				.arg = {(uint8_t)below(g, REFS), (uint8_t)other,
					pick_frame(g, slot, USE_DATA),
					chance(g, 192) ? GRANT_RW : GRANT_RO}});
	for (unsigned i = 1 + below(g, 2); i > 0; i--)
		plan_late(g, other, vcpu, chance(g, 128) ? OP_GRANT_MAP : OP_GRANT_MAP_PTE);
	plan_late(g, other, vcpu, OP_STORE);
	if (chance(g, 64))
		plan_late(g, slot, vcpu, chance(g, 128) ? OP_DECREASE : OP_PIN);
	if (chance(g, 64))
		plan_late(g, other, vcpu, chance(g, 128) ? OP_UPDATE : OP_UNPIN);
	if (chance(g, 64))
		plan_late(g, other, vcpu, OP_GRANT_COPY);
	for (unsigned i = 1 + below(g, 2); i > 0; i--)
		plan_late(g, other, vcpu ^ 1, OP_GRANT_UNMAP);
	if (chance(g, 64))
		plan_late(g, slot, 0, OP_GRANT);
}

/* A pinned tree is let go, and in the middle of that a grant is unmapped that is mapped perhaps there. */
static void plan_unmap_inside(struct generator *g, unsigned slot, unsigned actor)
{
	plan_frame(g, actor, OP_BASE, FRAME_SPECIAL(slot, SPECIAL_HOME), 0);
	plan_frame(g, actor ^ 4, OP_BASE, FRAME_SPECIAL(slot, SPECIAL_HOME), 0);
	plan_frame(g, actor, OP_USER_BASE, FRAME_SPECIAL(slot, SPECIAL_ZERO), 0);
	for (unsigned i = 0; i < POOL; i++) {
		struct planned *p = &g->queue[g->tail % QUEUE];
		if (!(frame_use(slot, i) & USE_PINNED))
			continue;
		plan_frame(g, actor, OP_UNPIN, FRAME_OF(slot, i), 0);
		p->op.cut = (uint8_t)(0x80 | (1 + below(g, 3)));
		plan_late(g, slot, (actor >> 2) ^ 1, OP_GRANT_UNMAP);
	}
}

/* The entry of a mapping goes before it is unmapped, by itself or with its table, and that is used for something else. */
static void script_grant_gone(struct generator *g, unsigned slot, unsigned actor)
{
	uint8_t at[2];

	actor = slot | (actor & 4);
	if (!pick_mapped(g, slot, at)) {
		script_grant(g, pick_other(g, slot), actor);
		return;
	}
	if (chance(g, 128))
		plan_update(g, actor, at[0], at[1], FRAME_SPECIAL(slot, SPECIAL_INVALID), 0);
	else if (chance(g, 128))
		plan_unmap_inside(g, slot, actor);
	else
		script_clear_up(g, slot, actor);
	if (chance(g, 96))
		plan_update(g, actor, at[0], at[1], pick_frame(g, slot, USE_DATA), ENTRY_PRESENT | ENTRY_WRITE);
	if (chance(g, 96))
		plan_frame(g, actor, OP_PIN, at[0], below(g, 2));
	if (chance(g, 64))
		plan_late(g, slot, actor >> 2, OP_GRANT_MAP_PTE);
	plan_late(g, slot, (actor >> 2) ^ 1, OP_GRANT_UNMAP);
	if (chance(g, 128))
		plan_late(g, pick_other(g, slot), 0, chance(g, 128) ? OP_PIN : OP_DECREASE);
}

static void script_port(struct generator *g, unsigned slot, unsigned actor)
{
	unsigned other = (actor & 3) != slot ? actor & 3 : pick_other(g, slot);

	plan(g, &(struct op){.kind = OP_PORT_UNBOUND,
			.actor = (uint8_t)(slot | (actor & 4)),
			.arg = {(uint8_t)other}});
	plan_late(g, other, actor >> 2, OP_PORT_BIND);
	for (unsigned i = below(g, 4); i > 0; i--)
		plan_late(g, chance(g, 128) ? slot : other, below(g, 2),
			  OP_PORT_VCPU + below(g, OP_PORT_STATUS - OP_PORT_VCPU + 1));
	if (chance(g, 32))
		plan_late(g, slot, 0, OP_PORT_RESET);
}

/* Descriptor tables in frames that also want to be something else. */
static void script_segments(struct generator *g, unsigned slot, unsigned actor)
{
	uint8_t f[2];

	if (free_frames(g, slot, f, 2) < 2)
		return;
	for (unsigned i = below(g, 4); i > 0; i--)
		plan(g, &(struct op){.kind = OP_DESCRIPTOR,
				.actor = (uint8_t)actor,
				.arg = {f[0], (uint8_t)below(g, 8), (uint8_t)below(g, 16)}});
	plan(g, &(struct op){.kind = OP_SET_GDT,
			.actor = (uint8_t)actor,
			.arg = {f[0], f[1], (uint8_t)(1 + below(g, 32))}});
	plan_late(g, slot, actor >> 2, OP_DESCRIPTOR);
	plan_late(g, slot, actor >> 2, OP_SET_LDT);
	if (chance(g, 128))
		plan_frame(g, actor, OP_PIN, f[0], below(g, 4));
	plan(g, &(struct op){.kind = OP_SET_GDT, .actor = (uint8_t)actor, .arg = {f[0], f[1], 0}});
}

/* A guest dies, in the middle of a long operation if possible, and another one takes its place. */
static void script_death(struct generator *g, unsigned slot, unsigned actor)
{
	static const uint8_t last[] = {OP_PIN, OP_UNPIN, OP_BASE, OP_UPDATE, OP_UPDATES,
		OP_DECREASE, OP_GRANT_MAP, OP_GRANT_UNMAP, OP_PORT_RESET, OP_POPULATE, OP_SET_GDT};

	if (slot == 0)
		return;
	struct planned *p = &g->queue[g->tail % QUEUE];
	plan_late(g, slot, actor >> 2, last[below(g, sizeof last)]);
	p->op.cut = (uint8_t)(0x80 | (1 + below(g, 3)));
	plan(g, &(struct op){
			.kind = OP_DESTROY, .arg = {(uint8_t)slot}, .cut = chance(g, 128) ? 1 : 0});
	plan_late(g, pick_other(g, slot), 0, OP_GRANT_UNMAP);
	plan(g, &(struct op){ .kind = OP_CREATE, .arg = { (uint8_t)slot } });
}

/* The same frame by two vCPUs at a time. */
static void script_race(struct generator *g, unsigned slot, unsigned actor)
{
	static const uint8_t kinds[] = {OP_UPDATE, OP_UPDATE, OP_VA_UPDATE, OP_PIN, OP_UNPIN,
		OP_BASE, OP_STORE, OP_STORE, OP_DECREASE, OP_GRANT_MAP, OP_GRANT_UNMAP, OP_EXCHANGE,
		OP_SET_GDT};

	for (unsigned i = 0; i < 4; i++)
		g->focus[i] = (uint8_t)below(g, 2 + i);
	g->focus_left = 16;
	for (unsigned n = 1 + below(g, 3); n > 0; n--) {
		struct planned *p = &g->queue[g->tail % QUEUE];
		plan_late(g, slot, actor >> 2, kinds[below(g, sizeof kinds)]);
		p->op.with = (uint8_t)(1 + below(g, 255));
		plan_late(g, chance(g, 192) ? slot : pick_other(g, slot), (actor >> 2) ^ 1,
			kinds[below(g, sizeof kinds)]);
	}
}

/* A connected port, or one about to be, at which both ends and both vCPUs of one end pull at the
 * same time. */
static void script_port_race(struct generator *g, unsigned slot, unsigned actor)
{
	static const uint8_t kinds[] = {OP_PORT_CLOSE, OP_PORT_CLOSE, OP_PORT_CLOSE, OP_PORT_SEND,
		OP_PORT_BIND, OP_PORT_RESET, OP_PORT_VCPU, OP_PORT_UNMASK, OP_BLOCK, OP_DESTROY};
	unsigned other = (actor & 3) != slot ? actor & 3 : pick_other(g, slot);

	plan_late(g, slot, 0, OP_PORT_RESET);		/* few ports: both mean the same one */
	plan_late(g, other, 0, OP_PORT_RESET);
	plan(g, &(struct op){
			.kind = OP_PORT_UNBOUND, .actor = (uint8_t)slot, .arg = {(uint8_t)other}});
	plan_late(g, other, actor >> 2, OP_PORT_BIND);
	struct planned *p = &g->queue[g->tail % QUEUE];
	unsigned first = kinds[below(g, sizeof kinds - 1)], second = kinds[below(g, sizeof kinds)];
	plan_late(g, slot, actor >> 2, first);
	p->op.with = (uint8_t)(1 + below(g, 255));
	if (second == OP_DESTROY && slot)
		plan(g, &(struct op){ .kind = OP_DESTROY, .arg = { (uint8_t)slot } });
	else
		plan_late(g, chance(g, 160) ? other : slot, (actor >> 2) ^ 1,
			second == OP_DESTROY ? OP_PORT_CLOSE : second);
}

/* One mapping with both halves, unmapped by two vCPUs at the same time; or mapped by them. */
static void script_grant_race(struct generator *g, unsigned slot, unsigned actor)
{
	unsigned other = (actor & 3) != slot ? actor & 3 : pick_other(g, slot), vcpu = actor >> 2;
	static const uint8_t kinds[] = {OP_GRANT_UNMAP, OP_GRANT_UNMAP, OP_GRANT_MAP,
		OP_GRANT_MAP_PTE, OP_GRANT_COPY, OP_UPDATE};

	plan(g, &(struct op){ .kind = OP_GRANT_SETUP, .actor = (uint8_t)slot, .arg = { 1 } });
	plan(g, &(struct op){.kind = OP_GRANT,
			.actor = (uint8_t)slot,
			.arg = {(uint8_t)below(g, REFS), (uint8_t)other,
				pick_frame(g, slot, USE_DATA), GRANT_RW}});
	if (chance(g, 192))
		plan_late(g, other, vcpu, OP_GRANT_MAP);
	unsigned kind = kinds[below(g, sizeof kinds)];
	struct planned *p = &g->queue[g->tail % QUEUE];
	plan_late(g, other, vcpu, kind);
	p->op.with = (uint8_t)(1 + below(g, 255));
	if (chance(g, 48))
		plan_late(g, slot, vcpu, OP_GRANT);
	else
		plan_late(
			g, other, vcpu ^ 1, chance(g, 192) ? kind : kinds[below(g, sizeof kinds)]);
}

/* Memory for a guest that dies at the same time. */
static void script_late_gift(struct generator *g, unsigned slot, unsigned actor)
{
	static const uint8_t gifts[] = {
		OP_POPULATE, OP_POPULATE, OP_GRANT_MAP, OP_PORT_BIND, OP_VA_UPDATE};
	unsigned who = below(g, 3) ? 0 : pick_other(g, slot), kind = gifts[below(g, sizeof gifts)];

	if (slot == 0)
		return;
	struct planned *p = &g->queue[g->tail % QUEUE];
	if (kind == OP_POPULATE)
		plan(g, &(struct op){.kind = OP_POPULATE,
				.actor = (uint8_t)(actor & 4),
				.arg = {(uint8_t)below(g, POOL), 0, (uint8_t)slot}});
	else
		plan_late(g, who, actor >> 2, kind);
	p->op.with = (uint8_t)(1 + below(g, 255));
	plan(g, &(struct op){.kind = OP_DESTROY,
			.actor = (uint8_t)((actor & 4) ^ 4),
			.arg = {(uint8_t)slot}});
	plan(g, &(struct op){ .kind = OP_CREATE, .arg = { (uint8_t)slot } });
}

void script_begin(struct generator *g)
{
	static void (*const script[])(struct generator *, unsigned, unsigned) = {
		script_tree,
		script_tree,
		script_tree,
		script_tree,
		script_self,
		script_stale,
		script_stale,
		script_grant,
		script_grant,
		script_grant_gone,
		script_grant_gone,
		script_port,
		script_segments,
		script_death,
		script_race,
		script_race,
		script_foreign,
		script_extent,
		script_shared_tree,
		script_port_race,
		script_grant_race,
		script_late_gift,
	};
	unsigned slot = pick_slot(g);

	script[below(g, sizeof script / sizeof *script)](g, slot, slot | below(g, VCPUS) << 2);
}

bool script_prepare(struct generator *g, const struct op *o)
{
	const unsigned slot = op_slot(o), any_port = 1u << PORT_UNBOUND | 1u << PORT_INTERDOMAIN |
						     1u << PORT_VIRQ | 1u << PORT_IPI;
	uint8_t ignored[2];

	switch (o->kind) {
	case OP_VA_UPDATE: case OP_LOAD: case OP_STORE: case OP_SET_LDT: case OP_RUNSTATE:
		if (has_address(slot, op_vcpu(o)))
			return false;
		script_tree(g, slot, o->actor);
		return true;
	case OP_GRANT_MAP: case OP_GRANT_MAP_PTE: case OP_GRANT_UNMAP:
		if (o->kind != OP_GRANT_UNMAP && !has_address(slot, op_vcpu(o)))
			script_tree(g, slot, o->actor);
		else if (o->kind == OP_GRANT_UNMAP ? has_handle(slot) : has_granter(slot))
			return false;
		else
			script_grant(g, pick_other(g, slot), o->actor);
		return true;
	case OP_PORT_BIND:
		if (pick_unbound_for(g, slot, &ignored[0], &ignored[1]))
			return false;
		script_port(g, pick_other(g, slot), o->actor);
		return true;
	case OP_PORT_VCPU: case OP_PORT_CLOSE: case OP_PORT_SEND: case OP_PORT_UNMASK:
		if (has_port(slot, any_port))
			return false;
		script_port(g, slot, o->actor);
		return true;
	case OP_UNPAUSE:
		for (unsigned i = 0; i < world_config.slots; i++)
			if (world_slot[i].d && world_slot[i].d->paused_by_control)
				return false;
		plan_late(g, slot, op_vcpu(o), OP_PAUSE);
		plan_late(g, slot, op_vcpu(o), OP_UNPAUSE);
		return true;
	case OP_UNPIN:
		if (pick_index(g, slot, USE_PINNED) < POOL)
			return false;
		plan_late(g, slot, op_vcpu(o), OP_PIN);
		return true;
	default:
		return false;
	}
}
