/* Finding the table that maps an address. Only for hv/mem. */
#pragma once
#include "hv/mem/table.h"

/* The L1 under the usable L4 @l4 of @o that maps @va; -EINVAL if there is none. o->lock held, and
 * the answer is good as long as it is. The entry's index is below table_entries. */
int table_find_l1(struct owner *o, mfn_t l4, gva_t va, mfn_t *l1) MUST_CHECK;
