/* The hosted world's hypercalls: events, vCPUs, domains. */
#include "tests/guest/replay/hosted.h"
#include "tests/fuzz/run_domains.c"
