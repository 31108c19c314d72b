/* What the fuzz targets share: taking operands from the input, and stating properties.
 *
 * A target is a pure function of its input's bytes. libFuzzer hands them over in a heap block of
 * exactly their size, so that AddressSanitizer sees a read of one byte too many. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many states of its rings a back end has met; the targets of back ends define and count it, for tests/fuzz/mutate. */
extern uint64_t fuzz_states;

/* A property that must hold whatever the input; else the input is a crasher. */
#define HOLDS(x) \
	do { \
		if (!(x)) \
			property_broken(__FILE__, __LINE__, #x); \
	} while (0)

static inline _Noreturn void property_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

struct input {
	const uint8_t *at, *end;
};

static inline size_t input_left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

/* The next @n <= 8 bytes as a little-endian number; bytes past the end count as 0. */
static inline uint64_t take(struct input *in, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n && in->at < in->end; i++)
		v |= (uint64_t)*in->at++ << 8 * i;
	return v;
}

/* The next *n bytes, fewer at the end: *n tells. */
static inline const uint8_t *take_bytes(struct input *in, size_t *n)
{
	const uint8_t *p = in->at;

	if (*n > input_left(in))
		*n = input_left(in);
	in->at += *n;
	return p;
}

/* The rest as a string, in a block of its own that ends with it: to be freed. */
static inline char *take_text(struct input *in)
{
	size_t n = input_left(in);
	char *text = calloc(1, n + 1);

	HOLDS(text);
	if (n)
		memcpy(text, take_bytes(in, &n), n);
	return text;
}
