/* Lists of operations as text: what a failing run leaves behind, and what a regression is kept
 * as.
 *
 *	# comment, to the end of the line
 *	seed 17
 *	config frames=160 slots=3 entries=8 slice=8 limit=15 frame_max=14
 *	d1v0 UPDATE f=1.5 i=3 e=1.7:PW~12 n=0 d=7 | cut=2 between fail=1 with=9
 *
 * "d1v0" is who acts; operands stand in the order of ops.def. Frames: domain.index, or
 * domain.name for special ones; entries: frame:FLAGS~flip; addresses: the four indices from L4
 * down, then /a/b for the high bits of the two bytes, if any. What a line leaves out is zero.
 * Writing and reading gives the same operations, byte for byte, once they are canonical. */
#pragma once
#include <stddef.h>
#include <stdio.h>
#include "tests/fuzz/world.h"

#define OPLIST_MAX 65536u
struct oplist {
	struct world_config config;
	uint64_t seed;			/* of the run it comes from; informational */
	struct op *op;
	size_t count, room;
};

extern const char *const op_name[OP_COUNT];
extern const char *const op_operands[OP_COUNT];
extern const char *const op_flags[OP_COUNT];

/* The form in which two operations that mean the same are equal: kind and actor reduced, unused
 * operands zero. */
void op_canonical(struct op *o);
#define OP_TEXT_MAX 256
/* One line, without its end. @line has OP_TEXT_MAX bytes. */
void op_to_text(const struct op *o, char *line);
/* NULL, or what is wrong with the line. Blank lines and comments are not operations: -> *o
 * untouched. */
const char *op_from_text(const char *line, struct op *o);

/* The form that a byte fuzzer mutates: 16 bytes that choose a world, then 16 for each operation.
 * Any bytes are a list; at most @limit operations are taken. */
void oplist_from_bytes(struct oplist *l, const uint8_t *bytes, size_t size, size_t limit);
void oplist_to_bytes(FILE *out, const struct oplist *l);
void oplist_add(struct oplist *l, const struct op *o);
void oplist_free(struct oplist *l);
/* @story: lines of comment, may be NULL. */
void oplist_write(FILE *out, const struct oplist *l, const char *story);
/* @l: zeroed. 0; -1: the file does not open or a line is wrong, told on stderr. */
int oplist_read(const char *path, struct oplist *l);
