/* Time of a small PV kernel. */
#pragma once
#include <stdint.h>

/* Return the domain's time in ns as the present vCPU's page says. */
uint64_t clock_ns(void);
/* Set the present vCPU's singleshot timer to an absolute time, flags 0. Returns 0 or -errno. */
long timer_set(uint64_t deadline_ns);
/* Sleep without events until @deadline_ns. */
void sleep_until(uint64_t deadline_ns);
