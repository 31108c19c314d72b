/* Parts of the trap test kernel. */
#pragma once
#include <stdint.h>

/* The error code of a refused INT n. Where the word `oracle` is on the command line, that of the
 * emulator's fault, which the other hypervisor hands on. */
uint64_t int_error(unsigned vector);

void privileged_test(void);
void user_test(void);
