/* The hosted world's operands. */
#include "tests/guest/replay/hosted.h"
#include "tests/fuzz/resolve.c"
