/* Validating and tearing down tables. Only for hv/mem. */
#pragma once
#include "hv/mem/frame.h"

/* frame_type_get() for a table type when no usable count of it exists. */
int table_type_get(struct frame *f, enum frame_type t) MUST_CHECK;
/* frame_type_put() of what looked like the last count of a table. */
void table_type_put_last(struct frame *f);
