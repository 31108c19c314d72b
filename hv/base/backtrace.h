/* Where a stack says we came from, and the names of functions. Layer: base. Pure: reads nothing but
 * what it is given, whatever is in it; terminates on any stack. */
#pragma once
#include "hv/base/types.h"

/* The code of [start, start + size) by functions, as tools/symbols writes it. A record, rising: distance from
 * start (4 bytes, little endian), name, zero, number of rows; a row: distance from the row before, words
 * between the stack pointer and what is behind the return address there (0: not known). Numbers are seven
 * bits a byte, low ones first. */
struct code_map {
	uint64_t start, size;
	const uint8_t *table;
	size_t table_size;
};

/* A place in the code: its function, how far behind its beginning, and the size of the frame there. */
struct code_place {
	const char *name;		/* "?": in no function */
	uint64_t offset, frame_words;
};
struct code_place code_find(const struct code_map *c, uint64_t at);

struct backtrace_entry {
	uint64_t at;			/* a return address; that of entry 0 is where the CPU was */
	struct code_place place;
	bool is_guess;			/* the first word there that may be one: perhaps left by an earlier call */
};

/* Fill out[0..room) from @rip and the stack words [from, to), innermost first; returns how many. */
unsigned backtrace_walk(const struct code_map *c, uint64_t rip, const uint64_t *from, const uint64_t *to,
			struct backtrace_entry *out, unsigned room);
