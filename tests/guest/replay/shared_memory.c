/* The hosted world's hypercalls: memory. */
#include "tests/guest/replay/hosted.h"
#include "tests/fuzz/run_memory.c"
