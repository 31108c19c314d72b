/* More vCPUs of a test kernel. A vCPU is known by its stack, which is 16 KiB and so aligned. */
#pragma once
#include <stdint.h>
#include "examples/pv/event.h"

enum { MAX_VCPUS = EVENT_VCPUS, STACK_BYTES = 16384 };

/* Return how many vCPUs the domain has, at most MAX_VCPUS. */
unsigned vcpu_count(void);

/* Start @vcpu (>= 1) in @body, which must not return, with events disabled.
 * Returns 0 or -errno of the hypercall that failed. */
long vcpu_start(unsigned vcpu, void (*body)(void));
/* The same on the page tables whose L4 is @l4. */
long vcpu_start_on(unsigned vcpu, void (*body)(void), uint64_t l4);
