/* The pool. */
#include "tests/guest/lib/mem.h"

#include "tests/guest/lib/test.h"

enum { POOL = 256 };

static uint8_t pool[POOL][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned pool_used;

void *page_alloc(void)
{
	unsigned n = __atomic_fetch_add(&pool_used, 1, __ATOMIC_RELAXED);

	if (n >= POOL)
		test_error("no page left");
	return pool[n];
}
