/* Parts of the hostile test kernel. */
#pragma once
#include <stdint.h>

uint64_t random_next(void);
int m2p_is_ours(uint64_t mfn);

/* If the command line has kill-NAME, do that; on return it was survived. */
void kill_test(void);
