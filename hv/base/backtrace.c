/* Backtraces without frame pointers, which would cost every hypercall a twentieth: the sizes of stack frames
 * are known from the debug information.
 *
 * Where a size is not known (assembly) or leads to what is no code, the next word that lies in a function is
 * taken, and marked. Every step takes at least one word, so that any stack ends.
 * Neighbours: hv/core/panic.c, which prints; tools/symbols, which writes the table. */
#include "hv/base/backtrace.h"
#include "hv/base/string.h"

/* The number at *p, which moves behind it; 0 at the end of the table. */
static uint64_t number_read(const uint8_t **p, const uint8_t *end)
{
	uint64_t n = 0;
	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;
		n |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			break;
	}
	return n;
}

struct code_place code_find(const struct code_map *c, uint64_t at)
{
	const uint8_t *p = c->table, *end = p + c->table_size, *zero;
	struct code_place found = { .name = "?" };
	while (at - c->start < c->size && end - p > 4 && (zero = memchr(p + 4, 0, (size_t)(end - p - 4)))) {
		uint32_t start;
		memcpy(&start, p, sizeof start);
		if (start > at - c->start)
			break;
		found = (struct code_place){ .name = (const char *)p + 4, .offset = at - c->start - start };
		p = zero + 1;
		uint64_t from = 0;
		for (uint64_t rows = number_read(&p, end); rows > 0 && p < end; rows--) {
			from += number_read(&p, end);
			uint64_t words = number_read(&p, end);
			if (from <= found.offset)
				found.frame_words = words;
		}
	}
	return found;
}

unsigned backtrace_walk(const struct code_map *c, uint64_t rip, const uint64_t *from, const uint64_t *to,
			struct backtrace_entry *out, unsigned room)
{
	unsigned n = 1;
	out[0] = (struct backtrace_entry){ .at = rip, .place = code_find(c, rip) };
	uint64_t words = out[0].place.frame_words;
	while (from < to && n < room) {
		bool is_guess = words == 0 || words > (uint64_t)(to - from);
		from += is_guess ? 1 : words;
		/* One less: a call that does not return may be the function's last instruction. */
		struct backtrace_entry e = { .at = from[-1], .place = code_find(c, from[-1] - 1), .is_guess = is_guess };
		e.place.offset++;
		words = e.place.frame_words;
		if (e.place.name[0] != '?' && (words || !is_guess))
			out[n++] = e;
	}
	return n;
}
