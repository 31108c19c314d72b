/* Fixed-width types, for third-party decoders in the hypervisor. */
#pragma once
#include <stdint.h>
