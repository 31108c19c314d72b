/* Memory of a test kernel: beside examples/pv/mem.h, a pool of pages that the builder mapped. */
#pragma once
#include "examples/pv/mem.h"

/* Return a zeroed page of the pool; test_error() when it is empty. There are 256, none is freed. */
void *page_alloc(void);
