/* Parts of the pair test kernel. */
#pragma once
#include <stdint.h>
#include "protocol/xen.h"

#define MS 1000000ul

/* The page of reference 8. */
struct shared {
	uint32_t phase;
	uint8_t data[2048];
};

extern domid_t peer;
extern struct shared *ours, *theirs;
extern uint8_t *ours_ro;

/* Say that we reached @phase and wait until the peer did. */
void phase_meet(uint32_t phase);

void refusals_test(void);
