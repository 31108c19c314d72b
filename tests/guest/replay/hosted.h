/* How the replay kernel is the hosted world to the code it shares with it: the window lies where the kernel has it.
 * Included before each shared file. */
#pragma once
#include "tests/fuzz/fuzz_world.h"
#include "tests/fuzz/replay/trace.h"
#undef WINDOW_VA
#define WINDOW_VA replay_window_va
extern uint64_t replay_window_va;	/* of the vCPU whose arguments are being made */
