/* "Did you mean": the known word that a mistyped one is closest to. Pure. */
#pragma once
#include <stddef.h>

struct nearest {
	const char *word; /* as typed */
	const char *best; /* NULL: nothing comes close */
	size_t distance;  /* edits from word to best; before the first, one more than are allowed */
};

/* Begin a search for @word: one edit in three letters is taken for a slip. */
struct nearest nearest_to(const char *word);

/* Offer a known word; of equally close ones the first is kept. */
void nearest_try(struct nearest *n, const char *known);
