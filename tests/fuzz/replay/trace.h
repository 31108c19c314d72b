/* What a replay prints after each operation, in the same words hosted and under QEMU, so that two runs are compared
 * line by line. Frame numbers are told as roles: 2.5 is the fifth pool frame of domain slot 2.
 *     R index kind who rc=.. status=.. done=.. value=..
 *     S index hash of the state: types, pins, contents of tables, pseudo-physical numbers
 *     F, E: the state itself: frames, entries; D: words of frames that are no tables, which are not part of the hash
 * The caller supplies the last three functions. */
#pragma once
#include "tests/fuzz/world.h"

void trace_outcome(unsigned i, const struct act *a, const struct outcome *o);
void trace_state(unsigned i, bool whole);

struct trace_frame { unsigned level; bool pinned; };	/* level 0: no table */
struct trace_frame trace_frame_of(unsigned slot, uint64_t m);
uint64_t trace_pfn_of(uint64_t m);			/* by the machine-to-physical table */
void trace_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
