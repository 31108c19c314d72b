/* Distance of words: letters inserted, dropped, changed, or swapped with their neighbour ("optimal string
 * alignment"), by the usual table, of which three rows are enough.
 */
#include "toolstack/nearest.h"

#include <string.h>

enum { WORD_MAX = 31 }; /* no word of ours is longer */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	for (size_t k = 0; k <= lb; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = rows[i % 3], *up = rows[(i + 2) % 3], *two_up = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t k = 1; k <= lb; k++) {
			size_t same = a[i - 1] == b[k - 1];

			now[k] = smaller(up[k - 1] + !same, smaller(up[k], now[k - 1]) + 1);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = smaller(now[k], two_up[k - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

struct nearest nearest_to(const char *word)
{
	return (struct nearest){.word = word, .distance = (strlen(word) + 1) / 3 + 1};
}

void nearest_try(struct nearest *n, const char *known)
{
	size_t d;

	if (strlen(n->word) > WORD_MAX || strlen(known) > WORD_MAX)
		return;
	d = distance(n->word, known);
	if (d >= n->distance)
		return;
	n->distance = d;
	n->best = known;
}
