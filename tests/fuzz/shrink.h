/* Make a failing list shorter and simpler, as long as it fails with a verdict of the same class. */
#pragma once
#include "tests/fuzz/supervise.h"

/* @l fails with @v; both are replaced by the smallest found within @seconds. A list that does
 * not fail when run anew stays as it is, and v->text says so. */
void shrink(struct oplist *l, bool use_model, unsigned seconds, struct verdict *v);
