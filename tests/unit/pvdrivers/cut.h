/* Cutting a run of the back end short before any one store to memory that outlives it.
 *
 * What a successor finds is a prefix of the dead process's stores to shared memory, so that dying before each of them
 * in turn is dying at every instruction. The pages are made read-only: a store faults, is counted, and is let
 * through by a single step. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Watch @bytes at @pages, whole pages, from now on. At most eight such ranges. */
void cut_watch(void *pages, size_t bytes);
/* Forget all ranges. */
void cut_forget(void);
/* Call @fn, and leave it before the @nth store from now, the first being 1. False: it was left. */
bool cut_run(void (*fn)(void), uint64_t nth);
/* Another thing that lasts: counts as a store. */
void cut_point(void);
