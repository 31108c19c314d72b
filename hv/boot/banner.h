/* What the log says of the machine at start-up. Layer: boot. */
#pragma once
#include "hv/mem/machine_map.h"

/* The boot CPU: model, clock, features with what is off and why, flaws, which are decided here. */
void banner_cpu(void);
/* The firmware's memory map in short. */
void banner_memory(const struct machine *m);
