/* How the generator finds operands in the live state. For the generate_*.c only. */
#pragma once
#include "hv/mem/frame.h"
#include "tests/fuzz/generate.h"

/* --- chance --- */
static inline uint64_t rnd(struct generator *g)
{
	g->rng ^= g->rng >> 12;
	g->rng ^= g->rng << 25;
	g->rng ^= g->rng >> 27;
	return g->rng * 0x2545f4914f6cdd1dull;
}
static inline unsigned below(struct generator *g, unsigned n)
{
	return (unsigned)((rnd(g) >> 32) * n >> 32);
}
static inline bool chance(struct generator *g, unsigned of_256) { return below(g, 256) < of_256; }

/* --- frames, by what they are used as now: bits of a mask --- */
#define USE(type)	(1u << (type))		/* FT_NONE: no type */
#define USE_ABSENT	(1u << FT_COUNT)	/* the pool slot is empty */
#define USE_TABLE	(USE(FT_L1) | USE(FT_L2) | USE(FT_L3) | USE(FT_L4))
#define USE_DATA	(USE(FT_NONE) | USE(FT_WRITABLE))
#define USE_PINNED	(1u << (FT_COUNT + 1))	/* and pinned; alone: any pinned */
unsigned frame_use(unsigned slot, unsigned index);
/* A pool index of domain @slot with a use in @mask; one in focus if possible; POOL: none. */
unsigned pick_index(struct generator *g, unsigned slot, unsigned mask);
/* The same as an operand; if there is none, any frame of the pool. */
uint8_t pick_frame(struct generator *g, unsigned slot, unsigned mask);
uint8_t pick_special(struct generator *g, unsigned slot);
bool frame_number(uint8_t f, uint64_t *m); /* of a plain operand or a home table; false: none now */

/* --- entries --- */
enum entry_wish { ENTRY_ANY, ENTRY_LIVE, ENTRY_EMPTY };
uint8_t pick_entry_index(struct generator *g, uint8_t table, enum entry_wish wish);

/* --- domains, vCPUs, ports, grants --- */
unsigned pick_slot(struct generator *g);			/* one that is alive */
unsigned pick_other(struct generator *g, unsigned slot);	/* another one alive, if there is */
unsigned pick_empty_slot(struct generator *g);			/* SLOTS: none */
/* An address for a vCPU, by its present tables: that is mapped (@live), or where an L1 has an
 * empty entry. */
void pick_address(struct generator *g, unsigned slot, unsigned vcpu, bool live, uint8_t v[2]);
bool has_address(unsigned slot, unsigned vcpu);			/* does its kernel reach any L1? */
uint8_t pick_port(struct generator *g, unsigned slot, unsigned states);	/* mask of 1 << PORT_* */
bool has_port(unsigned slot, unsigned states);
/* A port that @by may bind, of any domain, or any one. True: there is one. */
bool pick_unbound_for(struct generator *g, unsigned by, uint8_t *slot, uint8_t *port);
bool has_handle(unsigned slot);
uint8_t pick_handle(struct generator *g, unsigned slot);
/* Where the entry of a handle of @slot's was set: frame and index. False: in no frame of its pool. */
bool pick_mapped(struct generator *g, unsigned slot, uint8_t at[2]);
/* A reference of @slot that is granted to @by. */
uint8_t pick_granted(struct generator *g, unsigned slot, unsigned by, bool *writable);
/* Somebody who has granted something to @by; else anybody. */
bool has_granter(unsigned by);
unsigned pick_granter(struct generator *g, unsigned by);

/* --- generate_fill.c: operands of o->kind for o->actor --- */
void fill_operands(struct generator *g, struct op *o);
/* --- generate_script.c --- */
void plan(struct generator *g, const struct op *o);
void plan_late(struct generator *g, unsigned slot, unsigned vcpu, unsigned kind);
void script_begin(struct generator *g);
/* @o, whose actor and kind are chosen, cannot succeed as things are: plan what it needs. False:
 * it may. */
bool script_prepare(struct generator *g, const struct op *o);
