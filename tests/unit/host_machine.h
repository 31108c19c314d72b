/* A modelled machine with its frame table, for hosted unit tests: include, then
 * host_machine_start(cpus, frames) in each test's set-up. All RAM but frame 0 is free. */
#pragma once
#include <stdlib.h>
#include "hv/cpu/host/host.h"
#include "hv/mem/frame.h"

static inline void host_machine_start(unsigned cpus, uint64_t frames)
{
	static struct frame *table;
	static uint64_t *m2p;

	host_reset(cpus, frames);
	free(table);
	free(m2p);
	table = aligned_alloc(64, align_up(frames * sizeof *table, 64));
	m2p = aligned_alloc(64, align_up(frames * sizeof *m2p, 64));
	if (!table || !m2p)
		abort();
	frame_table_init(table, m2p, frames);
	frame_table_add_ram(mfn(0), frames);
}
