/* What the example's parts ask of a kernel, for their tests. */
#pragma once

/* What was printed, since the start of the test. */
extern char printed[4096];
