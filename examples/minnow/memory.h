/* All of the domain's memory that nothing lies in, as far as the 1 GiB that is mapped at VIRT_BASE reaches. */
#pragma once
#include "examples/minnow/pages.h"

/* Fill the empty @p: what the builder mapped, then the rest, which is mapped here. */
void memory_open(struct pages *p);
