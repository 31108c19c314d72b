/* The hosted replay's words. */
#include "tests/guest/replay/hosted.h"
#include "tests/fuzz/replay/trace.c"
