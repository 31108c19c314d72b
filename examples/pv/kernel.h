/* What a small PV kernel is to this folder, and what it finds when it begins.
 *
 * start.S and start.c come first: a stack, the console's ring, handlers for traps and events, with events disabled; then
 * kernel_main(). A kernel supplies the three functions below, and what trap.h and print.h ask for. */
#pragma once
#include "protocol/xen.h"

/* As the domain's builder left it. */
extern struct start_info *start_info;

_Noreturn void kernel_main(void);
/* Something without which no kernel goes on is not there: say so and end. */
_Noreturn void kernel_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The vCPU that calls; 0 where there is but one. */
unsigned vcpu_self(void);

/* Return what follows the word KEY or KEY= of the command line, up to the line's end; NULL: there is no such word. */
const char *option_find(const char *key);
