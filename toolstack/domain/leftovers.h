/* What creations leave that are killed on the way, and how it goes. */
#pragma once
#include "toolstack/host.h"
#include "toolstack/places.h"

/* Remove it: domains and store nodes of every mark whose process is gone, then the mark; kept configurations
 * that belong to nothing any more; beginnings of unpacked kernels. A creation that is under way is left alone,
 * and whoever dies in here is followed by the next. Returns how many creations it was, or -Exxx of the first
 * that could not be removed. */
int leftovers_remove(struct host *h, const struct places *p);

/* The same before a verb looks at domains, with a warning where there was something; without a store
 * nothing. The verb goes on in any case. */
void leftovers_clear(struct cli *c, struct host *h);
